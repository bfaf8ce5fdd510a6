"""A part of an image as an image."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy.typing as npt

from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.metadata import Metadata
from sepfilter.images.source import Source
from sepfilter.values import value

Pixels = npt.NDArray[Any]


@value
class Cropped:
    """A part of another source, of which no more than that is read.

    Attributes
    ----------
    source : Source
        The whole image.
    part : Window
        Which part.
    """

    source: Source
    part: Window

    @property
    def spec(self) -> ImageSpec:
        """The spec of the part."""
        return replace(self.source.spec, height=self.part.height, width=self.part.width)

    @property
    def metadata(self) -> Metadata:
        """Those of the whole."""
        return self.source.metadata

    @property
    def strip_rows(self) -> int:
        """As the source's, up to all of the part."""
        return min(self.source.strip_rows, self.part.height)

    def read(self, window: Window) -> Pixels:
        """The pixels of a window in the part."""
        y, x = self.part.y + window.y, self.part.x + window.x
        return self.source.read(Window(y, x, window.height, window.width))

    def close(self) -> None:
        """Let go of the file."""
        self.source.close()
