"""Pixels on their way to an engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sepfilter.values import value


@value
class Block:
    """A part of an image to filter, with real pixels around it.

    Attributes
    ----------
    pixels : ndarray
        Shape (h, w, C), any strides.
    context : (int, int, int, int)
        How many rows above and below, and columns left and right, are only there for what lies
        between them. What a kernel reaches beyond `pixels` is the border's.
    """

    pixels: npt.NDArray[np.generic[Any]]
    context: tuple[int, int, int, int] = (0, 0, 0, 0)
