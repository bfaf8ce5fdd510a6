"""The output map at work: scale, offset, range, one rounding, saturation, and what got lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import numpy.typing as npt

from sepfilter.plans.output_map import OutputMap
from sepfilter.plans.plan import Stage
from sepfilter.values import value

Samples = npt.NDArray[Any]


@value
class Losses:
    """Samples that the output type could not hold.

    Attributes
    ----------
    clipped_low, clipped_high : int
        Samples that saturated at the smallest and the largest value.
    nonfinite : int
        Samples that were NaN (written as 0) or infinite (saturated).
    by_channel : tuple of Losses
        The same for each channel, where channels are counted apart.
    """

    clipped_low: int = 0
    clipped_high: int = 0
    nonfinite: int = 0
    by_channel: tuple[Losses, ...] = ()

    @classmethod
    def of_channels(cls, channels: Sequence[Losses]) -> Losses:
        """All channels together, and each of them."""
        return replace(reduce(add, channels, cls()), by_channel=tuple(channels))

    def __add__(self, other: Losses) -> Losses:
        none = (Losses(),) * max(len(self.by_channel), len(other.by_channel))
        pairs = zip(self.by_channel or none, other.by_channel or none, strict=True)
        return Losses(
            self.clipped_low + other.clipped_low,
            self.clipped_high + other.clipped_high,
            self.nonfinite + other.nonfinite,
            tuple(one + another for one, another in pairs),
        )


def last_step(stage: Stage, output: OutputMap | None) -> tuple[float, float]:
    """Scale and offset that a pass' denominator, the stage's offset and the output map make together.

    The sums of an exact stage, and of a gradient, are divided before that.
    """
    scale, offset = 1.0, stage.offset
    if output is not None:
        scale, offset = output.scale, stage.offset * output.scale + output.total_offset
    if stage.divides_last:
        one = stage.by_taps[0]
        scale /= one.denominator
        offset += scale * one.correction
    return scale, offset


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
    Losses(clipped_low=1, clipped_high=1, nonfinite=0, by_channel=())
    >>> out.tolist()
    [0, 2, 255, 0]
    """
    return map_sums(values, output.scale, output.total_offset, output, out)


def map_sums(values: Samples, scale: float, offset: float, output: OutputMap, out: Samples) -> Losses:
    """`map_samples` with another scale and offset, as `last_step` has them."""
    if scale != 1:
        values *= scale
    if offset:
        values += offset
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
