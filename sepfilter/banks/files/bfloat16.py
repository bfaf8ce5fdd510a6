"""The one type of number that NumPy does not have and weights are kept in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def widened(halves: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
    """Numbers of bfloat16, given as their 16 bits, as float32: they are the upper half of one.

    Examples
    --------
    >>> widened(np.array([0x3F80, 0xC000], np.uint16)).tolist()
    [1.0, -2.0]
    """
    return np.asarray(halves.astype(np.uint32) << 16, np.uint32).view(np.float32)
