"""Separating a kernel: rank, factors and what an approximation loses."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
import scipy.linalg
import scipy.ndimage
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sepfilter.errors import KernelError
from sepfilter.kernels.exact import ExactFactors, ExactTaps, ExactTerm
from sepfilter.kernels.factorization import Factorization, factorize
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.low_rank import Lost
from sepfilter.kernels.presets import named_kernel

Array = npt.NDArray[np.float64]

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=7)
INTEGER_TAPS = hnp.arrays(np.int64, SHAPES, elements=st.integers(-9, 9))
REAL_TAPS = hnp.arrays(np.float64, SHAPES, elements=st.floats(-1e3, 1e3, width=32))
FEW = settings(max_examples=50, deadline=None)


def worst(lost: Array) -> float:
    """The largest error that leaving these taps out can cause on an image from 0 to 1."""
    return max(lost[lost > 0].sum(), -lost[lost < 0].sum())


def multiplied_out(found: Factorization) -> Array:
    """The sum of the outer products."""
    taps: Array = found.columns.T @ found.rows
    return taps


@given(st.one_of(INTEGER_TAPS, REAL_TAPS))
@FEW
def test_outer_products_add_up_to_the_taps(taps: Array) -> None:
    """All terms together are the kernel, within rounding of the kernel and of the terms."""
    found = factorize(Kernel.from_taps(taps))
    size = np.linalg.norm(taps) + np.abs(found.columns).T @ np.abs(found.rows)
    assert (np.abs(multiplied_out(found) - taps) <= 1e-14 * size).all()


@given(INTEGER_TAPS)
@FEW
def test_exact_factors_add_up_to_integer_taps_exactly(taps: npt.NDArray[np.int64]) -> None:
    """The exact factors of an integer kernel lose nothing, and have no term too many."""
    exact = factorize(Kernel.from_taps(taps)).exact
    assert exact is not None
    total = sum(
        (np.outer(np.array(t.column, object), np.array(t.row, object)) for t in exact.terms),
        start=np.zeros(taps.shape, dtype=object),
    )
    assert [[Fraction(tap, exact.denominator) for tap in row] for row in total] == taps.tolist()
    assert len(exact.terms) == np.linalg.matrix_rank(taps)


@given(REAL_TAPS)
@FEW
def test_singular_values_agree_with_scipy(taps: Array) -> None:
    """The singular values are SciPy's, in descending order."""
    expected = scipy.linalg.svdvals(taps, check_finite=False)
    found = factorize(Kernel.from_taps(taps)).singular_values
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13 * (expected[0] or 1))


@given(st.one_of(INTEGER_TAPS, REAL_TAPS), st.integers(-800, 900))
@FEW
def test_scaling_by_a_power_of_two_keeps_the_rank(taps: Array, exponent: int) -> None:
    """Short of overflow and underflow the rank does not depend on the unit of the taps."""
    scaled = np.ldexp(taps.astype(np.float64), exponent)
    found, original = factorize(Kernel.from_taps(scaled)), factorize(Kernel.from_taps(taps))
    assert found.rank == original.rank
    np.testing.assert_array_equal(found.singular_values, np.ldexp(original.singular_values, exponent))


@given(INTEGER_TAPS)
@FEW
def test_the_transposed_kernel_has_the_same_rank(taps: npt.NDArray[np.int64]) -> None:
    """Turning rows into columns changes neither the numerical nor the exact rank."""
    found, turned = factorize(Kernel.from_taps(taps)), factorize(Kernel.from_taps(taps.T))
    assert (turned.rank, turned.exact_rank) == (found.rank, found.exact_rank)
    assert turned.columns.shape == found.rows.shape
    assert turned.rows.shape == found.columns.shape


@given(st.one_of(INTEGER_TAPS, REAL_TAPS), st.data())
@FEW
def test_what_is_lost_is_told_for_every_rank(taps: Array, data: st.DataObject) -> None:
    """For each r the losses are those of the kernel less the r terms that are kept."""
    kernel = Kernel.from_taps(taps)
    whole = factorize(kernel)
    if whole.rank < 2:
        return
    rank = data.draw(st.integers(0, whole.rank - 1))
    cut = whole.cut_off(rank)
    np.testing.assert_array_equal(cut.columns, factorize(kernel, rank=rank).columns)
    rest = taps - cut.columns.T @ cut.rows
    close = {"rel": 1e-9, "abs": 1e-12 * float(np.linalg.norm(taps))}
    assert cut.rank == rank
    assert cut.lost.positive == pytest.approx(rest[rest > 0].sum(), **close)
    assert cut.lost.negative == pytest.approx(-rest[rest < 0].sum(), **close)
    assert cut.largest == pytest.approx(np.abs(rest).max(), **close)


