"""Linear light: every value comes back, rounding is that of the encoded value, opacity is left alone."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepfilter.errors import UnsupportedImageError
from sepfilter.geometry import ImageSpec
from sepfilter.images.light.samples import clipped_samples, encoded_pixels, linear_pixels, linear_spec
from sepfilter.images.light.tone_curves import SRGB, Curve, PowerCurve, SampledCurve

PARAMETRIC = PowerCurve("type 3", 0x26666 / 65536, *(n / 65536 for n in (0xF2A7, 0x0D59, 0x13D0, 0x0A5B)))
DISTINCT = SampledCurve(
    "table", tuple(round(65535 * (0.1 * i / 255 + 0.9 * (i / 255) ** 2.2)) for i in range(256))
)
LINEAR = PowerCurve("linear", 1.0)
CURVES = (SRGB, LINEAR, PowerCurve("2.2", 2.2), PowerCurve("1.8", 1.8), PARAMETRIC, DISTINCT)
STEEP = (
    PowerCurve("1 / 2.2", 1 / 2.2),
    PowerCurve("20", 20.0),
    PowerCurve("255", 255.99),
    SampledCurve("level ends", (0, 0, 0, 10, 20, 20, 1000, 65535, 65535)),
    SampledCurve("dark at first", (0,) * 500 + tuple(range(0, 65536, 15))),
    SampledCurve("neither black nor white", (3000, 4000, 30000, 60000)),
    PowerCurve("level, then a power", 2.4, a=0.9, b=-0.09, c=0, d=0.1, e=0.02, f=0.02),
)

Pixels = npt.NDArray[Any]
named = pytest.mark.parametrize("curve", CURVES, ids=lambda one: one.name)
of_integers = pytest.mark.parametrize("dtype", ["uint8", "uint16"])


def every_value(dtype: str) -> tuple[Pixels, ImageSpec]:
    """An image of one row that has all values."""
    pixels = np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(1, -1, 1)
    return pixels, ImageSpec.of(pixels)


def awkward_light(curve: Curve, levels: float) -> npt.NDArray[np.float32]:
    """Light inside and outside the range, and around where the rounding changes."""
    generator = np.random.default_rng(7)
    ties = levels * curve.to_linear((np.arange(levels + 2) - 0.5) / levels)
    middle = ties.astype(np.float32)
    return np.concatenate([
        generator.uniform(-0.2 * levels, 1.2 * levels, 20000).astype(np.float32),
        (levels * 10.0 ** generator.uniform(-9, 0, 20000)).astype(np.float32),
        middle, np.nextafter(middle, np.float32(-1e9)), np.nextafter(middle, np.float32(1e9)),
        np.array([0.0, -0.0, 1e30, -1e30], np.float32),
    ])  # fmt: skip


@named
@of_integers
def test_every_value_comes_back(curve: Curve, dtype: str) -> None:
    """Decoded and encoded again, each integer is itself."""
    pixels, spec = every_value(dtype)
    returned = encoded_pixels(linear_pixels(pixels, spec, curve), spec, curve)
    assert returned.dtype == dtype
    assert (returned == pixels).all()


@of_integers
def test_light_is_that_of_the_standard(dtype: str) -> None:
    """Each integer becomes the float32 nearest to the formula of IEC 61966-2-1."""
    pixels, spec = every_value(dtype)
    levels = spec.levels
    expected = [
        levels * (v / levels / 12.92 if v / levels <= 0.04045 else ((v / levels + 0.055) / 1.055) ** 2.4)
        for v in pixels.ravel().tolist()
    ]
    linear = linear_pixels(pixels, spec, SRGB)
    assert linear.dtype == np.float32
    np.testing.assert_allclose(linear.ravel(), np.array(expected), rtol=6.1e-8)


@named
@of_integers
def test_full_white_keeps_its_value(curve: Curve, dtype: str) -> None:
    """Kernels, offsets and bounds keep their units."""
    pixels, spec = every_value(dtype)
    linear = linear_pixels(pixels, spec, curve)
    assert linear[0, 0, 0] == 0
    assert linear[0, -1, 0] == pytest.approx(spec.levels, rel=2e-5)


@pytest.mark.parametrize("white", [1.0, 100.0])
@named
@of_integers
def test_every_value_comes_back_from_another_white(curve: Curve, dtype: str, white: float) -> None:
    """Light and opacity may be given from 0 to 1, or to any other number."""
    values, _ = every_value(dtype)
    pixels = np.concatenate([values, values], axis=2)
    spec = ImageSpec.of(pixels, alpha=True)
    linear = linear_pixels(pixels, spec, curve, white=white)
    assert linear[0, -1].tolist() == pytest.approx([white, white], rel=2e-5)
    assert (encoded_pixels(linear, spec, curve, white=white) == pixels).all()


@pytest.mark.parametrize("curve", [*CURVES, *STEEP], ids=lambda one: one.name)
@of_integers
def test_rounding_happens_on_the_encoded_value(curve: Curve, dtype: str) -> None:
    """The result is the formula's in float64, rounded half to even and saturated, for any light."""
    levels = float(np.iinfo(dtype).max)
    light = awkward_light(curve, levels)
    expected = np.clip(np.rint(levels * curve.from_linear(light.astype(np.float64) / levels)), 0, levels)
    returned = encoded_pixels(light.reshape(1, -1, 1), ImageSpec(1, light.size, 1, dtype), curve)
    assert (returned.ravel() == expected).all()


