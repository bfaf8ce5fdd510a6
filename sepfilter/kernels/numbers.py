"""Numbers in text: decimals and fractions, kept exactly where that is possible.

number   = decimal [ "/" decimal ]              1/16, -3, 0.25
decimal  = [ "+" | "-" ] digits [ "." digits ] [ ("e" | "E") [ "+" | "-" ] digits ]

There is no decimal comma and no thousands separator, and neither ``nan`` nor ``inf`` is a number.
"""

from __future__ import annotations

import re
from fractions import Fraction
from math import isfinite
from typing import Final

from sepfilter.values import value

_DECIMAL = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_NUMBER: Final = re.compile(rf"({_DECIMAL})(?:/({_DECIMAL}))?")
_DECIMAL_CHARACTERS: Final = "0123456789.eE+-"

MAX_DIGITS: Final = 400
"""Longer numbers, or with larger exponents, are taken as float64 only."""

LARGEST_READ: Final = 10 ** (MAX_DIGITS - 1) - 1
"""Whole numbers up to here are written so that they are read back exactly, whatever their sign."""


@value
class Number:
    """A finite number as float64, and exactly unless it is too long for that."""

    value: float
    exact: Fraction | None


def parse_number(text: str) -> Number | None:
    """Read a decimal such as ``-1.5e-3`` or a fraction such as ``1/16``.

    Parameters
    ----------
    text : str
        The number alone, without spaces around it.

    Returns
    -------
    Number or None
        None where the text is no number, or is not finite in float64.

    Examples
    --------
    >>> parse_number("0.1")
    Number(value=0.1, exact=Fraction(1, 10))
    >>> parse_number("1e999") is None
    True
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    numerator, denominator = match.groups(default="1")
    try:
        if not _is_short(numerator) or not _is_short(denominator):
            value, exact = float(numerator) / float(denominator), None
        else:
            exact = Fraction(numerator) / Fraction(denominator)
            value = float(exact)
    except (ZeroDivisionError, OverflowError):
        return None
    return Number(value, exact) if isfinite(value) else None


def _is_short(decimal: str) -> bool:
    """True where the exact value stays within `MAX_DIGITS` digits."""
    mantissa, _, exponent = decimal.lower().partition("e")
    return len(mantissa) <= MAX_DIGITS and len(exponent) < 5 and abs(int(exponent or 0)) <= MAX_DIGITS


def parse_float(text: str) -> float | None:
    """`parse_number(text).value`, several times faster for the many numbers of a large kernel.

    Examples
    --------
    >>> parse_float("1/16"), parse_float("nan")
    (0.0625, None)
    """
    if not text.strip(_DECIMAL_CHARACTERS):  # else float() would take 1_000, nan and infinity
        try:
            value = float(text)
        except ValueError:
            return None
        return value if isfinite(value) else None
    number = parse_number(text)
    return None if number is None else number.value


def number_text(value: float | Fraction) -> str:
    """Write a number so that reading it gives the same: ``1/16``, ``3``, ``0.1``.

    Examples
    --------
    >>> number_text(Fraction(1, 3)), number_text(128.0), number_text(0.1)
    ('1/3', '128', '0.1')
    """
    if isinstance(value, Fraction):
        return str(value)
    return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(float(value))


def decimal_text(value: Fraction) -> str | None:
    """Write a fraction as the shortest decimal that equals it.

    Returns
    -------
    str or None
        None where no decimal ends (1/3), or where it has more than `MAX_DIGITS` digits.

    Examples
    --------
    >>> decimal_text(Fraction(1, 16)), decimal_text(Fraction(1, 10**12)), decimal_text(Fraction(1, 3))
    ('0.0625', '1e-12', None)
    """
    places = _decimal_places(value.denominator)
    if places is None or places > MAX_DIGITS or abs(value) >= 10**MAX_DIGITS:
        return None
    digits = str(abs(value.numerator) * 10**places // value.denominator)
    significant = digits.rstrip("0") or "0"
    exponent = len(digits) - 1 - places
    if len(significant) >= MAX_DIGITS - 2:
        return None
    sign = "-" if value < 0 else ""
    if value == 0 or -6 <= exponent <= 16:
        padded = digits.zfill(places + 1)
        whole, part = padded[: len(padded) - places], padded[len(padded) - places :].rstrip("0")
        return f"{sign}{whole}.{part}" if part else f"{sign}{whole}"
    mantissa = significant[0] + (f".{significant[1:]}" if significant[1:] else "")
    return f"{sign}{mantissa}e{exponent}"


def _decimal_places(denominator: int) -> int | None:
    """How many decimals a fraction of this denominator has, None for endlessly many."""
    twos = (denominator & -denominator).bit_length() - 1
    rest, fives = denominator >> twos, 0
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    return max(twos, fives) if rest == 1 else None
