"""Where the thumbnails of a contact sheet are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from sepfilter.errors import OptionError
from sepfilter.geometry import ImageSpec
from sepfilter.values import value

LABEL_HEIGHT: Final = 14
"""Pixels below a thumbnail for its number."""

_DIGIT_WIDTH: Final = 8
_MARGIN: Final = 4


@value
class Sheet:
    """A grid of thumbnails, row by row, each with its number below.

    Attributes
    ----------
    channels : int
        Thumbnails.
    columns : int
        Of the grid.
    height, width : int
        Of a thumbnail, in pixels.
    """

    channels: int
    columns: int
    height: int
    width: int

    @property
    def rows(self) -> int:
        """Of the grid."""
        return -(-self.channels // self.columns)

    @property
    def step(self) -> tuple[int, int]:
        """Pixels from one thumbnail to the next, down and along: there is room for the number."""
        label_width = _DIGIT_WIDTH * len(str(self.channels))
        return self.height + LABEL_HEIGHT + _MARGIN, max(self.width, label_width) + _MARGIN

    @property
    def spec(self) -> ImageSpec:
        """The sheet as an image: grey, 8 bits."""
        down, along = self.step
        return ImageSpec(_MARGIN + self.rows * down, _MARGIN + self.columns * along, 1, "uint8")

    def corners(self) -> Iterator[tuple[int, int]]:
        """The upper left corner (y, x) of each thumbnail."""
        down, along = self.step
        for channel in range(self.channels):
            row, column = divmod(channel, self.columns)
            yield _MARGIN + row * down, _MARGIN + column * along


@value
class Montage:
    """How large a contact sheet may be.

    Parameters
    ----------
    thumbnail : int
        The longer side of a thumbnail at most, in pixels. A smaller picture is not enlarged.
    side : int
        The longer side of the sheet at most, in pixels: of many channels the thumbnails are smaller. Numbers
        stay legible, so that a sheet of thumbnails of a single pixel each may yet be larger.

    Raises
    ------
    OptionError
        A side is below 1.

    Examples
    --------
    >>> Montage().sheet_spec(ImageSpec(3000, 4000, 64, "float32"))
    ImageSpec(height=1684, width=2084, channels=1, dtype='uint8', alpha=False)
    """

    thumbnail: int = 256
    side: int = 4096

    def __post_init__(self) -> None:
        if min(self.thumbnail, self.side) < 1:
            raise OptionError(f"montage: {self.thumbnail} and {self.side} pixels: give at least 1 for a side")

    def sheet_spec(self, spec: ImageSpec) -> ImageSpec:
        """The image that is written for one of many channels: grey, 8 bits.

        Parameters
        ----------
        spec : ImageSpec
            Of the image with the channels; its type does not matter.
        """
        return self.sheet(spec).spec

    def sheet(self, spec: ImageSpec) -> Sheet:
        """The sheet of the largest thumbnails that fit; as nearly square as it can be.

        Parameters
        ----------
        spec : ImageSpec
            Of the image with the channels; its type does not matter.
        """
        longer = max(spec.height, spec.width)
        for side in range(min(self.thumbnail, longer), 0, -1):
            height, width = (max(1, round(one * side / longer)) for one in (spec.height, spec.width))
            sheet = _squarest(spec.channels, height, width)
            if max(sheet.spec.height, sheet.spec.width) <= self.side:
                break
        return sheet


DEFAULT_MONTAGE: Final = Montage()
"""The sheet where nothing else is asked for."""


def _squarest(channels: int, height: int, width: int) -> Sheet:
    """The sheet whose longer side is the shortest; of several the one of the smallest area."""
    down, along = Sheet(channels, 1, height, width).step
    columns = np.arange(1, channels + 1)
    sides = np.stack([-(-channels // columns) * down, columns * along])
    best = np.lexsort((sides.prod(axis=0), sides.max(axis=0)))[0]
    return Sheet(channels, int(columns[best]), height, width)
