"""Outputs: collected from windows, encoded, complete or not there at all."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from sepfilter.errors import ImageWriteError, OptionError, OutputExistsError, UnsupportedImageError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.formats import OUTPUT_FORMATS, format_named
from sepfilter.images.metadata import Metadata
from sepfilter.images.sink import Sink, check_quality

Array = npt.NDArray[Any]

SMOOTH = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)[..., np.newaxis]
"""64 x 64 grey, rising evenly."""


def filled(pixels: Array, output_format: str, **options: Any) -> Sink:
    """A sink that has all its pixels."""
    spec = ImageSpec.of(pixels)
    sink = Sink(spec, Metadata(), format_named(output_format), **options)
    sink.write(Window.whole(spec), pixels)
    return sink


def opened(content: bytes) -> Array:
    """The pixels of a file, as Pillow reads them."""
    with Image.open(BytesIO(content)) as image:
        return np.asarray(image)


def test_windows_are_put_together() -> None:
    """Four parts in any order are the whole picture."""
    picture = np.random.default_rng(2).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    sink = Sink(ImageSpec.of(picture), Metadata(), format_named("png"))
    for window in (Window(4, 5, 3, 4), Window(0, 0, 4, 5), Window(4, 0, 3, 5), Window(0, 5, 4, 4)):
        sink.write(window, picture[window.rows, window.columns])
    assert np.array_equal(opened(sink.encoded()), picture)


def test_a_sink_without_pixels_writes_nothing(tmp_path: Path) -> None:
    """There is an error in place of a black picture, and no file."""
    sink = Sink(ImageSpec(2, 2, 1, "uint8"), Metadata(), format_named("png"), name="out.png")
    with pytest.raises(ImageWriteError, match=r"^out\.png: no pixels were written to it"):
        sink.encoded()
    with pytest.raises(ImageWriteError, match="no pixels"):
        sink.save(tmp_path / "out.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [one.name for one in OUTPUT_FORMATS])
def test_a_file_has_the_bytes_of_standard_output(tmp_path: Path, name: str) -> None:
    """`save` and `encoded` agree."""
    sink = filled(np.repeat(SMOOTH, 3, axis=2), name)
    sink.save(tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == sink.encoded()


@pytest.mark.parametrize(
    "one", [one for one in OUTPUT_FORMATS if one.name != "npy"], ids=lambda one: one.name
)
def test_the_file_is_of_its_format(one: Any) -> None:
    """Pillow calls it as our reports do."""
    with Image.open(BytesIO(filled(np.repeat(SMOOTH, 3, axis=2), one.name).encoded())) as image:
        assert image.format == one.label


@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_quality_trades_size_for_fidelity(name: str) -> None:
    """Quality 95 takes more bytes than 20, and is nearer to the picture."""
    picture = np.random.default_rng(3).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    low, high = (filled(picture, name, quality=quality).encoded() for quality in (20, 95))
    assert len(low) < len(high)
    errors = [np.abs(opened(content).astype(int) - picture).mean() for content in (low, high)]
    assert errors[1] < errors[0]


def test_jpeg_without_a_quality_has_92() -> None:
    """The default is fixed, not Pillow's 75."""
    assert filled(SMOOTH, "jpeg").encoded() == filled(SMOOTH, "jpeg", quality=92).encoded()


def test_webp_without_a_quality_is_lossless() -> None:
    """With 100 it is not yet: the highest quality still loses something."""
    picture = np.random.default_rng(4).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    assert np.array_equal(opened(filled(picture, "webp").encoded()), picture)
    assert not np.array_equal(opened(filled(picture, "webp", quality=100).encoded()), picture)


@pytest.mark.parametrize("quality", [0, -5, 101])
@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_a_quality_out_of_range_is_refused(name: str, quality: int) -> None:
    """1 to 100, when the sink is made."""
    with pytest.raises(OptionError, match=rf"^quality {quality}: it must be from 1 to 100"):
        filled(np.repeat(SMOOTH, 3, axis=2), name, quality=quality)


