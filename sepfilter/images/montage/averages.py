"""Images reduced by averaging areas, row by row.

A side of n pixels is cut into m equal parts, n / m pixels long each, whole or not. Each part becomes the
average of the pixels in it, those that it has only a fraction of weighted by that fraction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from sepfilter.geometry import ImageSpec
from sepfilter.values import value

Pixels = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


@value
class Shares:
    """How the pixels of a side are shared among fewer parts.

    Attributes
    ----------
    part : ndarray of int
        In which part each pixel begins.
    share : ndarray of float64
        How much of each pixel is in that part, above 0 and at most 1.
    rest : ndarray of float64
        How much of it is in the next one.
    """

    part: npt.NDArray[np.int64]
    share: Floats
    rest: Floats

    @classmethod
    def of(cls, pixels: int, parts: int) -> Shares:
        """Share pixels among as many parts or fewer.

        Examples
        --------
        >>> shares = Shares.of(5, 2)
        >>> shares.part.tolist(), shares.share.tolist(), shares.rest.tolist()
        ([0, 0, 0, 1, 1], [1.0, 1.0, 0.5, 1.0, 1.0], [0.0, 0.0, 0.5, 0.0, 0.0])
        """
        # In units of 1 / parts of a pixel all edges are whole numbers.
        begins = np.arange(pixels, dtype=np.int64) * parts
        part = begins // pixels
        inside = np.minimum((part + 1) * pixels - begins, parts)
        return cls(part, inside / parts, (parts - inside) / parts)


@dataclass(slots=True)
class AreaAverages:
    """Reduces an image of any number of channels while its rows come.

    Memory is taken for the averages and for one row of sums, in float64. Rows are added one after another, so
    that the result does not depend on how many come at a time. NaN and infinities reach the averages that
    they are part of, as sums do.

    Attributes
    ----------
    spec : ImageSpec
        The image.
    height, width : int
        Of the averages, at most as large as the image.
    averages : ndarray of float64
        Shape (height, width, C).
    """

    spec: ImageSpec
    height: int
    width: int
    averages: Floats = field(init=False, repr=False)
    _down: Shares = field(init=False, repr=False)
    _along: Shares = field(init=False, repr=False)
    _sums: Floats = field(init=False, repr=False)
    _rows: int = 0

    def __post_init__(self) -> None:
        spec = self.spec
        self.averages = np.empty((self.height, self.width, spec.channels))
        self._down = Shares.of(spec.height, self.height)
        self._along = Shares.of(spec.width, self.width)
        self._sums = np.zeros((spec.width, spec.channels))

    @property
    def rounding(self) -> float:
        """How far apart, against the larger of them, two averages of equal pixels may be.

        Twice what as many additions, multiplications and weights can err by as make an average.
        """
        operations = self.spec.height // self.height + self.spec.width // self.width + 12
        return 2.0 * operations * float(np.finfo(np.float64).eps)

    @property
    def is_complete(self) -> bool:
        """True when all rows have come."""
        return self._rows == self.spec.height

    def add(self, pixels: Pixels) -> None:
        """Take the next rows, shape (h, W, C)."""
        with np.errstate(invalid="ignore", over="ignore"):
            for row in pixels:
                self._add_row(row)

    def _add_row(self, row: Pixels) -> None:
        """Add a row to the sums of the part that it begins in, and start the next part with its rest."""
        down, y = self._down, self._rows
        share, rest, part = down.share[y], down.rest[y], down.part[y]
        np.add(self._sums, row if share == 1 else np.multiply(row, share, dtype=np.float64), out=self._sums)
        self._rows += 1
        if self.is_complete or down.part[y + 1] != part:
            self._store(int(part))
            if rest > 0:
                np.multiply(row, rest, out=self._sums, dtype=np.float64)
            else:
                self._sums[...] = 0

    def _store(self, part: int) -> None:
        """Turn the sums of each column into averages."""
        along, sums = self._along, self._sums
        (shared,) = np.nonzero(along.rest)
        rests = sums[shared] * along.rest[shared, np.newaxis]
        sums[shared] *= along.share[shared, np.newaxis]
        starts = np.searchsorted(along.part, np.arange(self.width))
        averages = np.add.reduceat(sums, starts, axis=0, out=self.averages[part])
        averages[along.part[shared] + 1] += rests
        averages *= self.height * self.width / (self.spec.height * self.spec.width)
