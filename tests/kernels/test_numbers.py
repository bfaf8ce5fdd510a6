"""Numbers in text: which are read, how exactly, and which are refused."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.kernels.numbers import MAX_DIGITS, parse_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", Fraction(0)),
        ("-7", Fraction(-7)),
        ("+7", Fraction(7)),
        ("1.", Fraction(1)),
        (".5", Fraction(1, 2)),
        ("-.25", Fraction(-1, 4)),
        ("0.1", Fraction(1, 10)),
        ("1.5e-3", Fraction(3, 2000)),
        ("2E+2", Fraction(200)),
        ("1/16", Fraction(1, 16)),
        ("-1/3", Fraction(-1, 3)),
        ("1/-3", Fraction(-1, 3)),
        ("1.5/2.5", Fraction(3, 5)),
        ("1e400/1e400", Fraction(1)),
    ],
)
def test_decimals_and_fractions_are_kept_exactly(text: str, value: Fraction) -> None:
    """A decimal or a fraction is read as the rational it spells, and as its nearest float64."""
    number = parse_number(text)
    assert number is not None
    assert number.exact == value
    assert number.value == float(value)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "x", "1 ", " 1", "1\n", "--1", "+-1", "1e", "e1", ".", "0x10", "1_000", "1,5"),
        *("inf", "-inf", "nan", "Infinity", "/", "1/", "/2", "1/2/3", "1 /2", "1j", "½"),
    ],
)
def test_what_is_no_number_is_none(text: str) -> None:
    """Text that is not one decimal or one fraction is no number."""
    assert parse_number(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("1/0", "0/0", "1/0.0", "1/0e-900", "1e309", "-1e309", "1e999999999", "1/1e-400"),
        *("1" + "0" * 400, "9" * 10_000),
    ],
)
def test_what_is_not_finite_is_none(text: str) -> None:
    """A division by zero, or a value beyond float64, is no number."""
    assert parse_number(text) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=100, deadline=None)
def test_a_float_printed_by_python_comes_back(value: float) -> None:
    """The shortest decimal of a float64 is read as the same float64."""
    number = parse_number(repr(value))
    assert number is not None
    assert number.value == value
    assert number.exact == Fraction(repr(value))


@given(st.fractions(max_denominator=10**9))
@settings(max_examples=50, deadline=None)
def test_a_fraction_printed_by_python_comes_back(value: Fraction) -> None:
    """A fraction written as numerator/denominator is read without any loss."""
    number = parse_number(str(value))
    assert number is not None
    assert number.exact == value


@given(st.text(max_size=12))
@settings(max_examples=100, deadline=None)
def test_any_text_gives_a_finite_number_or_none(text: str) -> None:
    """No text whatever raises an exception, or gives an infinity or NaN."""
    number = parse_number(text)
    assert number is None or abs(number.value) < float("inf")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-401", 0.0),
        ("0." + "3" * MAX_DIGITS, 1 / 3),
        ("1e-99999", 0.0),
        ("0e500", 0.0),
        ("2/1e-00001", 20.0),
    ],
)
def test_overlong_numbers_are_float64_only(text: str, value: float) -> None:
    """Numbers with more digits, or larger exponents, than are worth it have no exact value."""
    number = parse_number(text)
    assert number is not None
    assert number.value == value
    assert number.exact is None


def test_a_denormal_is_kept_exactly() -> None:
    """The smallest float64 is neither lost nor taken for zero."""
    number = parse_number("5e-324")
    assert number is not None
    assert number.value == 5e-324
    assert number.exact == Fraction(5, 10**324)


def test_a_json_number_is_a_number() -> None:
    """Whatever Python's json module writes for a float is read back."""
    for value in (1e22, -1e-7, 123456.789, 1.7976931348623157e308):
        number = parse_number(json.dumps(value))
        assert number is not None
        assert number.value == value
