"""Grey is luma, exactly rounded."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sepfilter.geometry import ImageSpec
from sepfilter.images.grey import grey_spec, to_grey

Array = npt.NDArray[Any]


def luma(colours: Array) -> Array:
    """(299 R + 587 G + 114 B) / 1000 in whole numbers, halves to the even neighbour."""
    thousandths = colours.astype(np.int64) @ np.array([299, 587, 114])
    below, rest = np.divmod(thousandths, 1000)
    up = (rest > 500) | ((rest == 500) & (below % 2 == 1))
    return below + up


def in_grey(pixels: Array, *, alpha: bool = False) -> Array:
    """What the package makes of it."""
    return to_grey(pixels, ImageSpec.of(pixels, alpha=alpha))


def test_eight_bit_colours_give_the_exact_luma() -> None:
    """Every red and green with every eighth blue, ties included."""
    axes = (
        np.arange(256, dtype=np.uint8),
        np.arange(256, dtype=np.uint8),
        np.arange(0, 256, 8, dtype=np.uint8),
    )
    colours = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(1024, -1, 3)
    expected = luma(colours)
    ties = (colours.astype(np.int64) @ np.array([299, 587, 114])) % 1000 == 500
    assert ties.any()
    assert set(np.unique(expected[ties] % 2)) == {0}
    grey = in_grey(colours)
    assert (grey.shape, grey.dtype) == ((*colours.shape[:2], 1), np.uint8)
    assert np.array_equal(grey[..., 0], expected)


@pytest.mark.parametrize("dtype", ["uint16", "int16", "int32", "uint32"])
def test_wide_integers_give_the_exact_luma(dtype: str) -> None:
    """Random colours over the whole range of the type, and its ends."""
    info = np.iinfo(dtype)
    colours = np.random.default_rng(0).integers(info.min, info.max, (300, 70, 3), dtype=dtype, endpoint=True)
    colours[0, 0], colours[0, 1] = info.min, info.max
    grey = in_grey(colours)
    assert grey.dtype == np.dtype(dtype)
    assert np.array_equal(grey[..., 0], luma(colours))


@settings(deadline=None)
@given(red=st.integers(0, 65535), green=st.integers(0, 65535), blue=st.integers(0, 65000))
def test_a_tie_goes_to_the_even_neighbour(red: int, green: int, blue: int) -> None:
    """Any colour, its blue moved on until the luma lies half way between two levels."""
    assume((red + green) % 2 == 0)
    while (299 * red + 587 * green + 114 * blue) % 1000 != 500:
        blue += 1
    half = (299 * red + 587 * green + 114 * blue - 500) // 1000
    assert in_grey(np.array([[[red, green, blue]]], np.uint16)).item() == half + half % 2


def test_grey_colours_stay_as_they_are() -> None:
    """Equal red, green and blue are their own luma."""
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    assert np.array_equal(in_grey(np.repeat(levels, 3, axis=2)), levels)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_are_not_rounded_to_integers(dtype: str) -> None:
    """The luma of floats is within the rounding of their type, negative and large values too."""
    colours = np.random.default_rng(1).normal(0, 1000, (20, 30, 3)).astype(dtype)
    grey = in_grey(colours)
    assert grey.dtype == np.dtype(dtype)
    expected = colours.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    assert np.allclose(grey[..., 0], expected, rtol=1e-6, atol=1e-4)
    assert not np.array_equal(grey, np.rint(grey))


def test_opacity_is_kept() -> None:
    """RGBA becomes grey and the same opacity."""
    pixels = np.random.default_rng(2).integers(0, 256, (300, 20, 4), dtype=np.uint8)
    grey = in_grey(pixels, alpha=True)
    assert grey.shape == (300, 20, 2)
    assert np.array_equal(grey[..., 0], luma(pixels[..., :3]))
    assert np.array_equal(grey[..., 1], pixels[..., 3])


def test_the_input_is_not_changed() -> None:
    """A read-only array is as good as any."""
    pixels = np.full((2, 2, 3), 9, np.uint8)
    pixels.setflags(write=False)
    assert np.array_equal(in_grey(pixels), np.full((2, 2, 1), 9))


@pytest.mark.parametrize(
    ("channels", "alpha"), [(1, False), (2, True), (2, False), (4, False), (5, False), (3, True)]
)
def test_what_is_not_rgb_comes_back_as_it_is(channels: int, *, alpha: bool) -> None:
    """Grey, inks and other channels have no luma."""
    pixels = np.zeros((2, 3, channels), np.uint8)
    spec = ImageSpec.of(pixels, alpha=alpha)
    assert grey_spec(spec) == spec
    assert to_grey(pixels, spec) is pixels


@pytest.mark.parametrize(("channels", "alpha", "left"), [(3, False, 1), (4, True, 2)])
def test_the_spec_of_the_grey_picture_is_known_before(channels: int, left: int, *, alpha: bool) -> None:
    """Fewer channels, everything else the same."""
    spec = ImageSpec(5, 6, channels, "uint16", alpha)
    assert grey_spec(spec) == ImageSpec(5, 6, left, "uint16", alpha)
