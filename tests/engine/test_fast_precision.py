"""The promise of `fast`: 16-bit taps, wrong only where the true value is almost a tie."""

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

from sepfilter.engine.planning import make_plan
from sepfilter.errors import OptionError
from sepfilter.geometry import ImageSpec
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.presets import named_kernel
from sepfilter.plans.passes import SeparablePass

SMALL = settings(max_examples=25, deadline=None)
SLACK = 1e-9
"""What the float64 reference may err by itself, in levels."""

Array = npt.NDArray[Any]
Run = Callable[..., tuple[Array, Any]]


def gaussian(radius: int) -> Kernel:
    """As the benchmarks have it: sigma is a third of the radius."""
    x = np.arange(-radius, radius + 1)
    taps = np.exp(-0.5 * (3 * x / radius) ** 2)
    return Kernel.from_factors(taps / taps.sum(), taps / taps.sum())


@pytest.mark.parametrize("method", ["direct", "separable"])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@given(data=st.data())
@SMALL
def test_random_images_keep_the_promise(
    reference: ModuleType, filtered: Run, dtype: str, method: str, data: st.DataObject
) -> None:
    """Random kernels of any rank, border and anchor stay within the plan's arithmetic bound."""
    case = data.draw(reference.float_cases())
    image = data.draw(reference.images(dtype))
    kind = np.iinfo(dtype)
    case = replace(case, value=min(max(case.value, kind.min), kind.max))
    how = {"anchor": case.anchor, "border": case.option, "method": method, "output_range": "float"}
    result, plan = filtered(image, case.taps, precision="fast", **how)
    true = reference.correlate(
        image.astype(np.float64), case.taps, anchor=case.anchor, border=case.border, value=case.value
    )
    assert plan.accumulator in ("uint16", "int32")
    assert np.abs(result - true).max() <= plan.arithmetic_bound + SLACK


@pytest.mark.parametrize("method", ["direct", "separable"])
@given(data=st.data())
@SMALL
def test_the_image_that_errs_most_keeps_the_promise(
    reference: ModuleType, filtered: Run, method: str, data: st.DataObject
) -> None:
    """White where the rounded taps are too large and black elsewhere, and the other way round."""
    case = data.draw(reference.float_cases(scale=2.0))
    plan = make_plan(
        Kernel.from_taps(case.taps), ImageSpec(1, 1, 1, "uint8"), precision="fast", method=method
    )
    one = plan.stages[0].passes[0]
    if plan.accumulator == "uint16":
        taps = one.columns.T @ one.rows / 2**16 if isinstance(one, SeparablePass) else one.taps
        kept = taps / 2**16
    elif isinstance(one, SeparablePass):
        shifts = np.zeros(one.terms) if one.shifts is None else one.shifts
        kept = (one.columns * 2.0 ** -shifts[:, np.newaxis]).T @ one.rows / one.denominator
    else:
        kept = one.taps / one.denominator
    for worst in (kept - case.taps, case.taps - kept):
        image = reference.extreme_image(worst, "uint8")
        result, found = filtered(
            image, case.taps, precision="fast", method=method, border="nearest", output_range="float"
        )
        true = reference.correlate(image.astype(np.float64), case.taps, border="nearest")
        assert np.abs(result - true).max() <= found.arithmetic_bound + SLACK


@pytest.mark.parametrize("radius", [1, 3, 9, 30, 60])
def test_the_bound_of_a_gaussian_is_small(radius: int) -> None:
    """From 3 to 121 taps, integers of 16 bits err by less than a tenth of a level."""
    plan = make_plan(gaussian(radius), ImageSpec(9, 9, 1, "uint8"))
    assert plan.precision == "fast"
    assert plan.arithmetic_bound < 0.1


def test_a_kernel_whose_bound_is_large_is_left_to_float() -> None:
    """Fifteen terms that oppose one another cost more than 16 bits have."""
    taps = np.random.default_rng(5).random((15, 15))
    options = {"method": "separable"}
    spec = ImageSpec(9, 9, 1, "uint8")
    kernel = Kernel.from_taps(taps / taps.sum())
    assert make_plan(kernel, spec, precision="fast", **options).arithmetic_bound > 0.1
    assert make_plan(kernel, spec, **options).precision == "float"


@pytest.mark.parametrize("kernel", ["gaussian:2", "log:1", "motion:9,30"])
@pytest.mark.parametrize("value", [0, 1, 127, 255])
def test_a_flat_area_keeps_its_value(filtered: Run, kernel: str, value: int) -> None:
    """Rounded taps have the sum of the true ones."""
    one = named_kernel(kernel)
    assert isinstance(one, Kernel)
    result, _ = filtered(np.full((9, 9), value, np.uint8), one, precision="fast")
    np.testing.assert_array_equal(result, np.full((9, 9), round(value * one.sum)))


@pytest.mark.parametrize(
    ("spec", "kernel", "options", "why"),
    [
        (ImageSpec(9, 9, 1, "uint16"), "gaussian:1", {}, "8-bit"),
        (ImageSpec(9, 9, 1, "float32"), "gaussian:1", {}, "8-bit"),
        (ImageSpec(9, 9, 1, "uint8"), ["gaussian:1", "gaussian:1"], {"border": "nearest"}, "one kernel"),
        (ImageSpec(9, 9, 1, "uint8"), "gaussian:1", {"border": "constant:0.5"}, "border"),
        (ImageSpec(9, 9, 1, "uint8"), "gaussian:1", {"border": "constant:256"}, "border"),
        (ImageSpec(9, 9, 1, "int8"), "gaussian:1", {"border": "constant:-129"}, "border"),
        (ImageSpec(9, 9, 1, "uint8"), "sobel", {}, "sobel"),
    ],
)
def test_what_fast_cannot_do_is_refused_with_the_reason(
    spec: ImageSpec, kernel: Any, options: dict[str, Any], why: str
) -> None:
    """It is for a single kernel on 8-bit samples, and never silently something else."""
    with pytest.raises(OptionError, match=why):
        make_plan(kernel, spec, precision="fast", **options)
