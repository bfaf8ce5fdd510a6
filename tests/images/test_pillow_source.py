"""Pillow in charge of a file: pages, metadata, limits, formats by name, and files that are cut off."""

from __future__ import annotations

import re
import struct
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms, features

from sepfilter.errors import ImageReadError, LimitError, OptionError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.limits import MAX_METADATA, Limits
from sepfilter.images.pillow.formats import pillow_name
from sepfilter.images.pillow.source import open_pillow, opener_of
from sepfilter.images.source import Opening, Source

Array = npt.NDArray[Any]

# What the writers of some formats ask for, of a picture in RGB.
CONVERTED: dict[str, Callable[[Image.Image], Image.Image]] = {
    "PCX": lambda image: image.quantize(64),
    "BLP": lambda image: image.quantize(),
    "MSP": lambda image: image.convert("1"),
    "SPIDER": lambda image: image.convert("F"),
}


def opened(content: bytes, page: int = 0, limits: Limits | None = None) -> Source:
    """A file's content in Pillow's hands, whatever other library is installed."""
    return open_pillow(BytesIO(content), Opening("a.img", page, limits or Limits()))


def pixels_of(content: bytes, page: int = 0) -> Array:
    """All pixels, (H, W, C)."""
    source = opened(content, page)
    return source.read(Window.whole(source.spec))


def noise(*shape: int) -> Array:
    """Bytes without a pattern."""
    return np.random.default_rng(7).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_any_frame_can_be_asked_for(handmade: ModuleType, file_format: str) -> None:
    """Each is a page; one that does not exist is an error."""
    if file_format == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    colours = [(250, 0, 0), (0, 240, 0), (0, 0, 230)]
    frames = [Image.new("RGB", (16, 12), colour) for colour in colours]
    options = {"lossless": True} if file_format == "WEBP" else {}
    content = handmade.encoded(frames[0], file_format, save_all=True, append_images=frames[1:], **options)
    for page, colour in enumerate(colours):
        assert opened(content, page).metadata.frames == 3
        assert np.abs(pixels_of(content, page)[..., :3].astype(int) - colour).max() <= (
            6 if file_format == "AVIF" else 0
        )
    with pytest.raises(ImageReadError, match=r"^a\.img: has 3 pages: there is no page 4$"):
        opened(content, 3)


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "JPEG", "AVIF"])
def test_metadata_are_those_of_the_file(handmade: ModuleType, file_format: str) -> None:
    """Orientation as stated, the blocks as they are, the pixels not turned."""
    if file_format == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'></x:xmpmeta>"
    content = handmade.encoded(noise(16, 24, 3), file_format, exif=exif, xmp=xmp, icc_profile=profile)
    if file_format == "PNG":
        content = handmade.encoded(noise(16, 24, 3), "PNG", exif=exif, icc_profile=profile)
        xmp = None
    source = opened(content)
    assert source.spec == ImageSpec(16, 24, 3, "uint8")
    metadata = source.metadata
    assert (metadata.orientation, metadata.xmp, metadata.icc) == (6, xmp, profile)
    assert metadata.exif is not None
    assert metadata.exif.startswith(b"Exif\0\0")


def test_exif_in_the_text_of_a_png_counts(handmade: ModuleType) -> None:
    """Old programs write it so, in hexadecimal digits."""
    exif = Image.Exif()
    exif[0x0112] = 8
    block = exif.tobytes()
    text = f"\nexif\n{len(block):8}\n{block.hex()}\n".encode()
    chunk = handmade.png_chunk(b"tEXt", b"Raw profile type exif\0" + text)
    metadata = opened(handmade.png(1, 8, handmade.GREY, [b"\0"], before=chunk)).metadata
    assert (metadata.orientation, metadata.exif) == (8, block)


def test_a_tiff_is_turned_by_pillow(handmade: ModuleType) -> None:
    """It is upright already when it is opened."""
    stored_pixels = noise(4, 6)
    content = handmade.tiff(stored_pixels, 1, tags={274: [6]})
    source = opened(content)
    assert (source.spec, source.metadata.orientation) == (ImageSpec(6, 4, 1, "uint8"), 1)
    assert np.array_equal(source.read(Window.whole(source.spec))[..., 0], np.rot90(stored_pixels, -1))


def test_metadata_blocks_beyond_the_limit_are_dropped(handmade: ModuleType) -> None:
    """With a warning, and the picture is read."""
    content = handmade.encoded(noise(4, 6, 3), "WEBP", xmp=b"x" * (MAX_METADATA + 1), icc_profile=b"y" * 200)
    metadata = opened(content).metadata
    assert (metadata.xmp, metadata.icc) == (None, b"y" * 200)
    assert metadata.warnings == ("XMP was left out: it is broken, or larger than 1 MiB",)


def bomb(handmade: ModuleType, kind: str) -> bytes:
    """A file of some hundred bytes that claims 3 gigapixels or, inside an icon, 100 megapixels."""
    png: bytes = handmade.png(60_000, 8, handmade.GREY, [b"\0"], height=50_000)
    if kind == "ico":
        inner: bytes = handmade.png(10_000, 8, handmade.GREY, [b"\0"], height=10_000)
        entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(inner), 22)
        return struct.pack("<HHH", 0, 1, 1) + entry + inner
    if kind == "bmp":
        header: bytes = handmade.encoded(noise(2, 2, 3), "BMP")
        return header[:18] + struct.pack("<II", 60_000, 50_000) + header[26:]
    return png


