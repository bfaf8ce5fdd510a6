"""A note where floats from 0 to 1 become integers, of which next to nothing is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.geometry import ImageSpec, Window, full_scale
from sepfilter.images.sink import Sink

Pixels = npt.NDArray[Any]

DARK: Final = (
    "no sample of the output is above 1: floats are taken as they are; for 1 to be white give --scale"
)


@dataclass(slots=True)
class BrightestSample:
    """Another sink, the largest sample that it can take, and the largest that it got."""

    sink: Sink
    white: int
    brightest: int = 0

    @classmethod
    def around(cls, sink: Sink, source: ImageSpec, output: ImageSpec) -> BrightestSample | None:
        """What looks at samples on their way to a sink, where floats become integers."""
        if np.dtype(source.dtype).kind != "f" or np.dtype(output.dtype).kind not in "iu":
            return None
        return cls(sink, int(full_scale(output.dtype)))

    @property
    def notes(self) -> list[str]:
        """What is to be said."""
        return [f"{DARK} {self.white}"] if self.brightest <= 1 else []

    def write(self, window: Window, pixels: Pixels) -> None:
        """Look at the rows, and pass them on."""
        self.brightest = max(self.brightest, int(pixels.max()))
        self.sink.write(window, pixels)

    def finish(self) -> None:
        """Write what is left."""
        self.sink.finish()
