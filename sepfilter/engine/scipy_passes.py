"""The passes by SciPy: the plain twin that any faster engine is held against."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sepfilter.kernels.arrays import FloatArray
from sepfilter.plans.passes import DirectPass, Pass, SeparablePass

Samples = npt.NDArray[Any]


def run_pass(one: Pass, block: Samples) -> Samples:
    """Correlate a block that has all of its context.

    SciPy accumulates in float64 whatever the samples are stored in, and treats each output sample
    alike wherever its block begins.

    Parameters
    ----------
    one : DirectPass or SeparablePass
        The taps.
    block : ndarray
        Shape (h + kh - 1, w + kw - 1, C), float32 or float64.

    Returns
    -------
    ndarray
        Shape (h, w, C), of the block's type: ``out[y, x] = sum taps[i, j] * block[y + i, x + j]``,
        divided by the denominator.
    """
    result = _direct(one, block) if isinstance(one, DirectPass) else _separable(one, block)
    if one.denominator != 1:
        result /= one.denominator
    return result


def _direct(one: DirectPass, block: Samples) -> Samples:
    """All taps at once."""
    from scipy.ndimage import correlate

    taps, exponent = _normalized(one.taps)
    filtered = correlate(block, taps[:, :, np.newaxis], output=block.dtype, mode="constant")
    result = _cropped(_cropped(filtered, one.height, axis=0), one.width, axis=1)
    return _times_power_of_two(result, exponent)


def _separable(one: SeparablePass, block: Samples) -> Samples:
    """The sum of the terms: along the rows first, then along the columns."""
    height = block.shape[0] - one.height + 1
    width = block.shape[1] - one.width + 1
    total: Samples | None = None
    for column, row in zip(one.columns, one.rows, strict=True):
        term = _along(_along(block, row, axis=1), column, axis=0)
        if total is None:
            total = term
        else:
            total += term
    return np.zeros((height, width, block.shape[2]), block.dtype) if total is None else total


def _along(block: Samples, taps: FloatArray, axis: int) -> Samples:
    """One 1-D pass, without the part that lacks context."""
    from scipy.ndimage import correlate1d

    normalized, exponent = _normalized(taps)
    filtered = correlate1d(block, normalized, axis=axis, output=block.dtype, mode="constant")
    return _times_power_of_two(_cropped(filtered, len(taps), axis), exponent)


def _normalized(taps: FloatArray) -> tuple[FloatArray, int]:
    """Taps times a power of two, where SciPy would mistake small ones, and the exponent removed.

    SciPy takes taps of less than 2.2e-16 for zeros, and a 1-D kernel whose halves differ by less for
    symmetric, whatever the scale of the taps. Only where that would be wrong the largest tap is brought
    to at least 1: larger values on the way may overflow.
    """
    eps = np.finfo(np.float64).eps
    mirrored = taps[::-1] if taps.ndim == 1 else taps
    small = np.abs(taps)
    if not (
        np.any((small > 0) & (small <= eps))
        or np.any((taps != mirrored) & (np.abs(taps - mirrored) <= eps))
        or np.any((taps != -mirrored) & (np.abs(taps + mirrored) <= eps))
    ):
        return taps, 0
    exponent = min(int(np.frexp(small.max())[1]) - 1, 0)
    return np.ldexp(taps, -exponent), exponent


def _times_power_of_two(values: Samples, exponent: int) -> Samples:
    """Undo the normalization."""
    if exponent:
        np.ldexp(values, exponent, out=values)
    return values


def _cropped(filtered: Samples, taps: int, axis: int) -> Samples:
    """The part of SciPy's output, as long as its input, that had all of its context."""
    start = taps // 2
    count = filtered.shape[axis] - taps + 1
    return filtered[start : start + count] if axis == 0 else filtered[:, start : start + count]
