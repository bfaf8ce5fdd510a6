"""Files that are no image, or a broken one: always one of our errors, in one line, with the name."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from sepfilter.errors import ImageReadError, LimitError, SepfilterError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.files import read_image
from sepfilter.images.source import INPUT_FORMATS, InputFormat, open_source

Store = Callable[[str, bytes], Path]

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "TGA", "SGI")

# Where the pixels of a format are decoded.
DECODERS = [
    ("BMP", "PIL.ImageFile.ImageFile.load"),
    ("JPEG", "imagecodecs.jpeg8_decode"),
    ("WEBP", "imagecodecs.webp_decode"),
    ("PNG", "sepfilter.images.png.source.unfiltered"),
    ("TIFF", "tifffile.TiffPage.decode"),
]

# More of the same, damaged alike: interlaced, progressive, compressed, animated.
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "TIFF by LZW": ("TIFF", {"compression": "tiff_lzw"}),
    "TIFF by Deflate": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    "TIFF by JPEG": ("TIFF", {"compression": "jpeg"}),
    "progressive JPEG": ("JPEG", {"progressive": True}),
    "lossless WebP": ("WEBP", {"lossless": True}),
}


def noisy(file_format: str, **options: Any) -> bytes:
    """A small picture without any pattern, so that every byte of the file matters."""
    picture = np.random.default_rng(1).integers(0, 256, (24, 20, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, file_format, **options)
    return buffer.getvalue()


NOISY = {name: noisy(name) for name in FORMATS}
DAMAGED = NOISY | {name: noisy(file_format, **options) for name, (file_format, options) in VARIANTS.items()}


def encoded(file_format: str) -> bytes:
    """The noisy picture; as TIFF compressed, so that there is something to decode."""
    return DAMAGED["TIFF by LZW"] if file_format == "TIFF" else NOISY[file_format]


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
    assert complaint(stored("a.png", content)) == "is corrupt: the checksum of its IHDR chunk is wrong"


def test_broken_pixel_data_is_an_error(stored: Store) -> None:
    """A flipped bit in the compressed stream."""
    content = bytearray(NOISY["PNG"])
    content[content.index(b"IDAT") + 200] ^= 0x10
    assert complaint(stored("a.png", bytes(content))).startswith(
        ("is truncated or corrupt: ", "is corrupt: ")
    )


def test_an_empty_file_is_an_error(stored: Store) -> None:
    """The message says so."""
    assert complaint(stored("a.png", b"")) == "is empty: there is no image in it"


@pytest.mark.parametrize(
    "content", [b"x", b"hello\n" * 100, bytes(1000), b"GIF89a", b"PK\3\4" + bytes(50), b"P", b"\x89PNG\r\n"]
)
def test_what_is_no_image_is_an_error(stored: Store, content: bytes) -> None:
    """Text, zeros, an archive, half a magic number."""
    assert "is not an image" in complaint(stored("a.png", content))


@pytest.mark.parametrize("one", INPUT_FORMATS, ids=lambda one: one.names[0])
def test_a_bare_magic_number_is_an_error(stored: Store, one: InputFormat) -> None:
    """It is told of the format that it announces."""
    for magic in one.magics:
        assert complaint(stored("a", magic))


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


@pytest.mark.parametrize(("file_format", "decoder"), DECODERS)
@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (ZeroDivisionError("first\nsecond \x1b[31mred"), "first second ?[31mred"),
        (KeyError(), "KeyError"),
        (RuntimeError("x" * 999), "x" * 200),
    ],
    ids=["control characters", "no text", "long"],
)
def test_a_decoder_that_fails_oddly_is_an_error(
    stored: Store,
    monkeypatch: pytest.MonkeyPatch,
    file_format: str,
    decoder: str,
    raised: Exception,
    reason: str,
) -> None:
    """Whatever a decoder raises, with whatever text: one printable line comes out."""

    def fail(*_: object, **__: object) -> None:
        raise raised

    path = stored("a", encoded(file_format))
    monkeypatch.setattr(decoder, fail)
    assert complaint(path) == f"is truncated or corrupt: {reason}"


@pytest.mark.parametrize(("file_format", "decoder"), DECODERS)
def test_a_decoder_without_memory_meets_a_limit(
    stored: Store, monkeypatch: pytest.MonkeyPatch, file_format: str, decoder: str
) -> None:
    """The file is not broken for that."""

    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    path = stored("a", encoded(file_format))
    monkeypatch.setattr(decoder, fail)
    with pytest.raises(LimitError, match=rf"^{path}: its pixels do not fit into memory"):
        read_image(path)


@contextmanager
def as_in_a_terminal() -> Iterator[None]:
    """Without the handlers of log messages that pytest has: Python prints what nobody handles."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logging.getLogger(), "handlers", [])
        yield


def read_or_error(name: str, content: bytes) -> tuple[ImageSpec, npt.NDArray[Any]] | SepfilterError:
    """Spec and pixels, or the error in their place."""
    try:
        source = open_source(name, content=content)
        return source.spec, source.read(Window.whole(source.spec))
    except SepfilterError as error:
        return error


@given(
    name=st.sampled_from(sorted(DAMAGED)),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=4),
    near_the_start=st.booleans(),
)
@settings(
    max_examples=400, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_damaged_bytes_never_raise_anything_else(
    capfd: pytest.CaptureFixture[str],
    *,
    name: str,
    changes: list[tuple[float, int]],
    near_the_start: bool,
) -> None:
    """Whichever bytes are changed: pixels of the stated spec, or an error in one line with the name.

    Nothing else is said: decoders like to print, and to log.
    """
    content = bytearray(DAMAGED[name])
    reach = min(len(content), 120) if near_the_start else len(content)
    for place, value in changes:
        content[int(place * reach)] = value
    with as_in_a_terminal():
        outcome = read_or_error("odd.bin", bytes(content))
    assert capfd.readouterr() == ("", "")
    if isinstance(outcome, SepfilterError):
        assert str(outcome).startswith("odd.bin: ")
        assert str(outcome).isprintable()
    else:
        spec, pixels = outcome
        assert (*pixels.shape, pixels.dtype.name) == (spec.height, spec.width, spec.channels, spec.dtype)


def with_another_checksum(data: bytes) -> bytes:
    """Deflated, and the checksum of it wrong."""
    content = zlib.compress(data)
    return content[:-1] + bytes([content[-1] ^ 1])


ODD_PNGS: dict[str, dict[str, Any]] = {
    "interlaced": {"interlaced": True},
    "a wrong checksum": {"deflate": with_another_checksum},
    "too many rows": {"deflate": lambda data: zlib.compress(2 * data)},
    "more behind the rows": {"deflate": lambda data: zlib.compress(data) + b"xx"},
}


@pytest.mark.parametrize("oddity", ODD_PNGS)
def test_decoders_do_not_print(handmade: ModuleType, capfd: pytest.CaptureFixture[str], oddity: str) -> None:
    """What a library has to say of an odd file, and logs, never reaches the terminal."""
    content = handmade.png(1, 8, handmade.GREY, [b"\x80"], **ODD_PNGS[oddity])
    with as_in_a_terminal():
        read_or_error("a.png", content)
    assert capfd.readouterr() == ("", "")
