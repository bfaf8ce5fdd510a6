"""Read-only arrays, the fields of values."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]


def read_only(values: npt.ArrayLike) -> FloatArray:
    """Copy into a float64 array that nobody can change."""
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array
