"""What can be said of a kernel before there is an image."""

from __future__ import annotations

import numpy as np
import pytest

from sepfilter.geometry import ImageSpec
from sepfilter.kernels.factorization import FactorizedKernel, factorize
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.presets import named_kernel
from sepfilter.plans import analysis
from sepfilter.plans.analysis import HALF_LEVEL, LEVELS, SAMPLE_IMAGE, analyze
from sepfilter.plans.options import Options
from sepfilter.plans.planner import plan_cascade
from sepfilter.plans.speeds import AVX2


@pytest.mark.parametrize(
    ("name", "direct", "nonzero", "separable", "separable_nonzero"),
    [
        ("box:3", 9, 9, 6, 6),
        ("sobel-x", 9, 6, 6, 5),
        ("laplacian", 9, 5, 12, 7),
        ("gaussian:3", 625, 625, 50, 50),
        ("identity", 1, 1, 2, 2),
    ],
)
def test_costs_are_the_textbooks_and_without_zeros(
    name: str, direct: int, nonzero: int, separable: int, separable_nonzero: int
) -> None:
    """Every tap, taps that are not 0, R (kh + kw), and the same of the factors."""
    found = analyze(named_kernel(name), AVX2)
    assert found.costs is not None
    costs = found.costs
    assert (costs.direct, costs.nonzero) == (direct, nonzero)
    assert (costs.separable, costs.separable_nonzero) == (separable, separable_nonzero)
    assert found.nonzero == nonzero


def test_nonzero_taps_of_factors_are_counted_without_building_them() -> None:
    """A product of factors is 0 where either factor is."""
    kernel = Kernel.from_factors([1, 0, 2, 3], [0, 1, 0, 4, 5])
    assert analyze(kernel, AVX2).nonzero == np.count_nonzero(kernel.taps)


def test_a_gradient_is_its_two_derivatives() -> None:
    """Both are analysed, and what holds for one kernel only is left out."""
    found = analyze(named_kernel("sobel"), AVX2)
    assert [part.kernel.name for part in found.components] == ["sobel-x", "sobel-y"]
    assert (found.factors, found.costs, found.nonzero) == (None, None, 12)
    assert all(part.factors is not None and part.factors.rank == 1 for part in found.components)


def test_the_plan_is_for_the_image_given() -> None:
    """A recommendation follows the image, or an 8-bit sample of 12 megapixels where there is none."""
    spec = ImageSpec(7, 9, 3, "float64")
    assert analyze(named_kernel("box:3"), AVX2, spec).plan.spec == spec
    assert analyze(named_kernel("box:3"), AVX2).plan.spec.dtype == "uint8"
    assert analyze(named_kernel("box:3"), AVX2).image is None


@pytest.mark.parametrize("name", ["sobel-x", "disk:5", "gaussian:2", "motion:15,45"])
@pytest.mark.parametrize("method", ["direct", "separable", "fft"])
def test_a_prediction_is_that_of_the_method_asked_for(name: str, method: str) -> None:
    """Nanoseconds and precision are those of a plan with `method`, on the same image."""
    kernel = named_kernel(name)
    found = analyze(kernel, AVX2).costs
    assert found is not None
    forced = plan_cascade([FactorizedKernel.of(kernel)], SAMPLE_IMAGE, Options(method=method), AVX2)
    assert found.predicted[method].nanoseconds == forced.nanoseconds
    assert found.predicted[method].precision == forced.precision


def test_a_copy_has_no_predictions() -> None:
    """Nothing is multiplied, whatever is asked for."""
    found = analyze(named_kernel("identity"), AVX2).costs
    assert found is not None
    assert found.predicted == {}


def test_a_direct_pass_of_millions_of_taps_is_predicted_from_their_number() -> None:
    """The 1601 x 1601 taps of gaussian:200 are not built: so much a tap in double, and something a sample."""
    found = analyze(named_kernel("gaussian:200"), AVX2)
    assert found.costs is not None
    direct, loops = found.costs.predicted["direct"], AVX2.direct["float64"]
    assert direct.precision == "double"
    assert direct.nanoseconds == pytest.approx(loops.sample + loops.tap * 1601**2)


def digits(places: int) -> Kernel:
    """A Gaussian of 15 x 15 taps rounded to so many decimals."""
    column = np.exp(-(np.arange(-7.0, 8.0) ** 2) / 8)
    taps = np.outer(column, column) / column.sum() ** 2
    return Kernel.from_taps(taps.round(places))


def test_a_kernel_of_rounded_digits_is_nearly_separable() -> None:
    """Rank 1 but for a unit in the sixth place, with the error and the time that it would have."""
    found = analyze(digits(6), AVX2)
    assert found.factors is not None
    assert found.factors.rank > 1
    assert found.nearly is not None
    assert found.nearly.rank == 1
    assert found.nearly.largest < 1e-6
    assert found.nearly.bound == pytest.approx(LEVELS * factorize(digits(6)).cut_off(1).lost.bound)
    assert found.nearly.nanoseconds is not None
    assert found.nearly.nanoseconds < found.plan.nanoseconds


def test_a_kernel_of_clear_rank_is_nearly_nothing_else() -> None:
    """Separable kernels, and disks, have no lower rank that comes close."""
    assert [analyze(named_kernel(name), AVX2).nearly for name in ("gaussian:2", "disk:5")] == [None, None]


@pytest.mark.parametrize("most", [2, 256])
def test_the_first_rank_within_half_a_level_is_found(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """It is the lowest of all ranks, also where not every rank's bound is told."""
    monkeypatch.setattr(analysis, "MOST_BOUNDS", most)
    noise = np.random.default_rng(0)
    taps = noise.normal(size=(12, 12)) * np.geomspace(1e-2, 1e-8, 12)
    found = analyze(Kernel.from_taps(taps), AVX2)
    factors = factorize(Kernel.from_taps(taps))
    bounds = [LEVELS * factors.cut_off(rank).lost.bound for rank in range(factors.rank)]
    first = next(rank for rank, bound in enumerate(bounds) if bound <= HALF_LEVEL)
    assert 1 < first < factors.rank
    assert found.within_half == (first, bounds[first])