@pytest.mark.parametrize("kind", ["png", "bmp", "ico"])
def test_sizes_beyond_the_limit_are_refused_before_decoding(handmade: ModuleType, kind: str) -> None:
    """Those of images within images too, whatever Pillow's own limit is."""
    with pytest.raises(LimitError, match=r"^a\.img: has .* pixels, .*--max-pixels raises it$"):
        opened(bomb(handmade, kind), limits=Limits(max_pixels=10**7))


def test_memory_has_a_limit_too() -> None:
    """Told from the header."""
    file = BytesIO()
    Image.new("RGB", (100, 100)).save(file, "BMP")
    with pytest.raises(LimitError, match=r"^a\.img: its pixels take 30,000 bytes .*--max-memory"):
        opened(file.getvalue(), limits=Limits(max_memory=29_999))


def test_limits_of_pillow_give_way_to_ours_and_come_back(
    handmade: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A smaller one does not hinder, also with several threads at work, and stays as it was."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    content = handmade.encoded(noise(40, 50, 3), "PNG")

    def shape(_: int) -> tuple[int, ...]:
        source = opened(content)
        return source.read(Window.whole(source.spec)).shape

    filters = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(shape, range(200))) == {(40, 50, 3)}
    assert Image.MAX_IMAGE_PIXELS == 10
    assert warnings.filters == filters


@pytest.mark.parametrize("name", ["gif", "GIF", ".gif", "Gif"])
def test_a_format_is_named_in_any_case(handmade: ModuleType, name: str) -> None:
    """Only files of that format are opened then."""
    opener = opener_of(name)
    content = handmade.encoded(noise(4, 6), "GIF")
    assert opener(BytesIO(content), Opening("a")).metadata.format == "GIF"
    with pytest.raises(ImageReadError, match=r"^a: is not a GIF image$"):
        opener(BytesIO(handmade.encoded(noise(4, 6), "BMP")), Opening("a"))


def test_extensions_name_formats_too() -> None:
    """As a user writes them."""
    assert [pillow_name(name) for name in ("jp2", "j2k", "tif", "jpg", "psd")] == [
        "JPEG2000", "JPEG2000", "TIFF", "JPEG", "PSD",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("gfi", "did you mean .*gif"),
        ("avfi", "did you mean avif"),
        ("nyp", "npy"),
        ("?", "use one of avif, "),
    ],
)
def test_an_unknown_format_is_told_with_the_nearest(name: str, advice: str) -> None:
    """Those that Pillow does not read are among them."""
    with pytest.raises(OptionError, match=re.escape(f"input format {name!r} is not read: ") + ".*" + advice):
        opener_of(name)


@pytest.mark.parametrize("name", ["eps", "pdf", "wmf", "iptc"])
def test_formats_of_other_programs_cannot_be_named(name: str) -> None:
    """They stay closed."""
    with pytest.raises(OptionError, match="is not read"):
        opener_of(name)


@pytest.mark.parametrize("file_format", ["JPEG2000", "PCX", "ICO", "QOI", "DDS", "SPIDER", "MSP", "BLP"])
def test_a_file_without_its_end_is_an_error(handmade: ModuleType, file_format: str) -> None:
    """Wherever it is cut, short of a trailer: the others are tried by the tests of broken files."""
    image = Image.fromarray(noise(24, 20, 3))
    image = CONVERTED.get(file_format, Image.Image.copy)(image)
    content = handmade.encoded(image, file_format)
    for share in np.linspace(0.05, 0.97, 47):
        with pytest.raises(ImageReadError, match=r"^a\.img: "):
            pixels_of(content[: int(share * len(content))])


@pytest.mark.parametrize("bare", [False, True])
def test_a_jpeg2000_file_without_some_of_its_tiles_is_an_error(handmade: ModuleType, *, bare: bool) -> None:
    """Between two of them Pillow would see nothing amiss."""
    content = handmade.encoded(noise(24, 20, 3), "JPEG2000", tile_size=(8, 8), no_jp2=bare)
    assert opened(content).spec.height == 24
    starts = [found.start() for found in re.finditer(b"\xff\x90\0\x0a", content)]
    assert len(starts) == 9
    for start in starts:
        with pytest.raises(ImageReadError, match="tiles are missing at its end"):
            opened(content[:start])


def test_a_picture_of_layers_is_read_as_it_looks() -> None:
    """The layers of a PSD are no pages."""
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 2, 2, 8, 3)
    content = header + struct.pack(">III", 0, 0, 0) + struct.pack(">H", 0) + bytes(range(12))
    source = opened(content)
    assert source.metadata.frames == 1
    assert source.read(Window.whole(source.spec))[0, 0].tolist() == [0, 4, 8]


def test_a_file_is_closed_when_opening_fails_and_when_the_source_is_closed(handmade: ModuleType) -> None:
    """Nobody else would."""
    broken, sound = BytesIO(b"no image"), BytesIO(handmade.encoded(noise(4, 6), "BMP"))
    with pytest.raises(ImageReadError):
        open_pillow(broken, Opening("a"))
    open_pillow(sound, Opening("a")).close()
    assert broken.closed
    assert sound.closed
