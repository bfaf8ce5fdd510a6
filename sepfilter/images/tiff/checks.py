"""What a TIFF file claims, checked against the file before memory is taken or anything is decoded."""

from __future__ import annotations

import struct
from math import prod
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.images.raw_rows import size_of
from sepfilter.images.tiff.directory import Directory
from sepfilter.images.tiff.tags import (
    BITS,
    EXTRA_SAMPLES,
    HEIGHT,
    JPEG2000_KINDS,
    JPEG_KINDS,
    JPEG_OFFSET,
    PLANAR,
    PNG_KIND,
    ROWS_PER_STRIP,
    SAMPLE_FORMAT,
    SAMPLES,
    SEPARATE_PLANES,
    STRIP_OFFSETS,
    STRIP_SIZES,
    SUBSAMPLING,
    TILE_HEIGHT,
    TILE_OFFSETS,
    TILE_SIZES,
    TILE_WIDTH,
    TOGETHER,
    WEBP_KINDS,
    WIDTH,
)
from sepfilter.values import value

_MOST_SAMPLES: Final = 65535
_MOST_SEGMENTS: Final = 2**22
_LARGEST_SIDE: Final = 2**31 - 1
_SPARE_PIXELS: Final = 2**16
_END_OF_JPEG: Final = b"\xff\xd9"

# Tags of which a file has one value for each sample at most, and that are loaded with the directory.
_SHORT_LISTS: Final = (BITS, SAMPLES, EXTRA_SAMPLES, SAMPLE_FORMAT, SUBSAMPLING)


