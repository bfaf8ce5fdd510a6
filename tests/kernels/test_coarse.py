"""Long smooth vectors on a coarser grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from sepfilter.kernels.coarse import CoarseFactor, coarse_factor, coarse_factors
from sepfilter.kernels.shapes import gaussian_taps

Array = npt.NDArray[np.float64]


def made_of(one: CoarseFactor, samples: Array, first: int, last: int) -> Array:
    """Results by the definition, point by point."""
    half, side, step = len(one.short) // 2, len(one.taps) // 2, one.step

    def gathered(t: int) -> float:
        return float(sum(one.short[i + half] * samples[t * step + i] for i in range(-half, half + 1)))

    def filtered(t: int) -> float:
        return float(sum(one.taps[j + side] * gathered(t + j) for j in range(-side, side + 1)))

    def result(p: int) -> float:
        points = range(-((half - p) // step), (p + half) // step + 1)
        return sum(step * float(one.short[p - t * step + half]) * filtered(t) for t in points)

    return np.array([result(p) for p in range(first, last)])


@pytest.mark.parametrize("degree", [1, 2, 3])
@pytest.mark.parametrize("step", [2, 3, 4])
def test_no_samples_err_by_more_than_the_bound(step: int, degree: int) -> None:
    """The definition against the vector, at every phase, on noise and on what errs most."""
    vector = gaussian_taps(6.0, 24)
    one = coarse_factor(vector, step, degree)
    responses = np.stack([made_of(one, row, 60, 60 + step) for row in np.eye(130)])
    worst = 0.0
    for phase in range(step):
        lost = np.zeros(130)
        lost[60 + phase - 24 : 60 + phase + 25] = vector
        lost -= responses[:, phase]
        worst = max(worst, float(np.abs(lost).sum()))
        sign = np.sign(lost)
        true = float(sign[60 + phase - 24 : 60 + phase + 25] @ vector)
        assert abs(true - made_of(one, sign, 60 + phase, 61 + phase)[0]) <= one.error * (1 + 1e-9)
    assert worst == pytest.approx(one.error, rel=1e-9)
    assert one.reach <= 60


@pytest.mark.parametrize("degree", [1, 2, 3])
@pytest.mark.parametrize("step", [2, 3, 6, 8])
def test_a_flat_area_keeps_its_value(step: int, degree: int) -> None:
    """At every phase: splines add up to 1, and the coarse taps to what the vector does."""
    vector = 0.7 * gaussian_taps(10.0, 40)
    one = coarse_factor(vector, step, degree)
    assert one.short.sum() == pytest.approx(1)
    assert one.taps.sum() == pytest.approx(0.7)
    np.testing.assert_allclose(made_of(one, np.ones(400), 200, 200 + step), 0.7, rtol=1e-12)


def test_a_wide_gaussian_needs_few_points() -> None:
    """Every twelfth sample tells all of a deviation of 50 to 0.02 levels of 255."""
    one = coarse_factor(gaussian_taps(50.0, 200), 12, 3)
    assert len(one.taps) < 40
    assert 255 * one.error < 0.02
    assert one.gain == pytest.approx(1, abs=1e-3)


def test_finer_grids_err_less() -> None:
    """For a smooth vector the error falls with the step, and with the degree."""
    vector = gaussian_taps(20.0, 80)
    by_step = [coarse_factor(vector, step, 2).error for step in (12, 8, 6, 4)]
    by_degree = [coarse_factor(vector, 8, degree).error for degree in (1, 2, 3)]
    assert by_step == sorted(by_step, reverse=True)
    assert by_degree == sorted(by_degree, reverse=True)


def test_lopsided_vectors_can_be_fitted() -> None:
    """Nothing in the fit wants the vector to be symmetric."""
    vector = gaussian_taps(9.0, 40) * np.linspace(0.5, 1.5, 81)
    one = coarse_factor(vector, 3, 3)
    samples = np.random.default_rng(0).random(300)
    true = np.correlate(samples, vector, "valid")[100 - 40 : 112 - 40]
    assert np.abs(made_of(one, samples, 100, 112) - true).max() <= one.error


def test_grids_are_worked_out_once() -> None:
    """Planning many images fits a kernel once; short vectors have no coarse grid."""
    vector = gaussian_taps(8.0, 32)
    assert coarse_factors(vector)[0] is coarse_factors(vector.copy())[0]
    assert coarse_factors(np.ones(9)) == ()
    assert {one.step for one in coarse_factors(vector, 4)} == {4}
