"""Boxes by running sums: the exact sums, whatever the size of the box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
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
from sepfilter.kernels.kernel import Kernel
from sepfilter.plans.passes import BoxPass, SeparablePass
from sepfilter.plans.plan import Plan

Array = npt.NDArray[Any]
BORDERS = ["reflect", "mirror", "nearest", "wrap", "constant:7", "constant:-300"]


def by_running_sums(plan: Plan) -> Plan:
    """The same plan, its separable passes as boxes, in double."""
    stages = [
        replace(stage, passes=tuple(BoxPass(one) for one in stage.passes if isinstance(one, SeparablePass)))
        for stage in plan.stages
    ]
    return replace(plan, stages=tuple(stages), accumulator="float64", samples="float64")


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "int32", "uint32"])
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_boxes_are_the_sums_tap_by_tap(dtype: str, data: st.DataObject) -> None:
    """On random boxes, anchors, borders and images of any integers, bit for bit."""
    info = np.iinfo(dtype)
    height, width = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    seed = data.draw(st.integers(0, 2**32 - 1))
    image = np.random.default_rng(seed).integers(info.min, info.max, (7, 8, 2), dtype, endpoint=True)
    kernel = replace(
        Kernel.from_taps(np.full((height, width), data.draw(st.sampled_from([1, -2, 3])))),
        anchor=(data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))),
        offset=float(data.draw(st.integers(-5, 5))),
    )
    border = data.draw(st.sampled_from(BORDERS))
    options = {"border": border, "precision": "exact", "dtype": "float64", "output_range": "clip"}
    plan = make_plan(kernel, ImageSpec.of(image), method="separable", **options)
    np.testing.assert_array_equal(execute(by_running_sums(plan), image), execute(plan, image))


def test_large_boxes_run_by_themselves(reference: Any) -> None:
    """Beyond a size they are cheaper than two passes, and the mean is rounded once."""
    image = np.random.default_rng(1).integers(0, 65536, (60, 50)).astype(np.uint16)
    plan = make_plan("box:1001,401", ImageSpec(3000, 4000, 1, "uint16"))
    assert isinstance(plan.stages[0].passes[0], BoxPass)
    assert (plan.method, plan.precision, plan.arithmetic_bound) == ("separable", "exact", 0)
    assert "running sums" in plan.reason
    small = by_running_sums(make_plan("box:21,11", ImageSpec.of(image), method="separable"))
    sums = reference.correlate(image.astype(object), np.ones((21, 11), object))
    expected = [[round(Fraction(int(total), 231)) for total in row] for row in sums]
    np.testing.assert_array_equal(execute(small, image), expected)


def test_counts_are_those_of_running_sums() -> None:
    """Four additions, and one multiplication for the mean; the direct way has a million."""
    plan = make_plan("box:1001", ImageSpec(3000, 4000, 1, "uint8"))
    counts = plan.operations
    assert counts.additions == 4 * counts.samples
    assert counts.multiplications == counts.executed_multiplications == counts.samples
    assert counts.direct_multiplications == 1001**2 * counts.samples


def test_float_images_are_not_summed_up_running() -> None:
    """Rounding would run along with the sum, and so would a NaN."""
    plan = make_plan("box:301", ImageSpec(3000, 4000, 1, "float32"))
    assert not any(isinstance(one, BoxPass) for stage in plan.stages for one in stage.passes)


def test_strips_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums that begin anew with every strip are the same integers."""
    image = np.random.default_rng(2).integers(0, 256, (150, 31, 2)).astype(np.uint8)
    plan = by_running_sums(make_plan("box:9,5", ImageSpec.of(image), method="separable"))
    whole = execute(plan, image, threads=1)
    monkeypatch.setattr(filtering, "STRIP_SAMPLES", 1)
    assert len(plan_strips(plan)) > 3
    np.testing.assert_array_equal(execute(plan, image, threads=2), whole)


@pytest.mark.parametrize("method", ["direct", "fft"])
def test_other_methods_can_be_asked_for(method: str, filtered: Callable[..., Any]) -> None:
    """Running sums are a way to run a separable kernel, and no other."""
    plan = make_plan("box:301", ImageSpec(3000, 4000, 1, "uint8"), method=method)
    assert not any(isinstance(one, BoxPass) for stage in plan.stages for one in stage.passes)