def test_ties_go_to_even() -> None:
    """Halves of a linear curve, which float64 meets exactly."""
    light = np.array([[[0.5], [1.5], [2.5], [254.5]]], np.float32)
    assert encoded_pixels(light, ImageSpec.of(light.astype(np.uint8)), LINEAR).ravel().tolist() == [
        0,
        2,
        2,
        254,
    ]


@of_integers
def test_what_is_no_number_or_outside_saturates(dtype: str) -> None:
    """NaN becomes 0, infinities black and white."""
    light = np.array([[[np.nan], [np.inf], [-np.inf], [-5.0], [1e30]]], np.float32)
    spec = ImageSpec(1, 5, 1, dtype)
    white = int(spec.levels)
    assert encoded_pixels(light, spec, SRGB).ravel().tolist() == [0, white, 0, 0, white]


@pytest.mark.parametrize("curve", [*CURVES, *STEEP], ids=lambda one: one.name)
@of_integers
def test_clipped_samples_are_those_rounded_outside(curve: Curve, dtype: str) -> None:
    """Counted as the rounded values are, below 0 and above full white."""
    levels = float(np.iinfo(dtype).max)
    light = np.append(awkward_light(curve, levels), np.array([np.inf, np.nan], np.float32))
    with np.errstate(all="ignore"):
        rounded = np.rint(levels * curve.from_linear(light.astype(np.float64) / levels))
    expected = (int((rounded < 0).sum()), int((rounded > levels).sum()), 2)
    assert clipped_samples(light.reshape(1, -1, 1), ImageSpec(1, light.size, 1, dtype), curve) == expected


def test_clipping_is_counted_against_the_given_white() -> None:
    """Half of it is inside, twice as much outside."""
    light = np.array([[[0.5], [2.0], [-1.0]]], np.float32)
    assert clipped_samples(light, ImageSpec(1, 3, 1, "uint8"), SRGB, white=1.0) == (1, 1, 0)


def test_opacity_is_never_counted_as_clipped() -> None:
    """Nor is anything of a float image."""
    light = np.array([[[-9.0, 300.0]]], np.float32)
    assert clipped_samples(light, ImageSpec(1, 1, 2, "uint8", alpha=True), SRGB) == (1, 0, 0)
    assert clipped_samples(light, ImageSpec(1, 1, 2, "float32"), SRGB) == (0, 0, 0)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_opacity_is_only_converted(dtype: str) -> None:
    """It stays as it is in both directions; the colours beside it do not."""
    levels = ImageSpec(1, 1, 1, dtype).levels
    pixels = (np.linspace(0, levels, 60).reshape(3, 5, 4)).astype(dtype)
    spec = ImageSpec.of(pixels, alpha=True)
    linear = linear_pixels(pixels, spec, SRGB)
    assert (linear[..., 3] == pixels[..., 3]).all()
    assert (linear[..., 0] < pixels[..., 0]).sum() == 14
    assert (encoded_pixels(linear, spec, SRGB)[..., 3] == pixels[..., 3]).all()


def test_filtered_opacity_is_rounded_and_saturated() -> None:
    """Half to even, NaN to 0."""
    alpha = np.array([0.5, 1.5, -3.0, 260.0, np.nan, np.inf], np.float32)
    light = np.stack([np.zeros_like(alpha), alpha], axis=-1)[None]
    encoded = encoded_pixels(light, ImageSpec(1, 6, 2, "uint8", alpha=True), SRGB)
    assert encoded[0, :, 1].tolist() == [0, 2, 0, 255, 0, 255]


