"""Factors of a kernel as JSON: ``[{"column": [1, 2, 1], "row": [-1, 0, 1]}]``, read and written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sepfilter.errors import KernelError
from sepfilter.kernels.arrays import FloatArray
from sepfilter.kernels.exact import ExactFactors, ExactTerm, common_denominator
from sepfilter.kernels.json_text import numbers_text, short, written
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.numbers import LARGEST_READ, Number, parse_number
from sepfilter.kernels.outer_products import sum_of_outer_products
from sepfilter.kernels.text_taps import check_size, refusal

if TYPE_CHECKING:  # which imports the notation, and with it this module
    from sepfilter.kernels.factorization import Factorization


def kernel_from_factors(value: Any, scale: Number, name: str) -> Kernel:
    """Read the sum of outer products over the scale.

    Parameters
    ----------
    value : object
        What stands behind "factors", numbers as they were written.
    scale : Number
        Divides the sum; not 0.
    name : str
        How errors and reports call the kernel.

    Raises
    ------
    KernelError
        It is no array of columns and rows of equal lengths, or holds what is not a finite number.

    Examples
    --------
    >>> term = {"column": ["1", "2", "1"], "row": ["-1", "0", "1"]}
    >>> kernel_from_factors([term], Number(8.0, None), "k").taps[1].tolist()
    [-0.25, 0.0, 0.25]
    """
    if not isinstance(value, list) or not value:
        raise KernelError(
            f"{name}: the factors are an array, as [{{'column': [1, 2, 1], 'row': [-1, 0, 1]}}]"
        )
    terms = [_term(term, place, name) for place, term in enumerate(value, 1)]
    height, width = len(terms[0][0]), len(terms[0][1])
    check_size(height, width, name)
    for place, (column, row) in enumerate(terms, 1):
        if (len(column), len(row)) != (height, width):
            raise KernelError(
                f"{name}: factor {place} is {len(column)} x {len(row)}, but factor 1 is {height} x {width}: "
                "make them equal"
            )
    columns = np.array([[tap.value for tap in column] for column, _ in terms])
    rows: FloatArray = np.array([[tap.value for tap in row] for _, row in terms])
    with np.errstate(over="ignore"):  # the kernel names the tap
        rows = rows / scale.value
    return sum_of_outer_products(columns, rows, _exact_factors(terms, scale), name)


def factor_members(found: Factorization) -> list[str]:
    """Write factors as the members of an object, as integers where these are known.

    Examples
    --------
    >>> from sepfilter.kernels.factorization import factorize
    >>> for member in factor_members(factorize([[1, 1], [1, 1]])):
    ...     print(member)
    "factors": [
        {"column": [1, 1], "row": [1, 1]}
      ]
    "denominator": 1
    """
    exact = found.exact
    pairs: list[tuple[Sequence[float | int], Sequence[float | int]]]
    if exact is not None and exact.terms and exact.largest <= LARGEST_READ:
        pairs, denominator = [(term.column, term.row) for term in exact.terms], exact.denominator
    else:
        pairs = list(zip(found.columns.tolist(), found.rows.tolist(), strict=True))
        denominator = 1
    lines = ",\n".join(
        f'    {{"column": {numbers_text(column)}, "row": {numbers_text(row)}}}' for column, row in pairs
    )
    return [f'"factors": [\n{lines}\n  ]', f'"denominator": {denominator}']


def _term(value: Any, place: int, name: str) -> tuple[list[Number], list[Number]]:
    """Column and row of one outer product."""
    if not isinstance(value, dict) or set(value) != {"column", "row"}:
        raise KernelError(
            f"{name}: factor {place} is not an object of a 'column' and a 'row': {short(value)}"
        )
    return _vector(value["column"], f"factor {place}, column", name), _vector(
        value["row"], f"factor {place}, row", name
    )


def _vector(value: Any, where: str, name: str) -> list[Number]:
    """The numbers of a column or a row."""
    if not isinstance(value, list) or not value:
        raise KernelError(f"{name}: {where}: give an array of numbers, not {short(value)}")
    numbers = []
    for place, field in enumerate(map(written, value), 1):
        number = parse_number(field)
        if number is None:
            raise KernelError(f"{name}: {where}, number {place}: {refusal(field)}")
        numbers.append(number)
    return numbers


def _exact_factors(terms: list[tuple[list[Number], list[Number]]], scale: Number) -> ExactFactors | None:
    """The factors as integers over one denominator, unless one of the numbers is too long."""
    numbers = [tap for term in terms for vector in term for tap in vector]
    if not scale.exact or any(tap.exact is None for tap in numbers):
        return None
    columns = [[tap.exact for tap in column if tap.exact is not None] for column, _ in terms]
    rows = [[tap.exact for tap in row if tap.exact is not None] for _, row in terms]
    column_part = common_denominator(tap for column in columns for tap in column)
    row_part = common_denominator(tap for row in rows for tap in row)
    if column_part is None or row_part is None:
        return None
    exact = tuple(
        ExactTerm(tuple(int(tap * column_part) for tap in column), tuple(int(tap * row_part) for tap in row))
        for column, row in zip(columns, rows, strict=True)
    )
    return ExactFactors(exact, column_part * row_part).divided(scale.exact)
