"""How large samples can become, and how far arithmetic can carry them from the true value.

All bounds are worst cases over every image whose samples lie within the extent. They follow the
standard model of floating-point arithmetic: each operation, and each storing of a result, errs by
at most the unit roundoff u times the result's magnitude (Higham, *Accuracy and Stability of
Numerical Algorithms*, chapter 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, inf
from typing import Final

import numpy as np

from sepfilter.geometry import WIDE_TYPES, ImageSpec
from sepfilter.kernels.factorization import Lost
from sepfilter.plans.border import Border
from sepfilter.plans.output_map import OutputMap
from sepfilter.plans.passes import Pass

UNIT_ROUNDOFF: Final = {"float32": 2.0**-24, "float64": 2.0**-53}
"""Of stored samples. Sums are accumulated in float64 whatever the samples are stored in."""

UNDERFLOW: Final = {"float32": 2.0**-149, "float64": 2.0**-1074}
"""Error of storing a result too small for full precision."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The interval that samples lie in."""

    low: float
    high: float

    @classmethod
    def of(cls, spec: ImageSpec, levels: float | None) -> Extent:
        """All that the source's type can hold; for float samples 0 to levels."""
        high = spec.levels if levels is None else levels
        low = -high - 1 if spec.dtype.startswith("int") else 0.0
        return cls(low, high)

    @property
    def magnitude(self) -> float:
        """The largest absolute value."""
        return max(abs(self.low), abs(self.high))

    def including(self, border: Border) -> Extent:
        """Reach out to the constant beyond the edges."""
        if border.mode != "constant":
            return self
        return Extent(min(self.low, border.value), max(self.high, border.value))

    def filtered(self, taps: Lost, offset: float) -> Extent:
        """Where results lie, for taps known by the sums of their positive and negative parts."""
        return Extent(
            taps.positive * self.low - taps.negative * self.high + offset,
            taps.positive * self.high - taps.negative * self.low + offset,
        )

    def widened(self, error: float) -> Extent:
        """Reach out by an error to both sides."""
        return Extent(self.low - error, self.high + error)

    def error_without(self, lost: Lost) -> float:
        """Worst-case error when the taps `lost` are left out."""
        return self.filtered(lost, 0.0).magnitude


def rounding_error(one: Pass, samples: str, magnitude: float, taps_error: float) -> float:
    """Worst-case error of one pass from its taps' rounding, its sums and what it stores.

    Parameters
    ----------
    one : DirectPass or SeparablePass
        The pass.
    samples : str
        Type that intermediates and results are stored in.
    magnitude : float
        Largest absolute value that goes in.
    taps_error : float
        ``sum |taps - sum of the pass's terms|``.
    """
    unit = UNIT_ROUNDOFF[samples]
    # n products summed up err by n roundoffs; the engine may take taps that differ by less than two
    # roundoffs of the largest as equal, or as 0, which adds up to two more for each.
    products = one.height * one.width if one.terms is None else one.height + one.width + one.terms
    sums = 3 * (products + 1) * UNIT_ROUNDOFF["float64"]
    rounding = one.magnitude / one.denominator * (one.roundings * unit + sums) + taps_error
    return magnitude * rounding + UNDERFLOW[samples] * (one.roundings + one.column_gain)


def reading_error(
    spec: ImageSpec, border: Border, samples: str, magnitude: float, *, premultiplied: bool
) -> float:
    """The error of bringing samples, and the border's constant, into the type that is computed with."""
    held = samples == "float64" or spec.dtype not in WIDE_TYPES
    constant = border.mode != "constant" or float(np.dtype(samples).type(border.value)) == border.value
    return 0.0 if held and constant and not premultiplied else UNIT_ROUNDOFF[samples] * magnitude


def mapping_error(output: OutputMap, samples: str, magnitude: float, error: float) -> float:
    """The error of mapped values: the filter's error scaled, and the map's own rounding."""
    if output.range == "stretch":
        return inf  # what it divides by is known only after the filter has run
    scaled = error * abs(output.scale)
    if output.is_trivial or output.keeps_exactness:
        return scaled
    if not (_is_held(output.scale, samples) and _is_held(output.total_offset, samples)):
        return inf
    largest = abs(output.scale) * magnitude + abs(output.total_offset)
    return scaled + 3 * UNIT_ROUNDOFF[samples] * largest


def _is_held(value: float, samples: str) -> bool:
    """True where the type stores the value with its usual relative error, neither inf nor denormal."""
    stored = float(np.dtype(samples).type(value))
    return abs(stored - value) <= UNIT_ROUNDOFF[samples] * abs(value)


def combined(parts: Sequence[float]) -> float:
    """What the components' errors or extents make together: one kernel's own, a gradient's root."""
    return parts[0] if len(parts) == 1 else hypot(*parts)
