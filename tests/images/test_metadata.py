"""What files say beside their pixels, and how it travels to the output; `test_upright.py` turns pictures."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms

from sepfilter.images.files import read_image, write_image
from sepfilter.images.metadata import Metadata
from sepfilter.images.resolution import sensible

Store = Callable[[str, bytes], Path]

ORIENTATION = 0x0112
DESCRIPTION = 0x010E
EXIF_FOLDER = 0x8769
EXPOSURE = 0x829A

# Six flat squares, all different: JPEG keeps them, and no turn or flip maps them onto themselves.
PICTURE = np.kron(
    np.array([[0, 50, 100], [150, 200, 250]], np.uint8)[..., np.newaxis] * np.ones(3, np.uint8),
    np.ones((16, 16, 1), np.uint8),
)

OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "WEBP": {"lossless": True},
    "JPEG": {"quality": 95},
    "TIFF": {},
    "AVIF": {"quality": 95},
}


def exif(**tags: Any) -> Image.Exif:
    """An EXIF block: orientation, description, exposure."""
    block = Image.Exif()
    if "orientation" in tags:
        block[ORIENTATION] = tags["orientation"]
    if "description" in tags:
        block[DESCRIPTION] = tags["description"]
    if "exposure" in tags:
        block.get_ifd(EXIF_FOLDER)[EXPOSURE] = tags["exposure"]
    return block


def photo(handmade: ModuleType, file_format: str, orientation: int, **options: Any) -> bytes:
    """PICTURE as a file of this orientation."""
    pixels = handmade.stored_for(orientation, PICTURE)
    if file_format == "TIFF":
        options["tiffinfo"] = {ORIENTATION: orientation}
    else:
        options["exif"] = exif(orientation=orientation)
    content = handmade.encoded(pixels, file_format, **OPTIONS[file_format], **options)
    assert isinstance(content, bytes)
    return content


def is_picture(pixels: npt.NDArray[Any], tolerance: int = 6) -> bool:
    """True for PICTURE, upright, within what JPEG loses."""
    same_shape = pixels.shape == PICTURE.shape
    return same_shape and int(np.abs(pixels.astype(int) - PICTURE).max()) <= tolerance


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "jpeg"])
@pytest.mark.parametrize("orientation", [3, 6])
def test_the_first_page_of_a_turned_tiff_is_turned_once(
    handmade: ModuleType, stored: Store, compression: str, orientation: int
) -> None:
    """Counting the pages after it does not turn it again."""
    more = [Image.new("L", (5, 4))]
    content = photo(handmade, "TIFF", orientation, compression=compression, save_all=True, append_images=more)
    pixels, metadata = read_image(stored("a.tif", content))
    assert metadata.frames == 2
    assert is_picture(pixels)


@pytest.mark.parametrize("place", ["before", "after"])
def test_exif_on_either_side_of_the_pixels_of_a_png_counts(
    handmade: ModuleType, stored: Store, place: str
) -> None:
    """eXIf may come after IDAT, where the header has long been read."""
    pixels = handmade.stored_for(6, PICTURE)
    chunk = handmade.png_chunk(b"eXIf", exif(orientation=6).tobytes().removeprefix(b"Exif\0\0"))
    rows = [row.tobytes() for row in pixels]
    content = handmade.png(pixels.shape[1], 8, handmade.RGB, rows, **{place: chunk})
    assert is_picture(read_image(stored("a.png", content))[0], 0)


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_orientation_that_does_not_exist_turns_nothing(
    handmade: ModuleType, stored: Store, orientation: int
) -> None:
    """Only 1 to 8 have a meaning."""
    content = handmade.encoded(PICTURE, "PNG", exif=exif(orientation=orientation))
    assert is_picture(read_image(stored("a.png", content))[0], 0)


def test_broken_exif_does_not_spoil_the_picture(handmade: ModuleType, stored: Store) -> None:
    """Pixels are read as they are, and can be written again."""
    content = handmade.encoded(PICTURE, "JPEG", quality=95, exif=b"Exif\0\0no such thing")
    pixels, metadata = read_image(stored("a.jpg", content))
    assert is_picture(pixels)
    target = stored("b.png", b"")
    write_image(target, pixels, metadata, overwrite=True)
    assert is_picture(read_image(target)[0])


@pytest.mark.parametrize("name", ["b.png", "b.webp", "b.jpg", "b.tif"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_the_rest_of_exif_is_kept(
    handmade: ModuleType, stored: Store, tmp_path: Path, name: str, orientation: int
) -> None:
    """Description and exposure arrive, whether the picture was turned or not."""
    block = exif(orientation=orientation, description="harbour", exposure=0.5)
    content = handmade.encoded(handmade.stored_for(orientation, PICTURE), "JPEG", exif=block)
    write_image(tmp_path / name, *read_image(stored("a.jpg", content)))
    with Image.open(tmp_path / name) as written:
        kept = written.getexif()
        assert kept[DESCRIPTION] == "harbour"
        assert kept.get_ifd(EXIF_FOLDER)[EXPOSURE] == 0.5


def test_exif_of_an_upright_picture_is_kept_byte_for_byte(handmade: ModuleType, stored: Store) -> None:
    """Nothing has to be changed in it, so nothing is."""
    block = exif(orientation=1, description="harbour", exposure=0.5).tobytes()
    _, metadata = read_image(stored("a.jpg", handmade.encoded(PICTURE, "JPEG", exif=block)))
    assert metadata.exif == block


@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("name", ["b.png", "b.webp", "b.jpg", "b.tif"])
def test_the_colour_profile_is_kept(
    handmade: ModuleType, stored: Store, tmp_path: Path, source: str, name: str
) -> None:
    """Byte for byte, from and to every format that has one."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = handmade.encoded(PICTURE, source, icc_profile=profile)
    pixels, metadata = read_image(stored("a", content))
    assert metadata.icc == profile
    write_image(tmp_path / name, pixels, metadata)
    with Image.open(tmp_path / name) as written:
        assert written.info["icc_profile"] == profile


