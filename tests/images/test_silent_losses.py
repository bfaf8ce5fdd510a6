"""Losses that Pillow does not tell of."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sepfilter.errors import ImageWriteError, UnsupportedImageError
from sepfilter.images.files import read_image, write_image


def test_sixteen_bit_sgi_is_refused(tmp_path: Path) -> None:
    """An uncompressed SGI of two bytes a sample is not read as one."""
    header = struct.pack(">HBBHHHH", 474, 0, 2, 2, 2, 2, 1).ljust(512, b"\0")
    (tmp_path / "a.sgi").write_bytes(header + b"\x12\x34" * 4)
    with pytest.raises(UnsupportedImageError, match="16 bits a sample"):
        read_image(tmp_path / "a.sgi")


def test_a_deep_png_inside_an_icon_is_refused(tmp_path: Path) -> None:
    """An icon may hold a PNG, and that PNG 16 bits."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 16, 16, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress((b"\0" + b"\x12\x34" * 48) * 16)),
        (b"IEND", b""),
    ]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(png), 22)
    (tmp_path / "a.ico").write_bytes(struct.pack("<HHH", 0, 1, 1) + entry + png)
    with pytest.raises(UnsupportedImageError, match="16 bits a sample"):
        read_image(tmp_path / "a.ico")


def test_exif_of_webp_is_readable_in_jpeg(tmp_path: Path) -> None:
    """EXIF that goes from WebP to JPEG is still EXIF there."""
    exif = Image.Exif()
    exif[0x010E] = "a description"
    Image.new("RGB", (8, 8)).save(tmp_path / "a.webp", exif=exif.tobytes()[6:])
    pixels, metadata = read_image(tmp_path / "a.webp")
    write_image(tmp_path / "a.jpg", pixels, metadata)
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.getexif()[0x010E] == "a description"


def test_exif_too_long_for_jpeg_is_left_out(tmp_path: Path) -> None:
    """A picture is written without EXIF that its format cannot hold."""
    exif = Image.Exif()
    exif[0x010E] = "x" * 70_000
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", exif=exif)
    pixels, metadata = read_image(tmp_path / "a.png")
    write_image(tmp_path / "a.jpg", pixels, metadata)
    with Image.open(tmp_path / "a.jpg") as image:
        assert not image.getexif()


def test_big_endian_arrays_are_written(tmp_path: Path) -> None:
    """The byte order of an array is no matter of the file's format."""
    values = np.arange(12, dtype=">u2").reshape(3, 4)
    write_image(tmp_path / "a.pgm", values)
    assert np.array_equal(read_image(tmp_path / "a.pgm")[0], values)


def test_a_name_with_nul_is_an_error_of_ours(tmp_path: Path) -> None:
    """No file can have it."""
    with pytest.raises(ImageWriteError, match="no name for a file"):
        write_image(f"{tmp_path}/a\0b.png", np.zeros((2, 2), np.uint8), overwrite=True)
