"""A sink for encoders that want the whole image at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from sepfilter.geometry import ImageSpec, Window

Pixels = npt.NDArray[Any]


@dataclass(slots=True)
class CollectingSink:
    """Holds the rows until they are all there, and has them encoded.

    Attributes
    ----------
    spec : ImageSpec
        The whole image.
    encode : callable
        ``encode(pixels)``: writes the image, of shape (H, W, C), contiguous, of the spec's type.
    """

    spec: ImageSpec
    encode: Callable[[Pixels], None]
    _pixels: Pixels | None = field(default=None, repr=False)

    def write(self, window: Window, pixels: Pixels) -> None:
        """Keep the rows; all of them together are encoded now, since the caller's array may change later."""
        spec = self.spec
        if window.height == spec.height:
            self.encode(np.ascontiguousarray(pixels, spec.dtype))
            return
        if self._pixels is None:
            self._pixels = np.empty((spec.height, spec.width, spec.channels), spec.dtype)
        self._pixels[window.rows] = pixels

    def finish(self) -> None:
        """Encode what has been kept."""
        if self._pixels is not None:
            self.encode(self._pixels)
