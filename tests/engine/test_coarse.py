"""Wide smooth kernels on a coarse grid: within the promised error, wherever and however they run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sepfilter.engine import coarse, filtering
from sepfilter.engine.execute import execute
from sepfilter.engine.planning import make_plan
from sepfilter.geometry import ImageSpec
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.shapes import gaussian_taps
from sepfilter.plans.passes import CoarsePass
from sepfilter.plans.plan import Plan

Array = npt.NDArray[Any]
BORDERS = ["reflect", "mirror", "nearest", "wrap", "constant:9", "constant:-1000.5"]
FLOAT = {"output_range": "float", "precision": "float"}


@pytest.fixture
def image() -> Array:
    """Noise of two channels, black and white in places."""
    noise = np.random.default_rng(0).integers(0, 256, (450, 420, 2)).astype(np.uint8)
    noise[40:90, 30:] = 255
    noise[100:, :70] = 0
    return noise


def exact(kernel: Any, image: Array, **options: Any) -> Array:
    """The result of two passes in double."""
    options = {**options, "precision": "double", "method": "separable"}
    plan = make_plan(kernel, ImageSpec.of(image), **options)
    return execute(plan, image)


def coarsely(kernel: Any, image: Array, **options: Any) -> tuple[Array, Plan]:
    """The result on a coarse grid."""
    plan = make_plan(kernel, ImageSpec.of(image), **options)
    assert isinstance(plan.stages[-1].passes[0], CoarsePass)
    return execute(plan, image), plan


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("border", BORDERS)
def test_the_promised_error_is_kept(image: Array, border: str, padding: str) -> None:
    """With every border, near the edges and inside, and for results where only the kernel fits."""
    options = {"border": border, "padding": padding, **FLOAT}
    found, plan = coarsely("gaussian:30", image, max_error=0.5, **options)
    true = exact("gaussian:30", image, **options)
    assert found.shape == true.shape
    assert 0 < plan.error_bound <= 0.5
    assert np.abs(found - true).max() <= plan.error_bound + plan.arithmetic_bound


@pytest.mark.parametrize("allowed", [0.01, 0.1, 2.0])
def test_a_smaller_error_takes_a_finer_grid(image: Array, allowed: float) -> None:
    """Whatever is allowed is kept, and the arithmetic is far more exact than that."""
    found, plan = coarsely("gaussian:25", image, max_error=allowed, **FLOAT)
    assert np.abs(found - exact("gaussian:25", image, **FLOAT)).max() <= plan.error_bound <= allowed
    assert plan.arithmetic_bound < 0.01


def test_the_bound_is_no_empty_promise() -> None:
    """The image that errs most, black and white by the sign of what is lost, reaches a third of the bound."""
    spec, middle = ImageSpec(1, 241, 1, "uint8"), 120
    plan = make_plan("gaussian:20", replace(spec, height=241), max_error=0.5, **FLOAT)
    one = plan.stages[0].passes[0]
    assert isinstance(one, CoarsePass)
    rows = np.repeat(
        np.eye(241, dtype=np.uint8)[:, np.newaxis], 241, axis=1
    )  # an impulse along x, flat along y
    responses = np.stack([execute(plan, row)[middle] for row in rows])
    worst = 0.0
    for place in range(middle, middle + one.along.step):
        lost = responses[:, place].astype(float)
        lost[place - 80 : place + 81] -= gaussian_taps(20.0, 80)
        worst = max(worst, 255 * np.abs(lost).sum() / 2)
    assert plan.error_bound / 3 < worst <= plan.error_bound


def test_results_do_not_depend_on_strips(monkeypatch: pytest.MonkeyPatch, image: Array) -> None:
    """The grid is fixed to the image: not one bit changes, over threads or gathered line by line."""
    whole, plan = coarsely("gaussian:30", image, max_error=0.5, precision="float")
    monkeypatch.setattr(filtering, "STRIP_SAMPLES", 1)
    monkeypatch.setattr(coarse, "GATHERED", 1)
    for threads in (1, 3):
        np.testing.assert_array_equal(execute(plan, image, threads=threads), whole)


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32", "float64"])
def test_all_kinds_of_samples(dtype: str) -> None:
    """Each in its own levels."""
    noise = np.random.default_rng(1).random((120, 130))
    image = noise.astype(dtype) if dtype.startswith("float") else (noise * 32767).astype(dtype)
    allowed = 1e-3 if dtype.startswith("float") else 100.0
    found, plan = coarsely("gaussian:20", image, max_error=allowed, **FLOAT)
    true = exact("gaussian:20", image, **FLOAT)
    assert np.abs(found.astype(float) - true).max() <= plan.error_bound + plan.arithmetic_bound


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_reaches_no_further_than_the_kernel(value: float) -> None:
    """Where a sample is not finite the passes run tap by tap."""
    image = np.random.default_rng(2).random((230, 240))
    image[20, 30] = value
    found, _ = coarsely("gaussian:30", image, max_error=0.01)
    reached = np.zeros(image.shape, bool)
    reached[: 20 + 121, : 30 + 121] = True
    assert np.isfinite(found[~reached]).all()
    assert not np.isfinite(found[20, 30])


def test_it_may_follow_another_kernel(image: Array) -> None:
    """In a cascade it reads what the kernel before it makes, and its error is carried on."""
    cascade = ["box:5", "gaussian:20", [[0.5, 0.5]]]
    kernels = [one if isinstance(one, str) else Kernel.from_taps(one) for one in cascade]
    plan = make_plan(kernels, ImageSpec.of(image), max_error=1.0, **FLOAT)
    assert "coarse" in [stage.method for stage in plan.stages]
    true = exact(kernels, image, **FLOAT)
    assert np.abs(execute(plan, image) - true).max() <= plan.error_bound + plan.arithmetic_bound


def test_offsets_are_added(image: Array) -> None:
    """A kernel's own offset comes after the spreading."""
    taps = gaussian_taps(30.0, 120)
    kernel = replace(Kernel.from_factors(taps, taps), offset=7.0)
    found, plan = coarsely(kernel, image, max_error=0.5, **FLOAT)
    assert np.abs(found - exact(kernel, image, **FLOAT)).max() <= plan.error_bound + plan.arithmetic_bound


def test_it_is_for_those_who_allow_an_error() -> None:
    """No approximation unless asked, none where the kernel is not centred, none for short kernels."""
    spec = ImageSpec(3000, 4000, 1, "uint8")
    taps = gaussian_taps(50.0, 200)
    aside = replace(Kernel.from_factors(taps, taps), anchor=(0, 0))
    for kernel, options in (
        ("gaussian:50", {}),
        ("gaussian:50", {"max_error": 0}),
        ("gaussian:50", {"max_error": 1, "method": "separable"}),
        ("gaussian:50", {"max_error": 1, "precision": "fast"}),
        (aside, {"max_error": 1}),
        ("gaussian:1", {"max_error": 1}),
    ):
        plan = make_plan(kernel, spec, **options)
        assert plan.error_bound == 0
        assert not any(isinstance(one, CoarsePass) for stage in plan.stages for one in stage.passes)


def test_a_wide_gaussian_costs_hardly_more_than_a_small_one() -> None:
    """Predicted for a photograph: sigma 200 at an error of half a level is not 4 times sigma 10."""
    spec = ImageSpec(3000, 4000, 3, "uint8")
    costs = [make_plan(f"gaussian:{sigma}", spec, max_error=0.5).nanoseconds for sigma in (10, 50, 200)]
    assert costs[2] < 4 * costs[0]
    assert costs[1] < make_plan("gaussian:50", spec).nanoseconds / 3
