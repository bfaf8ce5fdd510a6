"""Kernels as text: rows and columns of numbers, and JSON arrays of them."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from typing import Any, Final

from sepfilter.errors import KernelError
from sepfilter.kernels.exact import MAX_SIDE, ExactTaps
from sepfilter.kernels.kernel import MAX_TAPS_A_SIDE, Kernel
from sepfilter.kernels.numbers import Number, parse_number

_NAME: Final = re.compile(r"[A-Za-z][\w-]*:")
_SEPARATORS: Final = re.compile(r"[\s,;]+")


def looks_like_a_matrix(text: str) -> bool:
    """True for text that is meant as taps, well-formed or not: JSON, or with a number among it."""
    stripped = text.strip()
    if not stripped or stripped.startswith(("[", "{")):
        return True
    if _NAME.match(stripped):
        return False
    return any(parse_number(field) for field in _SEPARATORS.split(stripped))


def matrix_from_text(text: str, *, name: str, columns_by_semicolon: bool = False) -> Kernel:
    """Read a kernel from rows of numbers or from a JSON array.

    Rows end at a line end or at ``;``. Within a row numbers are separated by spaces, tabs or single
    commas. Numbers are decimals or fractions such as ``1/16``, and kept exactly. A text that begins
    with ``[`` is a JSON array of rows, or of numbers for a single row. Lines that begin with ``#``
    and empty lines are passed over.

    Parameters
    ----------
    text : str
        The matrix.
    name : str
        How errors and reports call it.
    columns_by_semicolon : bool
        In a ``.csv`` file ``;`` separates columns, as spreadsheets write it, and only line ends
        separate rows.

    Returns
    -------
    Kernel

    Raises
    ------
    KernelError
        The text is empty, ragged, or holds what is not a finite number; the message names row and
        column, counted from 1.

    Examples
    --------
    >>> matrix_from_text("1 2 1; 2 4 2", name="k").taps.tolist()
    [[1.0, 2.0, 1.0], [2.0, 4.0, 2.0]]
    """
    stripped = text.lstrip("\ufeff").strip()
    if not stripped:
        raise KernelError(f"{name}: the kernel is empty: give rows of numbers, as '1 2 1; 2 4 2; 1 2 1'")
    if stripped.startswith(("[", "{")):
        return _kernel(_json_rows(stripped, name), name)
    lines = [line for line in map(_uncommented, stripped.splitlines()) if line]
    if columns_by_semicolon:
        return _kernel([_fields(line.replace(";", ",")) for line in lines], name)
    parts = [part for line in lines for part in line.removesuffix(";").split(";")]
    return _kernel([_fields(part) for part in parts], name)


def _uncommented(line: str) -> str:
    """The line without what follows a number sign."""
    return line.partition("#")[0].strip()


def _fields(line: str) -> list[str]:
    """The fields of a row; an empty one between two commas stays, to be named in the error."""
    if "," not in line:
        return line.split()
    parts = [part.split() or [""] for part in line.strip().removesuffix(",").split(",")]
    return [field for part in parts for field in part]


def _json_rows(text: str, name: str) -> list[list[str]]:
    """The rows of a JSON array, each number as it was written."""
    try:
        value = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except json.JSONDecodeError as error:
        raise KernelError(
            f"{name}: not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise KernelError(f"{name}: the JSON is nested too deeply: a kernel is an array of rows") from None
    if not isinstance(value, list):
        raise KernelError(f"{name}: a JSON kernel is an array of rows, as [[1, 2, 1], [2, 4, 2]]")
    rows = value if value and isinstance(value[0], list) else [value]
    return [_json_row(row, place, name) for place, row in enumerate(rows, 1)]


def _json_row(row: Any, place: int, name: str) -> list[str]:
    """One row of a JSON array as written numbers."""
    if not isinstance(row, list):
        raise KernelError(f"{name}: row {place} is {json.dumps(row)[:40]}: every row is an array of numbers")
    if not row:
        raise KernelError(f"{name}: row {place} is empty: every row is an array of numbers")
    return [field if isinstance(field, str) else json.dumps(field)[:40] for field in row]


def _kernel(rows: list[list[str]], name: str) -> Kernel:
    """Check the shape, read the numbers, keep them exactly where that is worth it."""
    if not rows:
        raise KernelError(f"{name}: the kernel is empty: give rows of numbers, as '1 2 1; 2 4 2; 1 2 1'")
    width = len(rows[0])
    if width == 0:
        raise KernelError(f"{name}: row 1 is empty: give numbers, as '1 2 1; 2 4 2; 1 2 1'")
    for place, row in enumerate(rows, 1):
        if len(row) != width:
            raise KernelError(
                f"{name}: row {place} has {len(row)} columns, but row 1 has {width}: make them equal"
            )
    if max(len(rows), width) > MAX_TAPS_A_SIDE:
        raise KernelError(f"{name}: {len(rows)} x {width} taps, but {MAX_TAPS_A_SIDE} a side is the limit")
    numbers = [
        [_number(field, y, x, name) for x, field in enumerate(row, 1)] for y, row in enumerate(rows, 1)
    ]
    values = [[number.value for number in row] for row in numbers]
    return Kernel.from_taps(values, name=name, exact=_exact(numbers))


def _number(field: str, row: int, column: int, name: str) -> Number:
    """One tap, or an error that names its place."""
    number = parse_number(field)
    if number is not None:
        return number
    where = f"{name}: row {row}, column {column}"
    if not field:
        raise KernelError(f"{where}: a number is missing between two commas")
    raise KernelError(f"{where}: {field[:40]!r} is not a finite number")


def _exact(numbers: list[list[Number]]) -> ExactTaps | None:
    """The taps as fractions, unless there are too many or one of them is too long."""
    if max(len(numbers), len(numbers[0])) > MAX_SIDE:
        return None
    rows: list[list[Fraction]] = []
    for row in numbers:
        fractions = [number.exact for number in row if number.exact is not None]
        if len(fractions) < len(row):
            return None
        rows.append(fractions)
    return ExactTaps.of(rows)