@value
class Grid:
    """How the samples of a page are cut into strips or tiles, here called segments.

    Attributes
    ----------
    height, width : int
        Of the page, in pixels.
    samples : int
        Samples per pixel of the page.
    planes : int
        1 where the samples of a pixel lie together, else one for each sample.
    rows, columns : int
        Of one segment, in pixels.
    """

    height: int
    width: int
    samples: int
    planes: int
    rows: int
    columns: int

    @property
    def down(self) -> int:
        """Segments from top to bottom."""
        return -(-self.height // self.rows)

    @property
    def across(self) -> int:
        """Segments side by side."""
        return -(-self.width // self.columns)

    @property
    def together(self) -> int:
        """Samples of a pixel in one segment."""
        return self.samples // self.planes

    @property
    def count(self) -> int:
        """All segments."""
        return self.planes * self.down * self.across


def checked_grid(directory: Directory) -> Grid:
    """Read how a page is cut, and refuse what cannot be.

    Parameters
    ----------
    directory : Directory
        Of the page.

    Raises
    ------
    ValueError
        A size is 0 or absurd, or there are fewer strips or tiles than the size asks for.
    """
    height, width = (_side(directory, tag, words) for tag, words in ((HEIGHT, "height"), (WIDTH, "width")))
    samples = _within(directory.number(SAMPLES, 1), _MOST_SAMPLES, "samples per pixel")
    for bits in directory.numbers(BITS, 1):
        _within(int(bits), 128, "bits per sample")
    for tag in _SHORT_LISTS:
        if tag in directory.entries and directory.entries[tag].count > _MOST_SAMPLES:
            raise ValueError(f"tag {tag} has {directory.entries[tag].count:,} values")
    planar = _within(directory.number(PLANAR, TOGETHER), SEPARATE_PLANES, "planar configuration")
    planes = samples if planar == SEPARATE_PLANES else 1
    if TILE_WIDTH in directory.entries or TILE_HEIGHT in directory.entries:
        rows = _side(directory, TILE_HEIGHT, "tile height")
        columns = _side(directory, TILE_WIDTH, "tile width")
    else:
        rows = min(_within(directory.number(ROWS_PER_STRIP, height), 2**64, "rows per strip"), height)
        columns = width
    grid = Grid(height, width, samples, planes, rows, columns)
    _check_lists(directory, grid)
    return grid


def checked_places(
    offsets: npt.ArrayLike, sizes: npt.ArrayLike, needed: int, directory: Directory, grid: Grid
) -> npt.NDArray[np.int64]:
    """Where the segments are in the file, shape (count, 2): offset and size.

    Parameters
    ----------
    offsets, sizes : array-like of int
        As the page claims.
    needed : int
        Bytes that a page takes which is not compressed; 0 for one that is.
    directory : Directory
        Of the page.
    grid : Grid
        How it is cut.

    Raises
    ------
    ValueError
        Segments are missing, or lie outside the file.
    """
    begins, lengths = (_as_integers(values)[: grid.count] for values in (offsets, sizes))
    if len(begins) < grid.count or len(lengths) < grid.count:
        raise ValueError(f"it has fewer than the {grid.count:,} strips or tiles that its size asks for")
    missing = int(np.count_nonzero((lengths == 0) | (begins == 0)))
    if missing:
        raise ValueError(
            f"{missing:,} of its {grid.count:,} strips or tiles have no data: it was not written to the end, "
            "or is a sparse file, which another program must fill first"
        )
    end = size_of(directory.file)
    beyond = int(np.count_nonzero((lengths > end) | (begins > end - lengths)))
    if beyond:
        raise ValueError(f"{beyond:,} of its {grid.count:,} strips or tiles lie beyond the end of the file")
    if needed > end:
        raise ValueError(f"it claims {needed:,} bytes of pixels, and the file has {end:,} bytes")
    return np.stack([begins, lengths], axis=1)


def check_embedded(data: bytes, compression: int, grid: Grid) -> None:
    """Refuse a segment that is a picture of its own and claims another size, before it is decoded.

    Parameters
    ----------
    data : bytes
        The segment as stored.
    compression : int
        How, as its tag says.
    grid : Grid
        What is expected.

    Raises
    ------
    ValueError
        It claims to be larger than a segment, or a JPEG stream is broken off.
    """
    size: tuple[int, ...] | None = None
    if compression in JPEG_KINDS:
        size = _size_of_jpeg(data)
        if _END_OF_JPEG not in data[-64:]:
            raise ValueError("a JPEG stream in it is broken off")
    elif compression in WEBP_KINDS:
        size = _size_of_webp(data)
    elif compression in JPEG2000_KINDS:
        at = data.find(b"\xff\x51")
        size = struct.unpack_from(">II", data, at + 6) if at >= 0 else (0, 0)
    elif compression == PNG_KIND:
        size = struct.unpack_from(">II", data, 16)
    if size is not None and prod(size) > 4 * grid.rows * grid.columns + _SPARE_PIXELS:
        raise ValueError(f"a strip or tile in it claims {size[0]} x {size[1]} pixels")


def _within(value: int, most: int, words: str) -> int:
    """A number, unless it is absurd."""
    if not 1 <= value <= most:
        raise ValueError(f"{words}: {value:,}")
    return value


def _side(directory: Directory, tag: int, words: str) -> int:
    """A length in pixels."""
    return _within(directory.number(tag, 0), _LARGEST_SIDE, words)


def _check_lists(directory: Directory, grid: Grid) -> None:
    """Refuse lists of places that are missing, too short, or too long to be loaded."""
    if not any(tag in directory.entries for tag in (STRIP_OFFSETS, TILE_OFFSETS, JPEG_OFFSET)):
        raise ValueError("it does not say where its pixels are")
    if grid.count > _MOST_SEGMENTS:
        raise ValueError(f"it has {grid.count:,} strips or tiles")
    end = size_of(directory.file)
    for tag in (STRIP_OFFSETS, STRIP_SIZES, TILE_OFFSETS, TILE_SIZES):
        entry = directory.entries.get(tag)
        if entry is None:
            continue
        if entry.count > _MOST_SEGMENTS:
            raise ValueError(f"it lists {entry.count:,} strips or tiles")
        if entry.count < grid.count or entry.size == 0 or entry.at + entry.size > end + 8:
            raise ValueError(
                f"it lists {entry.count:,} strips or tiles, and its size asks for {grid.count:,}"
            )


def _as_integers(values: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Places in a file; what is too large for one lies beyond any file."""
    array: npt.NDArray[Any] = np.asarray(values, np.uint64)
    places: npt.NDArray[np.int64] = np.minimum(array, np.uint64(2**62)).astype(np.int64)
    return places


def _size_of_jpeg(data: bytes) -> tuple[int, int]:
    """Height and width that a JPEG stream claims, (0, 0) where no frame begins."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return height, width
        standalone = marker == 0xFF or 0xD0 <= marker <= 0xD8
        at += (1 if marker == 0xFF else 2) if standalone else 2 + struct.unpack_from(">H", data, at + 2)[0]
    return 0, 0


def _size_of_webp(data: bytes) -> tuple[int, int]:
    """Height and width that a WebP picture claims."""
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return height, width
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return height & 0x3FFF, width & 0x3FFF
