"""Which pixel stands in for one beyond the edge."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

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
