"""Kernels cut off at a lower rank: what is kept, what is lost, and the brightness put back."""

from __future__ import annotations

from dataclasses import field
from typing import Final

import numpy as np

from sepfilter.kernels.arrays import FloatArray, read_only
from sepfilter.values import value

DEAREST: Final = 2.0
"""How many times larger the worst error may become for the sake of a right brightness."""


@value
class Lost:
    """Taps left out by an approximation, as what bounds its error.

    Attributes
    ----------
    positive, negative : float
        The sum of the positive taps, and of the negative ones without their sign.
    """

    positive: float
    negative: float

    @classmethod
    def of(cls, taps: FloatArray) -> Lost:
        """Sum up the taps E = kernel - kept terms."""
        with np.errstate(over="ignore"):
            return cls(float(taps[taps > 0].sum()), float(-taps[taps < 0].sum()))

    @property
    def bound(self) -> float:
        """Largest output error for samples from 0 to 1.

        Attained by the image that is white where the lost taps have one sign, black elsewhere.
        """
        return max(self.positive, self.negative)

    @property
    def total(self) -> float:
        """``sum |E|``."""
        return self.positive + self.negative

    def scaled(self, exponent: int) -> Lost:
        """Multiply by a power of two."""
        with np.errstate(over="ignore"):
            return Lost(*np.ldexp([self.positive, self.negative], exponent).tolist())


@value
class LowRank:
    """A kernel cut off at a rank.

    Attributes
    ----------
    columns, rows : ndarray
        Shapes (r, kh) and (r, kw), float64: the kept terms.
    lost : Lost
        Of the kernel less these terms.
    largest : float
        The largest lost tap, without its sign.
    """

    columns: FloatArray
    rows: FloatArray
    lost: Lost
    largest: float

    @property
    def rank(self) -> int:
        """How many terms are kept."""
        return int(self.columns.shape[0])


@value
class Decomposition:
    """The singular value decomposition of taps, which a power of two has brought near 1.

    Attributes
    ----------
    taps : ndarray
        Shape (kh, kw), times ``2**-exponent``.
    columns, rows : ndarray
        Shapes (n, kh) and (n, kw), n = min(kh, kw): the terms, largest first; both vectors of a term
        are as long as the root of its singular value.
    values : ndarray
        Shape (n,): the singular values, descending, of `taps`.
    exponent : int
        Of that power of two.
    total : float
        The sum of `taps`, without what rounding left of a sum of 0.
    """

    taps: FloatArray
    columns: FloatArray
    rows: FloatArray
    values: FloatArray
    exponent: int
    total: float
    _found: dict[int, LowRank] = field(default_factory=dict, compare=False, repr=False)

    def cut_off(self, rank: int) -> LowRank:
        """The first `rank` terms, changed as little as possible to sum up to what the kernel does.

        The truncated sum is nearest to the kernel (Eckart and Young), but what a flat area becomes
        would drift by the lost sum d. It is put back by the smallest change, in the least squares,
        that keeps the columns or that keeps the rows: a row of term r gets
        ``d * sum(u_r) / (kw * sum over terms of sum(u)**2)`` on each of its taps, u being the columns
        of length 1; columns likewise. With it the positive lost taps weigh as much as the negative
        ones. Rank 0 can take nothing back, and terms that make next to nothing of a flat area do not:
        where the error bound would grow to more than `DEAREST` times it is left as it is.

        Examples
        --------
        >>> found = decompose(np.array([[0.0, 1, 0], [1, 4, 1], [0, 1, 0]]), 8.0)
        >>> one = found.cut_off(1)
        >>> round(float(one.columns.sum() * one.rows.sum()), 9)
        8.0
        """
        if rank not in self._found:
            self._found[rank] = self._cut_off(rank)
        return self._found[rank]

    def least_error(self, rank: int) -> float:
        """A bound from below of ``sum |lost taps|`` at this rank, known without working them out.

        The sum of absolute values is at least the root of the sum of squares, which at this rank is
        at least that of the singular values left out.
        """
        with np.errstate(over="ignore"):
            return float(np.ldexp(np.linalg.norm(self.values[rank:]), self.exponent))

    def _cut_off(self, rank: int) -> LowRank:
        """Work it out; each rank is asked for once."""
        columns, rows = self.columns[:rank], self.rows[:rank]
        over_columns, over_rows = columns.sum(axis=1), rows.sum(axis=1)
        missing = self.total - float(over_columns @ over_rows)
        # Of vectors of length 1: those here are as long as the root of their singular value.
        scale = self.values[:rank]
        by_rows = rows.shape[1] * float((over_columns**2 / scale).sum())
        by_columns = columns.shape[1] * float((over_rows**2 / scale).sum())
        lost = self.taps - columns.T @ rows
        if max(by_rows, by_columns) > 0:
            if by_rows >= by_columns:
                changed = columns, rows + (missing * over_columns / (by_rows * scale))[:, np.newaxis]
            else:
                changed = columns + (missing * over_rows / (by_columns * scale))[:, np.newaxis], rows
            without = self.taps - changed[0].T @ changed[1]
            if Lost.of(without).bound <= DEAREST * Lost.of(lost).bound:
                lost, (columns, rows) = without, changed
        half, exponent = self.exponent // 2, self.exponent
        with np.errstate(over="ignore"):
            return LowRank(
                read_only(np.ldexp(columns, half)),
                read_only(np.ldexp(rows, exponent - half)),
                Lost.of(lost).scaled(exponent),
                float(np.ldexp(np.abs(lost).max(), exponent)),
            )


def decompose(taps: FloatArray, total: float) -> Decomposition:
    """Singular value decomposition, with signs that make smoothing vectors positive.

    Parameters
    ----------
    taps : ndarray
        Shape (kh, kw), float64, finite.
    total : float
        Their sum; may be more exact than adding them up, and infinite where it overflows.
    """
    exponent = int(np.frexp(np.abs(taps).max())[1])
    scaled = np.ldexp(taps, -exponent)
    left, values, right = np.linalg.svd(scaled, full_matrices=False)
    columns, rows = _balanced(left.T, values, right)
    total = float(np.ldexp(total, -exponent)) if np.isfinite(total) else float(scaled.sum())
    return Decomposition(
        read_only(scaled), read_only(columns), read_only(rows), read_only(values), exponent, total
    )


def _balanced(left: FloatArray, values: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Share each singular value between its vectors, and make smoothing vectors positive."""
    root = np.sqrt(values)[:, np.newaxis]
    columns, rows = left * root, right * root
    # A smoothing factor is told by its clear sum; a difference (sum about 0) takes what sign is left.
    decisive = np.where(
        np.abs(columns.sum(axis=1)) >= np.abs(rows.sum(axis=1)),
        columns.sum(axis=1),
        rows.sum(axis=1),
    )
    sign = np.where(decisive < 0, -1.0, 1.0)[:, np.newaxis]
    return columns * sign, rows * sign
