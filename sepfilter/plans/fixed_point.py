"""Taps as 16-bit fractions, so that short smoothing kernels need only the high halves of 16-bit products.

Bytes are held times 256, taps times 65536, and of each product the low half is dropped. What is lost that
way is less than one 256th of a level a product, and half of it is added again at the end. That is exact
enough for short kernels, and takes half the room of sums of 32 bits.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from sepfilter.kernels.arrays import FloatArray, read_only
from sepfilter.kernels.low_rank import Lost
from sepfilter.plans.arithmetic import UNIT_ROUNDOFF, Extent
from sepfilter.plans.passes import DirectPass, Pass, SeparablePass
from sepfilter.plans.precision import OutOfReachError
from sepfilter.plans.quantization import rounded_taps

SAMPLE_SCALE: Final = 256
TAP_SCALE: Final = 65536
LARGEST: Final = 65535
LOST_OF_SAMPLES: Final = 255 / 256
"""A product of a byte times 256 and a fraction loses at most so much; of any other value less than 1."""


def fractions(one: Pass, extent: Extent) -> tuple[Pass, float]:
    """Round the taps of a floating pass to 16-bit fractions: what `quantize` takes and returns.

    Raises
    ------
    OutOfReachError
        Taps are negative or too large, or there are several terms.

    Examples
    --------
    >>> one, bound = fractions(DirectPass(np.array([[0.25, 0.5, 0.25]])), Extent(0.0, 255.0))
    >>> one.taps.tolist(), one.correction, bound < 0.01
    ([[16384.0, 32768.0, 16384.0]], 1.5, True)
    """
    if isinstance(one, DirectPass):
        true, taps = one.taps, _fractions(one.taps)
        kept, lost = taps / TAP_SCALE, LOST_OF_SAMPLES * np.count_nonzero(taps)
        found: Pass = DirectPass(read_only(taps))
    else:
        column, row = _factors(one)
        columns, rows = _fractions(column), _fractions(row)
        true, kept = np.outer(column, row), np.outer(columns, rows) / TAP_SCALE**2
        lost = LOST_OF_SAMPLES * np.count_nonzero(columns) * rows.sum() / TAP_SCALE + np.count_nonzero(rows)
        found = SeparablePass(read_only(columns[np.newaxis]), read_only(rows[np.newaxis]))
    if extent.low < 0 or kept.sum() * extent.high * SAMPLE_SCALE + lost > LARGEST:
        raise OutOfReachError("sums do not fit into 16 bits")
    found = replace(found, denominator=SAMPLE_SCALE, correction=_half_of(lost))
    error = extent.error_without(Lost.of(kept - true))
    error += max(found.correction, lost - found.correction) / SAMPLE_SCALE
    # A sum is a float exactly; it is scaled and moved there.
    return found, error + 2 * UNIT_ROUNDOFF["float32"] * extent.magnitude


def _factors(one: SeparablePass) -> tuple[FloatArray, FloatArray]:
    """The only term, with a column of sum 1: so its sums are as large as those of the samples."""
    if one.terms != 1:
        raise OutOfReachError("there are several terms")
    total = float(one.columns[0].sum())
    if total == 0:
        raise OutOfReachError("taps are negative")
    return one.columns[0] / total, one.rows[0] * total


def _fractions(taps: FloatArray) -> FloatArray:
    """Taps of 16 bits."""
    if not (np.all(taps >= 0) and 0 < taps.sum() < 1 + 1e-9):
        raise OutOfReachError("taps are negative, or their sum is not between 0 and 1")
    return np.minimum(rounded_taps(taps * TAP_SCALE), LARGEST)


def _half_of(lost: float) -> float:
    """About the half, in halves that are never whole: so no result is a tie, and rounding cannot matter."""
    return round(float(lost) / 2 - 0.5) + 0.5
