"""Where imagecodecs, isal or tifffile cannot be imported: what is lossless works, the rest is refused in a line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

Store = Callable[[str, bytes], Path]
Tell = Callable[..., str]

CODECS = ("imagecodecs", "isal")
ALL = (*CODECS, "tifffile")

PICTURE = np.random.default_rng(2).integers(0, 256, (40, 30, 3), dtype=np.uint8)

BLOCK = "import sys\nfor name in {blocked!r}: sys.modules[name] = None\n"

READ = """
import numpy as np
from sepfilter.errors import SepfilterError
from sepfilter.images.files import read_image
try:
    pixels, metadata = read_image(sys.argv[1])
    np.save("out.npy", pixels)
    print(pixels.dtype, pixels.shape, metadata.subsampling)
except SepfilterError as error:
    print(type(error).__name__, error)
"""

CONVERT = """
from sepfilter.images.files import read_image, write_image
pixels, metadata = read_image(sys.argv[1])
write_image(sys.argv[2], pixels, metadata)
print("written")
"""


@pytest.fixture
def tell(tmp_path: Path) -> Tell:
    """Run a program without some libraries; the lines that it prints, and nothing on standard error."""

    def run(program: str, *arguments: str | Path, blocked: tuple[str, ...] = CODECS) -> str:
        done = subprocess.run(
            [sys.executable, "-c", BLOCK.format(blocked=blocked) + program, *map(str, arguments)],
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.stderr == ""
        return done.stdout.strip().replace(f"{tmp_path}/", "")

    return run


def encoded(picture: Any, file_format: str, **options: Any) -> bytes:
    """A file as Pillow writes it."""
    buffer = BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("blocked", [CODECS, ALL], ids=["no codecs", "no tifffile"])
@pytest.mark.parametrize("extension", ["png", "webp", "tif", "jpg"])
def test_every_format_is_written_and_read(
    extension: str, blocked: tuple[str, ...], tell: Tell, stored: Store, tmp_path: Path
) -> None:
    """PNG, WebP and TIFF without loss, JPEG nearly so."""
    source = stored("a.png", encoded(PICTURE, "PNG"))
    assert tell(CONVERT, source, f"b.{extension}", blocked=blocked) == "written"
    told = tell(READ, f"b.{extension}", blocked=blocked)
    assert told.startswith("uint8 (40, 30, 3)")
    found, wanted = np.load(tmp_path / "out.npy"), PICTURE
    if extension == "jpg":
        wanted = np.asarray(Image.open(tmp_path / "b.jpg"))
    assert np.array_equal(found, wanted)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_jpeg_keeps_its_subsampling(subsampling: str, tell: Tell, stored: Store) -> None:
    """Read, written, and the same again."""
    source = stored("a.jpg", encoded(PICTURE, "JPEG", subsampling=subsampling))
    assert tell(CONVERT, source, "b.jpg") == "written"
    assert tell(READ, "b.jpg") == f"uint8 (40, 30, 3) {subsampling}"


def test_inks_are_written_as_they_were(tell: Tell, stored: Store, tmp_path: Path) -> None:
    """Pillow inverts them itself."""
    inks = Image.frombytes("CMYK", (16, 16), bytes((10, 60, 120, 200)) * 256)
    source = stored("a.jpg", encoded(inks, "JPEG", quality=100))
    tell(CONVERT, source, "b.jpg")
    assert np.abs(np.asarray(Image.open(tmp_path / "b.jpg")).astype(int) - np.asarray(inks)).max() < 4


def test_deep_colour_of_png_is_refused(handmade: ModuleType, tell: Tell, stored: Store) -> None:
    """Pillow would halve its bits."""
    source = stored("a.png", handmade.png(1, 16, handmade.RGB, [bytes(7)]))
    told = tell(READ, source)
    assert told.startswith("UnsupportedImageError a.png: 16 bits a sample in RGB would be reduced to 8: ")
    assert told.endswith("pip install imagecodecs")
    assert "\n" not in told


@pytest.mark.parametrize("blocked", [CODECS, ALL], ids=["no codecs", "no tifffile"])
def test_lzw_in_tiff_is_read_where_nothing_is_lost(
    blocked: tuple[str, ...], tell: Tell, stored: Store, tmp_path: Path
) -> None:
    """libtiff decodes it."""
    source = stored("a.tif", encoded(PICTURE, "TIFF", compression="tiff_lzw"))
    assert tell(READ, source, blocked=blocked).startswith("uint8")
    assert np.array_equal(np.load(tmp_path / "out.npy"), PICTURE)


def test_signed_deep_samples_are_not_widened(tell: Tell, tmp_path: Path) -> None:
    """int16 would come out of Pillow as int32."""
    tifffile = pytest.importorskip("tifffile")
    pytest.importorskip("imagecodecs")
    tifffile.imwrite(tmp_path / "a.tif", np.full((4, 5), -3, np.int16), compression="lzw")
    needs = "UnsupportedImageError a.tif: TIFF compression LZW needs imagecodecs: pip install imagecodecs"
    assert tell(READ, "a.tif") == needs
    told = tell(READ, "a.tif", blocked=ALL)
    assert told.startswith("UnsupportedImageError a.tif: signed 16-bit samples would be read as 32-bit ones")
    assert told.endswith("pip install tifffile")


@pytest.mark.parametrize(
    ("compression", "dtype", "label"),
    [
        ("lzw", "float64", "LZW"),
        ("zstd", "uint16", "ZSTD"),
        ("webp", "uint8", "WEBP"),
        ("png", "uint8", "PNG"),
    ],
)
def test_what_pillow_cannot_read_of_tiff_needs_imagecodecs(
    compression: str, dtype: str, label: str, tell: Tell, tmp_path: Path
) -> None:
    """The file is sound and not called corrupt; without tifffile, that is named."""
    tifffile = pytest.importorskip("tifffile")
    pytest.importorskip("imagecodecs")
    pixels = PICTURE.astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", compression=compression)
    needs = (
        f"UnsupportedImageError a.tif: TIFF compression {label} needs imagecodecs: pip install imagecodecs"
    )
    assert tell(READ, "a.tif") == needs
    needs = "UnsupportedImageError a.tif: needs tifffile: pip install tifffile"
    assert tell(READ, "a.tif", blocked=ALL).startswith(needs)


def test_a_dark_palette_is_not_read_as_black(tell: Tell, tmp_path: Path) -> None:
    """Pillow takes its colours for 16-bit ones."""
    tifffile = pytest.importorskip("tifffile")
    pytest.importorskip("imagecodecs")
    colours = np.tile(np.arange(256, dtype=np.uint16), (3, 1))
    options: dict[str, Any] = {"photometric": "palette", "colormap": colours, "compression": "lzw"}
    tifffile.imwrite(tmp_path / "a.tif", PICTURE[..., 0], **options)
    assert "TIFF compression LZW needs imagecodecs" in tell(READ, "a.tif")


def test_damaged_pixels_of_png_are_an_error(tell: Tell, stored: Store) -> None:
    """Pillow would pass over the checksum."""
    content = bytearray(encoded(PICTURE, "PNG"))
    end = content.index(b"IEND") - 8
    content[end] ^= 1
    told = tell(READ, stored("a.png", bytes(content)))
    assert told == "ImageReadError a.png: is corrupt: the checksum of its IDAT chunk is wrong"


@pytest.mark.parametrize(("name", "file_format"), [("a.jpg", "JPEG"), ("a.webp", "WEBP"), ("a.tif", "TIFF")])
@pytest.mark.parametrize("blocked", [CODECS, ALL], ids=["no codecs", "no tifffile"])
def test_half_a_file_is_an_error(
    name: str, file_format: str, blocked: tuple[str, ...], tell: Tell, stored: Store
) -> None:
    """It is not said to need a library."""
    content = encoded(PICTURE, file_format)
    told = tell(READ, stored(name, content[: len(content) // 2]), blocked=blocked)
    assert told.startswith(f"ImageReadError {name}: is truncated or corrupt: ")