@given(REAL_TAPS, st.integers(0, 3))
@FEW
def test_an_approximation_is_as_near_as_its_sum_allows(taps: Array, rank: int) -> None:
    """What is left out is the singular values left out (Eckart-Young), and the brightness put back."""
    rank = min(rank, *taps.shape)
    left, values, right = scipy.linalg.svd(taps, check_finite=False)
    best = (left[:, :rank] * values[:rank]) @ right[:rank]
    kept = multiplied_out(factorize(Kernel.from_taps(taps), rank=rank))
    close = {"rel": 1e-9, "abs": 1e-12 * (values[0] or 1)}
    shortest = np.linalg.norm(values[rank:])
    put_back = np.linalg.norm(kept - best)
    assert worst(taps - kept) <= 2 * worst(taps - best) + close["abs"]
    assert np.linalg.norm(taps - kept) == pytest.approx(np.hypot(shortest, put_back), **close)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("name", ["disk:5", "disk:10", "emboss", "motion:15,45", "sharpen", "log:2"])
def test_a_flat_area_keeps_its_brightness(name: str, rank: int) -> None:
    """The lost sum is put back: kept terms sum up to what the kernel does, and E to 0."""
    kernel = named_kernel(name)
    assert isinstance(kernel, Kernel)
    cut = factorize(kernel).cut_off(min(rank, factorize(kernel).rank))
    assert (cut.columns.T @ cut.rows).sum() == pytest.approx(kernel.sum, abs=1e-12)
    assert cut.lost.positive == pytest.approx(cut.lost.negative, abs=1e-12)


def test_brightness_is_put_back_by_the_smallest_change() -> None:
    """No other rows for the same columns, nor columns for the same rows, come nearer with that sum."""
    taps = np.random.default_rng(7).normal(size=(6, 9)) + 0.3
    left, _, right = np.linalg.svd(taps)
    kept = multiplied_out(factorize(Kernel.from_taps(taps), rank=2))
    errors = []
    for basis, goal in ((left[:, :2], taps), (right[:2].T, taps.T)):
        free = scipy.linalg.null_space((basis.sum(axis=0)[:, None] * np.ones(goal.shape[1])).reshape(1, -1))
        start = basis @ np.linalg.lstsq(
            (basis.sum(axis=0)[:, None] * np.ones(goal.shape[1])).reshape(1, -1), [taps.sum()], rcond=None
        )[0].reshape(2, -1)
        design = np.stack([(basis @ direction.reshape(2, -1)).ravel() for direction in free.T], axis=1)
        best = start.ravel() + design @ np.linalg.lstsq(design, (goal - start).ravel(), rcond=None)[0]
        errors.append(np.linalg.norm(goal.ravel() - best))
    assert np.linalg.norm(taps - kept) == pytest.approx(min(errors), rel=1e-9)


def test_brightness_that_would_cost_more_than_was_lost_is_let_go() -> None:
    """A first term that is nearly 0 on flat areas is left as it is, rather than grow without bound."""
    wave = np.array([1.0, -1.0])
    taps = np.outer(wave, wave) + 0.1
    kept = multiplied_out(factorize(Kernel.from_taps(taps), rank=1))
    np.testing.assert_allclose(kept, np.outer(wave, wave), atol=1e-12)


def test_rounded_digits_are_told_from_rank() -> None:
    """Rank 1 rounded to six digits is of full rank, exactly and numerically, but nearly of rank 1."""
    gaussian = np.exp(-0.5 * (np.arange(-7, 8) / 2.3) ** 2)
    taps = np.round(np.outer(gaussian, gaussian) / gaussian.sum() ** 2, 6)
    found = factorize(Kernel.from_taps(taps))
    assert found.rank > 5
    assert found.nearly is not None
    assert found.nearly.rank == 1
    assert found.nearly.largest < 1e-6
    assert factorize("disk:5").nearly is None
    assert factorize("gaussian:2").nearly is None


