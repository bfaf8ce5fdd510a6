"""Channels of any range as grey levels."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

BLACK: Final = 0
MID_GREY: Final = 128
WHITE: Final = 255


def stretched(values: npt.NDArray[np.float64], rounding: float = 0.0) -> npt.NDArray[np.uint8]:
    """Grey levels, from black for the smallest value to white for the largest.

    Parameters
    ----------
    values : ndarray of float64
        A channel, of any shape.
    rounding : float
        Values are equal whose difference is at most so much of the larger one.

    Returns
    -------
    ndarray of uint8
        Of the same shape. All is mid-grey where all values are equal. NaN and infinities do not count: NaN
        and negative infinity are black, positive infinity is white.

    Examples
    --------
    >>> stretched(np.array([-1.0, 0.0, 1.0, np.nan, np.inf])).tolist()
    [0, 128, 255, 0, 255]
    """
    levels = np.full(values.shape, MID_GREY, np.uint8)
    finite = np.isfinite(values)
    counted = values[finite]
    if counted.size:
        low, high = float(counted.min()), float(counted.max())
        # Halves: the difference of the largest numbers would be infinite.
        span = high / 2 - low / 2
        if span > rounding * max(abs(low), abs(high)) / 2:
            levels[finite] = np.rint((counted / 2 - low / 2) / span * WHITE)
    levels[values == np.inf] = WHITE
    levels[np.isnan(values) | (values == -np.inf)] = BLACK
    return levels
