"""What is written is what is read again, bit for bit, in every format that promises it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.geometry import SAMPLE_TYPES, ImageSpec, Window
from sepfilter.images.formats import format_named
from sepfilter.images.metadata import Metadata
from sepfilter.images.sink import Sink
from sepfilter.images.source import open_source

Array = npt.NDArray[Any]

LOSSLESS = [
    *(("png", "uint8", channels) for channels in (1, 2, 3, 4)),
    ("png", "uint16", 1),
    *(("tiff", "uint8", channels) for channels in (1, 2, 3, 4)),
    *(("tiff", dtype, 1) for dtype in ("uint16", "int32", "float32")),
    *(("bmp", "uint8", channels) for channels in (1, 3)),
    *(("ppm", "uint8", channels) for channels in (1, 3)),
    ("ppm", "uint16", 1),
    ("webp", "uint8", 3),
]

OPACITY = (2, 4)

SIDES = st.integers(1, 9)


@st.composite
def pictures(draw: st.DrawFn, dtype: str, channels: st.SearchStrategy[int]) -> Array:
    """Arrays (H, W, C) of any bits whatever: among floats every NaN, infinities and -0.0."""
    shape = draw(SIDES), draw(SIDES), draw(channels)
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(draw(st.binary(min_size=size, max_size=size)), dtype).reshape(shape).copy()


def there_and_back(pixels: Array, name: str, metadata: Metadata, **options: Any) -> tuple[Array, Metadata]:
    """The pixels after they were encoded and decoded, shape (H, W, C), and what came with them."""
    spec = ImageSpec.of(pixels, alpha=metadata.alpha)
    sink = Sink(spec, metadata, format_named(name), **options)
    sink.write(Window.whole(spec), pixels)
    source = open_source(name, content=sink.encoded())
    return source.read(Window.whole(source.spec)), source.metadata


@pytest.mark.parametrize(("name", "dtype", "channels"), LOSSLESS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_round_trip_is_bit_exact(name: str, dtype: str, channels: int, data: st.DataObject) -> None:
    """Shape, type and every bit, NaN and -0.0 and colours under opacity 0 included."""
    pixels = data.draw(pictures(dtype, st.just(channels)))
    alpha = channels in OPACITY
    again, metadata = there_and_back(pixels, name, Metadata(alpha=alpha))
    assert (again.shape, again.dtype) == (pixels.shape, pixels.dtype)
    assert again.tobytes() == pixels.tobytes()
    assert metadata.alpha == alpha


@pytest.mark.parametrize("dtype", SAMPLE_TYPES)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_npy_is_bit_exact_for_every_type(dtype: str, data: st.DataObject) -> None:
    """With any number of channels."""
    pixels = data.draw(pictures(dtype, st.integers(1, 7)))
    again, _ = there_and_back(pixels, "npy", Metadata())
    assert (again.shape, again.dtype) == (pixels.shape, pixels.dtype)
    assert again.tobytes() == pixels.tobytes()


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_webp_keeps_rgba_that_something_is_seen_through(data: st.DataObject) -> None:
    """Without a quality every sample comes back, colours under opacity 0 included."""
    pixels = data.draw(pictures("uint8", st.just(4)))
    pixels[0, 0, 3] = min(pixels[0, 0, 3], 254)
    again, metadata = there_and_back(pixels, "webp", Metadata(alpha=True))
    assert np.array_equal(again, pixels)
    assert metadata.alpha


@settings(max_examples=30, deadline=None)
@given(data=st.data(), opacity=st.booleans())
def test_webp_holds_grey_as_three_equal_colours(*, data: st.DataObject, opacity: bool) -> None:
    """The format has no grey; no sample changes for it."""
    pixels = data.draw(pictures("uint8", st.just(1 + opacity)))
    pixels[0, 0, 1:] = np.minimum(pixels[0, 0, 1:], 254)
    again, _ = there_and_back(pixels, "webp", Metadata(alpha=opacity))
    assert np.array_equal(again[..., :3], np.repeat(pixels[..., :1], 3, axis=2))
    assert np.array_equal(again[..., 3:], pixels[..., 1:])


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_inks_in_tiff_are_bit_exact(data: st.DataObject) -> None:
    """CMYK comes back as CMYK."""
    pixels = data.draw(pictures("uint8", st.just(4)))
    again, metadata = there_and_back(pixels, "tiff", Metadata(cmyk=True))
    assert np.array_equal(again, pixels)
    assert (metadata.cmyk, metadata.alpha) == (True, False)


@pytest.mark.parametrize(
    ("name", "channels", "quality"),
    [
        ("jpeg", 1, None),
        ("jpeg", 3, None),
        ("jpeg", 3, 100),
        ("jpeg", 4, 100),
        ("webp", 3, 90),
        ("webp", 4, 90),
    ],
)
@settings(max_examples=20, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), corners=st.lists(st.integers(0, 255), min_size=4))
def test_lossy_formats_keep_the_shape_and_come_close(
    name: str, channels: int, quality: int | None, height: int, width: int, corners: list[int]
) -> None:
    """A picture that changes evenly from corner to corner moves by less than 8 levels on average."""
    down, across = np.linspace(0, 1, height)[:, np.newaxis], np.linspace(0, 1, width)[np.newaxis]
    top = corners[0] * (1 - across) + corners[1] * across
    bottom = corners[2] * (1 - across) + corners[3] * across
    grey = np.rint(top * (1 - down) + bottom * down).astype(np.uint8)
    pixels = np.repeat(grey[..., np.newaxis], channels, axis=2)
    inks = name == "jpeg" and channels == 4
    alpha = channels == 4 and not inks
    if alpha:
        pixels[..., 3] = 128
    again, metadata = there_and_back(pixels, name, Metadata(alpha=alpha, cmyk=inks), quality=quality)
    assert (again.shape, again.dtype) == (pixels.shape, np.uint8)
    assert (metadata.alpha, metadata.cmyk) == (alpha, inks)
    assert np.abs(again.astype(int) - pixels).mean() < 8
