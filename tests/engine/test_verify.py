"""Holding a result against the direct sum in double precision."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sepfilter.engine.execute import execute
from sepfilter.engine.verify import verify
from sepfilter.geometry import ImageSpec
from sepfilter.kernels.factorization import FactorizedKernel, factorize
from sepfilter.kernels.presets import named_kernel
from sepfilter.plans.options import Options
from sepfilter.plans.planner import plan_cascade
from sepfilter.plans.speeds import AVX2
from sepfilter.results import Verification


def verified(kernel: str, image: npt.NDArray[Any], spoilt: int = 0, **options: Any) -> Verification:
    """Filter, add an error to one sample, and verify."""
    cascade, asked = (FactorizedKernel.of(named_kernel(kernel)),), Options(**options)
    plan = plan_cascade(cascade, ImageSpec.of(image), asked, AVX2)
    result = execute(plan, image)
    result[2, 3] += spoilt
    return verify(plan, cascade, asked, image, result)


@pytest.fixture
def image() -> npt.NDArray[Any]:
    """Grey noise of one channel."""
    return np.random.default_rng(40).integers(0, 256, (9, 11, 1)).astype(np.uint8)


@pytest.mark.parametrize("kernel", ["sobel-x", "laplacian", "box:4"])
def test_exact_results_show_no_difference(image: npt.NDArray[Any], kernel: str) -> None:
    """Whole numbers in separable passes are those of the direct sum."""
    assert verified(kernel, image) == Verification(0.0, 0.0)


def test_an_approximation_shows_how_far_it_is_from_the_exact_result(
    reference: ModuleType, image: npt.NDArray[Any]
) -> None:
    """The unrounded difference is that of the taps left out, in levels of the source."""
    taps = named_kernel("disk:3").taps  # type: ignore[union-attr]
    kept = factorize("disk:3", rank=1)
    lost = taps - kept.columns.T @ kept.rows
    expected = np.abs(reference.correlate(image.astype(np.float64), lost)).max()
    found = verified("disk:3", image, rank=1, precision="double")
    assert found.max_abs_difference == pytest.approx(expected)
    assert found.max_rounded_difference == pytest.approx(expected, abs=1)


def test_a_spoilt_sample_shows_in_the_rounded_difference_alone(image: npt.NDArray[Any]) -> None:
    """What was written is compared, apart from what was computed."""
    image[...] = image // 2
    found = verified("box:4", image, spoilt=20)
    assert found.max_rounded_difference == 20
    assert found.max_abs_difference < 1e-9
