"""Choosing between one direct pass and a number of separable terms, and saying why."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.engine.planning import make_plan
from sepfilter.geometry import ImageSpec
from sepfilter.kernels.factorization import factorize
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.presets import named_kernel
from sepfilter.plans.passes import DirectPass, SeparablePass
from sepfilter.plans.plan import Plan

GREY = ImageSpec(32, 32, 1, "uint8")
SEEDS = st.integers(0, 2**32 - 1)


def planned(kernel: Any, **options: Any) -> Plan:
    """The plan for an 8-bit grey image."""
    return make_plan(Kernel.from_taps(kernel) if isinstance(kernel, np.ndarray) else kernel, GREY, **options)


def worst_errors(taps: npt.NDArray[np.float64], levels: float = 255) -> list[float]:
    """For each rank the largest error that an image can have, by the terms kept."""
    errors = []
    for rank in range(min(taps.shape) + 1):
        kept = factorize(Kernel.from_taps(taps), rank=rank)
        lost = taps - kept.columns.T @ kept.rows
        errors.append(levels * max(lost[lost > 0].sum(), -lost[lost < 0].sum()))
    return errors


@pytest.mark.parametrize("kernel", ["box:3", "gaussian:3", "sobel-x", "binomial:7", "scharr-y"])
def test_a_kernel_of_rank_1_is_separated(kernel: str) -> None:
    """Two 1-D passes, exact, without being asked."""
    plan = planned(kernel)
    assert (plan.method, plan.rank, plan.error_bound) == ("separable", 1, 0)


@given(seed=SEEDS, height=st.integers(3, 7), width=st.integers(3, 7))
@settings(max_examples=40, deadline=None)
def test_an_outer_product_of_any_factors_is_found(seed: int, height: int, width: int) -> None:
    """The factors multiply to the taps that were given."""
    noise = np.random.default_rng(seed)
    taps = np.outer(noise.normal(size=height), noise.normal(size=width))
    one = planned(taps, precision="float").stages[0].passes[0]
    assert isinstance(one, SeparablePass)
    np.testing.assert_allclose(one.columns.T @ one.rows, taps, atol=1e-14)


@pytest.mark.parametrize(("kernel", "rank"), [("laplacian", 2), ("emboss", 3), ("motion:9,30", 5)])
def test_a_kernel_of_higher_rank_runs_directly(kernel: str, rank: int) -> None:
    """Several terms are not tried unless asked for; the reason names the rank and the taps."""
    plan = planned(kernel)
    assert (plan.method, plan.rank) == ("direct", None)
    taps = plan.stages[0].height * plan.stages[0].width
    assert f"rank {rank}, not separable" in plan.reason
    assert f"one 2-D pass of {taps} multiplications" in plan.reason


@pytest.mark.parametrize("taps", [[[1, 2, 1]], [[1], [2], [1]], [[1, 1], [1, 1]], [[3]]])
def test_a_kernel_too_small_to_gain_runs_directly(taps: list[list[int]]) -> None:
    """A single row, or 2 x 2 taps, would take as many multiplications in two passes, or more."""
    plan = planned(np.array(taps))
    height, width = np.shape(taps)
    assert plan.method == "direct"
    assert f"two 1-D passes would take {height + width}" in plan.reason
    assert f"one direct pass {height * width}" in plan.reason


def test_the_reason_names_the_counts_compared() -> None:
    """Rank, the two passes' multiplications, and the direct pass's."""
    reason = planned("gaussian:3").reason
    for fact in ("rank 1", "25 + 25 = 50", "not 625"):
        assert fact in reason


def test_a_gradient_gives_the_reason_once() -> None:
    """Two derivatives alike share their reason."""
    reason = planned("sobel").reason
    assert reason.startswith("both derivatives: rank 1, separable")
    assert reason.count("rank 1") == 1


def test_a_cascade_names_each_kernel_with_its_reason() -> None:
    """Each stage says for itself."""
    reason = planned(["box:3", "laplacian"], border="nearest").reason
    assert "box:3: rank 1, separable" in reason
    assert "laplacian: rank 2, not separable" in reason


@pytest.mark.parametrize("kernel", ["box:3", "laplacian", "sobel"])
def test_direct_can_be_asked_for(kernel: str) -> None:
    """What was asked is done, and said to be so."""
    plan = planned(kernel, method="direct")
    assert plan.method == "direct"
    assert all(isinstance(one, DirectPass) for one in plan.stages[0].passes)
    assert "direct, as asked: one 2-D pass of 9 multiplications" in plan.reason


def test_separable_can_be_asked_for() -> None:
    """All terms of a kernel of rank 2 are run, though that costs more; the reason says what."""
    plan = planned("laplacian", method="separable")
    assert (plan.method, plan.rank, plan.error_bound) == ("separable", 2, 0)
    assert (
        "separable, as asked: 2 terms of 3 + 3 multiplications a sample make 12 (7 without zeros), direct 9"
        in plan.reason
    )


def test_a_gradient_of_unlike_derivatives_is_mixed() -> None:
    """One derivative separates and the other does not: the method says so."""
    from sepfilter.kernels.kernel import Gradient

    smooth, rough = named_kernel("box:3"), named_kernel("laplacian")
    assert isinstance(smooth, Kernel)
    assert isinstance(rough, Kernel)
    assert planned(Gradient("g", smooth, rough)).method == "mixed"
    assert planned([smooth, rough], border="nearest").method == "mixed"


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_a_rank_asked_for_is_kept_to(rank: int) -> None:
    """The plan has that many terms, and states their worst-case error."""
    kernel = named_kernel("disk:3")
    assert isinstance(kernel, Kernel)
    plan = planned(kernel, rank=rank)
    assert plan.rank == rank
    assert plan.error_bound == pytest.approx(worst_errors(kernel.taps)[rank])
    assert f"rank {rank} of 3, as asked" in plan.reason


def test_a_rank_beyond_the_kernels_is_exact() -> None:
    """No more terms than the kernel has are run, and nothing is lost."""
    plan = planned("laplacian", rank=9)
    assert (plan.rank, plan.error_bound, plan.precision) == (2, 0, "exact")


@given(seed=SEEDS, share=st.floats(0.01, 1.2))
@settings(max_examples=40, deadline=None)
def test_max_error_takes_the_smallest_rank_within_it(seed: int, share: float) -> None:
    """One rank less would break the promise; where that rank saves no time the plan is exact."""
    taps = np.random.default_rng(seed).normal(size=(15, 15))
    taps /= np.abs(taps).sum()
    errors = worst_errors(taps)
    allowed = share * errors[0]
    plan = planned(taps, max_error=allowed)
    smallest = next(rank for rank, error in enumerate([*errors[:-1], 0.0]) if error <= allowed)
    if smallest < 8 and planned(taps, rank=smallest).nanoseconds < planned(taps).nanoseconds:
        assert plan.rank == smallest
        assert plan.error_bound == pytest.approx(errors[smallest])
        assert f"rank {smallest} of 15 is the smallest within max error" in plan.reason
    else:
        assert (plan.method, plan.error_bound) == ("direct", 0)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_max_error_includes_the_bound_itself(rank: int) -> None:
    """An error of exactly what is allowed is within it; a hair less is not."""
    noise = np.random.default_rng(1)
    taps = noise.normal(size=(21, 21)) * np.geomspace(1, 1e-4, 21)
    bound = planned(taps, rank=rank).error_bound
    assert planned(taps, max_error=bound).rank == rank
    assert planned(taps, max_error=bound * (1 - 1e-12)).rank == rank + 1


def test_max_error_0_changes_nothing() -> None:
    """No error allowed is no approximation."""
    for kernel in ("gaussian:1", "disk:3"):
        assert planned(kernel, max_error=0).stages == planned(kernel).stages


def test_an_error_allowed_in_vain_is_told() -> None:
    """Where no approximation is within it, or none is cheaper, the reason says so."""
    assert planned("log:4", max_error=0.5).reason.endswith("nothing cheaper is within max error 0.5")
    assert "max error" not in planned("log:4", max_error=0).reason


def test_max_error_of_a_gradient_is_for_the_magnitude() -> None:
    """The two derivatives share it as the sides of a right angle share its hypotenuse."""
    from sepfilter.kernels.kernel import Gradient

    noise = np.random.default_rng(2)
    parts = [Kernel.from_taps(noise.normal(size=(21, 21)) * np.geomspace(1, 1e-4, 21)) for _ in range(2)]
    plan = planned(Gradient("g", *parts), max_error=2000.0)
    assert 0 < plan.error_bound <= 2000
    ranks = [one.terms for one in plan.stages[0].passes]
    assert None not in ranks
    bounds = [worst_errors(part.taps)[rank or 0] for part, rank in zip(parts, ranks, strict=True)]
    assert plan.error_bound == pytest.approx(np.hypot(*bounds))


def test_max_error_of_a_cascade_is_for_its_end() -> None:
    """Every kernel takes a share that accounts for how the kernels after it make errors grow."""
    noise = np.random.default_rng(3)
    kernels = [Kernel.from_taps(noise.normal(size=(21, 21)) * np.geomspace(1, 1e-6, 21)) for _ in range(2)]
    plan = planned(kernels, max_error=40000.0)
    assert all(stage.error_bound > 0 for stage in plan.stages)
    assert plan.error_bound <= 40000
    grown = plan.stages[0].error_bound * np.abs(kernels[1].taps).sum()
    assert plan.error_bound == pytest.approx(grown + plan.stages[1].error_bound)


@pytest.mark.parametrize(("dtype", "levels"), [("uint8", 255), ("uint16", 65535), ("float32", 1)])
def test_errors_are_in_levels_of_the_source(dtype: str, levels: float) -> None:
    """The bound is for samples from 0 to full white of the source's type."""
    taps = np.arange(9.0).reshape(3, 3)
    plan = make_plan(Kernel.from_taps(taps), ImageSpec(8, 8, 1, dtype), rank=1)
    assert plan.error_bound == pytest.approx(worst_errors(taps, levels)[1])


def test_levels_set_full_white_of_float_samples() -> None:
    """Float images whose white is 255 have bounds for 0 to 255."""
    spec = ImageSpec(8, 8, 1, "float32")
    one, many = make_plan("disk:3", spec, rank=1), make_plan("disk:3", spec, rank=1, levels=255)
    assert many.error_bound == pytest.approx(255 * one.error_bound)


def test_signed_samples_make_larger_errors_possible() -> None:
    """Where samples may be negative both signs of the lost taps add up."""
    taps = np.arange(9.0).reshape(3, 3)
    kept = factorize(Kernel.from_taps(taps), rank=1)
    lost = taps - kept.columns.T @ kept.rows
    high, low = lost[lost > 0].sum(), -lost[lost < 0].sum()
    plan = make_plan(Kernel.from_taps(taps), ImageSpec(8, 8, 1, "int16"), rank=1)
    assert plan.error_bound == pytest.approx(max(high * 32767 + low * 32768, high * 32768 + low * 32767))
