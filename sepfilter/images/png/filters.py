"""The filters of PNG, which rows go through before they are deflated (PNG specification, section 9)."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

_UP: Final = 2


def filtered_up(rows: Bytes, above: Bytes) -> Bytes:
    """Differences to the row above, each row behind the number of the filter.

    Parameters
    ----------
    rows : ndarray of uint8
        Shape (h, n).
    above : ndarray of uint8
        Shape (n,): the row before the first; zeros at the top of an image.

    Returns
    -------
    ndarray of uint8
        Shape (h, 1 + n).

    Examples
    --------
    >>> filtered_up(np.array([[1, 2], [1, 5]], np.uint8), np.zeros(2, np.uint8)).tolist()
    [[2, 1, 2], [2, 0, 3]]
    """
    lines = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    lines[:, 0] = _UP
    np.subtract(rows[0], above, out=lines[0, 1:])
    np.subtract(rows[1:], rows[:-1], out=lines[1:, 1:])
    return lines


def best_filtered(rows: Bytes, above: Bytes, pixel_bytes: int) -> Bytes:
    """Every row through the filter whose differences are smallest in sum, as signed bytes.

    Parameters
    ----------
    rows, above
        As in `filtered_up`.
    pixel_bytes : int
        Bytes of a pixel: how far to the left the neighbour is.
    """
    upper = np.concatenate([above[np.newaxis], rows[:-1]])
    left, corner = _moved(rows, pixel_bytes), _moved(upper, pixel_bytes)
    average = ((left.astype(np.uint16) + upper) // 2).astype(np.uint8)
    guesses = (np.zeros_like(rows), left, upper, average, _paeth(left, upper, corner))
    differences = np.stack([rows - guess for guess in guesses])
    sizes = np.abs(differences.view(np.int8).astype(np.int16)).sum(axis=2, dtype=np.int64)
    chosen = np.argmin(sizes, axis=0)
    lines = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    lines[:, 0] = chosen
    lines[:, 1:] = differences[chosen, np.arange(len(rows))]
    return lines


def _moved(rows: Bytes, pixel_bytes: int) -> Bytes:
    """Each sample's neighbour to the left; 0 beyond the edge."""
    moved = np.zeros_like(rows)
    moved[:, pixel_bytes:] = rows[:, :-pixel_bytes]
    return moved


def _paeth(left: Bytes, upper: Bytes, corner: Bytes) -> Bytes:
    """Of three neighbours the one nearest to left + upper - corner; in a tie the one named first."""
    by_left = np.abs(upper.astype(np.int16) - corner)
    by_upper = np.abs(left.astype(np.int16) - corner)
    by_corner = np.abs(left.astype(np.int16) + upper - 2 * corner.astype(np.int16))
    others = np.where(by_upper <= by_corner, upper, corner)
    return np.where((by_left <= by_upper) & (by_left <= by_corner), left, others)
