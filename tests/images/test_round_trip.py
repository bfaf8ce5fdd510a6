"""What is written is what is read again, bit for bit, in every format that promises it."""

from __future__ import annotations

from io import BytesIO
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.geometry import SAMPLE_TYPES, ImageSpec, Window
from sepfilter.images.decoding import has_imagecodecs
from sepfilter.images.formats import OUTPUT_FORMATS, OutputFormat, format_named
from sepfilter.images.metadata import Metadata
from sepfilter.images.sink import Encoding, open_sink
from sepfilter.images.source import Source, open_source

Array = npt.NDArray[Any]

LOSSY: Final = {"jpeg", "avif"}

# Layout -> channels.
CHANNELS: Final = {"grey": 1, "grey-alpha": 2, "rgb": 3, "rgba": 4, "cmyk": 4}

# Some formats have no grey, or leave out opacity that is full everywhere: they have tests of their own.
ODD: Final = {("webp", "grey"), ("webp", "grey-alpha"), ("webp", "rgba")}

HELD: Final = [
    (one, layout, dtype)
    for one in OUTPUT_FORMATS
    for layout, dtypes in one.holds.items()
    for dtype in sorted(dtypes)
    if one.name not in LOSSY and (one.name, layout) not in ODD
]
"""Each format that holds some images, with each layout and type that it holds."""

HOLD_ALL: Final = [one for one in OUTPUT_FORMATS if not one.holds]

SIDES: Final = st.integers(1, 9)


@st.composite
def pictures(draw: st.DrawFn, dtype: str, channels: int) -> Array:
    """Arrays (H, W, C) of any bits whatever: among floats every NaN, infinities and -0.0."""
    shape = draw(SIDES), draw(SIDES), channels
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(draw(st.binary(min_size=size, max_size=size)), dtype).reshape(shape).copy()


@st.composite
def strips(draw: st.DrawFn, spec: ImageSpec) -> list[Window]:
    """All rows from top to bottom, cut unevenly."""
    cuts = draw(st.sets(st.integers(1, spec.height - 1))) if spec.height > 1 else set()
    edges = [0, *sorted(cuts), spec.height]
    return [Window(y, 0, end - y, spec.width) for y, end in pairwise(edges)]


def written(
    pixels: Array, one: OutputFormat, metadata: Metadata, windows: list[Window] | None = None, **options: Any
) -> bytes:
    """The file of an image, given to the encoder in parts."""
    spec, file = ImageSpec.of(pixels, alpha=metadata.alpha), BytesIO()
    sink = open_sink(file, spec, metadata, one, Encoding(**options))
    for window in windows or [Window.whole(spec)]:
        strip = pixels[window.rows].copy()
        sink.write(window, strip)
        strip[:] = 1  # what was taken does not change with it
    sink.finish()
    return file.getvalue()


def pixels_of(source: Source) -> Array:
    """All of an image."""
    return source.read(Window.whole(source.spec))


def is_same(again: Array, pixels: Array) -> bool:
    """True for the same shape, type and bits: NaN, -0.0, and colours under opacity 0 included."""
    same = (again.shape, again.dtype) == (pixels.shape, pixels.dtype)
    return same and again.tobytes() == pixels.tobytes()


def possible(one: OutputFormat) -> list[str]:
    """The compressions of a format that need nothing which is not installed."""
    return [name for name in one.compressions if name != "zstd" or has_imagecodecs()]


@pytest.mark.parametrize(
    ("one", "layout", "dtype"), HELD, ids=[f"{one.name}-{layout}-{dtype}" for one, layout, dtype in HELD]
)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_what_a_format_holds_comes_back(
    one: OutputFormat, layout: str, dtype: str, data: st.DataObject
) -> None:
    """Written and read in uneven strips, with any compression: every bit, and what the channels are."""
    pixels = data.draw(pictures(dtype, CHANNELS[layout]))
    before = Metadata(alpha=layout in ("grey-alpha", "rgba"), cmyk=layout == "cmyk")
    spec = ImageSpec.of(pixels, alpha=before.alpha)
    compression = data.draw(st.sampled_from([None, *possible(one)]))
    content = written(pixels, one, before, data.draw(strips(spec)), compression=compression)
    source = open_source("a", content=content)
    again = np.concatenate([source.read(window) for window in data.draw(strips(source.spec))])
    assert is_same(again, pixels)
    assert source.spec == spec
    assert (source.metadata.alpha, source.metadata.cmyk) == (before.alpha, before.cmyk)


