"""Rows that are enough: a window that slides down an image gives what the whole image gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.engine import filtering
from sepfilter.engine.execute import execute
from sepfilter.engine.filtering import Filtering, plan_strips
from sepfilter.engine.held import HeldRows
from sepfilter.engine.planning import make_plan
from sepfilter.engine.reach import columns_behind, rows_behind
from sepfilter.geometry import ImageSpec
from sepfilter.kernels.kernel import Kernel
from sepfilter.plans.plan import Plan

Samples = npt.NDArray[Any]


def picture(height: int, width: int, channels: int, dtype: str = "uint8") -> Samples:
    """Random samples."""
    values = np.random.default_rng(height * width).integers(0, 256, (height, width, channels))
    return values.astype(dtype)


def only_these(pixels: Samples, first: int, last: int) -> HeldRows:
    """Some rows of an image, as if nothing else were in memory."""
    return HeldRows(pixels[first:last].copy(), len(pixels), first)


def row_by_row(plan: Plan, pixels: Samples, rows: int) -> Samples:
    """The result, so many rows at a time, each from the rows behind it alone."""
    parts = []
    for first in range(0, plan.output_spec.height, rows):
        last = min(first + rows, plan.output_spec.height)
        out = np.empty((last - first, plan.output_spec.width, plan.output_spec.channels), plan.output.dtype)
        held = only_these(pixels, *rows_behind(plan, first, last))
        Filtering.of(plan, held, 1).write([(first, last)], out)
        parts.append(out)
    return np.concatenate(parts)


@pytest.mark.parametrize("border", ["reflect", "mirror", "nearest", "wrap", "constant:7"])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize(
    "kernel", ["box:5", "sobel", ["gaussian:1", "laplacian"], "log:1.5", "identity"], ids=str
)
def test_the_rows_behind_are_enough(kernel: Any, alpha: bool, padding: str, border: str) -> None:
    """Every few rows of a result come out of those rows as out of the whole image."""
    pixels = picture(43, 21, 4 if alpha else 3)
    spec = ImageSpec.of(pixels, alpha=alpha)
    plan = make_plan(kernel, spec, border=border, padding=padding)
    assert np.array_equal(row_by_row(plan, pixels, 6), execute(plan, pixels))


@pytest.mark.parametrize("method", ["direct", "separable", "fft"])
def test_they_are_enough_for_every_method(method: str) -> None:
    """Blocks of transforms too, which begin above the rows that are asked for."""
    pixels = picture(300, 40, 1, "float32")
    plan = make_plan("gaussian:3", ImageSpec.of(pixels), method=method)
    assert np.array_equal(row_by_row(plan, pixels, 70), execute(plan, pixels))


def test_a_coarse_grid_wants_the_whole_image() -> None:
    """It is worked out from all samples."""
    plan = make_plan("gaussian:60", ImageSpec(900, 900, 3, "uint8"), max_error=0.5)
    assert plan.method == "coarse"
    assert rows_behind(plan, 400, 410) == (0, 900)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_an_anchor_anywhere_and_an_image_smaller_than_the_kernel(data: st.DataObject) -> None:
    """What is mirrored in may lie further away than the kernel reaches."""
    taps = data.draw(st.integers(1, 9))
    anchor = (data.draw(st.integers(0, taps - 1)), 0)
    height = data.draw(st.integers(1, 12))
    border = data.draw(st.sampled_from(["reflect", "mirror", "nearest", "wrap", "constant:3"]))
    kernel = replace(Kernel.from_taps(np.arange(1, taps + 1)[:, np.newaxis]), anchor=anchor)
    pixels = picture(height, 3, 1)
    plan = make_plan(kernel, ImageSpec.of(pixels), border=border)
    rows = data.draw(st.integers(1, 5))
    assert np.array_equal(row_by_row(plan, pixels, rows), execute(plan, pixels))


@pytest.mark.parametrize("border", ["reflect", "constant:9"])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_the_columns_behind_are_enough(padding: str, border: str) -> None:
    """A part of an image, cut out with what lies behind it, has the same result."""
    pixels = picture(20, 60, 3)
    options = {"border": border, "padding": padding}
    plan = make_plan(["gaussian:1", "sobel-x"], ImageSpec.of(pixels), **options)
    whole = execute(plan, pixels)
    for first, last in ((0, 4), (13, 20), (whole.shape[1] - 5, whole.shape[1])):
        left, right = columns_behind(plan, first, last)
        part = pixels[:, left:right]
        found = execute(make_plan(["gaussian:1", "sobel-x"], ImageSpec.of(part), **options), part)
        assert np.array_equal(found[:, first - left : last - left], whole[:, first:last])


def test_held_rows_slide_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are let go of above, taken below, and the result is that of the whole image."""
    monkeypatch.setattr(filtering, "STRIP_SAMPLES", 1)
    monkeypatch.setattr(filtering, "IN_PLACE_FACTOR", 1)
    pixels = picture(90, 8, 2, "float16")
    plan = make_plan("gaussian:1", ImageSpec.of(pixels))
    held = HeldRows(pixels[:0], len(pixels))
    out, work = np.empty_like(pixels), None
    for first, last in plan_strips(plan):
        top, bottom = rows_behind(plan, first, last)
        held.slide(top, pixels[held.bottom : bottom])
        assert (held.top, held.bottom) == (top, bottom)
        work = work or Filtering.of(plan, held, 1)
        work.write([(first, last)], out[first:last])
    assert len(plan_strips(plan)) == 3
    assert np.array_equal(out, execute(plan, pixels))