@pytest.mark.parametrize("name", ["b.png", "b.jpg", "b.tif", "b.bmp"])
def test_the_resolution_is_kept(tmp_path: Path, name: str) -> None:
    """300 by 150 dots an inch stay so, within the units of the format."""
    write_image(tmp_path / name, PICTURE, Metadata(dpi=(300.0, 150.0)))
    with Image.open(tmp_path / name) as written:
        assert written.info["dpi"] == pytest.approx((300, 150), abs=0.02)
    assert read_image(tmp_path / name)[1].dpi == pytest.approx((300, 150), abs=0.02)


def test_a_file_without_metadata_has_none(handmade: ModuleType, stored: Store) -> None:
    """Nothing is made up."""
    content = handmade.png(1, 8, handmade.GREY, [b"\0"])
    assert read_image(stored("a.png", content))[1] == Metadata(format="PNG")


def with_resolution(handmade: ModuleType, file_format: str, across: int, down: int) -> bytes:
    """A picture that states a resolution, in dots per inch or, in PNG and BMP, per metre."""
    if file_format == "PNG":
        chunk = handmade.png_chunk(b"pHYs", struct.pack(">IIB", across, down, 1))
        content = handmade.png(1, 8, handmade.GREY, [b"\0"], before=chunk)
    elif file_format == "TIFF":
        resolution = {282: [across], 283: [down], 296: [2]}
        content = handmade.tiff(np.zeros((1, 1), np.uint8), 1, tags=resolution)
    elif file_format == "BMP":
        content = bytearray(handmade.encoded(np.zeros((1, 1), np.uint8), "BMP"))
        content[38:46] = struct.pack("<II", across, down)
    else:
        content = bytearray(handmade.encoded(np.zeros((1, 1), np.uint8), "JPEG"))
        start = content.index(b"JFIF\0") + 7
        content[start : start + 5] = struct.pack(">BHH", 1, across, down)
    return bytes(content)


@pytest.mark.parametrize(
    ("file_format", "across", "down"),
    [("PNG", 3937, 7874), ("JPEG", 100, 200), ("TIFF", 100, 200), ("BMP", 3937, 7874)],
)
def test_a_sensible_resolution_is_read(
    handmade: ModuleType, stored: Store, file_format: str, across: int, down: int
) -> None:
    """100 by 200 dots an inch, in whatever unit."""
    content = with_resolution(handmade, file_format, across, down)
    assert read_image(stored("a", content))[1].dpi == pytest.approx((100, 200), abs=0.1)


@pytest.mark.parametrize(
    ("file_format", "across", "down"),
    [
        *((name, across, 0) for name in ("PNG", "JPEG", "TIFF", "BMP") for across in (0, 3937)),
        ("PNG", 2**32 - 1, 2**32 - 1),
        ("TIFF", 2**32 - 1, 2**32 - 1),
        ("BMP", 2**31 - 1, 2**31 - 1),
        ("TIFF", 1, 1),
        ("JPEG", 1, 1),
    ],
)
def test_a_senseless_resolution_is_dropped(
    handmade: ModuleType, stored: Store, file_format: str, across: int, down: int
) -> None:
    """By the same rule in every format: nobody has 0, 1 or a million dots an inch."""
    content = with_resolution(handmade, file_format, across, down)
    assert read_image(stored("a", content))[1].dpi is None


def test_a_resolution_without_a_unit_is_none(handmade: ModuleType, stored: Store) -> None:
    """It only tells the shape of pixels."""
    chunk = handmade.png_chunk(b"pHYs", struct.pack(">IIB", 3937, 3937, 0))
    content = handmade.png(1, 8, handmade.GREY, [b"\0"], before=chunk)
    assert read_image(stored("a.png", content))[1].dpi is None


@pytest.mark.parametrize(
    ("across", "down", "is_sensible"),
    [
        (1.01, 65535, True),
        (1, 300, False),
        (300, 65536, False),
        (float("nan"), 300, False),
        (-72, -72, False),
    ],
)
def test_a_resolution_is_two_numbers_between_1_and_65536(
    *, across: float, down: float, is_sensible: bool
) -> None:
    """Both, or none of them is believed."""
    assert sensible(across, down) == ((across, down) if is_sensible else None)
