"""What Pillow would read with silent loss is refused, with the reason and a way out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import features

from sepfilter.errors import SepfilterError, UnsupportedImageError
from sepfilter.geometry import Window
from sepfilter.images.pillow.source import open_pillow
from sepfilter.images.source import Opening

Store = Callable[[str, bytes], Path]
Array = npt.NDArray[Any]

BOTH_ORDERS = pytest.mark.parametrize("order", ["<", ">"])


def read(path: Path) -> Array:
    """All pixels as Pillow gives them, whatever other library is installed."""
    with closing(open_pillow(path.open("rb"), Opening(str(path)))) as source:
        return source.read(Window.whole(source.spec))


def refusal(path: Path) -> str:
    """The message with which a file is refused, after its name."""
    with pytest.raises(UnsupportedImageError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize(("colour", "channels"), [(2, 3), (4, 2), (6, 4)], ids=["RGB", "LA", "RGBA"])
def test_sixteen_bit_colours_of_png_are_refused(
    handmade: ModuleType, stored: Store, colour: int, channels: int
) -> None:
    """Pillow would keep the high bytes only, of colours and of grey with opacity."""
    message = refusal(stored("a.png", handmade.png(1, 16, colour, [bytes(2 * channels)])))
    assert message.startswith("16 bits a sample in ")
    assert "would be reduced to 8" in message
    assert ".npy array" in message


@pytest.mark.parametrize(
    "content",
    [b"P6 1 1 65535\n" + bytes(6), b"P6 1 1 1023\n" + bytes(6), b"P3 1 1 65535\n1 2 3\n"],
    ids=["65535", "1023", "plain"],
)
def test_deep_colours_of_ppm_are_refused(stored: Store, content: bytes) -> None:
    """A largest value above 255 means two bytes a sample."""
    assert refusal(stored("a.ppm", content)).startswith("16 bits a sample in RGB would be reduced to 8")


@BOTH_ORDERS
@pytest.mark.parametrize(
    ("photometric", "channels", "tags"),
    [(2, 3, {}), (2, 4, {338: [2]}), (5, 4, {})],
    ids=["RGB", "RGBA", "CMYK"],
)
def test_sixteen_bit_colours_of_tiff_are_refused(
    handmade: ModuleType,
    stored: Store,
    order: str,
    photometric: int,
    channels: int,
    tags: dict[int, list[int]],
) -> None:
    """Depth is kept for grey only."""
    samples = np.zeros((1, 1, channels), np.uint16)
    message = refusal(stored("a.tif", handmade.tiff(samples, photometric, order=order, tags=tags)))
    assert message.startswith("16 bits a sample in ")


@BOTH_ORDERS
def test_lab_is_refused(handmade: ModuleType, stored: Store, order: str) -> None:
    """Its a and b are signed: filtering the bytes would mean nothing."""
    content = handmade.tiff(np.array([[[1, 2, 3]]], np.uint8), photometric=8, order=order)
    assert refusal(stored("a.tif", content)) == "Lab colours are not filtered: convert it to RGB first"


@BOTH_ORDERS
def test_signed_bytes_are_refused(handmade: ModuleType, stored: Store, order: str) -> None:
    """Pillow would read -3 as 253."""
    content = handmade.tiff(np.array([[1, -3]], np.int8), 1, order=order, sample_format=2)
    assert refusal(stored("a.tif", content)).startswith("signed 8-bit samples would be read as unsigned")


def test_sixteen_bit_white_as_zero_is_refused(handmade: ModuleType, stored: Store) -> None:
    """Pillow would read such a picture as its negative."""
    content = handmade.tiff(np.array([[1, 60000]], np.uint16), photometric=0)
    assert refusal(stored("a.tif", content)).startswith(
        "16-bit samples with white as 0 would be read inverted"
    )


@pytest.mark.parametrize("sample_format", [1, None])
def test_unsigned_32_bit_samples_are_refused(
    handmade: ModuleType, stored: Store, sample_format: int | None
) -> None:
    """Pillow would read 4000000000 as a negative number; without a tag samples are unsigned too."""
    content = handmade.tiff(np.array([[1, 4_000_000_000]], np.uint32), 1, sample_format=sample_format)
    assert refusal(stored("a.tif", content)).startswith("unsigned 32-bit samples would be read as signed")


@pytest.mark.parametrize(
    ("dtype", "photometric", "sample_format"),
    [("uint16", 0, 1), ("uint32", 1, 1), ("float64", 1, 3), ("float16", 1, 3), ("uint64", 1, 1)],
)
@BOTH_ORDERS
def test_samples_that_no_array_of_pillow_holds_are_never_read(
    handmade: ModuleType, stored: Store, dtype: str, photometric: int, sample_format: int, order: str
) -> None:
    """Whether Pillow knows the layout or not, in either byte order: an error, no wrong values."""
    samples = np.array([[1, 2]], dtype)
    path = stored("a.tif", handmade.tiff(samples, photometric, order=order, sample_format=sample_format))
    with pytest.raises(SepfilterError, match=r"a\.tif: "):
        read(path)


def test_64_bit_floats_are_refused(handmade: ModuleType, stored: Store) -> None:
    """Pillow would round them to 32 bits."""
    path = stored("a.fits", handmade.fits(np.array([[1.0, 2.0]]), -64))
    assert refusal(path) == "64-bit floats would be reduced to 32 bits: store it as a .npy array"


def test_32_bit_floats_are_not_refused(handmade: ModuleType, stored: Store) -> None:
    """The same file with 32 bits is read, value by value."""
    samples = np.array([[1.5, 2.0], [-3.0, 4.0]], np.float32)
    assert np.array_equal(read(stored("a.fits", handmade.fits(samples, -32)))[..., 0], samples)


def test_a_transparent_grey_of_16_bits_is_refused(handmade: ModuleType, stored: Store) -> None:
    """There is no 16-bit grey with opacity to turn it into."""
    chunk = handmade.png_chunk(b"tRNS", b"\1\2")
    content = handmade.png(1, 16, handmade.GREY, [b"\1\2"], before=chunk)
    assert refusal(stored("a.png", content)).startswith(
        "the transparent grey of a 16-bit image would be lost"
    )


def test_run_length_coded_sixteen_bits_of_sgi_are_refused(stored: Store) -> None:
    """Two bytes a channel, told by the header."""
    header = bytes.fromhex("01da0102") + bytes([0, 2, 0, 2, 0, 2, 0, 1])
    content = header.ljust(512, b"\0") + bytes(64)
    assert refusal(stored("a.sgi", content)).startswith("16 bits a sample in L would be reduced to 8")


@pytest.mark.parametrize("name", ["a.j2k", "a.jp2"])
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_deep_colours_of_jpeg2000_are_refused(
    handmade: ModuleType, stored: Store, name: str, bits: int
) -> None:
    """The depth is found in the codestream, with and without boxes around it."""
    content = handmade.encoded(np.zeros((16, 16, 3), np.uint8), "JPEG2000", no_jp2=name.endswith("j2k"))
    assert read(stored(name, content)).shape == (16, 16, 3)
    message = refusal(stored(name, handmade.with_depth_in_jpeg2000(content, bits)))
    assert message.startswith(f"{bits} bits a sample in RGB would be reduced to 8")


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_ten_bits_of_avif_are_refused(handmade: ModuleType, stored: Store) -> None:
    """The depth is found in the pixel information box."""
    content = handmade.encoded(np.zeros((16, 16, 3), np.uint8), "AVIF")
    assert read(stored("a.avif", content)).shape == (16, 16, 3)
    message = refusal(stored("a.avif", handmade.with_ten_bits_in_avif(content)))
    assert message.startswith("10 bits a sample in RGB would be reduced to 8")
