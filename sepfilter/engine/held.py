"""The rows of an image that are in memory: all of them, or those that the next strip needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[Any]


@dataclass(slots=True)
class HeldRows:
    """A window of whole rows that slides down an image.

    Attributes
    ----------
    pixels : ndarray
        Shape (h, W, C), in a format that the machine calculates with.
    height : int
        Rows of the image.
    top : int
        The row of the image that is the first one here.
    """

    pixels: Samples
    height: int
    top: int = 0

    @classmethod
    def whole(cls, pixels: Samples) -> HeldRows:
        """All rows of an image of shape (H, W, C)."""
        return cls(_in_machine_format(pixels), len(pixels))

    @property
    def bottom(self) -> int:
        """The row after the last one here."""
        return self.top + len(self.pixels)

    def slide(self, top: int, below: Samples) -> None:
        """Let go of the rows above `top`, and take those that follow the ones that were here."""
        bottom = self.bottom
        kept = self.pixels[max(top - self.top, 0) :]
        below = _in_machine_format(below[max(top - bottom, 0) :])
        self.top = max(top, self.top)
        if len(kept) and len(below):
            self.pixels = np.concatenate([kept, below])
        else:
            self.pixels = kept if len(kept) else below


def _in_machine_format(pixels: Samples) -> Samples:
    """Samples in the machine's byte order; half floats, which it does not calculate with, as floats."""
    if pixels.dtype == np.float16:
        return pixels.astype(np.float32)
    return pixels if pixels.dtype.isnative else pixels.astype(pixels.dtype.newbyteorder("="))
