"""Files that are no image, or a broken one: always one of our errors, in one line, with the name."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sepfilter.errors import ImageReadError, LimitError, SepfilterError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.files import read_image
from sepfilter.images.source import open_source

Store = Callable[[str, bytes], Path]

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "TGA", "SGI")


def noisy(file_format: str) -> bytes:
    """A small picture without any pattern, so that every byte of the file matters."""
    picture = np.random.default_rng(1).integers(0, 256, (24, 20, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, file_format)
    return buffer.getvalue()


NOISY = {name: noisy(name) for name in FORMATS}


def complaint(path: str | Path) -> str:
    """The message of the error that reading raises, after the file's name."""
    with pytest.raises(ImageReadError) as caught:
        read_image(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_file_is_an_error(stored: Store, file_format: str, share: float) -> None:
    """Wherever the end is missing: half a picture is never filtered."""
    content = NOISY[file_format]
    assert complaint(stored("a.bin", content[: int(share * len(content))]))


def test_a_broken_checksum_of_the_header_is_an_error(handmade: ModuleType, stored: Store) -> None:
    """Sizes that may be wrong are not believed."""
    content = handmade.png(1, 8, handmade.GREY, [b"\0"], header_checksum=12345)
    assert complaint(stored("a.png", content)) == "is not an image of a format that can be read"


def test_broken_pixel_data_is_an_error(stored: Store) -> None:
    """A flipped bit in the compressed stream."""
    content = bytearray(NOISY["PNG"])
    content[content.index(b"IDAT") + 200] ^= 0x10
    assert complaint(stored("a.png", bytes(content))).startswith("is truncated or corrupt: ")


def test_an_empty_file_is_an_error(stored: Store) -> None:
    """The message says so."""
    assert complaint(stored("a.png", b"")) == "is empty: there is no image in it"


@pytest.mark.parametrize(
    "content", [b"x", b"hello\n" * 100, bytes(1000), b"\x89PNG\r\n\x1a\n", b"GIF89a", b"PK\3\4" + bytes(50)]
)
def test_what_is_no_image_is_an_error(stored: Store, content: bytes) -> None:
    """Text, zeros, a bare magic number, an archive."""
    assert "is not an image" in complaint(stored("a.png", content))


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """The reason is the system's."""
    assert complaint(tmp_path / "nowhere.png") == "cannot be read: No such file or directory"


def test_a_folder_is_an_error(tmp_path: Path) -> None:
    """A folder is no image, whatever its name."""
    (tmp_path / "a.png").mkdir()
    assert complaint(tmp_path / "a.png").startswith("cannot be read: ")


def test_a_name_that_no_file_can_have_is_an_error() -> None:
    """A zero byte in the name is told like any other missing file."""
    assert complaint("a\0b.png").startswith("cannot be read: ")


def test_a_decoder_that_fails_oddly_is_an_error(stored: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a decoder raises, with whatever text: one printable line comes out."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError("first\nsecond \x1b[31mred")

    path = stored("a.jpg", NOISY["JPEG"])
    monkeypatch.setattr("PIL.JpegImagePlugin.JpegImageFile.load", fail)
    assert complaint(path) == "is truncated or corrupt: first second ?[31mred"


@pytest.mark.parametrize("kind", ["png", "bmp", "ppm"])
def test_a_header_of_billions_of_pixels_is_a_limit(handmade: ModuleType, stored: Store, kind: str) -> None:
    """Nothing is allocated for it, and the error is not that of a broken file."""
    side = 100_000
    header = {
        "png": handmade.png(side, 8, handmade.GREY, [b"\0"], height=side),
        "bmp": NOISY["BMP"][:18] + 2 * side.to_bytes(4, "little") + NOISY["BMP"][26:],
        "ppm": b"P5 100000 100000 255\n",
    }[kind]
    path = stored(f"a.{kind}", header)
    with pytest.raises(LimitError, match=rf"^{path}: has more than 178,956,970 pixels, the limit for one"):
        read_image(path)


@pytest.mark.parametrize(("width", "is_read"), [(10, True), (15, True), (20, True), (21, False)])
def test_the_limit_is_twice_what_pillow_warns_of(
    stored: Store, monkeypatch: pytest.MonkeyPatch, width: int, *, is_read: bool
) -> None:
    """Up to there an image is read, and without a warning."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    path = stored("a.pgm", b"P5 %d 1 255\n" % width + bytes(width))
    if is_read:
        assert read_image(path)[0].shape == (1, width)
    else:
        with pytest.raises(LimitError, match="more than 20 pixels"):
            read_image(path)


def read_or_error(name: str, content: bytes) -> tuple[ImageSpec, npt.NDArray[Any]] | SepfilterError:
    """Spec and pixels, or the error in their place."""
    try:
        source = open_source(name, content=content)
        return source.spec, source.read(Window.whole(source.spec))
    except SepfilterError as error:
        return error


@given(
    file_format=st.sampled_from(FORMATS),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=4),
    near_the_start=st.booleans(),
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_damaged_bytes_never_raise_anything_else(
    *, file_format: str, changes: list[tuple[float, int]], near_the_start: bool
) -> None:
    """Whichever bytes are changed: pixels of the stated spec, or an error in one line with the name."""
    content = bytearray(NOISY[file_format])
    reach = min(len(content), 120) if near_the_start else len(content)
    for place, value in changes:
        content[int(place * reach)] = value
    outcome = read_or_error("odd.bin", bytes(content))
    if isinstance(outcome, SepfilterError):
        assert str(outcome).startswith("odd.bin: ")
        assert str(outcome).isprintable()
    else:
        spec, pixels = outcome
        assert (*pixels.shape, pixels.dtype.name) == (spec.height, spec.width, spec.channels, spec.dtype)
