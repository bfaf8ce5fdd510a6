"""Filtering by Fourier transforms: the same results as tap by tap, whatever the block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.engine import filtering
from sepfilter.engine.execute import execute
from sepfilter.engine.filtering import plan_strips
from sepfilter.engine.planning import make_plan
from sepfilter.geometry import ImageSpec
from sepfilter.kernels.kernel import Gradient, Kernel
from sepfilter.plans.passes import FFTPass
from sepfilter.plans.plan import Plan

Array = npt.NDArray[Any]
Run = Callable[..., tuple[Array, Any]]
FEW = settings(max_examples=25, deadline=None)
UNROUNDED = {"precision": "double", "output_range": "float"}


def in_blocks(plan: Plan, block: tuple[int, int]) -> Plan:
    """The same plan with transforms of another size."""
    stages = [
        replace(stage, passes=tuple(replace(one, block=block) for one in stage.passes))  # type: ignore[type-var]
        for stage in plan.stages
    ]
    return replace(plan, stages=tuple(stages))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "float64"])
@given(data=st.data())
@FEW
def test_transforms_give_the_naive_sum(
    reference: ModuleType, filtered: Run, dtype: str, data: st.DataObject
) -> None:
    """On random kernels, anchors, borders and images, within the bound that the plan states."""
    case = data.draw(reference.float_cases(scale=4.0))
    image = data.draw(reference.images(dtype))
    options = {"anchor": case.anchor, "border": case.border}
    levels = {"levels": max(float(np.abs(image).max()), 1.0)} if image.dtype.kind == "f" else {}
    result, plan = filtered(image, case.taps, method="fft", **options, **levels, **UNROUNDED)
    true = reference.correlate(image.astype(np.float64), case.taps, **options)
    assert plan.method == "fft"
    assert np.abs(result - true).max() <= plan.arithmetic_bound


@pytest.mark.parametrize("border", ["reflect", "mirror", "nearest", "wrap", "constant:-3"])
@pytest.mark.parametrize("block", [(8, 8), (8, 16), (20, 12), (64, 64)])
def test_blocks_of_any_size_fit_together(border: str, block: tuple[int, int]) -> None:
    """Many blocks, or one that is larger than the image, give the same integers as taps do."""
    image = np.random.default_rng(0).integers(0, 256, (37, 29, 2)).astype(np.uint8)
    taps = np.random.default_rng(1).integers(-9, 10, (5, 7))
    spec, options = ImageSpec.of(image), {"border": border, "dtype": "int16"}
    plan = in_blocks(make_plan(taps, spec, method="fft", **options), block)
    assert plan.precision == "exact"
    direct = execute(make_plan(taps, spec, method="direct", **options), image)
    np.testing.assert_array_equal(execute(plan, image), direct)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("kernel", ["disk:7", "sobel", "laplacian", "binomial:5", "box:4"])
def test_rational_kernels_are_exact_by_transforms_too(kernel: str, dtype: str) -> None:
    """Sums are rounded to the integers that they are near: the result is the direct one, bit for bit."""
    noise = np.random.default_rng(2)
    image = noise.integers(0, np.iinfo(dtype).max, (61, 47), endpoint=True).astype(dtype)
    plan = make_plan(kernel, ImageSpec.of(image), method="fft", precision="exact")
    assert plan.arithmetic_bound == 0
    direct = make_plan(kernel, ImageSpec.of(image), method="direct", precision="exact")
    np.testing.assert_array_equal(execute(plan, image), execute(direct, image))


def test_exactness_is_refused_where_sums_grow_too_large() -> None:
    """Where a sum could be rounded to the wrong integer, nothing is promised."""
    taps = np.full((9, 9), 2.0**31)
    taps[0, 0] = 1
    plan = make_plan(taps, ImageSpec(500, 500, 1, "uint8"), method="fft")
    assert plan.precision != "exact"
    assert plan.arithmetic_bound > 0


@pytest.mark.parametrize("kernel", ["gaussian:3", [[0.3, -0.7], [0.9, 0.1]], ["gaussian:1", "motion:9,30"]])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_results_do_not_depend_on_strips(monkeypatch: pytest.MonkeyPatch, kernel: Any, padding: str) -> None:
    """Blocks lie on a grid of the image: however it is cut, over threads too, not one bit changes."""
    image = np.random.default_rng(3).normal(size=(150, 31, 2)).astype(np.float32)
    plan = in_blocks(make_plan(kernel, ImageSpec.of(image), method="fft", padding=padding), (32, 40))
    whole = execute(plan, image, threads=1)
    monkeypatch.setattr(filtering, "STRIP_SAMPLES", 1)
    assert len(plan_strips(plan)) > 3
    for threads in (1, 2):
        np.testing.assert_array_equal(execute(plan, image, threads=threads), whole)
    rows = [execute(plan, image, threads=1)[y] for y in range(0, len(whole), 40)]
    np.testing.assert_array_equal(rows, whole[::40])


def test_strips_are_whole_rows_of_the_grid() -> None:
    """No block is transformed twice for two strips."""
    plan = make_plan("gabor:6,30", ImageSpec(3000, 4000, 3, "uint8"), method="fft")
    step = plan.stages[0].grid_rows
    assert step > 1
    assert all(first % step == 0 for first, _ in plan_strips(plan, 2))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_what_is_not_finite_reaches_no_further_than_the_kernel(value: float) -> None:
    """A NaN, an infinity, and what overflows a transform, leave all else as it was."""
    image = np.random.default_rng(4).random((70, 60))
    taps = np.random.default_rng(5).random((5, 7)) + 1e8 * (value == 1e300)
    plan = in_blocks(make_plan(taps, ImageSpec.of(image), method="fft", **UNROUNDED), (16, 24))
    clean = execute(plan, image)
    image[33, 20] = value
    dirty = execute(plan, image)
    reached = np.zeros(image.shape, bool)
    reached[31:36, 17:24] = True
    scale = np.abs(taps).sum()
    np.testing.assert_allclose(dirty[~reached], clean[~reached], rtol=0, atol=1e-12 * scale)
    if not np.isfinite(value):
        assert not np.isfinite(dirty[reached]).any()


def test_a_gradient_is_one_transform_and_two_products() -> None:
    """The magnitude is that of the derivatives tap by tap; both share their block."""
    noise = np.random.default_rng(6)
    parts = [Kernel.from_taps(noise.normal(size=(9, 9))) for _ in range(2)]
    image = noise.integers(0, 256, (40, 50, 3)).astype(np.uint8)
    spec = ImageSpec.of(image)
    plan = make_plan(Gradient("g", *parts), spec, method="fft", **UNROUNDED)
    direct = make_plan(Gradient("g", *parts), spec, method="direct", **UNROUNDED)
    assert len({one.block for one in plan.stages[0].passes if isinstance(one, FFTPass)}) == 1
    np.testing.assert_allclose(execute(plan, image), execute(direct, image), rtol=0, atol=1e-9)


def test_offsets_and_opacity_are_as_tap_by_tap() -> None:
    """What comes after the sums does not depend on how they were made."""
    image = np.random.default_rng(7).integers(0, 256, (40, 30, 4)).astype(np.uint8)
    kernel = replace(Kernel.from_taps(np.random.default_rng(8).random((6, 5)) / 15), offset=3.0)
    for alpha in ("premultiply", "separate", "keep"):
        by_taps, by_transforms = (
            execute(
                make_plan(
                    kernel,
                    ImageSpec.of(image, alpha=True),
                    method=method,
                    alpha=alpha,
                    precision="double",
                    scale=0.5,
                    output_range="offset",
                ),
                image,
            )
            for method in ("direct", "fft")
        )
        assert np.abs(by_taps.astype(int) - by_transforms).max() <= 1
        assert (by_taps != by_transforms).mean() < 0.01


@pytest.mark.parametrize("shape", [(9, 1), (1, 9), (40, 1), (1, 1)])
@pytest.mark.parametrize("border", ["mirror", "constant:7"])
def test_kernels_of_one_row_or_column_are_transformed_by_lines(shape: tuple[int, int], border: str) -> None:
    """Along one axis only; the integers are those of the direct sum."""
    noise = np.random.default_rng(10)
    image = noise.integers(0, 256, (37, 43, 3)).astype(np.uint8)
    taps = noise.integers(-9, 10, shape)
    spec, options = ImageSpec.of(image), {"border": border, "dtype": "int16"}
    plan = make_plan(taps, spec, method="fft", **options)
    block = (64, 16) if shape[1] == 1 else (16, 64)
    direct = execute(make_plan(taps, spec, method="direct", **options), image)
    for one in (plan, in_blocks(plan, block)):
        np.testing.assert_array_equal(execute(one, image), direct)


def test_known_factors_are_transformed_without_building_taps() -> None:
    """A wide Gaussian is two vectors, and filters as in two passes."""
    image = np.random.default_rng(9).integers(0, 256, (90, 80)).astype(np.uint8)
    spec = ImageSpec.of(image)
    fft = make_plan("gaussian:20", spec, method="fft", **UNROUNDED)
    separable = make_plan("gaussian:20", spec, method="separable", **UNROUNDED)
    one = fft.stages[0].passes[0]
    assert isinstance(one, FFTPass)
    assert one.of.terms == 1
    np.testing.assert_allclose(execute(fft, image), execute(separable, image), rtol=0, atol=1e-9)


def test_what_overflows_a_transform_of_integers_runs_tap_by_tap() -> None:
    """Taps so large that a block's spectrum is beyond float64 leave finite results finite."""
    noise = np.random.default_rng(11)
    image = noise.integers(0, 256, (60, 60)).astype(np.uint8)
    taps = 5e303 * noise.choice([-1.0, 1.0], (5, 5))
    plan = make_plan(taps, ImageSpec.of(image), method="fft", output_range="float", dtype="float64")
    direct = make_plan(taps, ImageSpec.of(image), method="direct", output_range="float", dtype="float64")
    np.testing.assert_allclose(execute(plan, image), execute(direct, image), rtol=1e-12, atol=1e295)
