"""Approximations: the worst-case bound holds, and is attained."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sepfilter.kernels.factorization import factorize
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.presets import named_kernel

SMALL = settings(max_examples=25, deadline=None)
LEVELS = {"uint8": (0, 255), "uint16": (0, 65535), "int16": (-32768, 32767)}
UNROUNDED = {"precision": "double", "output_range": "float"}

Array = npt.NDArray[Any]
Run = Callable[..., tuple[Array, Any]]


def truncated(taps: Array, rank: int) -> Array:
    """The taps of the terms that are kept."""
    kept = factorize(Kernel.from_taps(taps), rank=rank)
    return kept.columns.T @ kept.rows


@pytest.mark.parametrize("dtype", LEVELS)
@given(data=st.data())
@SMALL
def test_the_error_stays_within_its_bound(
    reference: ModuleType, filtered: Run, dtype: str, data: st.DataObject
) -> None:
    """On random images no sample is further from the exact result than `error_bound`."""
    case = data.draw(reference.float_cases(scale=4.0))
    image = data.draw(reference.images(dtype))
    rank = data.draw(st.integers(0, 4))
    border = "wrap" if case.border == "constant" else case.border
    result, plan = filtered(image, case.taps, anchor=case.anchor, border=border, rank=rank, **UNROUNDED)
    true = reference.correlate(image.astype(np.float64), case.taps, anchor=case.anchor, border=border)
    assert np.abs(result - true).max() <= plan.error_bound + plan.arithmetic_bound + 1e-9


@pytest.mark.parametrize("dtype", LEVELS)
@given(data=st.data())
@SMALL
def test_the_bound_is_attained(reference: ModuleType, filtered: Run, dtype: str, data: st.DataObject) -> None:
    """The image that is white where the lost taps have one sign, black elsewhere, errs by the bound."""
    taps = data.draw(reference.float_cases(scale=4.0)).taps
    rank = data.draw(st.integers(0, min(taps.shape) - 1))
    lost = taps - truncated(taps, rank)
    assume(np.abs(lost).sum() > 1e-6)
    errors = []
    for sign in (1, -1):
        image = reference.extreme_image(sign * lost, dtype)
        result, plan = filtered(image, taps, rank=rank, **UNROUNDED)
        true = reference.correlate(image.astype(np.float64), taps)
        middle = tuple(2 + side // 2 for side in taps.shape)
        errors.append(abs(result[middle] - true[middle]))
    assert max(errors) == pytest.approx(plan.error_bound, rel=1e-6)


def test_a_constant_beyond_the_range_widens_the_bound(filtered: Run) -> None:
    """A border value that no sample can have makes a larger error possible, and the bound says so."""
    image = np.zeros((1, 1), np.uint8)
    taps = np.array([[1.0, 0.0], [0.0, 2.0]])  # all but the last tap lie on the border
    result, plan = filtered(image, taps, rank=1, border="constant:1000", **UNROUNDED)
    lost = taps - truncated(taps, 1)
    assert plan.error_bound == pytest.approx(1000 * lost[lost > 0].sum())
    assert result.item() == pytest.approx(1000 * truncated(taps, 1).ravel()[:3].sum())
    assert abs(result.item() - 1000) <= plan.error_bound


@pytest.mark.parametrize("name", ["disk:3", "motion:7,30", "log:1", "emboss"])
@pytest.mark.parametrize("allowed", [0.5, 5.0, 50.0])
def test_max_error_is_kept(reference: ModuleType, filtered: Run, name: str, allowed: float) -> None:
    """Whatever rank is chosen, no sample errs by more than was allowed."""
    kernel = named_kernel(name)
    assert isinstance(kernel, Kernel)
    noise = np.random.default_rng(18)
    for image in (
        noise.integers(0, 256, (20, 20)).astype(np.uint8),
        reference.extreme_image(kernel.taps, "uint8"),
    ):
        result, plan = filtered(image, kernel, max_error=allowed, **UNROUNDED)
        true = reference.correlate(image.astype(np.float64), kernel.taps)
        assert plan.error_bound <= allowed
        assert np.abs(result - true).max() <= allowed + 1e-6


@given(data=st.data())
@SMALL
def test_a_cascade_keeps_the_bound_of_its_stages_together(
    reference: ModuleType, filtered: Run, data: st.DataObject
) -> None:
    """Errors of the first kernel, grown by the second, and its own are part of the bound."""
    cases = [data.draw(reference.float_cases(largest=4, scale=2.0)) for _ in range(2)]
    image = data.draw(reference.images("uint8"))
    kernels = [Kernel.from_taps(case.taps) for case in cases]
    result, plan = filtered(image, kernels, rank=1, **UNROUNDED)
    true = image.astype(np.float64)
    for case in cases:
        true = reference.correlate(true, case.taps)
    assert np.abs(result - true).max() <= plan.error_bound + 1e-9


@given(data=st.data())
@SMALL
def test_a_magnitude_keeps_the_bound_of_its_derivatives_together(
    reference: ModuleType, filtered: Run, data: st.DataObject
) -> None:
    """The error of a gradient of two approximations is at most the root of the squared bounds."""
    image = data.draw(reference.images("uint8"))
    roberts = named_kernel("roberts")
    result, plan = filtered(image, roberts, rank=1, **UNROUNDED)
    parts = [reference.correlate(image.astype(np.float64), part.taps) for part in roberts.components]
    assert plan.error_bound == pytest.approx(np.hypot(255, 255))
    assert np.abs(result - np.hypot(*parts)).max() <= plan.error_bound + 1e-9


def test_the_full_rank_is_no_approximation(reference: ModuleType, filtered: Run) -> None:
    """A rank that the kernel does not exceed changes nothing, and promises no error."""
    image = np.random.default_rng(19).integers(0, 256, (9, 9)).astype(np.uint8)
    taps = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    result, plan = filtered(image, taps, rank=3)
    assert plan.error_bound == 0
    true = reference.correlate(image.astype(object), taps)
    np.testing.assert_array_equal(result, reference.rounded(true, "uint8"))
