"""What Pillow reads comes out with the right shape, type and values."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, features

from sepfilter.errors import ImageReadError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.metadata import Metadata
from sepfilter.images.pillow.source import open_pillow
from sepfilter.images.source import Opening, Source

Store = Callable[[str, bytes], Path]
Array = npt.NDArray[Any]


def opened(content: bytes) -> Source:
    """A file's content in Pillow's hands, whatever other library is installed."""
    return open_pillow(BytesIO(content), Opening("a.img"))


def read_image(path: Path) -> tuple[Array, Metadata]:
    """All pixels, one channel as (H, W), and the metadata."""
    with closing(opened(path.read_bytes())) as source:
        pixels = source.read(Window.whole(source.spec))
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels, source.metadata


def noise(*shape: int, dtype: str = "uint8") -> Array:
    """Samples of every value."""
    info = np.iinfo(dtype)
    return np.random.default_rng(7).integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


@pytest.mark.parametrize(
    ("file_format", "channels"),
    [
        *(("PNG", channels) for channels in (1, 2, 3, 4)),
        *(("TIFF", channels) for channels in (1, 2, 3, 4)),
        *(("TGA", channels) for channels in (1, 2, 3, 4)),
        *(("BMP", channels) for channels in (1, 3)),
        *(("PPM", channels) for channels in (1, 3)),
    ],
)
def test_eight_bit_samples_are_read_as_they_are(
    handmade: ModuleType, stored: Store, file_format: str, channels: int
) -> None:
    """Grey is (H, W), everything else (H, W, C); 2 and 4 channels have opacity as the last."""
    picture = noise(5, 7, channels)[..., 0] if channels == 1 else noise(5, 7, channels)
    pixels, metadata = read_image(stored("a", handmade.encoded(picture, file_format)))
    assert (pixels.dtype, pixels.shape) == (np.uint8, picture.shape)
    assert np.array_equal(pixels, picture)
    assert (metadata.format, metadata.alpha) == (file_format, channels in (2, 4))


def test_lossless_webp_is_read_as_it_is(handmade: ModuleType, stored: Store) -> None:
    """RGB in WebP gives back its samples."""
    picture = noise(5, 7, 3)
    path = stored("a.webp", handmade.encoded(picture, "WEBP", lossless=True))
    assert np.array_equal(read_image(path)[0], picture)


def test_jpeg_is_read_as_pillow_decodes_it(handmade: ModuleType, stored: Store) -> None:
    """A smooth picture comes back within a few levels, in three channels."""
    ramp = np.linspace(0, 255, 48).astype(np.uint8)
    picture = np.stack([np.tile(ramp, (32, 1))] * 3, axis=-1)
    pixels, metadata = read_image(stored("a.jpg", handmade.encoded(picture, "JPEG", quality=95)))
    assert pixels.shape == picture.shape
    assert np.abs(pixels.astype(int) - picture).max() <= 4
    assert metadata.format == "JPEG"


@pytest.mark.parametrize(
    ("bits", "row", "values"),
    [
        (1, b"\x40", [0, 255]),
        (2, b"\x1b", [0, 85, 170, 255]),
        (4, b"\x0f", [0, 255]),
        (4, b"\x19", [17, 153]),
    ],
)
def test_narrow_grey_is_spread_to_eight_bits(
    handmade: ModuleType, stored: Store, bits: int, row: bytes, values: list[int]
) -> None:
    """1, 2 and 4 bits reach from 0 to 255."""
    path = stored("a.png", handmade.png(len(values), bits, handmade.GREY, [row]))
    assert read_image(path)[0].tolist() == [values]


@pytest.mark.parametrize("file_format", ["PNG", "GIF", "BMP", "TIFF"])
def test_a_palette_is_expanded_to_its_colours(handmade: ModuleType, stored: Store, file_format: str) -> None:
    """An opaque palette becomes RGB."""
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    pixels, metadata = read_image(stored("a", handmade.encoded(image, file_format)))
    assert pixels.tolist() == [[[10, 20, 30], [200, 100, 50]]]
    assert not metadata.alpha


def test_a_palette_with_opacities_is_expanded_to_rgba(handmade: ModuleType, stored: Store) -> None:
    """Every entry brings its own opacity; entries that have none are opaque."""
    chunks = handmade.png_chunk(b"PLTE", bytes([1, 2, 3, 4, 5, 6, 7, 8, 9]))
    chunks += handmade.png_chunk(b"tRNS", bytes([0, 77]))
    path = stored("a.png", handmade.png(3, 8, handmade.PALETTE, [bytes([0, 1, 2])], before=chunks))
    pixels, metadata = read_image(path)
    assert pixels.tolist() == [[[1, 2, 3, 0], [4, 5, 6, 77], [7, 8, 9, 255]]]
    assert metadata.alpha


def test_a_transparent_index_of_a_gif_becomes_opacity(handmade: ModuleType, stored: Store) -> None:
    """The pixels of that index have opacity 0, all others 255."""
    image = Image.new("P", (2, 1), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.putpixel((0, 0), 0)
    pixels, metadata = read_image(stored("a.gif", handmade.encoded(image, "GIF", transparency=0)))
    assert pixels[..., 3].tolist() == [[0, 255]]
    assert pixels[0, 1, :3].tolist() == [10, 20, 30]
    assert metadata.alpha


@pytest.mark.parametrize(
    ("bits", "colour", "row", "colour_key", "expected"),
    [
        (8, 0, bytes([3, 4]), b"\0\3", [[3, 0], [4, 255]]),
        (1, 0, b"\x40", b"\0\1", [[0, 255], [255, 0]]),
        (1, 0, b"\x40", b"\0\0", [[0, 0], [255, 255]]),
        (2, 0, b"\x60", b"\0\1", [[85, 0], [170, 255]]),
        (4, 0, b"\x3f", b"\0\3", [[51, 0], [255, 255]]),
        (8, 2, bytes([1, 2, 3, 4, 5, 6]), b"\0\1\0\2\0\3", [[1, 2, 3, 0], [4, 5, 6, 255]]),
    ],
    ids=["grey", "white of 1 bit", "black of 1 bit", "2 bits", "4 bits", "RGB"],
)
def test_a_transparent_colour_becomes_opacity(
    handmade: ModuleType,
    stored: Store,
    bits: int,
    colour: int,
    row: bytes,
    colour_key: bytes,
    expected: list[list[int]],
) -> None:
    """Pixels of exactly that colour get opacity 0, and keep their colour."""
    chunk = handmade.png_chunk(b"tRNS", colour_key)
    pixels, metadata = read_image(stored("a.png", handmade.png(2, bits, colour, [row], before=chunk)))
    assert pixels.tolist() == [expected]
    assert metadata.alpha


def test_sixteen_bit_grey_png_keeps_its_depth(handmade: ModuleType, stored: Store) -> None:
    """Two bytes a sample, the high one first, become uint16."""
    path = stored("a.png", handmade.png(2, 16, handmade.GREY, [bytes([1, 2, 0xFE, 3])]))
    pixels, _ = read_image(path)
    assert (pixels.dtype, pixels.tolist()) == (np.uint16, [[0x0102, 0xFE03]])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("dtype", "sample_format"), [("uint16", 1), ("int32", 2), ("float32", 3)])
def test_wide_grey_tiff_keeps_its_depth_in_both_byte_orders(
    handmade: ModuleType, stored: Store, order: str, dtype: str, sample_format: int
) -> None:
    """uint16, int32 and float32 arrive in the machine's byte order, value by value."""
    values = {"uint16": [1, 60000], "int32": [-(2**31), 2**31 - 1], "float32": [-1.5, np.inf]}[dtype]
    content = handmade.tiff(np.array([values], dtype), 1, order=order, sample_format=sample_format)
    pixels, _ = read_image(stored("a.tif", content))
    assert pixels.dtype == np.dtype(dtype)
    assert pixels.dtype.isnative
    assert pixels.tolist() == [values]


