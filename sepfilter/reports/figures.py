"""Numbers as people and as JSON read them."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Final

NOISE: Final = 1e-14
"""Share of a vector's largest value below which a number is rounding noise, shown as 0."""

_WHOLE: Final = 10**7

# From where on, how large, and called what: four digits are read without a unit.
_UNITS: Final = ((1e12, 1e12, " T"), (1e9, 1e9, " G"), (1e6, 1e6, " M"), (1e4, 1e3, " k"))


def amount(number: float) -> str:
    """A count in three digits and a unit.

    Examples
    --------
    >>> amount(1_228_800), amount(54)
    ('1.23 M', '54')
    """
    for threshold, size, unit in _UNITS:
        if abs(number) >= threshold:
            scaled = number / size
            return f"{scaled:.3g}{unit}" if abs(scaled) < 999.5 else f"{scaled:.0f}{unit}"
    return f"{number:.4g}"


def vector(values: Iterable[float], longest: int = 9) -> str:
    """A factor in brackets, integers as integers, a long one with its middle left out.

    Examples
    --------
    >>> vector([1.0, 2.0, 1.0]), vector([0.25, 1 / 3])
    ('[1 2 1]', '[0.25 0.3333]')
    """
    numbers = list(values)
    noise = NOISE * max(map(abs, numbers), default=0.0)
    words = [_number(0.0 if abs(number) < noise else number) for number in numbers]
    if len(words) > longest:
        left_out = len(words) - 2 * (longest // 2)
        half = longest // 2
        words = [*words[:half], f"... {left_out} more ...", *words[-half:]]
    return f"[{' '.join(words)}]"


def _number(value: float) -> str:
    """A whole number as such, another in four digits."""
    return f"{int(value):d}" if value == int(value) and abs(value) < _WHOLE else f"{value:.4g}"


def finite(number: float | None) -> float | None:
    """The number, or None where JSON has no word for it.

    Examples
    --------
    >>> finite(float("inf")) is None
    True
    """
    return number if number is not None and isfinite(number) else None
