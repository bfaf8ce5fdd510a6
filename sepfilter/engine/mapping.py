"""The output map at work: scale, offset, range, one rounding, saturation, and what got lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sepfilter.plans.output_map import OutputMap

Samples = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Losses:
    """Samples that the output type could not hold.

    Attributes
    ----------
    clipped_low, clipped_high : int
        Samples that saturated at the smallest and the largest value.
    nonfinite : int
        Samples that were NaN (written as 0) or infinite (saturated).
    """

    clipped_low: int = 0
    clipped_high: int = 0
    nonfinite: int = 0

    def __add__(self, other: Losses) -> Losses:
        return Losses(
            self.clipped_low + other.clipped_low,
            self.clipped_high + other.clipped_high,
            self.nonfinite + other.nonfinite,
        )


def map_samples(values: Samples, output: OutputMap, out: Samples) -> Losses:
    """Turn filtered values into output samples.

    Parameters
    ----------
    values : ndarray
        Filtered, float32 or float64; overwritten.
    output : OutputMap
        What to do.
    out : ndarray
        Same shape, of the output's type; written to.

    Examples
    --------
    >>> out = np.empty(4, np.uint8)
    >>> map_samples(np.array([0.5, 1.5, 300.0, -1.0]), OutputMap(1.0, 0.0, "clip", "uint8"), out)
    Losses(clipped_low=1, clipped_high=1, nonfinite=0)
    >>> out.tolist()
    [0, 2, 255, 0]
    """
    if output.scale != 1:
        values *= output.scale
    if output.total_offset:
        values += output.total_offset
    if output.range == "abs":
        np.abs(values, out=values)
    if output.spread:
        _spread(values, output.spread, output)
    if not output.is_integer:
        with np.errstate(over="ignore"):
            out[...] = values
        return Losses(nonfinite=_nonfinite(out))
    nonfinite = _nonfinite(values)
    if nonfinite:
        np.nan_to_num(values, copy=False, nan=0.0, posinf=np.inf, neginf=-np.inf)
    np.rint(values, out=values)
    low, high = output.limits
    if float(values.dtype.type(high)) > high:  # a limit of 2**32 - 1 in float32: the cast must not overflow
        high = float(np.nextafter(values.dtype.type(high), values.dtype.type(0)))
    clipped = Losses(int(np.count_nonzero(values < low)), int(np.count_nonzero(values > high)), nonfinite)
    if clipped.clipped_low or clipped.clipped_high:
        np.clip(values, low, high, out=values)
    out[...] = values
    return clipped


def _spread(values: Samples, ends: tuple[float, float], output: OutputMap) -> None:
    """Bring the smallest value to black and the largest to white; a flat image becomes black."""
    lowest, highest = ends
    values -= lowest
    if highest > lowest:
        # Multiplied first: integers stay integers up to the one division.
        values *= output.limits[1]
        values /= highest - lowest


def _nonfinite(values: Samples) -> int:
    """How many are NaN or infinite."""
    return values.size - int(np.count_nonzero(np.isfinite(values)))
