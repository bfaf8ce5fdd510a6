"""Numbers as people and as JSON read them."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor, isfinite, log10
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


def vector(values: Iterable[float], room: int = 60) -> str:
    """A factor in brackets, with its middle left out where that takes more than `room` letters.

    Examples
    --------
    >>> vector([1.0, 2.0, 1.0]), vector([0.25, 1 / 3])
    ('[1 2 1]', '[0.25 0.3333]')
    >>> vector(range(100), room=26)
    '[0 1 ... 96 more ... 98 99]'
    """
    numbers = list(values)
    noise = NOISE * max((abs(number) for number in numbers if isfinite(number)), default=0.0)
    words = [exact_or_short(0.0 if abs(number) < noise else number) for number in numbers]
    text = " ".join(words)
    if len(text) > room and len(words) > 2:
        most = min((len(words) - 1) // 2, room // 4)
        shortened = (_ends(words, kept) for kept in range(most, 0, -1))
        text = next((one for one in shortened if len(one) <= room), _ends(words, 1))
    return f"[{text}]"


def _ends(words: list[str], kept: int) -> str:
    """The first and the last words, and how many lie between."""
    return " ".join([*words[:kept], f"... {len(words) - 2 * kept} more ...", *words[-kept:]])


def exact_or_short(value: float) -> str:
    """A whole number as such, another in four digits, one beyond float64 by its limit.

    Examples
    --------
    >>> exact_or_short(3.0), exact_or_short(2 / 3), exact_or_short(5e-324), exact_or_short(float("inf"))
    ('3', '0.6667', '5e-324', '>1.8e308')
    """
    if not isfinite(value):
        return ">1.8e308" if value > 0 else "<-1.8e308"
    if value == int(value) and abs(value) < _WHOLE:
        return f"{int(value):d}"
    return min(f"{value:.4g}", repr(value), key=len)


def rounded_up(value: float) -> str:
    """At least the value, in two digits: a limit that it keeps to.

    Examples
    --------
    >>> rounded_up(0.005697), rounded_up(0.0501), rounded_up(31.0)
    ('0.0057', '0.051', '31')
    """
    words = f"{value:.2g}"
    step = 10.0 ** (floor(log10(value)) - 1) if float(words) < value else 0.0
    return f"{float(words) + step:.2g}"


def finite(number: float | None) -> float | None:
    """The number, or None where JSON has no word for it.

    Examples
    --------
    >>> finite(float("inf")) is None
    True
    """
    return number if number is not None and isfinite(number) else None


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "term"), counted(2563, "tap")
    ('1 term', '2,563 taps')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def times_fewer(few: float, many: float) -> str:
    """How much less one count is than another.

    Examples
    --------
    >>> times_fewer(3202, 2563201), times_fewer(6, 9)
    ('800 times fewer', '1.5 times fewer')
    """
    return f"{three_digits(many / few)} times fewer"


def three_digits(number: float) -> str:
    """A predicted or average number, not more precise than it is.

    Examples
    --------
    >>> three_digits(34.678), three_digits(158154.2), three_digits(0.6)
    ('34.7', '158,000', '0.6')
    """
    return f"{float(f'{number:.3g}'):,.9g}"