@pytest.mark.parametrize(
    ("dtype", "linear"), [("float16", "float32"), ("float32", "float32"), ("float64", "float64")]
)
def test_float_images_keep_a_float_type(dtype: str, linear: str) -> None:
    """float16 is filtered as float32 and comes back bit for bit; the others as close as their type allows."""
    pixels = np.linspace(-0.5, 2, 300).astype(dtype).reshape(10, 10, 3)
    spec = ImageSpec.of(pixels)
    light = linear_pixels(pixels, spec, SRGB)
    returned = encoded_pixels(light, spec, SRGB)
    assert (light.dtype, returned.dtype) == (linear, dtype)
    assert linear_spec(spec) == ImageSpec(10, 10, 3, linear)
    rounding = 0 if dtype == "float16" else 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(returned, pixels, rtol=rounding, atol=rounding)


def test_white_of_a_float_image_may_be_another_number() -> None:
    """With white at 255 the samples are those of 8 bits, in both directions."""
    pixels, spec = every_value("uint8")
    floats = pixels.astype(np.float64)
    light = linear_pixels(floats, ImageSpec.of(floats), SRGB, white=255.0)
    np.testing.assert_allclose(light, linear_pixels(pixels, spec, SRGB), rtol=1e-6)
    returned = encoded_pixels(light, ImageSpec.of(floats), SRGB, white=255.0)
    np.testing.assert_allclose(returned, floats, atol=1e-10)


def test_floats_outside_the_range_are_not_clipped() -> None:
    """NaN and infinity pass as well."""
    pixels = np.array([[[-2.0], [3.0], [np.inf], [np.nan]]], np.float32)
    returned = encoded_pixels(linear_pixels(pixels, ImageSpec.of(pixels), SRGB), ImageSpec.of(pixels), SRGB)
    np.testing.assert_allclose(returned, pixels, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "uint32"])
def test_other_integers_are_refused(dtype: str) -> None:
    """One line that names the image, its type, the types that will do, and the option."""
    pixels = np.zeros((2, 2, 1), dtype)
    with pytest.raises(UnsupportedImageError, match=rf"^a\.tif: has {dtype} samples.*uint16.*--linear$"):
        linear_spec(ImageSpec.of(pixels), name="a.tif")
    with pytest.raises(UnsupportedImageError, match="linear light is for"):
        linear_pixels(pixels, ImageSpec.of(pixels), SRGB)
    with pytest.raises(UnsupportedImageError, match="linear light is for"):
        encoded_pixels(pixels.astype(np.float32), ImageSpec.of(pixels), SRGB)


def test_the_spec_says_float_and_keeps_the_rest() -> None:
    """Size, channels and opacity stay."""
    assert linear_spec(ImageSpec(3, 4, 4, "uint16", alpha=True)) == ImageSpec(3, 4, 4, "float32", alpha=True)


@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(1, 4), st.sampled_from(["uint8", "uint16", "float32"])
)
def test_strips_make_no_difference(height: int, width: int, channels: int, dtype: str) -> None:
    """Rows by themselves, and views with strides, give the same bits as the whole image."""
    spec = ImageSpec(2 * height, width, channels, dtype, alpha=channels in (2, 4))
    generator = np.random.default_rng(height)
    pixels = (generator.random((2 * height, width, channels)) * spec.levels).astype(dtype)
    whole = linear_pixels(pixels, spec, SRGB)
    rows = np.concatenate([linear_pixels(row[None], spec, SRGB) for row in pixels])
    assert (rows == whole).all()
    assert (linear_pixels(pixels[::2, ::-1], spec, SRGB) == whole[::2, ::-1]).all()
    encoded = encoded_pixels(whole, spec, SRGB)
    assert (encoded_pixels(whole[::2, ::-1], spec, SRGB) == encoded[::2, ::-1]).all()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_memory_beside_the_image_stays_small(dtype: str) -> None:
    """A few megabytes, however large the image."""
    pixels = np.zeros((1000, 1000, 3), dtype)
    spec = ImageSpec.of(pixels)
    light = linear_pixels(pixels, spec, SRGB)
    tracemalloc.start()
    try:
        encoded = encoded_pixels(light, spec, SRGB)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak - encoded.nbytes < 4 * 2**20
