"""Grey is luma, exactly rounded."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sepfilter.errors import UnsupportedImageError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.grey import grey_spec, in_grey, to_grey
from sepfilter.images.metadata import Metadata

Array = npt.NDArray[Any]


def luma(colours: Array) -> Array:
    """(299 R + 587 G + 114 B) / 1000 in whole numbers, halves to the even neighbour."""
    thousandths = colours.astype(np.int64) @ np.array([299, 587, 114])
    below, rest = np.divmod(thousandths, 1000)
    up = (rest > 500) | ((rest == 500) & (below % 2 == 1))
    return below + up


def luma_of(pixels: Array, *, alpha: bool = False) -> Array:
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
    grey = luma_of(colours)
    assert (grey.shape, grey.dtype) == ((*colours.shape[:2], 1), np.uint8)
    assert np.array_equal(grey[..., 0], expected)


@pytest.mark.parametrize("dtype", ["uint16", "int16", "int32", "uint32"])
def test_wide_integers_give_the_exact_luma(dtype: str) -> None:
    """Random colours over the whole range of the type, and its ends."""
    info = np.iinfo(dtype)
    colours = np.random.default_rng(0).integers(info.min, info.max, (300, 70, 3), dtype=dtype, endpoint=True)
    colours[0, 0], colours[0, 1] = info.min, info.max
    grey = luma_of(colours)
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
    assert luma_of(np.array([[[red, green, blue]]], np.uint16)).item() == half + half % 2


def test_grey_colours_stay_as_they_are() -> None:
    """Equal red, green and blue are their own luma."""
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    assert np.array_equal(luma_of(np.repeat(levels, 3, axis=2)), levels)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_are_not_rounded_to_integers(dtype: str) -> None:
    """The luma of floats is within the rounding of their type, negative and large values too."""
    colours = np.random.default_rng(1).normal(0, 1000, (20, 30, 3)).astype(dtype)
    grey = luma_of(colours)
    assert grey.dtype == np.dtype(dtype)
    expected = colours.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    assert np.allclose(grey[..., 0], expected, rtol=1e-6, atol=1e-4)
    assert not np.array_equal(grey, np.rint(grey))


def test_opacity_is_kept() -> None:
    """RGBA becomes grey and the same opacity."""
    pixels = np.random.default_rng(2).integers(0, 256, (300, 20, 4), dtype=np.uint8)
    grey = luma_of(pixels, alpha=True)
    assert grey.shape == (300, 20, 2)
    assert np.array_equal(grey[..., 0], luma(pixels[..., :3]))
    assert np.array_equal(grey[..., 1], pixels[..., 3])


def test_the_input_is_not_changed() -> None:
    """A read-only array is as good as any."""
    pixels = np.full((2, 2, 3), 9, np.uint8)
    pixels.setflags(write=False)
    assert np.array_equal(luma_of(pixels), np.full((2, 2, 1), 9))


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


@dataclass
class Held:
    """An image that is there already."""

    pixels: Array
    metadata: Metadata = field(default_factory=Metadata)
    strip_rows: int = 2
    closed: bool = False

    @property
    def spec(self) -> ImageSpec:
        """Shape and type."""
        return ImageSpec.of(self.pixels, alpha=self.metadata.alpha)

    def read(self, window: Window) -> Array:
        """A part."""
        return self.pixels[window.rows, window.columns]

    def close(self) -> None:
        """Let go."""
        self.closed = True


def test_a_source_in_grey_is_read_by_strips() -> None:
    """Each strip is the luma of those rows, of the spec that was known before."""
    pixels = np.random.default_rng(3).integers(0, 256, (7, 5, 4), dtype=np.uint8)
    source = in_grey(Held(pixels, Metadata(alpha=True)), "a.png")
    assert source.spec == ImageSpec(7, 5, 2, "uint8", alpha=True)
    assert source.strip_rows == 2
    strips = [source.read(Window(y, 1, min(2, 7 - y), 3)) for y in range(0, 7, 2)]
    assert np.array_equal(np.concatenate(strips), luma_of(pixels, alpha=True)[:, 1:4])


def test_only_the_profile_is_lost_in_grey() -> None:
    """A profile for colours does not describe grey, and the user is told; everything else still holds."""
    before = Metadata("JPEG", icc=b"profile", exif=b"exif", xmp=b"xmp", dpi=(72.0, 72.0), frames=3)
    after = in_grey(Held(np.zeros((2, 2, 3), np.uint8), before), "a.jpg").metadata
    (warning,) = after.warnings
    assert "colour profile was dropped" in warning
    assert replace(after, warnings=()) == replace(before, icc=None)


def test_grey_keeps_its_profile() -> None:
    """Nothing becomes of an image that is grey already."""
    before = Metadata("PNG", icc=b"profile")
    assert in_grey(Held(np.zeros((2, 2, 1), np.uint8), before), "a.png").metadata == before


@pytest.mark.parametrize(
    ("channels", "metadata", "words"),
    [
        (4, Metadata(cmyk=True), "CMYK inks"),
        (5, Metadata(), "5 channels"),
        (4, Metadata(), "4 channels"),
        (3, Metadata(alpha=True), "3 channels"),
    ],
)
def test_what_has_no_luma_is_refused(channels: int, metadata: Metadata, words: str) -> None:
    """By its name, and with what to do."""
    source = Held(np.zeros((2, 2, channels), np.uint8), metadata)
    with pytest.raises(UnsupportedImageError, match=rf"^a\.tif: {words} have no luma: leave out --grey"):
        in_grey(source, "a.tif")


def test_the_file_behind_grey_is_let_go_of() -> None:
    """Closing the one closes the other."""
    source = Held(np.zeros((2, 2, 3), np.uint8))
    in_grey(source, "a.png").close()
    assert source.closed
