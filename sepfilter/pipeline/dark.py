"""A note where floats from 0 to 1 become integers, of which next to nothing is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.sink import Sink

Pixels = npt.NDArray[Any]

DARK: Final = (
    "no sample of the output is above 1: floats are taken as they are, and 1 is not white; "
    "--range stretch spreads them out"
)


def can_be_dark(source: ImageSpec, output: ImageSpec) -> bool:
    """True where floats become integers."""
    return np.dtype(source.dtype).kind == "f" and np.dtype(output.dtype).kind in "iu"


@dataclass(slots=True)
class BrightestSample:
    """Another sink, and the largest sample that went into it."""

    sink: Sink
    brightest: int = 0

    @property
    def notes(self) -> list[str]:
        """What is to be said."""
        return [DARK] if self.brightest <= 1 else []

    def write(self, window: Window, pixels: Pixels) -> None:
        """Look at the rows, and pass them on."""
        self.brightest = max(self.brightest, int(pixels.max()))
        self.sink.write(window, pixels)

    def finish(self) -> None:
        """Write what is left."""
        self.sink.finish()
