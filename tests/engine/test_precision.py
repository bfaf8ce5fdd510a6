"""The promise of float and double precision: wrong only where the true value is almost a tie."""

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

from sepfilter.kernels.kernel import Kernel

SMALL = settings(max_examples=25, deadline=None)
SLACK = 1e-9
"""What the float64 reference may err by itself, in levels."""

Array = npt.NDArray[Any]
Run = Callable[..., tuple[Array, Any]]


def assert_promise(reference: ModuleType, result: Array, true: Array, bound: float) -> None:
    """Integer samples are the rounded truth, except within the bound of a tie."""
    info = np.iinfo(result.dtype)
    differs = result != np.clip(np.rint(true), info.min, info.max)
    assert (reference.distance_from_tie(true[differs]) <= bound + SLACK).all()
    assert (np.abs(np.clip(true, info.min, info.max) - result) <= 0.5 + bound + SLACK).all()


@pytest.mark.parametrize("precision", ["auto", "float", "double"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
@given(data=st.data())
@SMALL
def test_integer_samples_keep_the_promise(
    reference: ModuleType, filtered: Run, dtype: str, precision: str, data: st.DataObject
) -> None:
    """Random kernels of any rank, border and anchor stay within the plan's arithmetic bound."""
    case = data.draw(reference.float_cases())
    image = data.draw(reference.images(dtype))
    how = {"anchor": case.anchor, "border": case.option}
    method = data.draw(st.sampled_from(["auto", "direct", "separable"]))
    result, plan = filtered(image, case.taps, method=method, precision=precision, **how)
    how = {"anchor": case.anchor, "border": case.border, "value": case.value}
    true = reference.correlate(image.astype(np.float64), case.taps, **how)
    assert_promise(reference, result, true, plan.arithmetic_bound)


@pytest.mark.parametrize("method", ["direct", "separable"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
@given(data=st.data())
@SMALL
def test_adversarial_images_keep_the_promise(
    reference: ModuleType, filtered: Run, dtype: str, method: str, data: st.DataObject
) -> None:
    """Black and white after the sign of the taps, the largest sums, stay within the bound unrounded."""
    case = data.draw(reference.float_cases(scale=8.0))
    image = reference.extreme_image(case.taps, dtype)
    result, plan = filtered(image, case.taps, precision="float", method=method, output_range="float")
    true = reference.correlate(image.astype(np.float64), case.taps)
    assert np.abs(result - true).max() <= plan.arithmetic_bound + SLACK


@given(data=st.data())
@SMALL
def test_scale_and_offset_keep_the_promise(reference: ModuleType, filtered: Run, data: st.DataObject) -> None:
    """The map's own rounding is part of the bound."""
    case = data.draw(reference.float_cases(scale=2.0))
    image = data.draw(reference.images("uint16"))
    scale, offset = data.draw(st.floats(-3, 3)), data.draw(st.floats(-50000, 50000))
    result, plan = filtered(image, case.taps, scale=scale, offset=offset, precision="float")
    true = scale * reference.correlate(image.astype(np.float64), case.taps) + offset
    assert_promise(reference, result, true, plan.arithmetic_bound)


@pytest.mark.parametrize("scale", [1.0, 0.3, -0.7, 1.1])
@pytest.mark.parametrize("offset", [0.0, 50000.3, -0.1])
def test_the_bound_covers_the_roundings_of_the_map(
    reference: ModuleType, filtered: Run, scale: float, offset: float
) -> None:
    """A large offset costs digits of the result, and the bound says how many, before any rounding."""
    image = np.random.default_rng(41).integers(0, 256, (40, 40)).astype(np.uint8)
    taps = np.array([[0.4, 0.6]])
    options = {"scale": scale, "offset": offset, "output_range": "float"}
    result, plan = filtered(image, taps, precision="float", **options)
    true = scale * reference.correlate(image.astype(np.float64), taps) + offset
    assert np.abs(result - true).max() <= plan.arithmetic_bound + SLACK


@pytest.mark.parametrize("scale", [0.3, 0.55, 0.7, 0.9])
def test_the_bound_covers_the_map_of_what_the_last_kernel_makes(filtered: Run, scale: float) -> None:
    """The map rounds values as large as the end of the cascade makes them, not as its beginning."""
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    last = replace(Kernel.from_taps([[2.0]]), offset=1e6)
    kernels = [Kernel.from_taps([[0.5]]), last]
    result, plan = filtered(image, kernels, scale=scale, precision="float", output_range="float")
    assert np.abs(result - scale * (image + 1e6)).max() <= plan.arithmetic_bound + SLACK


@given(data=st.data())
@SMALL
def test_a_cascade_keeps_the_promise(reference: ModuleType, filtered: Run, data: st.DataObject) -> None:
    """Errors of one stage, grown by the next, are part of the bound."""
    cases = [data.draw(reference.float_cases(largest=4, scale=3.0)) for _ in range(3)]
    image = data.draw(reference.images("uint16"))
    kernels = [Kernel.from_taps(case.taps) for case in cases]
    result, plan = filtered(image, kernels, precision="float", output_range="float")
    true = image.astype(np.float64)
    for case in cases:
        true = reference.correlate(true, case.taps)
    assert np.abs(result - true).max() <= plan.arithmetic_bound + SLACK


@pytest.mark.parametrize("name", ["gaussian:1.5", "log:1", "unsharp:1,2", "gabor:2", "motion:5,30"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
def test_presets_keep_the_promise(reference: ModuleType, filtered: Run, dtype: str, name: str) -> None:
    """Kernels as they come keep it on noise, on black and white, and where precision is automatic."""
    from sepfilter.kernels.presets import named_kernel

    kernel = named_kernel(name)
    assert isinstance(kernel, Kernel)
    noise = np.random.default_rng(13)
    info = np.iinfo(dtype)
    for image in (
        noise.integers(info.min, info.max, (24, 25), dtype=dtype, endpoint=True),
        reference.extreme_image(kernel.taps, dtype),
    ):
        result, plan = filtered(image, kernel)
        true = reference.correlate(image.astype(np.float64), kernel.taps)
        assert plan.arithmetic_bound <= 0.1
        assert_promise(reference, result, true, plan.arithmetic_bound)


def test_opposing_terms_cost_precision_that_the_bound_accounts_for(
    reference: ModuleType, filtered: Run
) -> None:
    """Two large terms that almost cancel err far more than their sum's taps suggest."""
    noise = np.random.default_rng(14)
    column, row = noise.normal(size=(5, 1)), noise.normal(size=(1, 5))
    taps = column @ row + 1e-4 * noise.normal(size=(5, 5))
    image = noise.integers(0, 65536, (20, 20)).astype(np.uint16)
    result, plan = filtered(image, taps, precision="float", method="separable", output_range="float")
    true = reference.correlate(image.astype(np.float64), taps)
    assert np.abs(result - true).max() <= plan.arithmetic_bound + SLACK


@pytest.mark.parametrize("method", ["direct", "separable"])
@given(data=st.data(), exponent=st.sampled_from([-20, -100, 30]))
@SMALL
def test_the_scale_of_the_taps_does_not_matter(
    reference: ModuleType, filtered: Run, method: str, data: st.DataObject, exponent: int
) -> None:
    """Tiny taps, on the scale of 1e-20 and below, filter double samples as ordinary ones do."""
    case = data.draw(reference.float_cases())
    image = data.draw(reference.images("float64"))
    taps = case.taps * 10.0**exponent
    result, _ = filtered(image, taps, anchor=case.anchor, border="mirror", method=method)
    true = reference.correlate(image, taps, anchor=case.anchor, border="mirror")
    np.testing.assert_allclose(result / 10.0**exponent, true / 10.0**exponent, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_float_samples_are_as_close_as_their_type_allows(
    reference: ModuleType, filtered: Run, dtype: str
) -> None:
    """Float images err by a few roundings of their own type."""
    image = np.random.default_rng(15).uniform(0, 1, (9, 9)).astype(dtype)
    result, _ = filtered(image, "gaussian:1")
    from scipy.ndimage import gaussian_filter

    true = gaussian_filter(image.astype(np.float64), 1)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, true, atol=4 * float(np.finfo(dtype).eps))


def test_double_precision_keeps_what_float_would_lose(reference: ModuleType, filtered: Run) -> None:
    """A float64 image comes out right to the last digits."""
    image = 1 + np.random.default_rng(16).uniform(0, 1e-9, (9, 9))
    taps = np.random.default_rng(17).normal(size=(3, 3))
    result, plan = filtered(image, taps)
    assert plan.precision == "double"
    np.testing.assert_allclose(result, reference.correlate(image, taps), rtol=1e-14)
