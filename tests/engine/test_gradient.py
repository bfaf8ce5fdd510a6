"""The magnitude of a gradient: computed before rounding, and in whole numbers where it can be."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.engine.execute import execute
from sepfilter.engine.planning import make_plan
from sepfilter.geometry import ImageSpec
from sepfilter.kernels.kernel import Gradient, Kernel
from sepfilter.kernels.shapes import gaussian_taps

SMOOTHING = {"sobel": [1, 2, 1], "scharr": [3, 10, 3], "prewitt": [1, 1, 1]}
DIFFERENCE = [-1, 0, 1]
Array = npt.NDArray[Any]
Run = Callable[..., tuple[Array, Any]]


def exact_magnitude(reference: ModuleType, image: Array, smoothing: list[int], **how: Any) -> Array:
    """The whole number nearest to the root of gx^2 + gy^2, in Python's integers."""
    numbers = image.astype(object)
    gx = reference.correlate(numbers, np.outer(smoothing, DIFFERENCE).astype(object), **how)
    gy = reference.correlate(numbers, np.outer(DIFFERENCE, smoothing).astype(object), **how)
    out = np.empty(image.shape, object)
    for at in np.ndindex(image.shape):
        out[at] = reference.rounded_root(gx[at] ** 2 + gy[at] ** 2)
    return out