def test_eight_bit_samples_with_white_as_zero_are_turned_round(handmade: ModuleType, stored: Store) -> None:
    """In a TIFF of that kind 0 means white, 255."""
    content = handmade.tiff(np.array([[0, 1, 200, 255]], np.uint8), photometric=0)
    assert read_image(stored("a.tif", content))[0].tolist() == [[255, 254, 55, 0]]


def test_premultiplied_colours_are_divided_by_their_opacity(handmade: ModuleType, stored: Store) -> None:
    """TIFF's associated alpha is undone, so that colours mean what they mean elsewhere."""
    samples = np.array([[[50, 25, 100, 100], [9, 9, 9, 255]]], np.uint8)
    content = handmade.tiff(samples, photometric=2, tags={338: [1]})
    pixels, metadata = read_image(stored("a.tif", content))
    assert metadata.alpha
    assert pixels[0, 1].tolist() == [9, 9, 9, 255]
    assert np.abs(pixels[0, 0] - np.array([127.5, 63.75, 255, 100])).max() <= 1


def test_four_inks_stay_four_inks(handmade: ModuleType, stored: Store) -> None:
    """CMYK is filtered as it is, without opacity."""
    samples = noise(3, 4, 4)
    pixels, metadata = read_image(stored("a.tif", handmade.tiff(samples, photometric=5)))
    assert np.array_equal(pixels, samples)
    assert (metadata.cmyk, metadata.alpha) == (True, False)