@given(REAL_TAPS, st.integers(0, 2**32 - 1))
@FEW
def test_no_image_exceeds_the_bound(taps: Array, seed: int) -> None:
    """On images from 0 to 1 the error of rank 1 never exceeds its bound, wherever one looks."""
    kernel = Kernel.from_taps(taps)
    bound = factorize(kernel).cut_off(min(1, factorize(kernel).rank)).lost.bound
    rank_one = multiplied_out(factorize(kernel, rank=1))
    rng = np.random.default_rng(seed)
    for image in (rng.random((12, 12)), rng.integers(0, 2, (12, 12)).astype(float)):
        error = scipy.signal.correlate2d(image, taps, "valid") - scipy.signal.correlate2d(
            image, rank_one, "valid"
        )
        assert np.abs(error).max() <= bound + 1e-11 * np.abs(taps).sum()


@pytest.mark.parametrize("rank", [0, 1, 2])
@pytest.mark.parametrize("name", ["emboss", "disk", "random"])
def test_the_bound_is_attained(name: str, rank: int) -> None:
    """The image that is white just where the lost taps have one sign errs by the whole bound."""
    taps = {
        "emboss": np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]),
        "disk": np.hypot(*np.mgrid[-5:6, -5:6]) <= 5,
        "random": np.random.default_rng(3).normal(size=(5, 7)),
    }[name].astype(float)
    kept = multiplied_out(factorize(Kernel.from_taps(taps), rank=rank))
    images = [(taps - kept > 0).astype(float), (taps - kept < 0).astype(float)]
    errors = [abs((taps * image).sum() - (kept * image).sum()) for image in images]
    bound = factorize(Kernel.from_taps(taps)).cut_off(rank).lost.bound
    assert max(errors) == pytest.approx(bound, rel=1e-12)


@given(INTEGER_TAPS)
@FEW
def test_passes_over_the_factors_filter_as_the_kernel_does(taps: npt.NDArray[np.int64]) -> None:
    """Correlating columns then rows and adding up is SciPy's correlation with the kernel."""
    image = np.random.default_rng(0).integers(0, 256, (9, 10)).astype(float)
    found = factorize(Kernel.from_taps(taps))
    total = np.zeros_like(image)
    for column, row in zip(found.columns, found.rows, strict=True):
        once = scipy.ndimage.correlate1d(image, column, axis=0)
        total += scipy.ndimage.correlate1d(once, row, axis=1)
    largest = 255 * float(np.abs(found.columns).sum(axis=1) @ np.abs(found.rows).sum(axis=1))
    expected = scipy.ndimage.correlate(image, taps.astype(float))
    np.testing.assert_allclose(total, expected, rtol=0, atol=1e-14 * largest)


def test_an_integer_kernel_has_integer_factors() -> None:
    """Where the exact factors are as few, they stand in columns and rows."""
    found = factorize(Kernel.from_taps([[1, 2, 1], [2, 4, 2], [1, 2, 1]]))
    assert found.columns.tolist() == [[1, 2, 1]]
    assert found.rows.tolist() == [[1, 2, 1]]


def test_numerically_separable_taps_are_found_out() -> None:
    """An outer product of real vectors, rounded tap by tap, is rank 1 though no integers show it."""
    rng = np.random.default_rng(1)
    column, row = rng.normal(size=9), rng.normal(size=11)
    found = factorize(Kernel.from_taps(np.outer(column, row)))
    assert found.rank == 1
    assert found.is_separable
    assert found.exact is None
    assert found.exact_rank is None


@pytest.mark.parametrize("sign", [1, -1])
def test_numerical_smoothing_factors_are_positive(sign: int) -> None:
    """A smoothing vector reads positive; a difference beside it carries the sign."""
    smooth, rise = np.array([0.1, 0.3, 0.1]), np.array([-0.7, 0.0, 0.7])
    assert (factorize(Kernel.from_taps(np.outer(smooth, smooth))).columns > 0).all()
    assert (factorize(Kernel.from_taps(np.outer(smooth, sign * rise))).columns > 0).all()
    assert (factorize(Kernel.from_taps(np.outer(sign * rise, smooth))).rows > 0).all()


def test_a_rank_asked_for_limits_the_terms_not_the_rank() -> None:
    """The rank found stays, only as many terms as asked for are kept."""
    found = factorize(Kernel.from_taps([[0, 1, 0], [1, -4, 1], [0, 1, 0]]), rank=1)
    assert found.rank == 2
    assert not found.is_separable
    assert found.columns.shape == found.rows.shape == (1, 3)