@pytest.mark.parametrize("one", HOLD_ALL, ids=lambda one: one.name)
@pytest.mark.parametrize("dtype", SAMPLE_TYPES)
@settings(max_examples=40, deadline=None)
@given(data=st.data(), channels=st.integers(1, 6), opacity=st.booleans())
def test_tiff_and_npy_hold_every_type_and_number_of_channels(
    *, one: OutputFormat, dtype: str, data: st.DataObject, channels: int, opacity: bool
) -> None:
    """With opacity and without; only `.npy` has no way to say so."""
    alpha = opacity and channels > 1
    pixels = data.draw(pictures(dtype, channels))
    spec = ImageSpec.of(pixels, alpha=alpha)
    compression = data.draw(st.sampled_from([None, *possible(one)]))
    content = written(pixels, one, Metadata(alpha=alpha), data.draw(strips(spec)), compression=compression)
    source = open_source("a", content=content)
    again = np.concatenate([source.read(window) for window in data.draw(strips(source.spec))])
    assert is_same(again, pixels)
    assert source.metadata.alpha == (alpha and one.name != "npy")


@pytest.mark.parametrize(
    ("name", "dtype", "channels", "compression"),
    [
        *(("tiff", "uint8", 3, compression) for compression in format_named("tiff").compressions),
        ("tiff", "float32", 1, None),
        ("tiff", "uint16", 5, None),
        ("png", "uint16", 4, "fast"),
        ("png", "uint8", 3, "small"),
        ("ppm", "uint16", 3, None),
        ("npy", "float64", 2, None),
    ],
)
def test_a_picture_of_several_tiles_comes_back(
    name: str, dtype: str, channels: int, compression: str | None
) -> None:
    """Larger than a tile or a piece both ways, in strips that are not cut where the format cuts."""
    raw = np.random.default_rng(0).integers(0, 256, (600, 530, channels, np.dtype(dtype).itemsize), np.uint8)
    pixels = raw.view(dtype)[..., 0]
    alpha = channels in (2, 4)
    edges = [0, 1, 255, 257, 300, 599, 600]
    windows = [Window(y, 0, end - y, 530) for y, end in pairwise(edges)]
    content = written(
        pixels, format_named(name), Metadata(alpha=alpha), windows, compression=compression, threads=2
    )
    assert is_same(pixels_of(open_source("a", content=content)), pixels)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_webp_keeps_rgba_that_something_is_seen_through(data: st.DataObject) -> None:
    """Without a quality every sample comes back, colours under opacity 0 included."""
    pixels = data.draw(pictures("uint8", 4))
    pixels[0, 0, 3] = min(pixels[0, 0, 3], 254)
    content = written(pixels, format_named("webp"), Metadata(alpha=True))
    source = open_source("a", content=content)
    assert is_same(pixels_of(source), pixels)
    assert source.metadata.alpha


@settings(max_examples=30, deadline=None)
@given(data=st.data(), opacity=st.booleans())
def test_webp_holds_grey_as_three_equal_colours(*, data: st.DataObject, opacity: bool) -> None:
    """The format has no grey; no sample changes for it."""
    pixels = data.draw(pictures("uint8", 1 + opacity))
    pixels[0, 0, 1:] = np.minimum(pixels[0, 0, 1:], 254)
    content = written(pixels, format_named("webp"), Metadata(alpha=opacity))
    again = pixels_of(open_source("a", content=content))
    assert np.array_equal(again[..., :3], np.repeat(pixels[..., :1], 3, axis=2))
    assert np.array_equal(again[..., 3:], pixels[..., 1:])


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_inks_in_tiff_are_bit_exact(data: st.DataObject) -> None:
    """CMYK comes back as CMYK."""
    pixels = data.draw(pictures("uint8", 4))
    content = written(pixels, format_named("tiff"), Metadata(cmyk=True))
    source = open_source("a", content=content)
    assert is_same(pixels_of(source), pixels)
    assert (source.metadata.cmyk, source.metadata.alpha) == (True, False)


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
    content = written(pixels, format_named(name), Metadata(alpha=alpha, cmyk=inks), quality=quality)
    source = open_source("a", content=content)
    again = pixels_of(source)
    assert (again.shape, again.dtype) == (pixels.shape, np.uint8)
    assert (source.metadata.alpha, source.metadata.cmyk) == (alpha, inks)
    assert np.abs(again.astype(int) - pixels).mean() < 8
