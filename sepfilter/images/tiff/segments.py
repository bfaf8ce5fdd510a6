"""The samples of a TIFF page, read and decoded by strips and tiles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt
import tifffile

from sepfilter.geometry import Window
from sepfilter.images.raw_rows import RawRows
from sepfilter.images.tiff.checks import Grid, check_embedded
from sepfilter.images.tiff.tags import NO_PREDICTOR, UNCOMPRESSED
from sepfilter.values import value

Samples = npt.NDArray[Any]
Places = npt.NDArray[np.int64]


class SampleReader(Protocol):
    """Where the samples of a page come from."""

    @property
    def strip_rows(self) -> int:
        """Rows that are decoded together."""

    def read(self, window: Window) -> Samples:
        """The samples of a part, shape (h, w, S), as stored but of the machine's byte order."""


@value
class Planes:
    """Samples that lie in the file as they are: together, or one plane of all pixels after another."""

    planes: tuple[RawRows, ...]
    strip_rows: int = 1

    def read(self, window: Window) -> Samples:
        """The samples of a part, read into one array."""
        if len(self.planes) == 1:
            return self.planes[0].read(window)
        first = self.planes[0]
        samples = np.empty((window.height, window.width, len(self.planes)), first.dtype.newbyteorder("="))
        for i, plane in enumerate(self.planes):
            samples[..., i] = plane.read(window)[..., 0]
        return samples


def raw_planes(
    file: BinaryIO, name: str, page: tifffile.TiffPage, grid: Grid, places: Places
) -> Planes | None:
    """A reader of samples that can be taken from the file as they are; None where they cannot.

    Parameters
    ----------
    file : binary file
        Of the page.
    name : str
        The file, in messages.
    page : tifffile.TiffPage
        What it says of compression and type.
    grid, places
        Where its strips are, checked.
    """
    bits = page.bitspersample
    plain = (
        page.compression == UNCOMPRESSED
        and page.predictor == NO_PREDICTOR
        and page.fillorder == 1
        and bits in {8, 16, 32, 64}
    )
    if not plain or page.dtype is None or page.is_tiled:
        return None
    row_bytes = grid.width * grid.together * page.dtype.itemsize
    lengths = np.full(grid.down, grid.rows * row_bytes)
    lengths[-1] = (grid.height - (grid.down - 1) * grid.rows) * row_bytes
    starts = places[:, 0].reshape(grid.planes, grid.down)
    if (np.diff(starts, axis=1) != lengths[:-1]).any():
        return None
    dtype = page.dtype.newbyteorder(page.parent.byteorder)
    shape = (grid.height, grid.width, grid.together)
    return Planes(tuple(RawRows(file, name, int(start), shape, dtype) for start in starts[:, 0]))


@dataclass(slots=True)
class Segments:
    """Samples that are decoded strip by strip, or tile by tile: those that a window touches.

    Attributes
    ----------
    file : binary file
        Of the page.
    page : tifffile.TiffPage
        Decodes its segments.
    grid, places
        How they cut the page and where they are, checked.
    dtype : dtype
        Of the samples when decoded.
    """

    file: BinaryIO
    page: tifffile.TiffPage
    grid: Grid
    places: Places
    dtype: np.dtype[Any]
    _kept_row: int = -1
    _kept: dict[int, Samples] = field(default_factory=dict, repr=False)

    @property
    def strip_rows(self) -> int:
        """Rows of a strip or tile."""
        return min(self.grid.rows, self.grid.height)

    def read(self, window: Window) -> Samples:
        """The samples of a part; the last row of segments is kept for the window that follows."""
        grid = self.grid
        samples = np.empty((window.height, window.width, grid.samples), self.dtype)
        end = window.y + window.height
        for row in range(window.y // grid.rows, -(-end // grid.rows)):
            if row != self._kept_row:
                self._kept_row, self._kept = row, {}
            # A row that ends in this window is not asked for again.
            keep = min((row + 1) * grid.rows, grid.height) > end
            for column in range(window.x // grid.columns, -(-(window.x + window.width) // grid.columns)):
                for plane in range(grid.planes):
                    self._copy(samples, window, (plane, row, column), keep=keep)
        return samples

    def _copy(self, samples: Samples, window: Window, place: tuple[int, int, int], *, keep: bool) -> None:
        """Copy what a window needs of the segment at a plane, row and column."""
        grid = self.grid
        plane, row, column = place
        segment = self._segment(place, keep=keep)
        top, left = row * grid.rows, column * grid.columns
        y, x = max(top, window.y), max(left, window.x)
        bottom = min(top + grid.rows, window.y + window.height)
        right = min(left + grid.columns, window.x + window.width)
        channels = slice(plane * grid.together, (plane + 1) * grid.together)
        samples[y - window.y : bottom - window.y, x - window.x : right - window.x, channels] = segment[
            y - top : bottom - top, x - left : right - left
        ]

    def _segment(self, place: tuple[int, int, int], *, keep: bool) -> Samples:
        """A decoded segment, from before or anew."""
        grid = self.grid
        plane, row, column = place
        index = (plane * grid.down + row) * grid.across + column
        found = self._kept.get(index)
        if found is None:
            found = self._decoded(index, row)
            needed = (
                min(grid.rows, grid.height - row * grid.rows),
                min(grid.columns, grid.width - column * grid.columns),
                grid.together,
            )
            fits = found.shape[2] == needed[2] and all(
                have >= want for have, want in zip(found.shape, needed, strict=True)
            )
            if not fits or found.dtype != self.dtype:
                raise ValueError(
                    f"strip or tile {index} decodes to {found.shape} of {found.dtype}, "
                    f"not {needed} of {self.dtype}"
                )
            if keep:
                self._kept[index] = found
        return found

    def _decoded(self, index: int, row: int) -> Samples:
        """A segment, shape (rows, columns, samples)."""
        offset, size = (int(value) for value in self.places[index])
        self.file.seek(offset)
        data = self.file.read(size)
        if len(data) < size:
            raise ValueError("it became shorter while it was read")
        check_embedded(data, int(self.page.compression), self.grid)
        tables = {"jpegtables": self.page.jpegtables, "jpegheader": self.page.jpegheader}
        try:
            segment = self.page.decode(data, index, **tables)[0]
        except Exception:
            last = not self.page.is_tiled and row == self.grid.down - 1
            if not last or self.grid.height % self.grid.rows == 0:
                raise
            # Some programs fill the last strip up to the size of the others: the first says how large.
            segment = self.page.decode(data, 0, **tables)[0]
        if segment is None:
            raise ValueError(f"strip or tile {index} is empty")
        samples: Samples = np.asarray(segment)[0]
        return samples.astype(np.bool_) if self.dtype == np.bool_ and samples.dtype == np.uint8 else samples
