"""Outputs: encoded from strips, to any kind of file."""

from __future__ import annotations

from io import BytesIO, RawIOBase
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from sepfilter.errors import ImageWriteError, UnsupportedImageError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.formats import OUTPUT_FORMATS, OutputFormat, format_named
from sepfilter.images.metadata import Metadata
from sepfilter.images.sink import Encoding, open_sink

Array = npt.NDArray[Any]

SMOOTH = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)[..., np.newaxis]
"""64 x 64 grey, rising evenly."""


def encoded(pixels: Array, output_format: str, name: str = "output", **options: Any) -> bytes:
    """The file of an image."""
    spec, file = ImageSpec.of(pixels), BytesIO()
    sink = open_sink(file, spec, Metadata(), format_named(output_format), Encoding(**options), name=name)
    sink.write(Window.whole(spec), pixels)
    sink.finish()
    return file.getvalue()


def opened(content: bytes) -> Array:
    """The pixels of a file, as Pillow reads them."""
    with Image.open(BytesIO(content)) as image:
        return np.asarray(image)


@pytest.mark.parametrize("one", OUTPUT_FORMATS, ids=lambda one: one.name)
def test_strips_are_put_together(one: OutputFormat) -> None:
    """Rows that come in three pieces make the file that they make at once."""
    pixels = np.repeat(SMOOTH, 3, axis=2).astype("float32" if one.name == "pfm" else "uint8")
    spec, file = ImageSpec.of(pixels), BytesIO()
    sink = open_sink(file, spec, Metadata(), one)
    for window in (Window(0, 0, 30, 64), Window(30, 0, 1, 64), Window(31, 0, 33, 64)):
        sink.write(window, pixels[window.rows])
    sink.finish()
    assert file.getvalue() == encoded(pixels, one.name)


@pytest.mark.parametrize("one", OUTPUT_FORMATS, ids=lambda one: one.name)
def test_rows_that_are_missing_are_an_error(one: OutputFormat) -> None:
    """In place of a black picture."""
    spec = ImageSpec(4, 4, 1, "float32" if one.name == "pfm" else "uint8")
    sink = open_sink(BytesIO(), spec, Metadata(), one, name="out.x")
    sink.write(Window(0, 0, 3, 4), np.zeros((3, 4, 1), spec.dtype))
    with pytest.raises(ImageWriteError, match=r"^out\.x: only 3 of 4 rows"):
        sink.finish()


class Pipe(RawIOBase):
    """A file that can be written to, and nothing else."""

    def __init__(self) -> None:
        self.content = bytearray()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Keep the bytes."""
        self.content += data
        return len(memoryview(data).cast("B"))


@pytest.mark.parametrize("one", OUTPUT_FORMATS, ids=lambda one: one.name)
def test_a_pipe_gets_the_bytes_of_a_file(one: OutputFormat) -> None:
    """No format needs to seek."""
    pixels = np.repeat(SMOOTH, 3, axis=2).astype("float32" if one.name == "pfm" else "uint8")
    spec, pipe = ImageSpec.of(pixels), Pipe()
    sink = open_sink(pipe, spec, Metadata(), one)  # type: ignore[arg-type]
    sink.write(Window.whole(spec), pixels)
    sink.finish()
    assert pipe.content == encoded(pixels, one.name)


@pytest.mark.parametrize(
    "one", [one for one in OUTPUT_FORMATS if one.name not in ("npy", "pfm", "pam")], ids=lambda one: one.name
)
def test_the_file_is_of_its_format(one: Any) -> None:
    """Pillow calls it as our reports do."""
    with Image.open(BytesIO(encoded(np.repeat(SMOOTH, 3, axis=2), one.name))) as image:
        assert image.format == one.label


@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_quality_trades_size_for_fidelity(name: str) -> None:
    """Quality 95 takes more bytes than 20, and is nearer to the picture."""
    picture = np.random.default_rng(3).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    low, high = (encoded(picture, name, quality=quality) for quality in (20, 95))
    assert len(low) < len(high)
    errors = [np.abs(opened(content).astype(int) - picture).mean() for content in (low, high)]
    assert errors[1] < errors[0]


def test_jpeg_without_a_quality_has_92() -> None:
    """The default is fixed, not Pillow's 75."""
    assert encoded(SMOOTH, "jpeg") == encoded(SMOOTH, "jpeg", quality=92)


def test_webp_without_a_quality_is_lossless() -> None:
    """With 100 it is not yet: the highest quality still loses something."""
    picture = np.random.default_rng(4).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    assert np.array_equal(opened(encoded(picture, "webp")), picture)
    assert not np.array_equal(opened(encoded(picture, "webp", quality=100)), picture)


@pytest.mark.parametrize("quality", [1, 100])
@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_the_ends_of_the_range_are_allowed(name: str, quality: int) -> None:
    """Both write a picture of the right size."""
    assert opened(encoded(np.repeat(SMOOTH, 3, axis=2), name, quality=quality)).shape == (64, 64, 3)


def test_what_a_format_cannot_hold_is_refused_before_any_pixel() -> None:
    """The sink is not even made; the message carries its name."""
    with pytest.raises(UnsupportedImageError, match=r"^edges\.jpg: JPEG cannot hold 1 channel of float32"):
        open_sink(
            BytesIO(), ImageSpec(2, 2, 1, "float32"), Metadata(), format_named("jpeg"), name="edges.jpg"
        )


@pytest.mark.parametrize(("name", "width"), [("jpeg", 70_000), ("webp", 17_000)])
def test_a_failing_encoder_is_our_error(name: str, width: int) -> None:
    """An image wider than the format allows; the output is named as it was given."""
    with pytest.raises(ImageWriteError, match=r"^-: cannot be "):
        encoded(np.zeros((1, width, 3), np.uint8), name, name="-")


def test_sixteen_bit_ppm_has_the_high_byte_first() -> None:
    """The file is the header and the samples, as the format's definition says."""
    samples = np.array([[1, 258, 65535]], np.uint16)
    content = encoded(samples[..., np.newaxis], "ppm")
    assert content == b"P5\n3 1\n65535\n" + samples.astype(">u2").tobytes()


@pytest.mark.parametrize(
    ("name", "dtype"), [("png", ">u2"), ("tiff", ">u2"), ("tiff", ">i4"), ("tiff", ">f4")]
)
def test_foreign_byte_order_is_written_by_value(name: str, dtype: str) -> None:
    """An array of the other byte order gives the same picture."""
    samples = np.array([[1, 2], [3000, 40000]])
    written = opened(encoded(samples.astype(dtype)[..., np.newaxis], name))
    assert np.array_equal(written, samples)


def test_an_array_with_strides_is_written_by_value() -> None:
    """Every second pixel, mirrored, from an array in Fortran order."""
    picture = np.asfortranarray(np.random.default_rng(5).integers(0, 256, (8, 8, 3), dtype=np.uint8))
    part = picture[::2, ::-1]
    assert np.array_equal(opened(encoded(part, "png")), part)


def test_a_single_channel_npy_has_two_dimensions() -> None:
    """(H, W, 1) is stored as (H, W)."""
    assert np.load(BytesIO(encoded(SMOOTH, "npy"))).shape == (64, 64)
