"""JPEG output: what Pillow would write, and all metadata that were there, as Pillow reads them."""

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

open_jpeg = backend_named("jpeg")

SLOPES = np.add.outer(np.arange(40) * 3, np.arange(50) * 2)[..., np.newaxis].astype(np.uint8)
COLOURS = np.concatenate((SLOPES, 255 - SLOPES, SLOPES // 2), axis=2)
INKS = np.concatenate((COLOURS, SLOPES // 3), axis=2)
LAYOUTS = {"grey": SLOPES, "rgb": COLOURS, "cmyk": INKS}

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def written(pixels: Array, metadata: Metadata | None = None, **encoding: Any) -> bytes:
    """The file, of pixels that come in two parts."""
    metadata = metadata or Metadata(cmyk=pixels.shape[2] == 4)
    file = BytesIO()
    spec = ImageSpec.of(pixels)
    sink = open_sink(file, spec, metadata, format_named("jpeg"), Encoding(**encoding))
    half = spec.height // 2
    for window in (Window(0, 0, half, spec.width), Window(half, 0, spec.height - half, spec.width)):
        if window.height:
            sink.write(window, pixels[window.rows])
    sink.finish()
    return file.getvalue()


def by_pillow(pixels: Array, **options: Any) -> bytes:
    """The file as Pillow writes it."""
    buffer = BytesIO()
    mode = "CMYK" if pixels.shape[2] == 4 else None
    flat = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    image = Image.frombytes("CMYK", flat.shape[1::-1], flat.tobytes()) if mode else Image.fromarray(flat)
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def seen(content: bytes) -> Image.Image:
    """The file as Pillow opens it."""
    image = Image.open(BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize("quality", [1, 50, 92, 100])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_pixels_are_those_of_pillow(layout: str, quality: int) -> None:
    """The same encoder with the same settings: 4:2:0, no progression; inks as they were."""
    pixels = LAYOUTS[layout]
    ours, theirs = seen(written(pixels, quality=quality)), seen(by_pillow(pixels, quality=quality))
    assert ours.mode == theirs.mode
    assert np.array_equal(np.asarray(ours), np.asarray(theirs))


@pytest.mark.parametrize("layout", ["grey", "rgb"])
def test_without_metadata_the_file_is_that_of_pillow(layout: str) -> None:
    """Byte for byte, with the quality of 92."""
    assert written(LAYOUTS[layout]) == by_pillow(LAYOUTS[layout], quality=92)


@given(
    pixels=arrays.arrays(
        np.uint8,
        st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3, 4])),
        elements=st.integers(0, 255),
    )
)
@settings(max_examples=60, deadline=None)
def test_any_picture_comes_back(pixels: Array) -> None:
    """Of the same shape, as Pillow reads it; of quality 100 and without subsampling close to what it was."""
    metadata = Metadata(cmyk=pixels.shape[2] == 4, subsampling="4:4:4")
    content = written(pixels, metadata, quality=100)
    source = open_jpeg(BytesIO(content), Opening("a"))
    again = source.read(Window.whole(source.spec))
    assert again.shape == pixels.shape
    assert np.array_equal(again.squeeze(), np.asarray(seen(content)).squeeze())
    assert np.abs(again.astype(int) - pixels).max() <= 8
    assert source.metadata == Metadata(
        format="JPEG",
        cmyk=metadata.cmyk,
        subsampling="4:4:4" if pixels.shape[2] == 3 else None,
    )


@pytest.mark.parametrize("quality", [None, 30, 95])
@pytest.mark.parametrize("subsampling", [None, "4:4:4", "4:2:2", "4:2:0"])
def test_the_subsampling_is_that_of_the_input(subsampling: str | None, quality: int | None) -> None:
    """At any quality; 4:2:0 where there was none."""
    content = written(COLOURS, Metadata(subsampling=subsampling), quality=quality)
    source = open_jpeg(BytesIO(content), Opening("a"))
    assert source.metadata.subsampling == (subsampling or "4:2:0")
    theirs = seen(by_pillow(COLOURS, quality=quality or 92, subsampling=subsampling or "4:2:0"))
    assert np.array_equal(source.read(Window.whole(source.spec)), np.asarray(theirs))


def test_quality_trades_size_for_fidelity() -> None:
    """95 takes more bytes than 20, and is nearer to the picture."""
    low, high = (written(COLOURS, quality=quality) for quality in (20, 95))
    assert len(low) < len(high)
    errors = [np.abs(np.asarray(seen(content)).astype(int) - COLOURS).mean() for content in (low, high)]
    assert errors[1] < errors[0]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_resolution_is_kept(layout: str) -> None:
    """In whole dots an inch, as JFIF has them; beside inks, too."""
    pixels = LAYOUTS[layout]
    image = seen(written(pixels, Metadata(cmyk=layout == "cmyk", dpi=(299.9994, 150.2))))
    assert image.info["dpi"] == (300, 150)
    assert np.array_equal(np.asarray(image), np.asarray(seen(by_pillow(pixels, quality=92))))


def test_exif_xmp_and_a_profile_are_kept() -> None:
    """Byte for byte, all together."""
    block = Image.Exif()
    block[0x010E] = "harbour"
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
    image = seen(written(COLOURS, Metadata(exif=block.tobytes(), xmp=packet, icc=SRGB)))
    assert image.info["exif"] == block.tobytes()
    assert image.info["xmp"] == packet
    assert image.info["icc_profile"] == SRGB


@pytest.mark.parametrize("size", [65519, 65520, 300_000, 2**20])
def test_a_long_profile_is_written_in_parts(size: int) -> None:
    """Each as long as a segment can be."""
    profile = SRGB[:128] + np.random.default_rng(1).bytes(size - 128)
    content = written(COLOURS, Metadata(icc=profile))
    assert seen(content).info["icc_profile"] == profile
    assert content.count(b"ICC_PROFILE\0") == -(-size // 65519)


@given(
    exif=st.none() | st.binary(min_size=1, max_size=200).map(lambda block: b"Exif\0\0" + block),
    xmp=st.none() | st.binary(min_size=1, max_size=200),
    dpi=st.none() | st.tuples(st.integers(2, 65000), st.integers(2, 65000)),
    layout=st.sampled_from(sorted(LAYOUTS)),
)
@settings(max_examples=60, deadline=None)
def test_any_metadata_come_back(
    exif: bytes | None, xmp: bytes | None, dpi: tuple[int, int] | None, layout: str
) -> None:
    """Whatever bytes they are."""
    content = written(LAYOUTS[layout], Metadata(cmyk=layout == "cmyk", exif=exif, xmp=xmp, dpi=dpi))
    again = open_jpeg(BytesIO(content), Opening("a")).metadata
    assert (again.exif, again.xmp) == (exif, xmp)
    assert dpi is None or again.dpi == dpi


@pytest.mark.parametrize("shape", [(1, 65501, 3), (65501, 1, 1)])
def test_a_side_too_long_is_refused_at_once(shape: tuple[int, int, int]) -> None:
    """Before any pixel is asked for."""
    message = "^output: cannot be encoded as JPEG: its longer side of 65,501 pixels is more than the 65,500"
    with pytest.raises(ImageWriteError, match=message):
        open_sink(BytesIO(), ImageSpec(*shape, "uint8"), Metadata(), format_named("jpeg"))


def test_the_longest_side_is_written() -> None:
    """65,500 pixels."""
    assert seen(written(np.zeros((1, 65500, 1), np.uint8))).size == (65500, 1)


def test_a_picture_that_is_not_complete_is_not_written() -> None:
    """There is an error, and not one byte."""
    file = BytesIO()
    sink = open_sink(file, ImageSpec(4, 4, 3, "uint8"), Metadata(), format_named("jpeg"))
    sink.write(Window(0, 0, 2, 4), np.zeros((2, 4, 3), np.uint8))
    with pytest.raises(ImageWriteError, match="only 2 of 4 rows"):
        sink.finish()
    assert file.getvalue() == b""
