"""Which kernels of a depthwise layer are run as two 1-D passes: those of so low a rank that it is cheaper."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from sepfilter.kernels.arrays import FloatArray
from sepfilter.values import value

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
    def of(cls, kernels: FloatArray, step: int = 1, *, separates: bool = True) -> Separation:
        """Find the ranks by singular value decomposition, and what is cheaper for each kernel.

        Parameters
        ----------
        kernels : ndarray
            Shape (n, kh, kw).
        step : int
            The stride along: the column pass runs over so many samples for each output.
        separates : bool
            False where all taps at once are asked for.

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
            return cls(
                ranks, np.zeros(number, np.intp), np.zeros((number, 0, high)), np.zeros((number, 0, wide))
            )
        left, values, right = np.linalg.svd(kernels, full_matrices=False)
        noise = max(high, wide) * ROUNDING * values[:, :1]
        ranks = np.count_nonzero(values > noise, axis=1)
        cheaper = ranks * term_multiplications(high, wide, step) < high * wide
        terms = np.where(cheaper & separates, np.maximum(ranks, 1), 0)
        kept = int(terms.max(initial=0))
        root = np.sqrt(values)[:, :, np.newaxis]
        columns, rows = np.swapaxes(left, 1, 2) * root, right * root
        unused = np.arange(kept) >= terms[:, np.newaxis]
        columns, rows = columns[:, :kept], rows[:, :kept]
        columns[unused], rows[unused] = 0.0, 0.0
        return cls(ranks, terms, columns, rows)


def term_multiplications(high: int, wide: int, step: int) -> int:
    """Multiplications of a separable term for one output: down its column at `step` places, and along."""
    return high * step + wide
