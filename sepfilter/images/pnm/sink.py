"""Netpbm's binary graymaps and pixmaps (P5, P6), and portable float maps (PFM), written."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.collected import CollectingSink
from sepfilter.images.metadata import Metadata
from sepfilter.images.raw_rows import RawSink, write_samples
from sepfilter.images.sink import Encoding, Sink
from sepfilter.values import value

Pixels = npt.NDArray[Any]


def open_ppm_sink(file: BinaryIO, spec: ImageSpec, metadata: Metadata, encoding: Encoding) -> Sink:  # noqa: ARG001
    """Begin a graymap or pixmap of 8 or 16 bits, the high byte first.

    Parameters
    ----------
    file : binary file
        A pipe will do.
    spec : ImageSpec
        1 or 3 channels of uint8 or uint16.
    metadata, encoding
        The format has no place for either.
    """
    kind = 5 if spec.channels == 1 else 6
    file.write(f"P{kind}\n{spec.width} {spec.height}\n{int(spec.levels)}\n".encode())
    return RawSink(file, np.dtype(spec.dtype).newbyteorder(">"))


def open_pfm_sink(file: BinaryIO, spec: ImageSpec, metadata: Metadata, encoding: Encoding) -> Sink:  # noqa: ARG001
    """Begin a float map, the low byte first.

    Its last row comes first: where the file cannot seek, the image is held until it is complete.

    Parameters
    ----------
    file : binary file
        A pipe will do.
    spec : ImageSpec
        1 or 3 channels of float32.
    metadata, encoding
        The format has no place for either.
    """
    kind = "Pf" if spec.channels == 1 else "PF"
    file.write(f"{kind}\n{spec.width} {spec.height}\n-1.0\n".encode())
    if file.seekable():
        return _RowsFromBelow(file, spec, file.tell())
    return CollectingSink(spec, lambda pixels: write_samples(file, pixels[::-1], "<f4"))


@value
class _RowsFromBelow:
    """Writes rows where they belong in a file whose last row comes first."""

    file: BinaryIO
    spec: ImageSpec
    start: int

    @property
    def row_bytes(self) -> int:
        """From one row to the next."""
        return self.spec.width * self.spec.channels * 4

    def write(self, window: Window, pixels: Pixels) -> None:
        """Write rows at their place."""
        below = self.spec.height - window.y - window.height
        self.file.seek(self.start + below * self.row_bytes)
        write_samples(self.file, pixels[::-1], "<f4")

    def finish(self) -> None:
        """Leave the file at its end."""
        self.file.seek(self.start + self.spec.height * self.row_bytes)
