"""Pictures that lie on their side, turned upright as their EXIF orientation says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.exif import upright_exif, upright_xmp
from sepfilter.images.metadata import Metadata
from sepfilter.images.source import Source
from sepfilter.values import value

Pixels = npt.NDArray[Any]


def upright(source: Source) -> Source:
    """The same image as it is to be looked at, and metadata that say so.

    Parameters
    ----------
    source : Source
        As a backend opened it, with the orientation in its metadata. EXIF and XMP that contradict it, as
        they do in files from careless programs, are corrected with it.
    """
    stored = source.metadata
    metadata = replace(stored, orientation=1, exif=upright_exif(stored.exif), xmp=upright_xmp(stored.xmp))
    return source if metadata == stored else _Turned(source, metadata, stored.orientation)


@value
class _Turned:
    """An image that is turned or mirrored when it is read.

    Orientations are those of EXIF 2.32, tag 0x0112: from 5 on rows and columns change places; 3, 4, 7 and 8
    then go from the bottom up, 2, 3, 6 and 7 from the right.

    Attributes
    ----------
    source : Source
        The pixels as they are stored.
    metadata : Metadata
        Those of the source, which say that the image is upright.
    orientation : int
        How the pixels are stored.
    """

    source: Source
    metadata: Metadata
    orientation: int

    @property
    def spec(self) -> ImageSpec:
        """The spec of the upright image."""
        spec = self.source.spec
        return replace(spec, height=spec.width, width=spec.height) if self._transposed else spec

    @property
    def strip_rows(self) -> int:
        """As the source's, where its rows keep their order."""
        return self.source.strip_rows if self.orientation <= 2 else self.spec.height

    @property
    def _transposed(self) -> bool:
        return self.orientation >= 5

    def read(self, window: Window) -> Pixels:
        """A view of the turned pixels."""
        orientation, spec = self.orientation, self.source.spec
        if orientation == 1:
            return self.source.read(window)
        if orientation == 2:
            mirrored = Window(window.y, spec.width - window.x - window.width, window.height, window.width)
            return self.source.read(mirrored)[:, ::-1]
        pixels = self.source.read(Window.whole(spec))
        if self._transposed:
            pixels = pixels.swapaxes(0, 1)
        if orientation in (3, 4, 7, 8):
            pixels = pixels[::-1]
        if orientation in (3, 6, 7):
            pixels = pixels[:, ::-1]
        return np.ascontiguousarray(pixels[window.rows, window.columns])

    def close(self) -> None:
        """Let go of the file."""
        self.source.close()
