"""Every method gives what the direct sum does, within the promise."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

Array = npt.NDArray[Any]
Run = Callable[..., tuple[Array, Any]]
METHODS = ("auto", "direct", "separable", "fft")
SMALL = settings(max_examples=20, deadline=None)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
@given(data=st.data())
@SMALL
def test_integer_samples_differ_only_at_ties(
    reference: ModuleType, filtered: Run, dtype: str, data: st.DataObject
) -> None:
    """A sample may differ from the rounded float64 sum only where that lies within the bound of a tie."""
    case = data.draw(reference.float_cases(scale=1.0))
    image = data.draw(reference.images(dtype))
    options = {"anchor": case.anchor, "border": case.border}
    true = reference.correlate(image.astype(np.float64), case.taps, **options)
    limits = np.iinfo(dtype)
    rounded = np.clip(np.rint(true), limits.min, limits.max).astype(dtype)
    for method in METHODS:
        result, plan = filtered(image, case.taps, method=method, **options)
        assert method == "auto" or plan.method in (method, "copy")
        off = reference.distance_from_tie(true)[result != rounded]
        assert (off <= plan.arithmetic_bound + 1e-9).all(), (method, plan.precision)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(data=st.data())
@SMALL
def test_float_samples_differ_by_the_bound_at_most(
    reference: ModuleType, filtered: Run, dtype: str, data: st.DataObject
) -> None:
    """Unrounded results are within the arithmetic bound of each other, for samples up to white."""
    case = data.draw(reference.float_cases(scale=1.0))
    image = data.draw(reference.images(dtype))
    options = {"anchor": case.anchor, "border": case.border, "levels": max(float(np.abs(image).max()), 1e-3)}
    true = reference.correlate(image.astype(np.float64), case.taps, anchor=case.anchor, border=case.border)
    for method in METHODS:
        result, plan = filtered(image, case.taps, method=method, **options)
        assert np.abs(result - true).max() <= plan.arithmetic_bound, (method, plan.precision)


@given(data=st.data())
@SMALL
def test_whole_numbers_are_exact_by_every_method(
    reference: ModuleType, filtered: Run, data: st.DataObject
) -> None:
    """Integer taps on integer samples: the same integers, bit for bit."""
    taps = data.draw(reference.float_cases(scale=9.0)).taps.round()
    image = data.draw(reference.images("uint8"))
    results = [
        filtered(image, taps, method=method, dtype="int32", precision="exact")[0] for method in METHODS
    ]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
