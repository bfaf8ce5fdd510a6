"""A sink that makes a contact sheet of channels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.montage.averages import AreaAverages
from sepfilter.images.montage.layout import DEFAULT_MONTAGE, LABEL_HEIGHT, Montage, Sheet
from sepfilter.images.montage.stretch import stretched
from sepfilter.images.sink import Sink

Pixels = npt.NDArray[Any]

_BACKGROUND: Final = 48
_INK: Final = 230
_LETTERS: Final = 12


@dataclass(slots=True)
class MontageSink:
    """Takes an image of any number of channels, and writes a contact sheet of them to another sink.

    Each channel is reduced to a thumbnail by averaging areas, and stretched by itself: its smallest average
    black, its largest white. Thumbnails stand row by row, each with its number, from 1, below it. The sheet
    is written when all rows have come; memory is taken for the thumbnails, in float64, for one row of sums,
    and for the sheet.

    Parameters
    ----------
    spec : ImageSpec
        The image, of any sample type.
    inner : Sink
        Takes the sheet: an image as `Montage.sheet_spec` says.
    montage : Montage
        How large the sheet may be.

    Examples
    --------
    >>> from sepfilter.images.collected import CollectingSink
    >>> spec, montage = ImageSpec(2, 2, 2, "float32"), Montage()
    >>> inner = CollectingSink(montage.sheet_spec(spec), lambda sheet: print(sheet[4:6, 4:6, 0]))
    >>> sink = MontageSink(spec, inner, montage)
    >>> sink.write(Window(0, 0, 2, 2), np.arange(8, dtype=np.float32).reshape(2, 2, 2))
    >>> sink.finish()
    [[  0  85]
     [170 255]]
    """

    spec: ImageSpec
    inner: Sink
    montage: Montage = DEFAULT_MONTAGE
    _sheet: Sheet = field(init=False, repr=False)
    _averages: AreaAverages = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._sheet = self.montage.sheet(self.spec)
        self._averages = AreaAverages(self.spec, self._sheet.height, self._sheet.width)

    def write(self, window: Window, pixels: Pixels) -> None:  # noqa: ARG002 - rows follow one another
        """Take whole rows, shape (h, width, C)."""
        self._averages.add(pixels)

    def finish(self) -> None:
        """Write the sheet."""
        if not self._averages.is_complete:
            raise ValueError(f"fewer than its {self.spec.height:,} rows were written")
        pixels = self._drawn()
        self.inner.write(Window(0, 0, *pixels.shape), pixels[..., np.newaxis])
        self.inner.finish()

    def _drawn(self) -> npt.NDArray[np.uint8]:
        """The sheet, shape (H', W')."""
        sheet, averages = self._sheet, self._averages
        pixels = np.full((sheet.spec.height, sheet.spec.width), _BACKGROUND, np.uint8)
        for channel, (y, x) in enumerate(sheet.corners()):
            thumbnail = stretched(averages.averages[..., channel], averages.rounding)
            pixels[y : y + sheet.height, x : x + sheet.width] = thumbnail
        return _numbered(pixels, sheet)


def _numbered(pixels: npt.NDArray[np.uint8], sheet: Sheet) -> npt.NDArray[np.uint8]:
    """A sheet with the numbers of its thumbnails."""
    from PIL import Image, ImageDraw, ImageFont, features

    # Without FreeType Pillow has letters of one size only.
    font = ImageFont.load_default(_LETTERS if features.check("freetype2") else None)
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    for number, (y, x) in enumerate(sheet.corners(), 1):
        draw.text((x, y + sheet.height + LABEL_HEIGHT // 8), str(number), fill=_INK, font=font)
    return np.asarray(image)
