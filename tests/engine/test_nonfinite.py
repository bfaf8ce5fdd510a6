"""NaN and infinity in a float source: how far they reach, and what integers make of them."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.engine.execute import run
from sepfilter.engine.mapping import Losses
from sepfilter.engine.planning import make_plan
from sepfilter.geometry import ImageSpec

Run = Callable[..., tuple[npt.NDArray[Any], Any]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_a_bad_sample_stays_within_the_kernels_rectangle(
    reference: ModuleType, filtered: Run, bad: float, data: st.DataObject
) -> None:
    """Samples whose rectangle of taps does not touch it are the same, bit for bit, without it."""
    case = data.draw(reference.float_cases())
    image = data.draw(reference.images("float32"))
    method = data.draw(st.sampled_from(["direct", "separable"]))
    how = {"anchor": case.anchor, "border": case.border, "method": method}
    clean, _ = filtered(image, case.taps, **how)
    mark = np.zeros(image.shape)
    at = tuple(data.draw(st.integers(0, side - 1)) for side in image.shape)
    image[at], mark[at] = bad, 1
    with np.errstate(invalid="ignore"):  # infinities of both signs may meet
        result, _ = filtered(image, case.taps, **how)
    reached = reference.correlate(
        mark, np.ones(case.taps.shape), anchor=case.anchor, border=case.border
    ).astype(bool)
    np.testing.assert_array_equal(result[~reached], clean[~reached])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("kernel", ["box:3", "sobel", "gaussian:0.6"])
def test_a_bad_sample_is_not_swept_under_the_rug(filtered: Run, bad: float, kernel: str) -> None:
    """Within the rectangle a bad sample makes the result NaN or infinite, as arithmetic has it."""
    image = np.zeros((7, 7), np.float32)
    image[3, 3] = bad
    result, _ = filtered(image, kernel)
    assert not np.isfinite(result[2, 2])
    assert not np.isfinite(result[4, 4])


def test_integers_take_nan_for_zero_and_infinities_saturate() -> None:
    """An integer file holds 0 for NaN, its limits for infinities, and all are counted."""
    image = np.array([[np.nan, np.inf, -np.inf, 300.0, -4.0, 7.0]], np.float32)
    plan = make_plan([[2.0]], ImageSpec.of(image), dtype="uint8")
    made = run(plan, image)
    assert made.pixels.tolist() == [[0, 255, 0, 255, 0, 14]]
    assert made.losses == Losses(clipped_low=2, clipped_high=2, nonfinite=3)


def test_floats_keep_nan_and_infinities_and_count_them() -> None:
    """A float file holds them as they are, and they are counted too."""
    image = np.array([[np.nan, np.inf, -np.inf, 1.0]], np.float32)
    made = run(make_plan([[2.0]], ImageSpec.of(image)), image)
    np.testing.assert_array_equal(made.pixels, [[np.nan, np.inf, -np.inf, 2.0]])
    assert made.losses == Losses(nonfinite=3)


def test_stretch_spreads_the_finite_samples() -> None:
    """Infinities and NaN do not take part in finding the limits."""
    image = np.array([[1.0, 2.0, 3.0, np.inf, np.nan]])
    made = run(make_plan([[1.0, 0.0]], ImageSpec.of(image), output_range="stretch", dtype="uint8"), image)
    assert made.pixels.tolist()[0][1:4] == [0, 128, 255]
    assert made.losses.nonfinite > 0
