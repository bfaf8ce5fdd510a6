"""Which kernels of a depthwise layer are run as two 1-D passes: those of so low a rank that it is cheaper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from sepfilter.kernels.arrays import FloatArray
from sepfilter.values import value

if TYPE_CHECKING:
    from sepfilter.banks.layers import Depthwise

ROUNDING: Final = 2.0**-24
"""Of weights to float32, relative: singular values below what it makes of the largest one are noise."""


@value
class Separation:
    """The kernels of a depthwise layer, by how they are run.

    Attributes
    ----------
    ranks : ndarray of int
        Shape (C * m,): of each kernel.
    terms : ndarray of int
        Shape (C * m,): separable terms that each is run by; 0 for all taps at once.
    columns, rows : ndarray
        Shapes (C * m, R, kh) and (C * m, R, kw): of each kernel its terms, largest first, R the most that
        any kernel is run by; zeros where it has fewer.
    """

    ranks: npt.NDArray[np.intp]
    terms: npt.NDArray[np.intp]
    columns: FloatArray
    rows: FloatArray

    @classmethod
    def of(cls, kernels: FloatArray, step: int = 1) -> Separation:
        """Find the ranks by singular value decomposition, and what is cheaper for each kernel.

        Parameters
        ----------
        kernels : ndarray
            Shape (n, kh, kw).
        step : int
            The stride along: the column pass runs over so many samples for each output.

        Examples
        --------
        >>> kernels = np.array([np.outer([1, 2, 1], [-1, 0, 1]), [[0, 1, 0], [1, -4, 1], [0, 1, 0]]])
        >>> found = Separation.of(kernels.astype(float))
        >>> found.ranks.tolist(), found.terms.tolist()
        ([1, 2], [1, 0])
        """
        number, high, wide = kernels.shape
        if not np.isfinite(kernels).all() or min(high, wide) == 1:  # one row or column is 1-D as it is
            ranks = np.any(kernels != 0, axis=(1, 2)).astype(np.intp)
            none = np.zeros((number, 0, high)), np.zeros((number, 0, wide))
            return cls(ranks, np.zeros(number, np.intp), *none)
        columns, rows, ranks = _factors(kernels)
        cheaper = ranks * term_multiplications(high, wide, step) < high * wide
        terms = np.where(cheaper, np.maximum(ranks, 1), 0)
        kept = int(terms.max(initial=0))
        unused = np.arange(kept) >= terms[:, np.newaxis]
        columns, rows = columns[:, :kept], rows[:, :kept]
        columns[unused], rows[unused] = 0.0, 0.0
        return cls(ranks, terms, columns, rows)

    @property
    def direct(self) -> Separation:
        """The same kernels, each by all taps at once."""
        return Separation(self.ranks, np.zeros_like(self.terms), self.columns[:, :0], self.rows[:, :0])


def separation_of(layer: Depthwise, *, separates: bool = True) -> Separation:
    """The separation of a layer's kernels; found once for a layer.

    Parameters
    ----------
    layer : Depthwise
        With kernels of its own for each channel.
    separates : bool
        False where all taps at once are asked for.
    """
    if not layer.separations:
        layer.separations.append(Separation.of(layer.rows_of_weights()[:, 0], layer.stride[1]))
    found = layer.separations[0]
    return found if separates else found.direct


def _factors(kernels: FloatArray) -> tuple[FloatArray, FloatArray, npt.NDArray[np.intp]]:
    """Columns and rows of as many terms as the largest rank, largest first, and the ranks."""
    _, high, wide = kernels.shape
    columns, rows, is_one = _crosses(kernels)
    ranks = np.where(is_one, np.any(kernels != 0, axis=(1, 2)), 0).astype(np.intp)
    others = np.flatnonzero(~is_one)
    most = min(high, wide) if len(others) else 1
    columns, rows = (np.pad(one[:, np.newaxis], ((0, 0), (0, most - 1), (0, 0))) for one in (columns, rows))
    if len(others):
        left, values, right = np.linalg.svd(kernels[others], full_matrices=False)
        ranks[others] = np.count_nonzero(values > _noise(high, wide) * values[:, :1], axis=1)
        root = np.sqrt(values)[:, :, np.newaxis]
        columns[others], rows[others] = np.swapaxes(left, 1, 2) * root, right * root
    return columns, rows, ranks


def _crosses(kernels: FloatArray) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]:
    """The column and row through the largest tap, whose product is a kernel of rank 1; where it is, true.

    Their numbers are the kernel's own, so that whole ones stay whole, and no decomposition is needed.
    """
    number, high, wide = kernels.shape
    i, j = np.divmod(np.abs(kernels).reshape(number, -1).argmax(axis=1), wide)
    each = np.arange(number)
    pivots = kernels[each, i, j]
    columns = kernels[each, :, j]
    rows = kernels[each, i] / np.where(pivots == 0, 1.0, pivots)[:, np.newaxis]
    rest = kernels - columns[:, :, np.newaxis] * rows[:, np.newaxis]
    lost, whole = (np.linalg.norm(one.reshape(number, -1), axis=1) for one in (rest, kernels))
    return columns, rows, lost <= _noise(high, wide) * whole


def _noise(high: int, wide: int) -> float:
    """The share of the largest singular value that is left to rounding."""
    return max(high, wide) * ROUNDING


def term_multiplications(high: int, wide: int, step: int) -> int:
    """Multiplications of a separable term for one output: down its column at `step` places, and along."""
    return high * step + wide
