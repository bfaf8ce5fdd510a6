"""Numbers in text: decimals and fractions, kept exactly where that is possible."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Final

_DECIMAL = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_NUMBER: Final = re.compile(rf"({_DECIMAL})(?:/({_DECIMAL}))?")

MAX_DIGITS: Final = 400
"""Longer numbers, or with larger exponents, are taken as float64 only."""


@dataclass(frozen=True, slots=True)
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
