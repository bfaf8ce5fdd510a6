"""WebP output: every level kept unless a quality is given, and the metadata as Pillow reads them."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageCms

from sepfilter.errors import ImageWriteError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.formats import format_named
from sepfilter.images.metadata import Metadata
from sepfilter.images.sink import Encoding, open_sink
from sepfilter.images.source import Opening, backend_named

Array = npt.NDArray[Any]

open_webp = backend_named("webp")

SLOPES = np.add.outer(np.arange(40) * 3, np.arange(50) * 2)[..., np.newaxis].astype(np.uint8)
COLOURS = np.concatenate((SLOPES, 255 - SLOPES, SLOPES // 2), axis=2)


def written(pixels: Array, metadata: Metadata | None = None, **encoding: Any) -> bytes:
    """The file, of pixels that come in two parts."""
    file = BytesIO()
    spec = ImageSpec.of(pixels, alpha=pixels.shape[2] in (2, 4))
    sink = open_sink(file, spec, metadata or Metadata(), format_named("webp"), Encoding(**encoding))
    half = spec.height // 2
    for window in (Window(0, 0, half, spec.width), Window(half, 0, spec.height - half, spec.width)):
        if window.height:
            sink.write(window, pixels[window.rows])
    sink.finish()
    return file.getvalue()


def seen(content: bytes) -> Image.Image:
    """The file as Pillow opens it."""
    image = Image.open(BytesIO(content))
    image.load()
    return image


def in_colour(pixels: Array) -> Array:
    """Grey as three equal channels; an opacity that is full everywhere left out."""
    colours, alpha = (pixels[..., :-1], pixels[..., -1:]) if pixels.shape[2] in (2, 4) else (pixels, None)
    if colours.shape[2] == 1:
        colours = np.repeat(colours, 3, axis=2)
    return colours if alpha is None or (alpha == 255).all() else np.concatenate((colours, alpha), axis=2)


@given(
    pixels=arrays.arrays(
        np.uint8,
        st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4)),
        elements=st.integers(0, 255),
    )
)
@settings(max_examples=80, deadline=None)
def test_without_a_quality_every_bit_comes_back(pixels: Array) -> None:
    """Colours under an opacity of 0, too; as Pillow and as we read it."""
    content = written(pixels)
    assert np.array_equal(np.asarray(seen(content)), in_colour(pixels))
    source = open_webp(BytesIO(content), Opening("a"))
    assert np.array_equal(source.read(Window.whole(source.spec)), in_colour(pixels))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_with_a_quality_something_is_lost(channels: int) -> None:
    """Little of a smooth picture, in every layout; opacity is kept as it is."""
    pixels = np.ascontiguousarray(np.concatenate((COLOURS, SLOPES), axis=2)[..., 4 - channels :])
    again = np.asarray(seen(written(pixels, quality=90)))
    expected = in_colour(pixels)
    assert again.shape == expected.shape
    assert 0 < np.abs(again[..., :3].astype(int) - expected[..., :3]).mean() < 8
    assert np.array_equal(again[..., 3:], expected[..., 3:])


def test_quality_trades_size_for_fidelity() -> None:
    """95 takes more bytes than 20, and is nearer to the picture; not even 100 is lossless."""
    noise = np.random.default_rng(3).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    contents = [written(noise, quality=quality) for quality in (20, 95, 100)]
    assert len(contents[0]) < len(contents[1]) < len(contents[2])
    errors = [np.abs(np.asarray(seen(content)).astype(int) - noise).mean() for content in contents]
    assert errors[0] > errors[1] > errors[2] > 0


@pytest.mark.parametrize("quality", [None, 80])
def test_exif_xmp_and_a_profile_are_kept(quality: int | None) -> None:
    """Byte for byte, all together."""
    block = Image.Exif()
    block[0x010E] = "harbour"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
    content = written(COLOURS, Metadata(exif=block.tobytes(), xmp=packet, icc=profile), quality=quality)
    image = seen(content)
    assert image.getexif()[0x010E] == "harbour"
    assert image.info["xmp"] == packet
    assert image.info["icc_profile"] == profile
    again = open_webp(BytesIO(content), Opening("a")).metadata
    assert again == Metadata(format="WEBP", exif=block.tobytes(), xmp=packet, icc=profile)


@pytest.mark.parametrize("quality", [None, 80])
@pytest.mark.parametrize("opaque", [False, True])
def test_metadata_go_with_opacity(quality: int | None, opaque: bool) -> None:
    """The header announces both; an opacity that is full everywhere is none."""
    pixels = np.concatenate((COLOURS, np.full_like(SLOPES, 255) if opaque else SLOPES), axis=2)
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
    content = written(pixels, Metadata(xmp=packet), quality=quality)
    image = seen(content)
    assert image.info["xmp"] == packet
    assert image.mode == ("RGB" if opaque else "RGBA")
    again = open_webp(BytesIO(content), Opening("a"))
    assert again.metadata.alpha is not opaque
    assert np.array_equal(again.read(Window.whole(again.spec)), np.asarray(image))


@given(
    exif=st.none() | st.binary(max_size=99).map(lambda block: b"Exif\0\0II" + block),
    xmp=st.none() | st.binary(min_size=1, max_size=99),
)
@settings(max_examples=40, deadline=None)
def test_any_metadata_come_back(exif: bytes | None, xmp: bytes | None) -> None:
    """Whatever bytes they are."""
    again = open_webp(BytesIO(written(COLOURS, Metadata(exif=exif, xmp=xmp))), Opening("a")).metadata
    assert (again.exif, again.xmp) == (exif, xmp)


def test_a_side_too_long_is_refused_at_once() -> None:
    """Before any pixel is asked for; the longest that fits is written."""
    message = "^output: cannot be encoded as WEBP: its longer side of 16,384 pixels is more than the 16,383"
    with pytest.raises(ImageWriteError, match=message):
        open_sink(BytesIO(), ImageSpec(1, 16384, 3, "uint8"), Metadata(), format_named("webp"))
    assert seen(written(np.zeros((1, 16383, 3), np.uint8))).size == (16383, 1)
