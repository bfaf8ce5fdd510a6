"""Read-only arrays as fields of values: how they are made and how they compare."""

from __future__ import annotations

from dataclasses import fields
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]


def read_only(values: npt.ArrayLike) -> FloatArray:
    """Copy into a float64 array that nobody can change."""
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array


class ComparesArrays:
    """Equality and hash for dataclasses whose fields may be arrays, field by field."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._comparable() == other._comparable()

    def __hash__(self) -> int:
        return hash(self._comparable())

    def _comparable(self) -> tuple[object, ...]:
        """The fields, with each array as its shape and numbers."""
        values = (getattr(self, field.name) for field in fields(self) if field.compare)  # type: ignore[arg-type]
        return tuple(
            (value.shape, tuple(value.ravel().tolist())) if isinstance(value, np.ndarray) else value
            for value in values
        )
