"""Arrays of numbers in JSON and TOML: nested lists, each number as it was written."""

from __future__ import annotations

from itertools import chain
from typing import Any, Final

import numpy as np

from sepfilter.banks.files.error_text import shown
from sepfilter.errors import BankError
from sepfilter.kernels.arrays import FloatArray
from sepfilter.kernels.numbers import parse_float

_MOST_DIMENSIONS: Final = 4
_NOT_FINITE: Final = {
    "nan": np.nan, "inf": np.inf, "-inf": -np.inf, "infinity": np.inf, "-infinity": -np.inf,
}  # fmt: skip


def is_number(value: Any) -> bool:
    """True for a number, or text that is one: ``1``, ``"1/9"``, ``"NaN"``."""
    return _number(value) is not None


def nested_numbers(value: Any) -> FloatArray:
    """Read lists in lists as an array.

    Parameters
    ----------
    value : list
        All lists of one level are equally long; numbers may be text, as ``"1/9"``.

    Raises
    ------
    BankError
        It is ragged, empty, nested too deep, or something in it is no number.

    Examples
    --------
    >>> nested_numbers([[1, "1/4"], ["0.1", -2]]).tolist()
    [[1.0, 0.25], [0.1, -2.0]]
    """
    if not isinstance(value, list):
        raise BankError(f"{shown(value)}: give an array of numbers")
    shape: list[int] = []
    level = [value]
    while isinstance(level[0], list):
        length = len(level[0])
        if len(shape) == _MOST_DIMENSIONS:
            raise BankError(
                f"arrays nested more than {_MOST_DIMENSIONS} deep: weights have no more dimensions"
            )
        if not length:
            raise BankError("an empty array: give at least one number")
        for place, one in enumerate(level):
            if not isinstance(one, list) or len(one) != length:
                what = f"{len(one)} long" if isinstance(one, list) else shown(one)
                raise BankError(
                    f"array {place + 1} at depth {len(shape) + 1} is {what} where the first is {length} "
                    "long: make all of them equally long"
                )
        shape.append(length)
        level = list(chain.from_iterable(level))
    return np.array([_required(one) for one in level], np.float64).reshape(shape)


def _required(value: Any) -> float:
    """The number, or what is wrong with it."""
    number = _number(value)
    if number is None:
        raise BankError(f"{shown(value)} is no number: give decimals, or fractions as text, as '1/9'")
    return number


def _number(value: Any) -> float | None:
    """A number, None where it is none."""
    if isinstance(value, str):
        number = parse_float(value.strip())
        return _NOT_FINITE.get(value.strip().lower()) if number is None else number
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return None
