"""Kernels as JSON: an array of rows, or an object that says more.

kernel  = rows | object
rows    = [[number, ...], ...] | [number, ...]         the second is a single row
object  = {"kernel": rows, ...} | {"factors": [{"column": [...], "row": [...]}, ...], ...}
          with "scale", "denominator": numbers that the taps are divided by, "offset": number,
          "anchor": [y, x], "name": text
number  = JSON's, or text as "1/16"

Numbers are taken as they are written, 0.1 being a tenth. An object has `kernel` or `factors`; factors
are outer products of a column and a row, and the kernel is their sum. The offset is added after the
division. Anything else in the object is refused, and so is a text nested deeper than 100.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sepfilter.errors import KernelError
from sepfilter.kernels.json_factors import factor_members, kernel_from_factors
from sepfilter.kernels.json_text import load_json, numbers_text, short, written
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.numbers import LARGEST_READ, Number, number_text, parse_number
from sepfilter.kernels.preset import nearest
from sepfilter.kernels.text_taps import (
    EXAMPLE,
    exact_taps,
    kernel_of_fields,
    scale_number,
)

if TYPE_CHECKING:  # which imports the notation, and with it this module
    from sepfilter.kernels.factorization import Factorization

KEYS: Final = ("kernel", "factors", "scale", "denominator", "offset", "anchor", "name")
_MAX_NAME: Final = 200


def kernel_from_json(text: str, name: str) -> Kernel:
    """Read a kernel from JSON.

    Parameters
    ----------
    text : str
        An array of rows, or an object as the top of this module describes it.
    name : str
        How errors call the kernel, and reports unless the object has a name.

    Raises
    ------
    KernelError
        It is not JSON, not a kernel, ragged, or holds what is not a finite number.

    Examples
    --------
    >>> kernel = kernel_from_json('{"kernel": [1, 2, 1], "scale": 4, "anchor": [0, 0]}', "k")
    >>> kernel.taps.tolist(), kernel.anchor
    ([[0.25, 0.5, 0.25]], (0, 0))
    """
    value = load_json(text, name)
    if isinstance(value, list):
        return kernel_of_fields(_rows(value, name), name)
    if not isinstance(value, dict):
        raise KernelError(
            f"{name}: a JSON kernel is an array of rows, as [[1, 2, 1], [2, 4, 2]], or an object"
        )
    return _from_object(value, name)


def kernel_to_json(kernel: Kernel) -> tuple[str, bool]:
    """Write a kernel as an object.

    Fractions become whole numbers, with their common denominator as the scale.

    Returns
    -------
    text : str
        A line for each row.
    rounded : bool
        True where a number had to be rounded to float64.

    Examples
    --------
    >>> print(kernel_to_json(Kernel.from_taps([[1, 2, 1]], name="k"))[0], end="")
    {
      "name": "k",
      "kernel": [
        [1, 2, 1]
      ]
    }
    """
    exact = exact_taps(kernel)
    rows: Sequence[Sequence[float | int]]
    if exact is None or exact.largest > LARGEST_READ:
        rows, denominator, rounded = kernel.taps.tolist(), 1, exact is not None
    else:
        rows, denominator, rounded = exact.numerators, exact.denominator, False
    lines = ",\n".join(f"    {numbers_text(row)}" for row in rows)
    members = [f'"kernel": [\n{lines}\n  ]']
    if denominator != 1:
        members.append(f'"scale": {denominator}')
    return _object(kernel, members), rounded


def factors_to_json(kernel: Kernel, found: Factorization) -> str:
    """Write a kernel as a sum of outer products, as integers where these are known.

    Parameters
    ----------
    kernel : Kernel
        Its name, anchor and offset are written.
    found : Factorization
        Its factors, at least one.
    """
    return _object(kernel, factor_members(found))


def _rows(value: Any, name: str) -> list[list[str]]:
    """The rows of an array, each number as it was written."""
    if not isinstance(value, list):
        raise KernelError(f"{name}: the kernel is {short(value)}: give an array of rows, as [[1, 2, 1]]")
    if not value or value == [[]]:
        raise KernelError(f"{name}: row 1 is empty: give numbers, as {EXAMPLE}")
    rows = value if isinstance(value[0], list) else [value]
    return [_row(row, place, name) for place, row in enumerate(rows, 1)]


def _row(row: Any, place: int, name: str) -> list[str]:
    """One row as written numbers."""
    if not isinstance(row, list):
        raise KernelError(f"{name}: row {place} is {short(row)}: every row is an array of numbers")
    if not row:
        raise KernelError(f"{name}: row {place} is empty: every row is an array of numbers")
    for column, field in enumerate(row, 1):
        if isinstance(field, list):
            raise KernelError(
                f"{name}: row {place}, column {column}: an array: a kernel has rows and columns only"
            )
    return [written(field) for field in row]


def _from_object(value: dict[str, Any], name: str) -> Kernel:
    """The kernel that an object describes."""
    for key in value:
        if key not in KEYS:
            near = nearest(key, list(KEYS)) or f": it has {', '.join(KEYS)}"
            raise KernelError(f"{name}: a JSON kernel has no {key[:40]!r}{near}")
    if ("kernel" in value) == ("factors" in value):
        both = "both 'kernel' and 'factors'" if "kernel" in value else "no 'kernel' and no 'factors'"
        raise KernelError(f"{name}: the JSON object has {both}: give one of them")
    scale = _product(
        scale_number(written(value.get("scale", "1")), name),
        scale_number(written(value.get("denominator", "1")), name),
        name,
    )
    offset = parse_number(written(value.get("offset", "0")))
    if offset is None:
        raise KernelError(f"{name}: the offset {short(value['offset'])} is not a finite number")
    if "kernel" in value:
        kernel = kernel_of_fields(_rows(value["kernel"], name), name, scale=scale)
    else:
        kernel = kernel_from_factors(value["factors"], scale, name)
    anchor = _anchor(value["anchor"], name) if "anchor" in value else kernel.anchor
    placed = Kernel(name, kernel.form, anchor, offset.value)
    return replace(placed, name=_title(value["name"], name)) if "name" in value else placed


def _product(one: Number, other: Number, name: str) -> Number:
    """Scale times denominator."""
    exact = one.exact * other.exact if one.exact and other.exact else None
    value = one.value * other.value
    if value == 0 or abs(value) == float("inf"):
        raise KernelError(f"{name}: scale times denominator is beyond what float64 can hold")
    return Number(value, exact)


def _anchor(value: Any, name: str) -> tuple[int, int]:
    """The anchor as row and column of a tap."""
    if (
        not isinstance(value, list)
        or len(value) != 2
        or not all(isinstance(place, str) and re.fullmatch(r"\d{1,9}", place) for place in value)
    ):
        raise KernelError(
            f"{name}: the anchor is [y, x], two whole numbers counted from 0, not {short(value)}"
        )
    return int(value[0]), int(value[1])


def _title(value: Any, name: str) -> str:
    """The kernel's own name."""
    if not (isinstance(value, str) and value.strip() and value.isprintable() and len(value) <= _MAX_NAME):
        raise KernelError(
            f"{name}: the name is {short(value)}: give at most {_MAX_NAME} printable characters"
        )
    return value


def _object(kernel: Kernel, members: list[str]) -> str:
    """The object with all that the kernel is beside its taps."""
    name = "".join(sign if sign.isprintable() else "?" for sign in kernel.name)[:_MAX_NAME]
    if name.strip():
        members = [f'"name": {json.dumps(name)}', *members]
    if kernel.anchor != (kernel.height // 2, kernel.width // 2):
        members.append(f'"anchor": {list(kernel.anchor)}')
    if kernel.offset:
        members.append(f'"offset": {number_text(kernel.offset)}')
    inside = ",\n".join(f"  {member}" for member in members)
    return f"{{\n{inside}\n}}\n"
