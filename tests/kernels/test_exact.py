"""Exact fractions and exact factors, against plain fraction arithmetic."""

from __future__ import annotations

from fractions import Fraction
from math import gcd

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.kernels.exact import ExactFactors, ExactTaps, ExactTerm, factorize_exactly

Rows = list[list[Fraction]]

FRACTIONS = st.sampled_from(
    sorted({Fraction(n, d) for d in (1, 2, 3, 5, 12) for n in range(-9, 10)}, key=abs)
)


@st.composite
def matrices(draw: st.DrawFn, elements: st.SearchStrategy[Fraction] = FRACTIONS) -> Rows:
    """Matrices of fractions, up to 5 x 5; half of them have a repeated or a zero row."""
    height, width = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    taps = draw(st.lists(elements, min_size=height * width, max_size=height * width))
    rows = [taps[y * width : (y + 1) * width] for y in range(height)]
    if draw(st.booleans()):
        multiple = draw(st.integers(-3, 3))
        rows[draw(st.integers(0, height - 1))] = [
            multiple * tap for tap in rows[draw(st.integers(0, height - 1))]
        ]
    return rows


def rank_over_the_rationals(rows: Rows) -> int:
    """Gaussian elimination, the textbook way."""
    rest = [list(row) for row in rows]
    rank = 0
    for x in range(len(rest[0])):
        pivot = next((y for y in range(rank, len(rest)) if rest[y][x] != 0), None)
        if pivot is None:
            continue
        rest[rank], rest[pivot] = rest[pivot], rest[rank]
        for y in range(rank + 1, len(rest)):
            factor = rest[y][x] / rest[rank][x]
            rest[y] = [a - factor * b for a, b in zip(rest[y], rest[rank], strict=True)]
        rank += 1
    return rank


def fractions_of(taps: ExactTaps) -> Rows:
    """The taps one by one."""
    return [[Fraction(tap, taps.denominator) for tap in row] for row in taps.numerators]


def multiplied_out(factors: ExactFactors, height: int, width: int) -> Rows:
    """The sum of outer products, by loops."""
    return [
        [
            Fraction(sum(t.column[y] * t.row[x] for t in factors.terms), factors.denominator)
            for x in range(width)
        ]
        for y in range(height)
    ]


@given(matrices())
@settings(max_examples=50, deadline=None)
def test_fractions_over_one_denominator_keep_their_values(rows: Rows) -> None:
    """Bringing taps over one denominator changes none of them."""
    assert fractions_of(ExactTaps.of(rows)) == rows


@given(matrices())
@settings(max_examples=50, deadline=None)
def test_the_denominator_is_the_smallest_possible(rows: Rows) -> None:
    """Taps and their denominator have no common factor."""
    taps = ExactTaps.of(rows)
    assert taps.denominator > 0
    assert gcd(taps.denominator, *(tap for row in taps.numerators for tap in row)) == 1


@given(matrices(), FRACTIONS.filter(bool))
@settings(max_examples=50, deadline=None)
def test_taps_are_divided_one_by_one(rows: Rows, divisor: Fraction) -> None:
    """Dividing exact taps divides each of them, by negative numbers and fractions too."""
    divided = ExactTaps.of(rows).divided(divisor)
    assert fractions_of(divided) == [[tap / divisor for tap in row] for row in rows]


@given(matrices())
@settings(max_examples=50, deadline=None)
def test_the_sum_of_taps_is_exact(rows: Rows) -> None:
    """The sum of exact taps is the sum of the fractions."""
    assert ExactTaps.of(rows).sum == sum(tap for row in rows for tap in row)


def test_flipped_taps_are_turned_by_180_degrees() -> None:
    """Flipping reverses the rows and each row."""
    assert ExactTaps(((1, 2, 3), (4, 5, 6)), 7).flipped() == ExactTaps(((6, 5, 4), (3, 2, 1)), 7)


@given(matrices())
@settings(max_examples=50, deadline=None)
def test_exact_factors_add_up_to_the_taps(rows: Rows) -> None:
    """The sum of the outer products over the denominator is the kernel, without any error."""
    factors = factorize_exactly(ExactTaps.of(rows))
    assert multiplied_out(factors, len(rows), len(rows[0])) == rows


@given(matrices())
@settings(max_examples=50, deadline=None)
def test_there_are_as_many_terms_as_the_rank(rows: Rows) -> None:
    """The number of terms is the rank over the rationals: no shorter sum exists."""
    assert len(factorize_exactly(ExactTaps.of(rows)).terms) == rank_over_the_rationals(rows)


@given(matrices(st.integers(-(10**30), 10**30).map(Fraction)))
@settings(max_examples=25, deadline=None)
def test_integers_too_long_for_float64_are_factored_exactly(rows: Rows) -> None:
    """Taps of 30 digits lose nothing."""
    factors = factorize_exactly(ExactTaps.of(rows))
    assert multiplied_out(factors, len(rows), len(rows[0])) == rows
    assert len(factors.terms) == rank_over_the_rationals(rows)


@given(matrices())
@settings(max_examples=50, deadline=None)
def test_factors_have_lowest_terms(rows: Rows) -> None:
    """The rows are coprime, and the columns share no factor with the positive denominator."""
    factors = factorize_exactly(ExactTaps.of(rows))
    assert factors.denominator > 0
    assert all(gcd(*term.row) == 1 for term in factors.terms)
    assert gcd(factors.denominator, *(tap for t in factors.terms for tap in t.column)) == 1


