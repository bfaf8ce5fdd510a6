"""Kernels as exact fractions, and their exact factors by fraction-free elimination."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from sepfilter.kernels.arrays import FloatArray, read_only
from sepfilter.values import value

Integers: TypeAlias = tuple[int, ...]
_Scaled: TypeAlias = tuple[list[int], list[int], Fraction]

MAX_BITS: Final = 1024
"""Factorization gives up at longer integers, which no pass could use and which take seconds to find."""

LARGEST_EXACT_INTEGER: Final = 2**53
"""Integer factors beyond this are not exact in float64, so that they are of no use to compute with."""

MAX_DENOMINATOR_BITS: Final = 4096
"""A longer common denominator, as only contrived kernels have, would make every tap as long."""

MAX_SIDE: Final = 64
"""Kernels with a longer side are not kept as fractions: their exact factors grow without use."""


def common_denominator(taps: Iterable[Fraction]) -> int | None:
    """The least common denominator, or None where it would be longer than `MAX_DENOMINATOR_BITS`.

    Examples
    --------
    >>> common_denominator([Fraction(1, 4), Fraction(1, 6)])
    12
    """
    found = 1
    for tap in taps:
        found = lcm(found, tap.denominator)
        if found.bit_length() > MAX_DENOMINATOR_BITS:
            return None
    return found


@value
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

    @property
    def largest(self) -> int:
        """The largest integer in it, without its sign."""
        return max(self.denominator, *(abs(tap) for row in self.numerators for tap in row))

    @property
    def values(self) -> list[list[float]]:
        """The nearest float64 of every tap.

        Raises
        ------
        OverflowError
            A tap is beyond what float64 can hold.
        """
        return [[tap / self.denominator for tap in row] for row in self.numerators]

    def divided(self, divisor: Fraction) -> ExactTaps:
        """Divide every tap."""
        factor = Fraction(1, self.denominator) / divisor
        return ExactTaps.of([[tap * factor for tap in row] for row in self.numerators])

    def flipped(self) -> ExactTaps:
        """Turn the taps by 180 degrees."""
        return ExactTaps(tuple(row[::-1] for row in self.numerators[::-1]), self.denominator)


@value
class ExactTerm:
    """One outer product of two integer vectors."""

    column: Integers
    row: Integers

    def flipped(self) -> ExactTerm:
        """Turn the outer product by 180 degrees."""
        return ExactTerm(self.column[::-1], self.row[::-1])


@value
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

    @property
    def largest(self) -> int:
        """The largest integer in it, without its sign."""
        return max(self.denominator, *(abs(tap) for term in self.terms for tap in (*term.column, *term.row)))

    def multiplied_out(self) -> ExactTaps:
        """The taps, of one term at least, in lowest terms."""
        parts = [np.outer(*(np.array(one, object) for one in (term.column, term.row))) for term in self.terms]
        total = sum(parts[1:], start=parts[0])
        return ExactTaps.of([[Fraction(tap, self.denominator) for tap in row] for row in total.tolist()])

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

    Two ways are tried, and the one with fewer nonzero taps is taken. Either each distinct row (or
    column) is a term, where these are as few as the rank; or each step takes a pivot, and subtracts
    the outer product of its column and row over the pivot, which lowers the rank by one (Wedderburn's
    rank reduction). What is left is held over one denominator, the pivot itself, so that it stays
    integer and short (Bareiss' fraction-free elimination). The pivot is the nonzero tap whose row and
    column have the fewest nonzero taps: sparse kernels get sparse factors.

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
    eliminated = _eliminated(taps)
    if eliminated is None:
        return None
    found = [eliminated, *(lines for lines in _distinct_lines(taps) if len(lines) == len(eliminated))]
    return min((_over_one_denominator(terms, taps.denominator) for terms in found), key=_unwieldiness)


def _eliminated(taps: ExactTaps) -> list[_Scaled] | None:
    """As many terms as the rank, by elimination; None where integers grow too long."""
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
    return scaled


def _distinct_lines(taps: ExactTaps) -> Iterator[list[_Scaled]]:
    """A term for each row that is no multiple of another, then the same of columns: no integer grows."""
    yield _by_distinct_rows(taps.numerators)
    by_columns = _by_distinct_rows(tuple(zip(*taps.numerators, strict=True)))
    yield [(row, column, scale) for column, row, scale in by_columns]


def _by_distinct_rows(rows: Sequence[Integers]) -> list[_Scaled]:
    """Each distinct row, in lowest terms, with the column of how often it stands in every row."""
    places: dict[Integers, list[int]] = {}
    for y, row in enumerate(rows):
        if any(row):
            often = gcd(*row) * _reading_sign(row)
            line = tuple(tap // often for tap in row)
            places.setdefault(line, [0] * len(rows))[y] = often
    return [(column, list(line), Fraction(1)) for line, column in places.items()]


def _unwieldiness(factors: ExactFactors) -> tuple[bool, int, int]:
    """What speaks against factors: integers that float64 cannot hold, taps that are not 0, long integers."""
    taps = [abs(tap) for term in factors.terms for tap in (*term.column, *term.row)]
    largest = max(taps, default=0)
    return largest > LARGEST_EXACT_INTEGER, sum(map(bool, taps)), largest


def _sparsest_pivot(rest: npt.NDArray[np.object_]) -> tuple[int, int]:
    """The nonzero tap in the emptiest row and column, nearest the centre among equals."""
    nonzero = rest != 0
    fill = nonzero.sum(axis=1)[:, None] + nonzero.sum(axis=0)[None, :]
    y, x = np.indices(rest.shape)
    off_centre = abs(2 * y - rest.shape[0] + 1) + abs(2 * x - rest.shape[1] + 1)
    order = np.where(nonzero, fill * (2 * sum(rest.shape)) + off_centre, np.iinfo(np.int64).max)
    best = np.unravel_index(int(order.argmin()), rest.shape)
    return int(best[0]), int(best[1])


def _over_one_denominator(scaled: list[_Scaled], denominator: int) -> ExactFactors:
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


def _reading_sign(vector: Sequence[int]) -> int:
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
