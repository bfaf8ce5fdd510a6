"""Taps rounded to 16-bit integers, so that 8-bit images can be summed up two products at a time.

Column sums are divided by a power of two, rounded, and kept as 16-bit integers; row sums are kept in 32
bits. What may be chosen freely are the scales of the taps: as large as the integers allow, and among
those the ones whose taps round with the smallest worst-case error.
"""

from __future__ import annotations

from collections.abc import Callable
from math import floor, log2
from typing import Final

import numpy as np

from sepfilter.kernels.arrays import FloatArray, read_only
from sepfilter.kernels.low_rank import Lost
from sepfilter.plans.arithmetic import UNIT_ROUNDOFF, Extent
from sepfilter.plans.passes import DirectPass, Pass, SeparablePass
from sepfilter.plans.precision import OutOfReachError
from sepfilter.values import value

LARGEST_FACTOR: Final = 2**15 - 1
LARGEST_SUM: Final = 2**31 - 1
SCALES: Final = 24
"""Scales that are tried, each a little smaller than the one before it."""


@value
class _Term:
    """One quantized column.

    Attributes
    ----------
    column : ndarray
        Integers.
    shift : int
        Sums are divided by ``2**shift``.
    gain : float
        Column sums are this many times the true ones.
    extent : Extent
        Where the true column sums lie, times the gain.
    error : float
        Worst-case error of a column sum, in the same units.
    """

    column: FloatArray
    shift: int
    gain: float
    extent: Extent
    error: float


def quantize(one: Pass, extent: Extent) -> tuple[Pass, float]:
    """Round the taps of a floating pass to integers.

    Parameters
    ----------
    one : DirectPass or SeparablePass
        With real taps.
    extent : Extent
        Where the samples lie that go in.

    Returns
    -------
    Pass
        With integer taps, and what its sums are to be divided by.
    float
        Worst-case error of the result, in units of the source.

    Raises
    ------
    OutOfReachError
        Samples or taps leave no room for integers of any use.
    """
    reach = extent.magnitude
    if not (0 < reach < LARGEST_FACTOR / 2) or not np.isfinite(one.magnitude) or one.magnitude == 0:
        raise OutOfReachError("samples or taps do not suit 16-bit integers")
    found, error = _direct(one, extent) if isinstance(one, DirectPass) else _separable(one, extent)
    # The sum becomes a float, is scaled, and is stored: one rounding each.
    return found, error + 3 * UNIT_ROUNDOFF["float32"] * one.magnitude * reach


def without_tiny_taps(one: Pass) -> Pass:
    """The pass without taps that rounding to 16 bits turns into 0, for counting.

    Examples
    --------
    >>> without_tiny_taps(DirectPass(np.array([[1.0, 1e-5, 0.5]]))).taps.tolist()
    [[1.0, 0.0, 0.5]]
    """
    if isinstance(one, DirectPass):
        return DirectPass(_zeroed(one.taps))
    rows = np.stack([_zeroed(row) for row in one.rows]) if one.terms else one.rows
    columns = np.stack([_zeroed(column) for column in one.columns]) if one.terms else one.columns
    return SeparablePass(columns, rows)


def _zeroed(taps: FloatArray) -> FloatArray:
    """Taps, those of less than half of the smallest integer beside the largest set to 0."""
    size = np.abs(taps)
    return np.where(size < 0.5 * size.max() / LARGEST_FACTOR, 0.0, taps)


def _direct(one: DirectPass, extent: Extent) -> tuple[DirectPass, float]:
    """All taps over one scale."""
    largest, total = float(np.abs(one.taps).max()), one.magnitude
    limit = min(LARGEST_FACTOR / largest, _room(one.taps.size) / (total * extent.magnitude))

    def attempt(scale: float) -> tuple[FloatArray, float]:
        taps = rounded_taps(one.taps * scale)
        return taps, extent.error_without(Lost.of(taps / scale - one.taps))

    scale, taps, error = _best(attempt, limit)
    return DirectPass(read_only(taps), scale), error


def _separable(one: SeparablePass, extent: Extent) -> tuple[SeparablePass, float]:
    """Each column over a scale of its own, the rows over one for all."""
    kept = [at for at in range(one.terms) if one.columns[at].any() and one.rows[at].any()]
    terms = [_column(one.columns[at], extent) for at in kept]
    gains = np.array([term.gain for term in terms])
    rows = one.rows[kept] / gains[:, np.newaxis]
    if not rows.any():
        raise OutOfReachError("taps are too small for 16-bit integers")
    sums = float(np.abs(rows).sum()) * LARGEST_FACTOR
    limit = min(LARGEST_FACTOR / float(np.abs(rows).max()), _room(rows.size) / sums)

    def attempt(scale: float) -> tuple[FloatArray, float]:
        taps = np.stack([rounded_taps(row * scale) for row in rows])
        error = 0.0
        for term, rounded, row in zip(terms, taps / scale, rows, strict=True):
            error += float(np.abs(rounded).sum()) * term.error
            error += term.extent.error_without(Lost.of(rounded - row))
        return taps, error

    scale, taps, error = _best(attempt, limit)
    columns = np.stack([term.column for term in terms])
    shifts = read_only(np.array([term.shift for term in terms], dtype=np.float64))
    return SeparablePass(read_only(columns), read_only(taps), scale, shifts), error


def _column(column: FloatArray, extent: Extent) -> _Term:
    """A column whose sums fill 16 bits."""
    total = float(np.abs(column).sum()) * extent.magnitude
    largest = float(np.abs(column).max()) * LARGEST_FACTOR / total
    shift = min(max(floor(log2(LARGEST_FACTOR / largest)), 0), 15)
    # Rounding may bring each tap up by one.
    limit = (LARGEST_FACTOR - 1 - len(column) * extent.magnitude / 2**shift) / total

    def attempt(gain: float) -> tuple[FloatArray, float]:
        taps = rounded_taps(column * (gain * 2.0**shift))
        error = extent.error_without(Lost.of(taps / 2.0**shift - column * gain))
        return taps, (error + (0.5 if shift else 0.0)) / gain

    gain, taps, error = _best(attempt, limit)
    return _Term(taps, shift, gain, extent.filtered(Lost.of(column * gain), 0.0), error * gain)


def _best(
    attempt: Callable[[float], tuple[FloatArray, float]], limit: float
) -> tuple[float, FloatArray, float]:
    """The scale, up to the limit, whose rounded taps have the smallest error."""
    if not (np.isfinite(limit) and limit > 0):
        raise OutOfReachError("taps do not suit 16-bit integers")
    scales = [limit * (1 - 0.5 * step / SCALES) for step in range(SCALES)]
    found = [(scale, *attempt(scale)) for scale in scales]
    return min(found, key=lambda one: one[2])


def _room(taps: int) -> float:
    """The largest sum, less what rounding the taps may add to it."""
    return float(LARGEST_SUM - taps * LARGEST_FACTOR)


def rounded_taps(taps: FloatArray) -> FloatArray:
    """Integers with the sum of the taps, so that flat areas keep their value: by largest remainders."""
    down = np.floor(taps)
    wanted = round(float(taps.sum() - down.sum()))
    order = np.argsort((down - taps).ravel(), kind="stable")
    flat = down.ravel()
    flat[order[:wanted]] += 1
    return flat.reshape(taps.shape)
