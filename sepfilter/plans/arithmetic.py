"""How large samples can become, and how far arithmetic can carry them from the true value.

All bounds are worst cases over every image whose samples lie within the extent. They follow the
standard model of floating-point arithmetic: each operation, and each storing of a result, errs by
at most the unit roundoff u times the result's magnitude (Higham, *Accuracy and Stability of
Numerical Algorithms*, chapter 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, inf
from typing import Final

import numpy as np
import numpy.typing as npt

from sepfilter.geometry import WIDE_TYPES, ImageSpec
from sepfilter.kernels.low_rank import Lost
from sepfilter.plans.border import Border
from sepfilter.plans.output_map import OutputMap
from sepfilter.plans.passes import CoarsePass, DirectPass, Pass, SeparablePass
from sepfilter.values import value

UNIT_ROUNDOFF: Final = {"float32": 2.0**-24, "float64": 2.0**-53}
"""Of one operation: half the distance from 1 to the next number."""

PARTIAL_SUM: Final = 12
"""Products of 16-bit samples that the compiled engine sums up in a row before they join the total."""

PARTIAL_SUM_TYPES: Final = ("uint16", "int16")

UNDERFLOW: Final = {"float32": 2.0**-149, "float64": 2.0**-1074}
"""Error of storing a result too small for full precision."""


@value
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


def rounding_error(one: Pass, samples: str, magnitude: float, taps_error: float, *, partial: bool) -> float:
    """Worst-case error of one pass from its taps' rounding, its sums and what it stores.

    Parameters
    ----------
    one : DirectPass or SeparablePass
        The pass.
    samples : str
        Type that taps, sums and results are held in, float32 or float64.
    magnitude : float
        Largest absolute value that goes in.
    taps_error : float
        ``sum |taps - sum of the pass's terms|``.
    partial : bool
        Sums are made of partial sums, which keeps their error small.
    """
    unit, length = UNIT_ROUNDOFF[samples], PARTIAL_SUM if partial else 0
    products = one.height * one.width if one.terms is None else one.height + one.width + one.terms
    if isinstance(one, DirectPass):
        grown = summation_growth(np.abs(one.taps).ravel(), length)
    else:
        rows, columns = np.abs(one.rows), np.abs(one.columns)
        weights = columns.sum(axis=1)
        # Every column sum's error grows with its row; row sums run over all terms, column by column.
        across = sum(
            summation_growth(column, length) * row.sum() for column, row in zip(columns, rows, strict=True)
        )
        grown = across + summation_growth((rows * weights[:, np.newaxis]).T.ravel(), length)
    # SciPy may take taps that differ by less than two roundoffs of the largest as equal, or as 0.
    alike = 2 * (products + 1) * UNIT_ROUNDOFF["float64"] * one.magnitude
    # Errors of errors: of second order, and far below one part in a thousand.
    rounding = 1.001 * (grown * unit + alike) / one.denominator + taps_error
    if one.magnitude * magnitude > float(np.finfo(samples).max):
        return inf
    # Taps too small for full precision err absolutely, in each product.
    small = products * max(magnitude, 1.0) + one.roundings + one.factor_gain * (1.0 + magnitude)
    return magnitude * rounding + UNDERFLOW[samples] * small


def coarse_rounding(one: CoarsePass, samples: str, magnitude: float) -> float:
    """Worst-case error of the arithmetic of a pass on a coarse grid, in turn: gather, filter, spread.

    Parameters
    ----------
    one : CoarsePass
        The pass. Its splines weigh with sums of 1; what is between them runs in double, and is stored.
    samples : str
        Type that sums and results are held in, float32 or float64.
    magnitude : float
        Largest absolute value that goes in.
    """
    error, largest = 0.0, magnitude
    for short in (one.down.short[:, np.newaxis], one.along.short[np.newaxis]):
        error += rounding_error(DirectPass(short), samples, largest, 0.0, partial=False)
    gain = float(np.abs(one.down.taps).sum() * np.abs(one.along.taps).sum())
    taps = SeparablePass(one.down.taps[np.newaxis], one.along.taps[np.newaxis])
    error = error * gain + rounding_error(taps, "float64", largest, 0.0, partial=False)
    largest *= gain
    error += UNIT_ROUNDOFF[samples] * largest
    # Spreading is a sum of degree + 1 products along each axis, or one more.
    return error + 2 * (one.down.degree + 4) * UNIT_ROUNDOFF[samples] * largest


def summation_growth(products: npt.NDArray[np.float64], length: int) -> float:
    """How many unit roundoffs the sum of such products, made in this order, can err by.

    Each addition rounds a sum as large as all products so far; rounding a product, and a tap before it,
    is one roundoff of the product each (Higham, chapter 4). With partial sums of `length` products that
    are added up in turn, sums stay shorter.

    Parameters
    ----------
    products : ndarray
        Shape (n,), not negative; zeros are left out, as they are never added.
    length : int
        Of a partial sum, 0 for none.

    Examples
    --------
    >>> summation_growth(np.ones(4), 0), summation_growth(np.ones(4), 2)
    (18.0, 20.0)
    """
    products = products[products > 0]
    total = float(products.sum())
    if not length or len(products) <= length:
        return float(np.cumsum(products).sum()) + 2 * total
    padded = np.append(products, np.zeros(-len(products) % length)).reshape(-1, length)
    within = float(np.cumsum(padded, axis=1).sum())
    return within + float(np.cumsum(padded.sum(axis=1)).sum()) + 2 * total


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
