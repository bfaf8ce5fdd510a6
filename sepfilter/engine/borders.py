"""Which pixel stands in for one beyond the edge, and blocks with all that a kernel reaches."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sepfilter.engine.block import Block
from sepfilter.plans.plan import Stage

Samples = npt.NDArray[Any]
Indices = npt.NDArray[np.intp]


def border_indices(first: int, last: int, length: int, mode: str) -> Indices:
    """For each position from `first` up to `last`, the position inside that stands in for it.

    Works at any distance from the edge, so that a kernel may be larger than the image.

    Parameters
    ----------
    first, last : int
        Positions along one axis, from `first` up to but without `last`; they may lie outside.
    length : int
        Positions inside are 0 to `length` - 1.
    mode : str
        A border mode, as in `Border`.

    Returns
    -------
    ndarray of int
        Shape (last - first,); -1 where the constant stands.

    Examples
    --------
    >>> border_indices(-3, 6, 3, "reflect").tolist()
    [2, 1, 0, 0, 1, 2, 2, 1, 0]
    >>> border_indices(-3, 6, 3, "mirror").tolist()
    [1, 2, 1, 0, 1, 2, 1, 0, 1]
    """
    positions = np.arange(first, last)
    if mode == "constant":
        return np.where((positions >= 0) & (positions < length), positions, -1)
    if mode == "nearest":
        return np.clip(positions, 0, length - 1)
    if mode == "wrap":
        return positions % length
    if mode == "reflect":
        folded = positions % (2 * length)
        return np.minimum(folded, 2 * length - 1 - folded)
    period = max(2 * length - 2, 1)
    folded = positions % period
    return np.minimum(folded, period - folded) if length > 1 else np.zeros_like(positions)


def positions_behind(first: int, last: int, length: int, mode: str) -> tuple[int, int]:
    """The part inside that stands for positions, from and up to.

    Parameters
    ----------
    first, last, length, mode
        As in `border_indices`.

    Returns
    -------
    (int, int)
        (0, 0) where all of them are the constant.

    Examples
    --------
    >>> positions_behind(-2, 4, 9, "reflect"), positions_behind(7, 12, 9, "wrap")
    ((0, 4), (0, 9))
    """
    # Inside, positions stand for themselves: only those beyond the edges are looked up.
    low, high = min(max(first, 0), length), max(min(last, length), 0)
    reached = [low, high - 1] if low < high else []
    for start, end in ((first, min(last, 0)), (max(first, length), last)):
        if start < end:
            positions = border_indices(start, end, length, mode)
            reached += positions[positions >= 0].tolist()
    return (min(reached), max(reached) + 1) if reached else (0, 0)


def extended(stage: Stage, block: Block, dtype: str) -> Samples:
    """The block with all that the kernel reaches around it: context where there is some, else the border."""
    border, pixels = stage.border, block.pixels
    height, width, channels = pixels.shape
    (above, below, before, after), (top, bottom, left, right) = block.context, stage.halo
    rows = border_indices(above - top, height - below + bottom, height, border.mode)
    first, last = before - left, width - after + right
    columns = border_indices(first, last, width, border.mode)
    held = np.empty((len(rows), len(columns), channels), dtype)
    follow = rows[0] >= 0 and bool(np.all(np.diff(rows) == 1))
    strip = pixels[rows[0] : rows[-1] + 1] if follow else pixels[rows]
    inside = slice(min(max(first, 0), last) - first, max(min(last, width), first) - first)
    held[:, inside] = strip[:, first + inside.start : first + inside.stop]
    for edge in (slice(0, inside.start), slice(inside.stop, None)):
        held[:, edge] = strip[:, columns[edge]]
    if border.mode == "constant":
        held[rows < 0] = border.value
        held[:, columns < 0] = border.value
    return held
