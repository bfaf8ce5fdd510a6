"""The SciPy passes on a block with its context, against the naive sum."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.engine.scipy_engine import run_pass
from sepfilter.plans.passes import DirectPass, SeparablePass

SMALL = settings(max_examples=40, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)
SIDES = st.integers(1, 6)


@given(seed=SEEDS, height=SIDES, width=SIDES, channels=st.integers(1, 4))
@SMALL
def test_a_direct_pass_is_the_naive_sum(
    reference: ModuleType, seed: int, height: int, width: int, channels: int
) -> None:
    """Every output sample is the sum of taps times the samples under them, without any flip."""
    noise = np.random.default_rng(seed)
    block = noise.normal(size=(height + 4, width + 3, channels))
    taps = noise.normal(size=(height, width))
    expected = reference.correlate(block, taps, padding="valid")
    np.testing.assert_allclose(run_pass(DirectPass(taps), block), expected, atol=1e-13)


@given(seed=SEEDS, height=SIDES, width=SIDES, terms=st.integers(1, 4))
@SMALL
def test_a_separable_pass_is_the_sum_of_its_outer_products(
    reference: ModuleType, seed: int, height: int, width: int, terms: int
) -> None:
    """R terms give what one direct pass with the sum of their outer products gives."""
    noise = np.random.default_rng(seed)
    block = noise.normal(size=(height + 3, width + 4, 2))
    columns, rows = noise.normal(size=(terms, height)), noise.normal(size=(terms, width))
    expected = reference.correlate(block, columns.T @ rows, padding="valid")
    np.testing.assert_allclose(run_pass(SeparablePass(columns, rows), block), expected, atol=1e-12)


def test_no_terms_give_zeros() -> None:
    """A separable pass of rank 0 makes zeros of the right size."""
    nothing = SeparablePass(np.zeros((0, 3)), np.zeros((0, 2)))
    result = run_pass(nothing, np.ones((6, 6, 1), np.float32))
    np.testing.assert_array_equal(result, np.zeros((4, 5, 1), np.float32))


@pytest.mark.parametrize(
    "one",
    [DirectPass(np.array([[1.0, 2, 1]]), 4), SeparablePass(np.array([[1.0]]), np.array([[1.0, 2, 1]]), 4)],
    ids=["direct", "separable"],
)
def test_the_denominator_is_left_to_the_last_step(one: DirectPass | SeparablePass) -> None:
    """Sums of integer taps stay integers: dividing is part of what follows."""
    block = np.array([[[4.0], [8.0], [2.0], [7.0]]])
    assert run_pass(one, block).ravel().tolist() == [22, 19]


@pytest.mark.parametrize("scale", [1e-20, 2.0**-100, 1e-300])
@pytest.mark.parametrize("form", ["direct", "separable"])
def test_tiny_taps_count(reference: ModuleType, scale: float, form: str) -> None:
    """Taps far below 2.2e-16, which SciPy would take for zeros, filter as large ones do."""
    column, row = np.array([1.0, -3.0, 2.0]), np.array([2.0, 5.0])
    block = np.random.default_rng(1).normal(size=(5, 6, 1))
    taps = np.outer(column, row) * scale
    one = DirectPass(taps) if form == "direct" else SeparablePass(column[None], row[None] * scale)
    expected = reference.correlate(block, taps, padding="valid")
    np.testing.assert_allclose(run_pass(one, block) / scale, expected / scale, atol=1e-12)


def test_nearly_symmetric_tiny_taps_are_not_taken_for_symmetric(reference: ModuleType) -> None:
    """A difference between mirrored tiny taps shows in the result."""
    row = np.array([1.0, 4.0, 3.0]) * 1e-19
    block = np.arange(12.0).reshape(3, 4, 1)
    expected = reference.correlate(block, row[None], padding="valid")
    result = run_pass(SeparablePass(np.array([[1.0]]), row[None]), block)
    np.testing.assert_allclose(result / 1e-19, expected / 1e-19, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_results_have_the_type_of_the_block(dtype: str) -> None:
    """Samples stay in the type that the plan stores them in."""
    block = np.ones((4, 4, 1), dtype)
    assert run_pass(DirectPass(np.ones((3, 3))), block).dtype == dtype
    assert run_pass(SeparablePass(np.ones((1, 3)), np.ones((1, 3))), block).dtype == dtype


def test_float32_samples_are_summed_in_float64() -> None:
    """Large float32 samples that cancel leave the small one, as float64 sums do."""
    block = np.array([[[2.0**24], [1.0], [-(2.0**24)]]], np.float32)
    assert run_pass(DirectPass(np.ones((1, 3))), block).item() == 1.0


def test_the_block_is_not_changed() -> None:
    """A pass leaves its input as it was: the next derivative reads it too."""
    block = np.random.default_rng(2).normal(size=(6, 6, 2))
    before = block.copy()
    run_pass(SeparablePass(np.ones((2, 3)), np.ones((2, 3)), 2), block)
    np.testing.assert_array_equal(block, before)