@pytest.mark.parametrize("quality", [1, 100])
@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_the_ends_of_the_range_are_allowed(name: str, quality: int) -> None:
    """Both write a picture of the right size."""
    assert opened(filled(np.repeat(SMOOTH, 3, axis=2), name, quality=quality).encoded()).shape == (64, 64, 3)


@pytest.mark.parametrize("name", ["png", "tiff", "bmp", "ppm", "npy"])
def test_a_quality_that_would_be_ignored_is_refused(name: str) -> None:
    """Lossless formats have none."""
    with pytest.raises(OptionError, match="has none, it is lossless"):
        filled(SMOOTH, name, quality=90)


def test_no_quality_suits_every_format() -> None:
    """None is always allowed."""
    assert [check_quality(one, None) for one in OUTPUT_FORMATS] == [None] * len(OUTPUT_FORMATS)


def test_what_a_format_cannot_hold_is_refused_before_any_pixel() -> None:
    """The sink is not even made; the message carries its name."""
    with pytest.raises(UnsupportedImageError, match=r"^edges\.jpg: JPEG cannot hold 1 channel of float32"):
        Sink(ImageSpec(2, 2, 1, "float32"), Metadata(), format_named("jpeg"), name="edges.jpg")


def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    """Unless overwriting was asked for."""
    target = tmp_path / "out.png"
    target.write_bytes(b"old")
    with pytest.raises(OutputExistsError, match=rf"^{target}: exists already"):
        filled(SMOOTH, "png").save(target)
    assert target.read_bytes() == b"old"
    filled(SMOOTH, "png").save(target, overwrite=True)
    assert np.array_equal(opened(target.read_bytes()), SMOOTH[..., 0])


@pytest.mark.parametrize(("name", "width"), [("jpeg", 70_000), ("webp", 17_000)])
def test_a_failing_encoder_leaves_the_old_file(tmp_path: Path, name: str, width: int) -> None:
    """An image wider than the format allows fails while writing; nothing has changed on disk."""
    target = tmp_path / "out"
    target.write_bytes(b"old")
    sink = filled(np.zeros((1, width, 3), np.uint8), name, name=str(target))
    with pytest.raises(ImageWriteError, match=rf"^{target}: cannot be "):
        sink.save(target, overwrite=True)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(("name", "width"), [("jpeg", 70_000), ("webp", 17_000)])
def test_a_failing_encoder_is_our_error_on_standard_output_too(name: str, width: int) -> None:
    """Where there is no file to name, the output is named as it was given."""
    sink = filled(np.zeros((1, width, 3), np.uint8), name, name="-")
    with pytest.raises(ImageWriteError, match=r"^-: cannot be "):
        sink.encoded()


def test_sixteen_bit_ppm_has_the_high_byte_first() -> None:
    """The file is the header and the samples, as the format's definition says."""
    samples = np.array([[1, 258, 65535]], np.uint16)
    content = filled(samples[..., np.newaxis], "ppm").encoded()
    assert content == b"P5\n3 1\n65535\n" + samples.astype(">u2").tobytes()


@pytest.mark.parametrize(
    ("name", "dtype"), [("png", ">u2"), ("tiff", ">u2"), ("tiff", ">i4"), ("tiff", ">f4")]
)
def test_foreign_byte_order_is_written_by_value(name: str, dtype: str) -> None:
    """An array of the other byte order gives the same picture."""
    samples = np.array([[1, 2], [3000, 40000]])
    written = opened(filled(samples.astype(dtype)[..., np.newaxis], name).encoded())
    assert np.array_equal(written, samples)


def test_an_array_with_strides_is_written_by_value() -> None:
    """Every second pixel, mirrored, from an array in Fortran order."""
    picture = np.asfortranarray(np.random.default_rng(5).integers(0, 256, (8, 8, 3), dtype=np.uint8))
    part = picture[::2, ::-1]
    assert np.array_equal(opened(filled(part, "png").encoded()), part)


def test_a_single_channel_npy_has_two_dimensions() -> None:
    """(H, W, 1) is stored as (H, W)."""
    assert np.load(BytesIO(filled(SMOOTH, "npy").encoded())).shape == (64, 64)