def test_inks_of_a_jpeg_are_not_inverted(handmade: ModuleType, stored: Store) -> None:
    """Adobe stores CMYK JPEG upside down; 0 is still no ink here."""
    image = Image.new("CMYK", (16, 16), (10, 60, 110, 240))
    pixels, metadata = read_image(stored("a.jpg", handmade.encoded(image, "JPEG", quality=100)))
    assert np.abs(pixels.astype(int) - (10, 60, 110, 240)).max() <= 2
    assert metadata.cmyk


def test_luminance_and_chroma_become_rgb(handmade: ModuleType, stored: Store) -> None:
    """YCbCr without chroma is grey in RGB."""
    content = handmade.tiff(np.array([[[100, 128, 128]]], np.uint8), photometric=6, tags={530: [1, 1]})
    assert read_image(stored("a.tif", content))[0].tolist() == [[[100, 100, 100]]]


def test_sixteen_bit_grey_jpeg2000_keeps_its_depth(handmade: ModuleType, stored: Store) -> None:
    """Lossless JPEG 2000 gives back every sample."""
    picture = noise(16, 16, dtype="uint16")
    pixels, _ = read_image(stored("a.jp2", handmade.encoded(picture, "JPEG2000")))
    assert pixels.dtype == np.uint16
    assert np.array_equal(pixels, picture)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif_keeps_its_opacity(handmade: ModuleType, stored: Store) -> None:
    """RGBA comes back within a few levels."""
    picture = np.full((16, 16, 4), (200, 100, 50, 128), np.uint8)
    pixels, metadata = read_image(stored("a.avif", handmade.encoded(picture, "AVIF", quality=100)))
    assert np.abs(pixels.astype(int) - picture).max() <= 4
    assert metadata.alpha


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_several_frames_the_first_is_read_and_all_are_counted(
    handmade: ModuleType, stored: Store, file_format: str
) -> None:
    """Animations and pages give their first picture."""
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if file_format == "WEBP" else {}
    content = handmade.encoded(frames[0], file_format, save_all=True, append_images=frames[1:], **options)
    pixels, metadata = read_image(stored("a", content))
    assert metadata.frames == 3
    assert np.array_equal(pixels[..., :3], np.full((6, 8, 3), (255, 0, 0)))


def test_the_content_tells_the_format(handmade: ModuleType, stored: Store) -> None:
    """A PNG by the name of .jpg is read as PNG."""
    path = stored("a.jpg", handmade.encoded(noise(2, 2), "PNG"))
    assert read_image(path)[1].format == "PNG"


@pytest.mark.parametrize(
    "file_format",
    ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "PPM", "JPEG2000", "TGA", "SGI", "BMP", "QOI", "PCX"],
)
def test_the_header_tells_what_will_be_read(handmade: ModuleType, file_format: str) -> None:
    """The spec is known before `read`, and is what `read` returns."""
    source = opened(handmade.encoded(noise(5, 7, 3), file_format))
    spec = source.spec
    assert spec == ImageSpec(5, 7, 3, "uint8")
    pixels = source.read(Window.whole(spec))
    assert (pixels.shape, pixels.dtype) == ((5, 7, 3), np.uint8)


@pytest.mark.parametrize("file_format", ["PNG", "PPM", "TIFF", "BMP"])
def test_windows_are_parts_of_the_image(handmade: ModuleType, file_format: str) -> None:
    """`read` returns the rows and columns asked for, with three dimensions, as often as it is asked."""
    picture = noise(6, 9)
    with closing(opened(handmade.encoded(picture, file_format))) as source:
        for window in (Window(2, 3, 3, 4), Window(0, 0, 6, 9), Window(5, 8, 1, 1)):
            assert np.array_equal(source.read(window), picture[window.rows, window.columns, np.newaxis])


def test_postscript_is_never_interpreted(handmade: ModuleType, stored: Store) -> None:
    """EPS would start Ghostscript: it is no image here."""
    path = stored("a.eps", handmade.encoded(noise(4, 4, 3), "EPS"))
    with pytest.raises(ImageReadError, match="is not an image of a format that can be read"):
        read_image(path)
