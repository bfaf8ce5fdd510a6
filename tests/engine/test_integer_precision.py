"""Precision exact against arithmetic of whole numbers and fractions."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.kernels.exact import ExactTaps
from sepfilter.kernels.kernel import DenseTaps, Kernel

TYPES = ("uint8", "uint16", "int16")
SMALL = settings(max_examples=25, deadline=None)
Run = Callable[..., tuple[npt.NDArray[Any], Any]]


def rational_kernel(rows: list[list[Fraction]], anchor: tuple[int, int]) -> Kernel:
    """A kernel of these fractions, as the notation `1/3 2/3` gives."""
    values = np.array([[float(tap) for tap in row] for row in rows])
    values.flags.writeable = False
    return Kernel("fractions", DenseTaps(values, ExactTaps.of(rows)), anchor)


@pytest.mark.parametrize("method", ["auto", "direct"])
@pytest.mark.parametrize("dtype", TYPES)
@given(data=st.data())
@SMALL
def test_integer_kernels_equal_integer_arithmetic(
    reference: ModuleType, filtered: Run, dtype: str, method: str, data: st.DataObject
) -> None:
    """Integer kernels give the sum of whole numbers, saturated."""
    case = data.draw(reference.integer_cases())
    image = data.draw(reference.images(dtype))
    result, plan = filtered(
        image, case.taps, anchor=case.anchor, border=case.option, method=method, precision="exact"
    )
    assert plan.arithmetic_bound == 0
    total = reference.correlate(
        image.astype(object), case.taps, anchor=case.anchor, border=case.border, value=case.value
    )
    np.testing.assert_array_equal(result, reference.rounded(total, dtype))


@pytest.mark.parametrize("denominators", [(2, 4, 16), (2, 3, 5, 12)], ids=["powers of two", "any"])
@pytest.mark.parametrize("dtype", TYPES)
@given(data=st.data())
@SMALL
def test_rational_kernels_equal_exact_fractions_rounded_half_to_even(
    reference: ModuleType, filtered: Run, dtype: str, denominators: tuple[int, ...], data: st.DataObject
) -> None:
    """Fractions give the exact quotient, ties to the even neighbour."""
    sides = st.tuples(st.integers(1, 3), st.integers(1, 3))
    height, width = data.draw(sides)
    fraction = st.builds(Fraction, st.integers(-6, 9), st.sampled_from(denominators))
    rows = [[data.draw(fraction) for _ in range(width)] for _ in range(height)]
    kernel = rational_kernel(rows, (height // 2, width // 2))
    image = data.draw(reference.images(dtype, largest=5))
    method = data.draw(st.sampled_from(["auto", "direct"]))
    result, _ = filtered(image, kernel, method=method, precision="exact")
    total = reference.correlate(image.astype(object), reference.exactly(rows))
    np.testing.assert_array_equal(result, reference.rounded(total, dtype))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    ("name", "column", "divisor"),
    [("box:3", [1, 1, 1], 3), ("binomial:5", [1, 4, 6, 4, 1], 16), ("box:2", [1, 1], 2)],
)
def test_presets_are_rounded_as_their_fractions(
    reference: ModuleType, filtered: Run, dtype: str, name: str, column: list[int], divisor: int
) -> None:
    """A mean is the exact quotient, rounded half to even."""
    info = np.iinfo(dtype)
    image = np.random.default_rng(10).integers(info.min, info.max, (12, 13), dtype=dtype, endpoint=True)
    result, plan = filtered(image, name, precision="exact")
    assert plan.precision == "exact"
    taps = np.outer(column, column).astype(object)
    total = reference.correlate(image.astype(object), taps) * Fraction(1, divisor**2)
    np.testing.assert_array_equal(result, reference.rounded(total, dtype))


def test_sums_beyond_what_float32_holds_are_exact(reference: ModuleType, filtered: Run) -> None:
    """Ten thousand 16-bit pixels under taps of 4096 parts, where float32 would miss many a tie."""
    image = np.random.default_rng(42).integers(0, 65536, (100, 100)).astype(np.uint16)
    result, plan = filtered(image, "binomial:7")
    assert plan.precision == "exact"
    column = np.array([1, 6, 15, 20, 15, 6, 1])
    total = reference.correlate(image.astype(np.int64), np.outer(column, column))
    quotient, rest = np.divmod(total, 4096)
    up = (rest > 2048) | ((rest == 2048) & (quotient % 2 == 1))
    np.testing.assert_array_equal(result, quotient + up)


@given(data=st.data())
@SMALL
def test_separable_terms_of_any_rank_equal_integer_arithmetic(
    reference: ModuleType, filtered: Run, data: st.DataObject
) -> None:
    """The exact factors of a kernel of whatever rank add up to the exact result."""
    case = data.draw(reference.integer_cases(largest=4, bound=4))
    image = data.draw(reference.images("uint8"))
    result, _ = filtered(image, case.taps, anchor=case.anchor, border=case.option, method="separable")
    total = reference.correlate(
        image.astype(object), case.taps, anchor=case.anchor, border=case.border, value=case.value
    )
    np.testing.assert_array_equal(result, reference.rounded(total, "uint8"))


@pytest.mark.parametrize(("dtype", "magnitude"), [("uint32", 2**32 - 1), ("int32", 2**31 - 1)])
def test_wide_integers_are_summed_exactly(
    reference: ModuleType, filtered: Run, dtype: str, magnitude: int
) -> None:
    """32-bit samples, which float32 cannot hold, lose nothing either."""
    image = np.random.default_rng(11).integers(magnitude // 2, magnitude, (6, 7)).astype(dtype)
    taps = np.array([[1, -2, 1], [3, -5, 2], [0, 2, -1]])
    result, _ = filtered(image, taps)
    total = reference.correlate(image.astype(object), taps)
    np.testing.assert_array_equal(result, reference.rounded(total, dtype))


@pytest.mark.parametrize("power", [-3, -1, 0, 2])
def test_a_scale_that_is_a_power_of_two_stays_exact(reference: ModuleType, filtered: Run, power: int) -> None:
    """Scale by a power of two and a whole offset are part of the one exact rounding."""
    image = np.random.default_rng(12).integers(0, 256, (8, 9)).astype(np.uint8)
    taps = np.array([[1, 0, -1], [2, 1, -2], [1, 0, -1]])
    result, plan = filtered(image, taps, scale=2.0**power, offset=17)
    assert plan.precision == "exact"
    total = reference.correlate(image.astype(object), taps) * Fraction(2) ** power + 17
    np.testing.assert_array_equal(result, reference.rounded(total, "uint8"))


@given(data=st.data())
@SMALL
def test_an_integer_cascade_equals_integer_arithmetic(
    reference: ModuleType, filtered: Run, data: st.DataObject
) -> None:
    """Whole numbers go from kernel to kernel; the constant stands around each of them anew."""
    first = data.draw(reference.integer_cases(largest=3))
    second = data.draw(reference.integer_cases(largest=3))
    image = data.draw(reference.images("uint8"))
    kernels = [Kernel.from_taps(first.taps), Kernel.from_taps(second.taps)]
    result, _ = filtered(image, kernels, border=first.option, precision="exact", dtype="int16")
    total = image.astype(object)
    for case in (first, second):
        total = reference.correlate(total, case.taps, border=first.border, value=first.value)
    np.testing.assert_array_equal(result, reference.rounded(total, "int16"))


@pytest.mark.parametrize("border", ["reflect", "mirror", "nearest", "wrap"])
@given(data=st.data())
@SMALL
def test_a_flat_area_under_a_zero_sum_kernel_is_exactly_zero(
    reference: ModuleType, filtered: Run, border: str, data: st.DataObject
) -> None:
    """Integer taps of sum 0 make 0 of a flat image, not a rounding error.

    Only separable terms that were forced on a kernel without factors of manageable integers may leave
    what their plan promises; rounded that is 0 as well.
    """
    case = data.draw(reference.integer_cases())
    taps = case.taps.copy()
    taps[0, 0] -= taps.sum()
    dtype = data.draw(st.sampled_from(TYPES))
    value = data.draw(st.integers(int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)))
    method = data.draw(st.sampled_from(["auto", "direct", "separable"]))
    image = np.full((4, 5), value, dtype)
    result, plan = filtered(image, taps, anchor=case.anchor, border=border, method=method, dtype="float32")
    if plan.precision == "exact" or method != "separable":
        np.testing.assert_array_equal(result, np.zeros((4, 5)))
    else:
        assert np.abs(result).max() <= plan.arithmetic_bound < 0.5