@given(matrices())
@settings(max_examples=50, deadline=None)
def test_the_sum_of_factors_is_the_sum_of_taps(rows: Rows) -> None:
    """The sum told from the factors is that of the taps."""
    taps = ExactTaps.of(rows)
    assert factorize_exactly(taps).sum == sum(tap for row in rows for tap in row)


@given(matrices(), FRACTIONS.filter(bool))
@settings(max_examples=50, deadline=None)
def test_divided_factors_are_the_factors_of_divided_taps(rows: Rows, divisor: Fraction) -> None:
    """Dividing the factors divides what they add up to, and keeps the denominator positive."""
    factors = factorize_exactly(ExactTaps.of(rows)).divided(divisor)
    expected = [[tap / divisor for tap in row] for row in rows]
    assert multiplied_out(factors, len(rows), len(rows[0])) == expected
    assert factors.denominator > 0
    assert gcd(factors.denominator, *(tap for t in factors.terms for tap in t.column)) == 1


@given(matrices())
@settings(max_examples=50, deadline=None)
def test_flipped_factors_are_the_factors_of_flipped_taps(rows: Rows) -> None:
    """Flipping the factors turns what they add up to by 180 degrees."""
    factors = factorize_exactly(ExactTaps.of(rows)).flipped()
    expected = [row[::-1] for row in rows[::-1]]
    assert multiplied_out(factors, len(rows), len(rows[0])) == expected


@pytest.mark.parametrize(
    ("taps", "denominator", "column", "row"),
    [
        (((1, 2, 1), (2, 4, 2), (1, 2, 1)), 16, (1, 2, 1), (1, 2, 1)),
        (((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)), 1, (1, 2, 1), (-1, 0, 1)),
        (((1, 0, -1), (2, 0, -2), (1, 0, -1)), 1, (1, 2, 1), (1, 0, -1)),
        (((-1, -2, -1), (0, 0, 0), (1, 2, 1)), 1, (-1, 0, 1), (1, 2, 1)),
        (((1, 2, 1), (0, 0, 0), (-1, -2, -1)), 1, (1, 0, -1), (1, 2, 1)),
        (((3, 0, -3), (10, 0, -10), (3, 0, -3)), 32, (3, 10, 3), (1, 0, -1)),
        (((1, 0, -1), (0, 0, 0), (-1, 0, 1)), 4, (-1, 0, 1), (-1, 0, 1)),
    ],
)
def test_a_smoothing_factor_is_positive(
    taps: tuple[tuple[int, ...], ...],
    denominator: int,
    column: tuple[int, ...],
    row: tuple[int, ...],
) -> None:
    """Of a smoothing and a difference, the difference carries the sign; two differences rise."""
    expected = ExactFactors((ExactTerm(column, row),), denominator)
    assert factorize_exactly(ExactTaps(taps, denominator)) == expected


def test_a_plus_has_sparse_factors() -> None:
    """The Laplacian is factored without filling its zero corners: 7 nonzero factor taps."""
    taps = ExactTaps(((0, 1, 0), (1, -4, 1), (0, 1, 0)), 1)
    terms = factorize_exactly(taps).terms
    assert sum(np.count_nonzero(t.column) + np.count_nonzero(t.row) for t in terms) == 7


def test_the_centre_comes_first_among_equals() -> None:
    """Where all taps would serve, factors are built from the middle, so that they are symmetric."""
    taps = ((1, 2, 1), (3, -8, 3), (1, 2, 1))
    for rows in (taps, tuple(zip(*taps, strict=True))):
        for term in factorize_exactly(ExactTaps(rows, 1)).terms:
            assert term.column == term.column[::-1]
            assert term.row == term.row[::-1]


def test_the_distinct_lines_are_taken_where_they_are_sparser() -> None:
    """A disk's distinct rows, each with where it stands, have 39 nonzero taps; elimination leaves 45."""
    mask = (np.hypot(*np.mgrid[-5:6, -5:6]) <= 5).astype(int)
    factors = factorize_exactly(ExactTaps(tuple(map(tuple, mask.tolist())), 81))
    assert factors is not None
    assert len(factors.terms) == 4
    assert np.count_nonzero(factors.columns) + np.count_nonzero(factors.rows) == 39


def test_opposite_lines_are_one() -> None:
    """A row and its multiples, negative ones too, share a term."""
    factors = factorize_exactly(ExactTaps(((1, -2, 4), (0, 0, 0), (-3, 6, -12), (0, 5, 0)), 1))
    assert factors is not None
    assert {term.row for term in factors.terms} == {(1, -2, 4), (0, 1, 0)}
    assert {term.column for term in factors.terms} == {(1, 0, -3, 0), (0, 0, 0, 5)}


def test_taps_not_in_lowest_terms_have_factors_that_are() -> None:
    """What taps share with their denominator is cancelled."""
    expected = ExactFactors((ExactTerm((1,), (1, 2)),), 1)
    assert factorize_exactly(ExactTaps(((2, 4),), 2)) == expected


def test_all_zero_taps_have_no_terms() -> None:
    """A kernel of zeros is the empty sum."""
    factors = factorize_exactly(ExactTaps(((0, 0), (0, 0)), 1))
    assert factors.terms == ()
    assert factors.sum == 0


def test_columns_and_rows_are_read_only_arrays_of_integers() -> None:
    """The factors as arrays have one term a row, and cannot be written to."""
    factors = factorize_exactly(ExactTaps(((1, 0, 0), (0, 0, 2)), 1))
    assert factors.columns.shape == (2, 2)
    assert factors.rows.shape == (2, 3)
    np.testing.assert_array_equal(factors.columns.T @ factors.rows, [[1, 0, 0], [0, 0, 2]])
    assert not factors.columns.flags.writeable
    assert not factors.rows.flags.writeable
