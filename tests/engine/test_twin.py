"""The compiled engine against its twin: the same plan on the same block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sepfilter.engine import native_engine, scipy_engine
from sepfilter.engine.block import Block
from sepfilter.engine.planning import make_plan
from sepfilter.geometry import ImageSpec
from sepfilter.kernels.kernel import Kernel
from sepfilter.plans.arithmetic import PARTIAL_SUM
from sepfilter.plans.plan import Plan

native = pytest.importorskip("sepfilter.engine._native", reason="the compiled engine is not built")

BORDERS = ["reflect", "mirror", "nearest", "wrap", "constant:7"]
RANK_2 = Kernel.from_taps(
    np.random.default_rng(1).normal(size=(5, 2)) @ np.random.default_rng(2).normal(size=(2, 4))
)
FilterBlock = Callable[..., Any]


def by(engine: FilterBlock, plan: Plan, image: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], Any]:
    """What an engine makes of a whole image, and what it lost."""
    (stage,) = plan.stages
    spec = plan.output_spec
    out = np.zeros((spec.height, spec.width, spec.channels), spec.dtype)
    top, bottom, left, right = stage.halo if stage.padding == "valid" else (0, 0, 0, 0)
    losses = engine(stage, Block(image, (top, bottom, left, right)), plan.arithmetic, plan.output, out)
    return out, losses


def image_of(dtype: str, shape: tuple[int, int, int] = (23, 37, 3)) -> npt.NDArray[Any]:
    """Noise over all that the type holds."""
    noise = np.random.default_rng(3)
    if dtype.startswith("float"):
        return noise.normal(size=shape).astype(dtype)
    info = np.iinfo(dtype)
    return noise.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(
    ("kernel", "precision"),
    [
        *(
            (name, "exact")
            for name in ("sobel-x", "sobel", "scharr", "box:3", "box:4", "disk:4", "binomial:9")
        ),
        *((name, "fast") for name in ("sobel-x", "box:3", "gaussian:2", "disk:4", RANK_2)),
    ],
)
def test_integer_arithmetic_is_the_twins_bit_for_bit(
    kernel: Any, precision: str, padding: str, border: str
) -> None:
    """Whatever is made of integers is equal, counts of clipped samples included."""
    image = image_of("uint8")
    plan = make_plan(kernel, ImageSpec.of(image), precision=precision, padding=padding, border=border)
    ours, lost = by(native_engine.filter_block, plan, image)
    twins, twin_lost = by(scipy_engine.filter_block, plan, image)
    np.testing.assert_array_equal(ours, twins)
    assert lost == twin_lost


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "int32", "uint32", "float32", "float64"]
)
@pytest.mark.parametrize("precision", ["float", "double"])
@pytest.mark.parametrize("method", ["direct", "separable"])
def test_float_arithmetic_is_the_twins_within_the_bound(dtype: str, precision: str, method: str) -> None:
    """Both keep the plan's promise, so that they differ by twice its bound at most."""
    image = image_of(dtype)
    wide = "float64" if precision == "double" else "float32"
    plan = make_plan(
        RANK_2, ImageSpec.of(image), precision=precision, method=method, dtype=wide, border="mirror"
    )
    ours, _ = by(native_engine.filter_block, plan, image)
    twins, _ = by(scipy_engine.filter_block, plan, image)
    reach = float(np.abs(image.astype(np.float64)).max())
    rounding = 2.0 ** (-52 if precision == "double" else -22) * reach * 40
    assert (
        np.abs(ours.astype(np.float64) - twins).max() <= 2 * plan.arithmetic_bound * max(reach, 1) + rounding
    )


def test_the_bounds_are_those_of_the_sums_that_are_made() -> None:
    """Planner and engine close partial sums after as many products."""
    assert native.PARTIAL_SUM == PARTIAL_SUM


@pytest.mark.parametrize("output_range", ["clip", "abs", "offset", "stretch"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float32"])
def test_every_range_is_the_twins(output_range: str, dtype: str) -> None:
    """Scale, offset, absolute values and saturation are the same, and counted the same."""
    image = image_of("uint8")
    options = {"output_range": output_range, "dtype": dtype, "scale": 3.0, "offset": -20.0}
    plan = make_plan("sobel-x", ImageSpec.of(image), **options)
    ours, lost = by(native_engine.filter_block, plan, image)
    twins, twin_lost = by(scipy_engine.filter_block, plan, image)
    np.testing.assert_array_equal(ours, twins)
    assert lost == twin_lost
