"""Boxes by running sums: four additions a sample, whatever the size of the box."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sepfilter.engine.block import Block
from sepfilter.engine.borders import extended
from sepfilter.plans.passes import BoxPass
from sepfilter.plans.plan import Stage

Samples = npt.NDArray[Any]


def box_sums(stage: Stage, one: BoxPass, block: Block) -> Samples:
    """Sum up rectangles of a block.

    Sums are integers that wrap around: their differences are exact where the sum of one rectangle fits.

    Parameters
    ----------
    stage : Stage
        What lies beyond the edges.
    one : BoxPass
        The rectangle.
    block : Block
        Its samples are whole numbers.

    Returns
    -------
    ndarray
        Shape (h, w, C), float64: before the division.
    """
    integers = _integers(stage, one, block)
    held = extended(stage, block, integers)
    height, width = held.shape[0] - one.height + 1, held.shape[1] - one.width + 1
    out = np.empty((height, width, held.shape[2]))
    columns = held[: one.height].sum(axis=0, dtype=integers)
    along = np.zeros((held.shape[1] + 1, held.shape[2]), integers)
    for y in range(height):
        if y:
            columns += held[y + one.height - 1]
            columns -= held[y - 1]
        np.cumsum(columns, axis=0, out=along[1:])
        np.subtract(along[one.width :], along[: -one.width], out=out[y])
    if one.tap != 1:
        out *= one.tap
    return out


def _integers(stage: Stage, one: BoxPass, block: Block) -> str:
    """The shorter type of integers, where it holds every sum."""
    samples = block.pixels.dtype
    if samples.kind not in "iu" or samples.itemsize > 2:
        return "int64"
    largest = max(2.0 ** (8 * samples.itemsize), abs(stage.border.value))
    return "int32" if largest * one.height * one.width < 2**31 else "int64"
