"""Plain matrices: rows and columns of numbers, as text and as CSV.

text   = row { row-end row }         row-end = line end | ";"
row    = number { separator number }
separator = spaces or tabs | "," with or without spaces around it

``#`` starts a comment, empty lines are passed over, and so is a ``;`` at the end of a line. In a
``.csv`` file a ``;`` separates columns and only line ends separate rows.

A decimal comma is refused where it can be told from a separator: in a ``.csv`` with ``;`` between
the columns any comma is one, and elsewhere a comma between two digits in a row that separates by
spaces too. ``0,5,1`` alone is three numbers.
"""

from __future__ import annotations

import re
from typing import Final

from sepfilter.errors import KernelError
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.numbers import decimal_text, parse_number
from sepfilter.kernels.text_taps import (
    EXAMPLE,
    fields_of,
    fraction_text,
    kernel_of_fields,
    lines_of,
    written_rows,
)

_NAME: Final = re.compile(r"[A-Za-z][\w-]*:")
_SEPARATORS: Final = re.compile(r"[\s,;]+")
_TIGHT_COMMA: Final = re.compile(r"\d,\d")


def looks_like_a_matrix(text: str) -> bool:
    """True for text with a number among it, well-formed or not, and for no text at all."""
    stripped = text.strip()
    if not stripped:
        return True
    if _NAME.match(stripped):
        return False
    return any(parse_number(field) for field in _SEPARATORS.split(stripped))


def matrix_from_text(text: str, *, name: str, columns_by_semicolon: bool = False) -> Kernel:
    """Read a kernel from rows of numbers.

    Numbers are decimals or fractions such as ``1/16``, and kept exactly up to 64 taps a side.

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
    lines = lines_of(text.lstrip("\ufeff"))
    if not lines:
        raise KernelError(f"{name}: the kernel is empty: give rows of numbers, as {EXAMPLE}")
    if columns_by_semicolon:
        _refuse_commas_beside_semicolons(lines, name)
        rows = [line.replace(";", ",") for line in lines]
    else:
        rows = [part for line in lines for part in line.removesuffix(";").split(";")]
    _refuse_decimal_commas(rows, name)
    return kernel_of_fields([fields_of(row) for row in rows], name)


def matrix_to_text(kernel: Kernel) -> tuple[str, bool]:
    r"""Write a kernel as rows of numbers, fractions as ``1/16``.

    Returns
    -------
    text : str
        A line for each row.
    rounded : bool
        True where a number had to be rounded to float64.

    Examples
    --------
    >>> matrix_to_text(Kernel.from_taps([[1, 2], [3, 4]]))
    ('1 2\n3 4\n', False)
    """
    rows, rounded = written_rows(kernel, fraction_text)
    return "".join(" ".join(row) + "\n" for row in rows), rounded


def matrix_to_csv(kernel: Kernel) -> tuple[str, bool]:
    r"""Write a kernel as comma-separated decimals: a spreadsheet takes 1/16 for a date.

    Returns
    -------
    text : str
        A line for each row.
    rounded : bool
        True where a number had to be rounded to float64.

    Examples
    --------
    >>> matrix_to_csv(Kernel.from_taps([[0.5, 2]]))
    ('0.5,2\n', False)
    """
    rows, rounded = written_rows(kernel, decimal_text)
    return "".join(",".join(row) + "\n" for row in rows), rounded


def _refuse_commas_beside_semicolons(lines: list[str], name: str) -> None:
    """In a CSV file with ``;`` between the columns every comma is a decimal one."""
    if not any(";" in line for line in lines):
        return
    for place, line in enumerate(lines, 1):
        field = next((field.strip() for field in line.split(";") if "," in field), None)
        if field is not None:
            raise KernelError(
                f"{name}: row {place}: {field[:40]!r} has a decimal comma, for columns are separated by "
                "';' here: write decimals with a point, as 0.5"
            )


def _refuse_decimal_commas(rows: list[str], name: str) -> None:
    """A comma between two digits is no clear separator where spaces separate too."""
    for place, row in enumerate(rows, 1):
        fields = row.split()
        found = next((field for field in fields if _TIGHT_COMMA.search(field)), None)
        if found is not None and len(fields) > 1:
            raise KernelError(
                f"{name}: row {place}: {found[:40]!r} may hold a decimal comma: write decimals with a "
                "point, as 0.5, or a space after each comma that separates"
            )
