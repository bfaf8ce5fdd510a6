"""Kernels as exact fractions, and their exact factors by fraction-free elimination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from sepfilter.kernels.arrays import FloatArray, read_only

Integers: TypeAlias = tuple[int, ...]

MAX_BITS: Final = 1024
"""Factorization gives up at longer integers, which no pass could use and which take seconds to find."""

MAX_SIDE: Final = 64
"""Kernels with a longer side are not kept as fractions: their exact factors grow without use."""


@dataclass(frozen=True, slots=True)
class ExactTaps:
    """Taps as integers over one positive denominator, in lowest terms.

    Examples
    --------
    >>> ExactTaps.of([[Fraction(1, 4), Fraction(1, 2)]])
    ExactTaps(numerators=((1, 2),), denominator=4)
    """

    numerators: tuple[Integers, ...]
    denominator: int

    @classmethod
    def of(cls, rows: Sequence[Sequence[Fraction]]) -> ExactTaps:
        """Bring fractions over their least common denominator."""
        denominator = lcm(*(tap.denominator for row in rows for tap in row))
        return cls(tuple(tuple(int(tap * denominator) for tap in row) for row in rows), denominator)

    @property
    def sum(self) -> Fraction:
        """The sum of all taps."""
        return Fraction(sum(map(sum, self.numerators)), self.denominator)

    def divided(self, divisor: Fraction) -> ExactTaps:
        """Divide every tap."""
        factor = Fraction(1, self.denominator) / divisor
        return ExactTaps.of([[tap * factor for tap in row] for row in self.numerators])

    def flipped(self) -> ExactTaps:
        """Turn the taps by 180 degrees."""
        return ExactTaps(tuple(row[::-1] for row in self.numerators[::-1]), self.denominator)


@dataclass(frozen=True, slots=True)
class ExactTerm:
    """One outer product of two integer vectors."""

    column: Integers
    row: Integers

    def flipped(self) -> ExactTerm:
        """Turn the outer product by 180 degrees."""
        return ExactTerm(self.column[::-1], self.row[::-1])


@dataclass(frozen=True, slots=True)
class ExactFactors:
    """A sum of integer outer products over one denominator, equal to the taps exactly.

    Examples
    --------
    >>> ExactFactors((ExactTerm((1, 2, 1), (1, 2, 1)),), 16).sum
    Fraction(1, 1)
    """

    terms: tuple[ExactTerm, ...]
    denominator: int

    @property
    def columns(self) -> FloatArray:
        """Column factors, one a row of the array, shape (R, kh), integers."""
        return _stack([term.column for term in self.terms])

    @property
    def rows(self) -> FloatArray:
        """Row factors before the division by the denominator, shape (R, kw), integers."""
        return _stack([term.row for term in self.terms])

    @property
    def sum(self) -> Fraction:
        """The sum of all taps."""
        total = sum(sum(term.column) * sum(term.row) for term in self.terms)
        return Fraction(total, self.denominator)

    def divided(self, divisor: Fraction) -> ExactFactors:
        """Divide the sum: the sign goes to the rows, common factors are cancelled."""
        terms = [
            ExactTerm(term.column, tuple(tap * divisor.denominator for tap in term.row))
            for term in self.terms
        ]
        return _lowest_terms(terms, self.denominator * divisor.numerator)

    def flipped(self) -> ExactFactors:
        """Turn the sum by 180 degrees."""
        return ExactFactors(tuple(term.flipped() for term in self.terms), self.denominator)


def factorize_exactly(taps: ExactTaps) -> ExactFactors | None:
    """Write taps as the shortest possible sum of outer products of integer vectors.

    Each step takes a pivot, and subtracts the outer product of its column and row over the pivot,
    which lowers the rank by one (Wedderburn's rank reduction). What is left is held over one
    denominator, the pivot itself, so that it stays integer and short (Bareiss' fraction-free
    elimination). The pivot is the nonzero tap whose row and column have the fewest nonzero taps:
    sparse kernels get sparse factors.

    Parameters
    ----------
    taps : ExactTaps
        Shape (kh, kw).

    Returns
    -------
    ExactFactors or None
        As many terms as the rank of the taps over the rationals, none for all-zero taps. None where
        integers would grow beyond `MAX_BITS`.

    Examples
    --------
    >>> laplacian = ExactTaps(((0, 1, 0), (1, -4, 1), (0, 1, 0)), 1)
    >>> for term in factorize_exactly(laplacian).terms:
    ...     print(term.column, term.row)
    (1, -4, 1) (0, 1, 0)
    (0, 1, 0) (1, 0, 1)
    """
    rest = np.array(taps.numerators, dtype=object)
    previous = 1
    scaled = []
    while rest.any():
        y, x = _sparsest_pivot(rest)
        pivot, column, row = rest[y, x], rest[:, x].copy(), rest[y].copy()
        if max(int(tap).bit_length() for tap in (*column, *row)) > MAX_BITS:
            return None
        scaled.append((column.tolist(), row.tolist(), Fraction(1, pivot * previous)))
        rest = (pivot * rest - np.outer(column, row)) // previous
        previous = pivot
    if len(scaled) == min(rest.shape):
        scaled = _line_by_line(taps)
    return _over_one_denominator(scaled, taps.denominator)


def _line_by_line(taps: ExactTaps) -> list[tuple[list[int], list[int], Fraction]]:
    """Full rank: a term for each row, or for each column if there are fewer, and no integer grows."""
    rows = [list(row) for row in taps.numerators]
    by_rows = len(rows) <= len(rows[0])
    lines = rows if by_rows else [list(column) for column in zip(*rows, strict=True)]
    units = [[int(place == other) for other in range(len(lines))] for place in range(len(lines))]
    pairs = zip(units, lines, strict=True) if by_rows else zip(lines, units, strict=True)
    return [(column, row, Fraction(1)) for column, row in pairs]


def _sparsest_pivot(rest: npt.NDArray[np.object_]) -> tuple[int, int]:
    """The nonzero tap in the emptiest row and column, nearest the centre among equals."""
    nonzero = rest != 0
    fill = nonzero.sum(axis=1)[:, None] + nonzero.sum(axis=0)[None, :]
    y, x = np.indices(rest.shape)
    off_centre = abs(2 * y - rest.shape[0] + 1) + abs(2 * x - rest.shape[1] + 1)
    order = np.where(nonzero, fill * (2 * sum(rest.shape)) + off_centre, np.iinfo(np.int64).max)
    best = np.unravel_index(int(order.argmin()), rest.shape)
    return int(best[0]), int(best[1])


def _over_one_denominator(
    scaled: list[tuple[list[int], list[int], Fraction]], denominator: int
) -> ExactFactors:
    """Make the vectors coprime, and gather what that costs into one denominator."""
    primitive = []
    for column, row, scale in scaled:
        column_gcd, row_gcd = gcd(*column), gcd(*row)
        column, row, sign = _tidy_signs(
            [tap // column_gcd for tap in column], [tap // row_gcd for tap in row]
        )
        primitive.append((column, row, scale * column_gcd * row_gcd * sign))
    common = lcm(*(scale.denominator for _, _, scale in primitive))
    terms = []
    for column, row, scale in primitive:
        factor = int(scale * common)
        if sum(row) == 0 and sum(column) != 0 and factor < 0:
            row, factor = [-tap for tap in row], -factor
        terms.append(ExactTerm(tuple(tap * factor for tap in column), tuple(row)))
    return _lowest_terms(terms, common * denominator)


def _tidy_signs(column: list[int], row: list[int]) -> tuple[list[int], list[int], int]:
    """Make a smoothing vector (nonzero sum) positive and a difference rise; the sign that costs."""
    column_sign, row_sign = _reading_sign(column), _reading_sign(row)
    return (
        [tap * column_sign for tap in column],
        [tap * row_sign for tap in row],
        column_sign * row_sign,
    )


def _reading_sign(vector: list[int]) -> int:
    """-1 for a vector that reads better negated."""
    total = sum(vector) or -next(tap for tap in vector if tap)
    return -1 if total < 0 else 1


def _lowest_terms(terms: Sequence[ExactTerm], denominator: int) -> ExactFactors:
    """Cancel what all columns share with the denominator, and keep the denominator positive."""
    sign = -1 if denominator < 0 else 1
    divisor = gcd(denominator, *(tap for term in terms for tap in term.column)) * sign
    return ExactFactors(
        tuple(ExactTerm(tuple(tap // divisor for tap in term.column), term.row) for term in terms),
        denominator // divisor,
    )


def _stack(vectors: list[Integers]) -> FloatArray:
    """Integer vectors as the rows of a float64 array, one dimension even where there are none."""
    return read_only(np.array(vectors, dtype=np.float64).reshape(len(vectors), -1))
