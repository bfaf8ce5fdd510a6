"""What a picture of a kernel shows, as numbers near 1 and of bounded size, whatever the taps are."""

from __future__ import annotations

from math import ldexp
from typing import Final

import numpy as np

from sepfilter.kernels.arrays import FloatArray
from sepfilter.kernels.factorization import Factorization
from sepfilter.kernels.kernel import FactoredTaps, Kernel
from sepfilter.kernels.low_rank import LowRank
from sepfilter.values import value

MOST_CELLS: Final = 256
"""Cells a side of a picture: about what a panel has pixels for."""

FLOOR: Final = 1e-2
"""Gains of a smaller share of the largest count as nothing: 40 dB."""

_FREQUENCIES: Final = 201
_ZOOMS: Final = (0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001)
_WHOLE_LEVEL: Final = 1.0
_ZEROS_TOLD: Final = 8


@value
class Response:
    """The magnitude of a frequency response; an anchor changes the phase only.

    Attributes
    ----------
    frequencies : ndarray
        Shape (n,): cycles per pixel, symmetric about 0, of both axes.
    gains : ndarray
        Shape (n, n): at (fy, fx), as shares of the largest.
    peak : float
        The largest gain; infinite where float64 cannot hold it.
    """

    frequencies: FloatArray
    gains: FloatArray
    peak: float

    @property
    def decibels(self) -> FloatArray:
        """Gains in dB, from that of `FLOOR` to 0."""
        return np.asarray(20 * np.log10(np.maximum(self.gains, FLOOR)))


def kernel_cells(kernel: Kernel) -> tuple[FloatArray, float]:
    """The taps as a picture of at most `MOST_CELLS` a side, and the largest tap without its sign.

    A cell of a kernel that is larger shows the tap that is farthest from 0 of those it covers. Cells
    are shares of the largest tap, from -1 to 1.

    Examples
    --------
    >>> kernel_cells(Kernel.from_taps([[1e308, -5e307]]))
    (array([[ 1. , -0.5]]), 1e+308)
    """
    form = kernel.form
    if isinstance(form, FactoredTaps):
        (column, most), (row, widest) = _shares(form.column), _shares(form.row)
        return np.outer(_picked(column[:, np.newaxis]), _picked(row[np.newaxis])), most * widest
    return _shares(_picked(form.values))


def low_rank_cells(low: LowRank, largest: float) -> FloatArray:
    """A kernel cut off at a rank as a picture, on the scale of the whole one.

    Parameters
    ----------
    low : LowRank
        Its terms.
    largest : float
        The largest tap of the whole kernel, positive.
    """
    columns, rows, exponent = _near_one(low)
    most, power = np.frexp(largest)
    return np.asarray(np.ldexp(_picked(columns.T @ rows), int(exponent - power)) / most)


def shown_ranks(rank: int, bounds: tuple[tuple[int, float], ...]) -> tuple[int, ...]:
    """Up to four ranks, of which the last is the kernel's own.

    Where there are more they are 1, the lowest that is right to a level, and one between.

    Examples
    --------
    >>> shown_ranks(3, ()), shown_ranks(35, ((1, 70.8), (4, 13.1), (9, 0.8), (35, 0.0)))
    ((1, 2, 3), (1, 3, 9, 35))
    """
    if rank <= 4:
        return tuple(range(1, rank + 1)) or (0,)
    good = min((r for r, levels in bounds if r and levels <= _WHOLE_LEVEL), default=rank - 1)
    good = min(max(good, 3), rank - 1)
    return 1, min(max(round(good**0.5), 2), good - 1), good, rank


def relative_singular_values(kernel: Kernel, factors: Factorization) -> FloatArray:
    """Singular values as shares of the largest; of a kernel known as factors the first few zeros too."""
    found = factors.decomposition
    if found is None:
        values = np.zeros(min(kernel.height, kernel.width, _ZEROS_TOLD))
        values[0] = factors.rank
        return values
    return np.asarray(found.values / (found.values[0] or 1.0))


def response(factors: Factorization) -> Response:
    """The frequency response on a grid of fixed size, closer about 0 where all else is below `FLOOR`."""
    columns, rows, exponent = _near_one(factors.cut_off(factors.rank))
    frequencies, gains = _gains(columns, rows, 0.5)
    largest = float(gains.max())
    for zoom in _ZOOMS:
        outside = np.abs(frequencies) > zoom
        reached = max(float(gains[outside].max(initial=0.0)), float(gains[:, outside].max(initial=0.0)))
        if largest == 0 or reached > FLOOR * largest:
            break
        frequencies, gains = _gains(columns, rows, zoom)
    largest = float(gains.max())
    return Response(frequencies, gains / (largest or 1.0), _times_power(largest, exponent))


def _gains(columns: FloatArray, rows: FloatArray, limit: float) -> tuple[FloatArray, FloatArray]:
    """Fourier sums of all terms: a vector for each factor instead of a padded image of the kernel."""
    frequencies = np.linspace(-limit, limit, _FREQUENCIES)

    waves = [
        np.exp(-2j * np.pi * np.outer(np.arange(factors.shape[1]), frequencies))
        for factors in (columns, rows)
    ]
    return frequencies, np.abs((columns @ waves[0]).T @ (rows @ waves[1]))


def _near_one(low: LowRank) -> tuple[FloatArray, FloatArray, int]:
    """Columns and rows near 1, and the power of two that is left."""
    first, second = (_exponent(part) for part in (low.columns, low.rows))
    return np.ldexp(low.columns, -first), np.ldexp(low.rows, -second), first + second


def _exponent(values: FloatArray) -> int:
    """Of the power of two that bounds the values."""
    return int(np.frexp(np.abs(values).max(initial=0.0))[1])


def _shares(values: FloatArray) -> tuple[FloatArray, float]:
    """Values as shares of the largest, which may be denormal."""
    exponent = _exponent(values)
    scaled = np.ldexp(values, -exponent)
    most = float(np.abs(scaled).max())
    return scaled / (most or 1.0), ldexp(most, exponent)


def _times_power(value: float, exponent: int) -> float:
    """Times a power of two, infinite where that is too much."""
    with np.errstate(over="ignore"):
        return float(np.ldexp(value, exponent))


def _picked(cells: FloatArray) -> FloatArray:
    """The value farthest from 0 of each block, so that no single tap is lost."""
    high = low = cells
    for axis, size in enumerate(cells.shape):
        step = -(-size // MOST_CELLS)
        if step > 1:
            starts = np.arange(0, size, step)
            high = np.maximum.reduceat(high, starts, axis)
            low = np.minimum.reduceat(low, starts, axis)
    return np.where(high >= -low, high, low)
