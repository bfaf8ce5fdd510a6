"""Predicting what a pass takes, and choosing by it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from sepfilter.geometry import ImageSpec
from sepfilter.kernels.factorization import FactorizedKernel
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.notation import as_kernel
from sepfilter.plans.cost import MOST_OF_A_STRIP, MOST_POINTS, Size, best_block, predict
from sepfilter.plans.options import Options
from sepfilter.plans.passes import DirectPass, FFTPass, SeparablePass
from sepfilter.plans.plan import Plan
from sepfilter.plans.planner import plan_cascade
from sepfilter.plans.speeds import AVX2, BASELINE, SCIPY
from sepfilter.plans.transforms import possible_blocks, transform_error

PHOTO = Size(3000, 4000, 3)
SPEEDS = [AVX2, BASELINE, SCIPY]


def planned(kernel: Any, speed: Any = AVX2, dtype: str = "uint8", **options: Any) -> Plan:
    """The plan for a photograph."""
    cascade = [FactorizedKernel.of(as_kernel(kernel))]
    return plan_cascade(cascade, ImageSpec(3000, 4000, 3, dtype), Options(**options), speed)


@pytest.mark.parametrize("speed", SPEEDS, ids=lambda speed: speed.engine)
def test_more_taps_cost_more(speed: Any) -> None:
    """In every kind of arithmetic, directly and in terms."""
    for accumulator in speed.direct:
        direct = [predict(DirectPass(np.ones((n, n))), PHOTO, accumulator, speed) for n in (3, 5, 9)]
        terms = [
            predict(SeparablePass(np.ones((r, 5)), np.ones((r, 5))), PHOTO, accumulator, speed)
            for r in (1, 2, 4)
        ]
        assert direct == sorted(direct)
        assert terms == sorted(terms)
        assert direct[0] < direct[-1]
        assert terms[0] < terms[-1]


def test_taps_of_0_cost_nothing_where_the_engine_skips_them() -> None:
    """A sparse kernel is as cheap as its nonzero taps; SciPy's 1-D passes take them all."""
    sparse, dense = np.zeros((1, 9)), np.ones((1, 9))
    sparse[0, 4] = 1
    for speed, skips in ((AVX2, True), (SCIPY, False)):
        costs = [predict(SeparablePass(one, one), PHOTO, "float32", speed) for one in (sparse, dense)]
        assert (costs[0] < costs[1]) == skips


def test_small_images_make_large_blocks_dear() -> None:
    """What a block takes is shared by the samples of the image."""
    one = FFTPass(DirectPass(np.ones((31, 31))), (128, 128))
    costs = [predict(one, Size(side, side, 1), "float64", AVX2) for side in (16, 64, 98)]
    assert costs == sorted(costs, reverse=True)


@pytest.mark.parametrize("kernel", [(3, 3), (31, 31), (5, 200), (301, 1)])
@pytest.mark.parametrize("size", [Size(64, 64, 1), Size(300, 2000, 3), PHOTO])
def test_the_block_chosen_is_the_cheapest(kernel: tuple[int, int], size: Size) -> None:
    """No other block of those possible, within the limit of memory, is predicted to take less."""
    chosen = best_block(kernel, size, AVX2.transforms)
    taps = DirectPass(np.ones(kernel))
    costs = {
        (rows, columns): predict(FFTPass(taps, (rows, columns)), size, "float64", AVX2)
        for rows in possible_blocks(kernel[0], size.height)
        for columns in possible_blocks(kernel[1], size.width)
        if rows * columns <= MOST_POINTS
        and (rows - kernel[0] + 1) * size.width * size.channels <= MOST_OF_A_STRIP
    }
    assert costs[chosen] == min(costs.values())


def test_a_block_never_reaches_far_beyond_the_image() -> None:
    """One block that covers all is the largest that is tried."""
    assert possible_blocks(31, 64)[-1] == 96
    assert possible_blocks(1, 1) == [16]
    assert all(side >= 31 for side in possible_blocks(31, 64))


def test_the_error_of_transforms_is_far_below_a_level() -> None:
    """In double a block of a million points errs by less than a millionth of a level."""
    one = FFTPass(DirectPass(np.full((31, 31), 1 / 961)), (1024, 1024))
    assert 0 < transform_error(one, 255.0) < 1e-6


@pytest.mark.parametrize(
    ("kernel", "method"),
    [("sobel-x", "separable"), ("laplacian", "direct"), ("disk:10", "separable"), ("gabor:6,30", "fft")],
)
def test_auto_takes_the_cheapest_way(kernel: str, method: str) -> None:
    """Small kernels tap by tap, sparse factors in terms, large kernels of high rank by transforms."""
    plan = planned(kernel)
    assert plan.method == method
    for other in ("direct", "separable", "fft"):
        assert plan.nanoseconds <= 2 * planned(kernel, method=other).nanoseconds


def test_scipy_turns_to_transforms_sooner() -> None:
    """The plan follows the engine: direct passes of SciPy are slow."""
    taps = np.random.default_rng(0).normal(size=(15, 15))
    assert planned(taps, AVX2).method == "direct"
    assert planned(taps, SCIPY).method == "fft"


def test_the_reason_says_what_was_compared() -> None:
    """The predicted time of the chosen way, and of the others."""
    reason = planned("disk:5").reason
    assert "4 terms of 11 + 11 multiplications a sample make 88 (39 without zeros), direct 121" in reason
    assert "predicted" in reason
    assert re.search(r"direct \d\.\d+$", reason)


@pytest.mark.parametrize("kernel", ["box:9", "disk:10", "disk:15", "binomial:9"])
def test_exactness_is_worth_time_but_not_any(kernel: str) -> None:
    """Exact sums are taken where they are up to twice as dear as the bounded float ones."""
    plan, rounded = planned(kernel, dtype="uint16"), planned(kernel, dtype="uint16", precision="float")
    assert plan.precision == "exact"
    assert rounded.nanoseconds < plan.nanoseconds <= 2 * rounded.nanoseconds


def test_arithmetic_follows_the_engine() -> None:
    """SciPy's sums of 16-bit fractions are slow, so that it runs float where the compiled engine is fast."""
    assert planned("gaussian:2", AVX2).precision == "fast"
    assert planned("gaussian:2", SCIPY).precision == "float"


def test_the_predicted_time_of_a_plan_adds_up_its_stages() -> None:
    """For a cascade the stages' nanoseconds, a sample."""
    cascade = [FactorizedKernel.of(as_kernel(name)) for name in ("gaussian:2", "laplacian")]
    plan = plan_cascade(cascade, ImageSpec(300, 400, 1, "uint8"), Options(), AVX2)
    assert plan.nanoseconds == pytest.approx(sum(stage.nanoseconds for stage in plan.stages))
    assert plan.total_nanoseconds == pytest.approx(plan.nanoseconds * 300 * 400)


def test_a_kernel_that_is_nearly_separable_stays_as_it_is() -> None:
    """Approximation is for those who ask."""
    gaussian = np.exp(-0.5 * (np.arange(-7, 8) / 2.3) ** 2)
    rounded = np.round(np.outer(gaussian, gaussian), 6)
    assert planned(Kernel.from_taps(rounded)).error_bound == 0
    assert planned(Kernel.from_taps(rounded), max_error=0.5).rank == 1