@pytest.mark.parametrize("method", ["auto", "direct"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_the_magnitude_of_sobel_is_the_correctly_rounded_root(
    reference: ModuleType, filtered: Run, dtype: str, method: str, data: st.DataObject
) -> None:
    """On every border the magnitude equals the root of whole numbers, rounded to the nearest."""
    image = data.draw(reference.images(dtype))
    border = data.draw(st.sampled_from(reference.BORDERS))
    result, plan = filtered(image, "sobel", border=border, method=method, precision="exact")
    assert plan.arithmetic_bound == 0
    true = exact_magnitude(reference, image, SMOOTHING["sobel"], border=border)
    np.testing.assert_array_equal(result, reference.rounded(true, dtype))


@pytest.mark.parametrize("name", SMOOTHING)
def test_no_pair_of_derivatives_is_rounded_wrongly(reference: ModuleType, filtered: Run, name: str) -> None:
    """On twenty thousand pixels of noise each magnitude is the correctly rounded one."""
    image = np.random.default_rng(27).integers(0, 256, (100, 200)).astype(np.uint8)
    result, plan = filtered(image, name, dtype="int16")
    assert plan.precision == "exact"
    np.testing.assert_array_equal(result, exact_magnitude(reference, image, SMOOTHING[name]))


def test_the_magnitude_is_not_that_of_rounded_derivatives(filtered: Run) -> None:
    """Derivatives of 0.4 and 0.3 have the magnitude 0.5, though both round to 0."""
    gradient = Gradient("g", Kernel.from_taps([[0.4]]), Kernel.from_taps([[0.3]]))
    image = np.array([[1, 3, 10]], np.uint8)
    result, _ = filtered(image, gradient, dtype="float64")
    np.testing.assert_allclose(result, [[0.5, 1.5, 5.0]], rtol=1e-15)


def test_the_magnitude_is_not_clipped_in_between(filtered: Run) -> None:
    """Derivatives far beyond 255, and negative ones, enter the magnitude as they are."""
    image = np.array([[0, 0, 255], [0, 0, 255], [0, 255, 255]], np.uint8)
    result, _ = filtered(image, "sobel", dtype="int16")
    gx, gy = 255 + 2 * 255 + 255, 2 * 255
    assert result[1, 1] == round((gx**2 + gy**2) ** 0.5)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_float_magnitude_is_the_root_of_the_squares(
    reference: ModuleType, filtered: Run, data: st.DataObject
) -> None:
    """Real derivatives of any taps combine as sqrt(gx^2 + gy^2)."""
    case = data.draw(reference.float_cases())
    other = np.random.default_rng(28).normal(size=case.taps.shape)
    image = data.draw(reference.images("float64"))
    border = "nearest" if case.border == "constant" else case.border
    gradient = Gradient("g", Kernel.from_taps(case.taps), Kernel.from_taps(other))
    result, _ = filtered(image, gradient, border=border)
    parts = [reference.correlate(image, taps, border=border) for taps in (case.taps, other)]
    np.testing.assert_allclose(result, np.hypot(*parts), atol=1e-13)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_an_inexact_magnitude_keeps_the_promise(
    reference: ModuleType, filtered: Run, data: st.DataObject
) -> None:
    """In float32 a magnitude is off by at most the plan's arithmetic bound before rounding."""
    cases = [data.draw(reference.float_cases(scale=3.0)) for _ in range(2)]
    taps = [np.resize(case.taps, (3, 3)) for case in cases]
    image = data.draw(reference.images("uint16"))
    gradient = Gradient("g", *map(Kernel.from_taps, taps))
    result, plan = filtered(image, gradient, precision="float", output_range="float")
    parts = [reference.correlate(image.astype(np.float64), one) for one in taps]
    assert np.abs(result - np.hypot(*parts)).max() <= plan.arithmetic_bound + 1e-9


@pytest.mark.parametrize("second", [1.0, 0.875, 0.75, 0.5])
def test_the_bound_covers_squares_and_root(filtered: Run, second: float) -> None:
    """Where derivatives are exact the magnitude still errs by its own roundings, within the bound."""
    image = np.arange(60000, 65536, dtype=np.uint16).reshape(-1, 32)
    gradient = Gradient("g", Kernel.from_taps([[1.0]]), Kernel.from_taps([[second]]))
    result, plan = filtered(image, gradient, precision="float", output_range="float")
    true = image * np.hypot(1.0, second)
    assert np.abs(result - true).max() <= plan.arithmetic_bound


def test_a_flipped_gradient_has_the_same_magnitude(filtered: Run) -> None:
    """Turning both odd derivatives around changes their signs, not the magnitude."""
    from sepfilter.kernels.presets import named_kernel

    image = np.random.default_rng(29).integers(0, 256, (8, 8)).astype(np.uint8)
    np.testing.assert_array_equal(
        filtered(image, named_kernel("sobel").flipped())[0], filtered(image, "sobel")[0]
    )


@pytest.mark.parametrize(
    ("build", "options"),
    [
        (lambda: [np.ones(301), np.ones(301)], {}),
        (lambda: [np.ones(301), np.array([1.0])], {}),
        (lambda: [gaussian_taps(40.0, 160), gaussian_taps(40.0, 160)], {"max_error": 1.0}),
    ],
    ids=["boxes", "a box and a line", "wide Gaussians"],
)
def test_derivatives_of_any_size_are_both_taken(build: Any, options: dict[str, Any]) -> None:
    """Large boxes and wide smooth derivatives, which alone would run by other means, make a magnitude too."""
    column, row = build()
    side = max(len(column), len(row))
    pad = [np.pad(one, (side - len(one)) // 2) for one in (column, row)]
    gradient = Gradient("g", Kernel.from_factors(*pad), Kernel.from_factors(*pad[::-1]))
    image = np.random.default_rng(5).integers(0, 256, (40, 50)).astype(np.uint8)
    unrounded = {"output_range": "float", "dtype": "float64"}
    plan = make_plan(gradient, ImageSpec.of(image), **unrounded, **options)
    parts = [
        execute(
            make_plan(one, ImageSpec.of(image), method="separable", precision="double", **unrounded), image
        )
        for one in (gradient.x, gradient.y)
    ]
    expected = np.hypot(*parts)
    allowed = plan.error_bound + plan.arithmetic_bound + 1e-9 * expected.max()
    assert np.abs(execute(plan, image) - expected).max() <= allowed
