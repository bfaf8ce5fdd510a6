"""The passes by SciPy: the plain twin that the compiled engine is held against, and stands in for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sepfilter.engine.block import Block
from sepfilter.engine.borders import extended
from sepfilter.engine.mapping import Losses, last_step, map_samples, map_sums
from sepfilter.kernels.arrays import FloatArray
from sepfilter.plans.fixed_point import SAMPLE_SCALE, TAP_SCALE
from sepfilter.plans.output_map import OutputMap
from sepfilter.plans.passes import DirectPass, Pass, SeparablePass
from sepfilter.plans.plan import Stage
from sepfilter.plans.precision import Arithmetic

Samples = npt.NDArray[Any]


def filter_block(
    stage: Stage, block: Block, arithmetic: Arithmetic, output: OutputMap | None, out: Samples
) -> Losses:
    """Filter a block and write the result; the interface that every engine has.

    Parameters
    ----------
    stage : Stage
        What to do.
    block : Block
        Pixels, and how many of them are context.
    arithmetic : Arithmetic
        What the stage was planned for.
    output : OutputMap or None
        What becomes of the results; None to leave them as they are.
    out : ndarray
        Shape (h, w, C), what the block's context leaves over: of the output's type, or of
        ``arithmetic.samples`` without one.

    Returns
    -------
    Losses
        What the output's type could not hold.
    """
    # Integers are exact in float64, however they are summed up.
    held = extended(stage, block, "float64" if arithmetic.is_integer else arithmetic.samples)
    run = fractional_sums if arithmetic.accumulator == "uint16" else run_pass
    sums = [run(one, held) for one in stage.by_taps]
    if not stage.divides_last:
        for result, one in zip(sums, stage.by_taps, strict=True):
            result /= one.denominator
    result = sums[0].astype(arithmetic.samples, copy=False)
    if stage.is_magnitude and stage.is_exact:
        # The root of an exact sum is correctly rounded, which hypot does not promise.
        np.sqrt(sums[0] * sums[0] + sums[1] * sums[1], out=result, casting="same_kind")
    elif stage.is_magnitude:
        np.hypot(result, sums[1], out=result)
    if output is not None and output.spread:
        scale, offset = last_step(stage, None)
        return map_samples(result * scale + offset, output, out)
    scale, offset = last_step(stage, output)
    if output is not None:
        return map_sums(result, scale, offset, output, out)
    out[...] = result * scale + offset
    return Losses()


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
        Shape (h, w, C), of the block's type: ``out[y, x] = sum taps[i, j] * block[y + i, x + j]``, before
        the division by the denominator.
    """
    return _direct(one, block) if isinstance(one, DirectPass) else _separable(one, block)


def fractional_sums(one: Pass, block: Samples) -> Samples:
    """Sums of the high halves of products, see `fixed_point`, of a block that has all of its context."""
    block = block * SAMPLE_SCALE
    if isinstance(one, DirectPass):
        return _high_halves(block, one.taps)
    return _high_halves(_high_halves(block, one.columns.T), one.rows)


def _high_halves(block: Samples, taps: FloatArray) -> Samples:
    """``sum floor(taps[i, j] * block[y + i, x + j] / 65536)``."""
    height, width = block.shape[0] - taps.shape[0] + 1, block.shape[1] - taps.shape[1] + 1
    total: Samples = np.zeros((height, width, block.shape[2]))
    for (i, j), tap in np.ndenumerate(taps):
        total += np.floor(tap * block[i : i + height, j : j + width] / TAP_SCALE)
    return total


def _direct(one: DirectPass, block: Samples) -> Samples:
    """All taps at once."""
    from scipy.ndimage import correlate

    taps, exponent = _normalized(one.taps)
    filtered = correlate(block, taps[:, :, np.newaxis], output=block.dtype, mode="constant")
    result = _cropped(_cropped(filtered, one.height, axis=0), one.width, axis=1)
    return _times_power_of_two(result, exponent)


def _separable(one: SeparablePass, block: Samples) -> Samples:
    """The sum of the terms: along the columns first, then along the rows."""
    height = block.shape[0] - one.height + 1
    width = block.shape[1] - one.width + 1
    total: Samples | None = None
    for at, (column, row) in enumerate(zip(one.columns, one.rows, strict=True)):
        sums = _along(block, column, axis=0)
        if one.shifts is not None and one.shifts[at]:
            sums = np.floor(np.ldexp(sums, -int(one.shifts[at])) + 0.5)
        term = _along(sums, row, axis=1)
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
