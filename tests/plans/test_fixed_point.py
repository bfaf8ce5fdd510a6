"""Taps as 16-bit fractions, held against exact fractions and the arithmetic written out in integers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.engine.planning import make_plan
from sepfilter.geometry import ImageSpec
from sepfilter.plans.arithmetic import Extent
from sepfilter.plans.fixed_point import fractions
from sepfilter.plans.passes import DirectPass, SeparablePass
from sepfilter.plans.precision import OutOfReachError

BYTES = Extent(0.0, 255.0)
WEIGHTS = st.lists(st.integers(0, 1000), min_size=1, max_size=9).filter(any)
SMALL = settings(max_examples=60, deadline=None)


def smoothing(weights: list[int]) -> np.ndarray:
    """Taps whose sum is 1."""
    return np.array(weights) / sum(weights)


def high_halves(values: list[int], taps: np.ndarray) -> int:
    """The sum of floor(value * tap / 65536), in Python's integers."""
    return sum(value * int(tap) >> 16 for value, tap in zip(values, taps, strict=True))


@SMALL
@given(WEIGHTS, WEIGHTS, st.data())
def test_separable_sums_stay_within_the_bound(
    down: list[int], across: list[int], data: st.DataObject
) -> None:
    """Whatever the image, two passes of high halves err by no more than is said."""
    column, row = smoothing(down), smoothing(across)
    one, bound = fractions(SeparablePass(column[np.newaxis], row[np.newaxis]), BYTES)
    assert isinstance(one, SeparablePass)
    image = data.draw(
        st.lists(
            st.lists(st.sampled_from([0, 1, 128, 254, 255]), min_size=len(down), max_size=len(down)),
            min_size=len(across),
            max_size=len(across),
        )
    )
    sums = [high_halves([256 * value for value in line], one.columns[0]) for line in image]
    total = high_halves(sums, one.rows[0])
    assert max(*sums, total) + one.correction < 65536
    true = sum(
        Fraction(x) * Fraction(y) * value
        for x, line in zip(row, image, strict=True)
        for y, value in zip(column, line, strict=True)
    )
    made = (total + Fraction(one.correction)) / Fraction(one.denominator)
    assert abs(made - true) <= bound


@SMALL
@given(WEIGHTS, st.data())
def test_direct_sums_stay_within_the_bound(weights: list[int], data: st.DataObject) -> None:
    """Whatever the image, one pass of high halves errs by no more than is said."""
    taps = smoothing(weights)
    one, bound = fractions(DirectPass(taps[np.newaxis]), BYTES)
    assert isinstance(one, DirectPass)
    image = data.draw(st.lists(st.integers(0, 255), min_size=len(taps), max_size=len(taps)))
    made = Fraction(high_halves([256 * value for value in image], one.taps[0]) + one.correction) / 256
    assert abs(made - sum(Fraction(tap) * value for tap, value in zip(taps, image, strict=True))) <= bound


@pytest.mark.parametrize(("length", "at_most"), [(3, 0.02), (5, 0.03), (7, 0.04), (9, 0.05)])
def test_the_bound_grows_with_the_products(length: int, at_most: float) -> None:
    """Half of a 256th of a level for each of them, and what rounding the taps adds."""
    taps = np.exp(-(np.linspace(-3, 3, length) ** 2) / 2)[np.newaxis]
    _, bound = fractions(SeparablePass(taps / taps.sum(), taps / taps.sum()), BYTES)
    assert length / 256 < bound < at_most


@pytest.mark.parametrize(
    ("taps", "extent", "why"),
    [
        ([[0.5, -0.1, 0.5]], BYTES, "negative"),
        ([[0.8, 0.8]], BYTES, "sum"),
        ([[0.0, 0.0]], BYTES, "sum"),
        ([[0.5, 0.5]], Extent(-128.0, 127.0), "16 bits"),
        ([[0.5, 0.5]], Extent(0.0, 300.0), "16 bits"),
    ],
)
def test_what_does_not_fit_is_refused(taps: list[list[float]], extent: Extent, why: str) -> None:
    """Other arithmetic is for negative taps, gains above 1, and samples that are no bytes."""
    with pytest.raises(OutOfReachError, match=why):
        fractions(DirectPass(np.array(taps)), extent)


def test_several_terms_are_refused() -> None:
    """A sum of terms has negative taps in one of them."""
    with pytest.raises(OutOfReachError, match="several"):
        fractions(SeparablePass(np.ones((2, 3)) / 6, np.ones((2, 3)) / 3), BYTES)


@pytest.mark.parametrize(("kernel", "accumulator"), [("gaussian:1", "uint16"), ("gaussian:3", "int32")])
def test_short_smoothing_kernels_are_planned_so(kernel: str, accumulator: str) -> None:
    """Where the bound allows it, and only there."""
    plan = make_plan(kernel, ImageSpec(9, 9, 1, "uint8"))
    assert (plan.precision, plan.accumulator) == ("fast", accumulator)
    assert plan.arithmetic_bound < 0.1


def test_fast_takes_the_accumulator_that_keeps_the_promise() -> None:
    """A scale that makes errors larger leaves short fractions for 32 bits."""
    plan = make_plan("gaussian:1", ImageSpec(9, 9, 1, "uint8"), precision="fast", scale=8.0)
    assert plan.accumulator == "int32"