@pytest.mark.parametrize("rank", [-1, 4])
def test_a_rank_out_of_range_is_refused(rank: int) -> None:
    """More terms than rows or columns, or fewer than none, cannot be kept."""
    with pytest.raises(KernelError, match=rf"rank {rank} is out of range.*3 x 5 taps.*0 to 3"):
        factorize(Kernel.from_taps(np.ones((3, 5))), rank=rank)


def test_a_tolerance_tells_small_singular_values_from_none() -> None:
    """Singular values up to the tolerance times the largest do not count."""
    kernel = Kernel.from_taps(np.diag([8.0, 4.0, 0.5]))
    assert [factorize(kernel, tolerance=t).rank for t in (0, 0.1, 0.4, 0.6)] == [3, 2, 2, 1]
    assert factorize(kernel, tolerance=0.5).rank == 1


@pytest.mark.parametrize(
    "kernel",
    [Kernel.from_taps(np.zeros((3, 5))), Kernel.from_factors([0, 0, 0], [1, 2, 3, 2, 1])],
)
def test_an_all_zero_kernel_has_rank_0(kernel: Kernel) -> None:
    """No term is left of a kernel of zeros, dense or factored, and nothing is lost."""
    found = factorize(kernel)
    assert found.rank == 0
    assert found.is_separable
    assert found.columns.shape == (0, 3)
    assert found.rows.shape == (0, 5)
    assert (found.whole.bound, found.rest.bound, found.cut_off(0).lost.bound) == (0, 0, 0)
    assert not found.singular_values.any()


@pytest.mark.parametrize(
    "taps",
    [
        [[3]],
        [[-2.5]],
        [[1, 2, 3, 4]],
        [[1], [-2], [0.3]],
        [[5e-324]],
        [[1e308]],
        [[1e308, -1e308]],
        [[1e308] * 3] * 3,
        [[1e-310, 5e-324], [3e-320, 0]],
        [[1e308, 1], [1, 1e-308]],
    ],
)
def test_degenerate_kernels_have_finite_factors(taps: list[list[float]]) -> None:
    """Single taps, single rows, denormals and huge taps give finite factors that multiply out."""
    found = factorize(Kernel.from_taps(taps))
    assert found.rank >= 1
    assert np.isfinite(found.columns).all()
    assert np.isfinite(found.rows).all()
    assert not np.isnan(found.singular_values).any()
    largest = np.abs(taps).max()
    with np.errstate(over="raise"):
        error = np.abs(multiplied_out(found) - taps).max()
    assert error <= max(1e-14 * largest, 1e-323)


def test_a_factored_kernel_is_taken_at_its_word() -> None:
    """Known factors are returned as they are, with the losses that the built taps would have."""
    column, row = np.array([1.0, -2.0, 0.5]), np.array([0.25, 3.0, -1.0, 0.0])
    found = factorize(Kernel.from_factors(column, row))
    dense = factorize(Kernel.from_taps(np.outer(column, row)))
    assert found.rank == 1
    assert found.columns.tolist() == [column.tolist()]
    assert found.rows.tolist() == [row.tolist()]
    assert found.singular_values[0] == pytest.approx(dense.singular_values[0])
    assert found.whole.positive == pytest.approx(dense.whole.positive)
    assert found.whole.negative == pytest.approx(dense.whole.negative)
    assert found.rest == found.cut_off(1).lost == Lost(0.0, 0.0)
    assert found.cut_off(0).lost == found.whole
    assert found.cut_off(0).largest == 6.0


def test_integers_beyond_float64_are_not_offered() -> None:
    """Exact factors that float64 cannot hold stay in `exact`, but are not to compute with."""
    wide = ExactTaps(((1, 2**60 + 1),), 1)
    found = factorize(Kernel.from_taps([[1.0, 2.0**60]], exact=wide))
    assert found.exact == ExactFactors((ExactTerm((1,), (1, 2**60 + 1)),), 1)
    assert found.integers is None


def test_factors_cannot_be_written_to() -> None:
    """Columns, rows and singular values are read-only."""
    found = factorize(Kernel.from_taps([[1.5, 0.1], [0.2, 0.3]]))
    for array in (found.columns, found.rows, found.singular_values):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_equal_kernels_have_equal_factorizations() -> None:
    """Factorizations compare and hash by value, arrays included."""
    first, second = (factorize(Kernel.from_taps([[1, 2], [3, 4]])) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)
    assert first != factorize(Kernel.from_taps([[1, 2], [3, 5]]))
