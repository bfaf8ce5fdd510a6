"""What can be said of a kernel before there is an image."""

from __future__ import annotations

import numpy as np
import pytest

from sepfilter.geometry import ImageSpec
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.presets import named_kernel
from sepfilter.plans.analysis import MethodCosts, analyze
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
    assert found.costs == MethodCosts(direct, nonzero, separable, separable_nonzero, found.costs.fft)
    assert 30 < found.costs.fft < 45
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
