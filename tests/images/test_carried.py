"""What of an input's metadata goes into an output, and what the user is told of the rest."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.carried import carried
from sepfilter.images.formats import OUTPUT_FORMATS, OutputFormat, format_named
from sepfilter.images.metadata import Metadata
from sepfilter.images.sink import open_sink
from sepfilter.images.source import open_source

ARTIST = 0x013B

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PACKET = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>'

COLOURS = ImageSpec(3, 4, 3, "uint8")
GREY = ImageSpec(3, 4, 1, "uint8")


def exif(artist: str = "Hokusai") -> bytes:
    """An EXIF block."""
    block = Image.Exif()
    block[ARTIST] = artist
    return block.tobytes()


EVERYTHING = Metadata(icc=PROFILE, exif=exif(), xmp=PACKET, dpi=(300.0, 150.0))


def there_and_back(metadata: Metadata, one: OutputFormat) -> Metadata:
    """What is read again from a file of three colours."""
    spec = replace(COLOURS, dtype="float32") if one.name == "pfm" else COLOURS
    file = BytesIO()
    sink = open_sink(file, spec, metadata, one)
    sink.write(Window.whole(spec), np.zeros((spec.height, spec.width, 3), spec.dtype))
    sink.finish()
    return open_source("a", content=file.getvalue()).metadata


@pytest.mark.parametrize("one", OUTPUT_FORMATS, ids=lambda one: one.name)
def test_a_format_is_given_what_it_has_a_place_for(one: OutputFormat) -> None:
    """And the user is told of all else, but for a resolution."""
    kept, left_out = carried(EVERYTHING, COLOURS, one)
    fields = {field for field in ("icc", "exif", "xmp", "dpi") if getattr(kept, field) is not None}
    assert fields == one.carries
    told = {"icc": "the colour profile", "exif": "EXIF", "xmp": "XMP"}
    missing = {field for field, words in told.items() if any(line.startswith(words) for line in left_out)}
    assert missing == set(told) - one.carries
    assert all("dropped" in line and one.label in line for line in left_out)


@pytest.mark.parametrize("one", OUTPUT_FORMATS, ids=lambda one: one.name)
def test_what_is_kept_is_in_the_file(one: OutputFormat) -> None:
    """Each format that is said to carry something does."""
    again = there_and_back(EVERYTHING, one)
    kept, _ = carried(EVERYTHING, COLOURS, one)
    assert again.icc == kept.icc
    assert (again.xmp is None) == (kept.xmp is None)
    assert kept.xmp is None or again.xmp.strip() == kept.xmp  # type: ignore[union-attr]
    assert (again.exif is None) == (kept.exif is None)
    assert again.dpi == (None if kept.dpi is None else pytest.approx(kept.dpi, abs=0.02))
    if again.exif is not None:
        block = Image.Exif()
        block.load(again.exif)
        assert block[ARTIST] == "Hokusai"


def test_nothing_is_left_out_of_nothing() -> None:
    """An image without metadata is told nothing."""
    for one in OUTPUT_FORMATS:
        assert carried(Metadata(format="PNG", frames=3), GREY, one) == (Metadata(format="PNG", frames=3), [])


@pytest.mark.parametrize(
    ("colours", "channels", "alpha", "is_kept"),
    [
        (b"RGB ", 3, False, True),
        (b"RGB ", 4, True, True),
        (b"RGB ", 1, False, False),
        (b"RGB ", 2, True, False),
        (b"RGB ", 4, False, False),
        (b"GRAY", 1, False, True),
        (b"GRAY", 2, True, True),
        (b"GRAY", 3, False, False),
        (b"CMYK", 4, False, True),
        (b"CMYK", 4, True, False),
        (b"Lab ", 3, False, False),
    ],
)
def test_a_profile_is_kept_for_the_colours_it_describes(
    *, colours: bytes, channels: int, alpha: bool, is_kept: bool
) -> None:
    """Opacity does not count as one."""
    before = Metadata(icc=bytes(16) + colours + bytes(108), exif=exif())
    kept, left_out = carried(before, ImageSpec(2, 2, channels, "uint8", alpha), format_named("tiff"))
    assert kept == (before if is_kept else replace(before, icc=None))
    words = "the colour profile was dropped: it does not fit this TIFF"
    assert left_out == ([] if is_kept else [words])


@pytest.mark.parametrize(("size", "is_kept"), [(65533, True), (65534, False)])
def test_a_jpeg_holds_exif_of_one_segment(size: int, *, is_kept: bool) -> None:
    """Up to there it arrives; longer it is told of, and written to other formats."""
    block = exif("x" * 60_000)
    metadata = Metadata(exif=block.ljust(size, b"\0"))
    kept, left_out = carried(metadata, COLOURS, format_named("jpeg"))
    assert left_out == ([] if is_kept else ["EXIF was dropped: it does not fit into this JPEG"])
    assert (there_and_back(metadata, format_named("jpeg")).exif is not None) == is_kept
    assert (kept.exif is not None) == is_kept
    assert carried(metadata, COLOURS, format_named("png")) == (metadata, [])


@pytest.mark.parametrize(("size", "is_kept"), [(65504, True), (65505, False), (65533, False)])
def test_a_jpeg_holds_xmp_of_one_segment(size: int, *, is_kept: bool) -> None:
    """A header of 29 bytes goes with it."""
    metadata = Metadata(xmp=PACKET.ljust(size))
    kept, left_out = carried(metadata, COLOURS, format_named("jpeg"))
    assert left_out == ([] if is_kept else ["XMP was dropped: it does not fit into this JPEG"])
    assert there_and_back(metadata, format_named("jpeg")).xmp == kept.xmp
    assert (kept.xmp is not None) == is_kept
