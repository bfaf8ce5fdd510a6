"""Reading and writing one whole image from Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sepfilter.errors import (
    ImageWriteError,
    OptionError,
    OutputExistsError,
    ShapeError,
    UnsupportedImageError,
)
from sepfilter.images.files import read_image, write_image
from sepfilter.images.metadata import Metadata


@pytest.mark.parametrize("as_text", [True, False], ids=["str", "Path"])
def test_a_path_may_be_text(tmp_path: Path, *, as_text: bool) -> None:
    """For reading and for writing."""
    path = str(tmp_path / "a.png") if as_text else tmp_path / "a.png"
    write_image(path, np.full((2, 3), 7, np.uint8))
    assert read_image(path)[0].tolist() == [[7] * 3] * 2


@pytest.mark.parametrize(("shape", "read"), [((2, 3), (2, 3)), ((2, 3, 1), (2, 3)), ((2, 3, 3), (2, 3, 3))])
def test_one_channel_has_two_dimensions_when_read(
    tmp_path: Path, shape: tuple[int, ...], read: tuple[int, ...]
) -> None:
    """(H, W) and (H, W, 1) are the same picture."""
    write_image(tmp_path / "a.png", np.zeros(shape, np.uint8))
    assert read_image(tmp_path / "a.png")[0].shape == read


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_without_metadata_two_and_four_channels_have_opacity(
    tmp_path: Path, channels: int, mode: str
) -> None:
    """As every library takes bare arrays."""
    write_image(tmp_path / "a.png", np.zeros((2, 3, channels), np.uint8))
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == mode


def test_metadata_tells_inks_from_opacity(tmp_path: Path) -> None:
    """Four channels of a CMYK picture are written as inks."""
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    write_image(tmp_path / "a.tif", pixels, Metadata(cmyk=True))
    with Image.open(tmp_path / "a.tif") as image:
        assert image.mode == "CMYK"
        assert np.array_equal(np.asarray(image), pixels)


def test_the_extension_tells_the_format_unless_it_is_named(tmp_path: Path) -> None:
    """`format` overrules the name."""
    write_image(tmp_path / "a.bmp", np.zeros((2, 2), np.uint8))
    write_image(tmp_path / "b.bmp", np.zeros((2, 2), np.uint8), format="png")
    assert [read_image(tmp_path / name)[1].format for name in ("a.bmp", "b.bmp")] == ["BMP", "PNG"]


def test_quality_reaches_the_encoder(tmp_path: Path) -> None:
    """A lower one takes fewer bytes."""
    picture = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)
    write_image(tmp_path / "low.jpg", picture, quality=10)
    write_image(tmp_path / "high.jpg", picture, quality=100)
    assert (tmp_path / "low.jpg").stat().st_size < (tmp_path / "high.jpg").stat().st_size


def test_compression_reaches_the_encoder(tmp_path: Path) -> None:
    """The pixels are the same, in fewer bytes."""
    picture = np.add.outer(np.arange(256), np.arange(256)).astype(np.uint16)
    sizes = []
    for compression in ("none", "fast", "small"):
        path = tmp_path / f"{compression}.tif"
        write_image(path, picture, compression=compression)
        assert np.array_equal(read_image(path)[0], picture)
        sizes.append(path.stat().st_size)
    assert sizes[0] > sizes[1] > sizes[2]


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.ppm", "a.npy"])
def test_sixteen_bits_of_colour_are_kept(tmp_path: Path, name: str) -> None:
    """To the last bit."""
    picture = np.random.default_rng(0).integers(0, 65536, (5, 4, 3), dtype=np.uint16)
    write_image(tmp_path / name, picture)
    pixels, _ = read_image(tmp_path / name)
    assert pixels.dtype == np.uint16
    assert np.array_equal(pixels, picture)


def test_an_existing_file_is_kept_unless_overwriting(tmp_path: Path) -> None:
    """The second picture only arrives when asked for."""
    path = tmp_path / "a.png"
    write_image(path, np.zeros((2, 2), np.uint8))
    with pytest.raises(OutputExistsError, match="exists already"):
        write_image(path, np.ones((2, 2), np.uint8))
    assert read_image(path)[0].max() == 0
    write_image(path, np.ones((2, 2), np.uint8), overwrite=True)
    assert read_image(path)[0].max() == 1


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        (np.zeros(3, np.uint8), ShapeError, "2 or 3 dimensions"),
        (np.zeros((1, 2, 3, 4), np.uint8), ShapeError, "2 or 3 dimensions"),
        (np.zeros((0, 3), np.uint8), ShapeError, "height"),
        (np.zeros((2, 2), np.bool_), ShapeError, "bool"),
        (np.zeros((2, 2), np.int64), ShapeError, "int64"),
        (
            np.zeros((2, 2, 3), np.float32),
            UnsupportedImageError,
            r"a\.png: PNG cannot hold 3 channels of float32: use tiff or .*npy",
        ),
    ],
    ids=["1-D", "4-D", "empty", "bool", "int64", "float RGB"],
)
def test_an_array_that_cannot_be_written_leaves_no_file(
    tmp_path: Path, array: np.ndarray, error: type[Exception], message: str
) -> None:
    """The error says what is wrong with it."""
    with pytest.raises(error, match=message):
        write_image(tmp_path / "a.png", array)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    """It is not made."""
    with pytest.raises(ImageWriteError, match="does not exist: create it first"):
        write_image(tmp_path / "missing" / "a.png", np.zeros((2, 2), np.uint8))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.xyz", {}),
        ("a", {}),
        ("a.png", {"quality": 5}),
        ("a.jpg", {"quality": 0}),
        ("a.jpg", {"compression": "small"}),
        ("a.png", {"compression": "zstd"}),
    ],
)
def test_options_that_nothing_can_honour_are_refused(
    tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    """An unknown extension, none at all, a quality for PNG, a quality of 0, compressions of other formats."""
    with pytest.raises(OptionError):
        write_image(tmp_path / name, np.zeros((2, 2), np.uint8), **options)
    assert list(tmp_path.iterdir()) == []


def test_what_was_read_can_be_written_as_it_was(tmp_path: Path) -> None:
    """Pixels and metadata of `read_image` are what `write_image` takes."""
    picture = np.random.default_rng(0).integers(0, 256, (5, 4, 4), dtype=np.uint8)
    write_image(tmp_path / "a.png", picture, Metadata(alpha=True, dpi=(300.0, 300.0)))
    write_image(tmp_path / "b.png", *read_image(tmp_path / "a.png"))
    assert (tmp_path / "b.png").read_bytes() == (tmp_path / "a.png").read_bytes()
