"""libvips' matrix files: ``3 3 16 0`` on the first line, then the rows.

file   = header row { row }                     each on a line of its own
header = width height [ scale [ offset ] ]
row    = number { separator number }            separator: any mixture of spaces, tabs, "," and '"'

libvips correlates, as we do, divides by the scale and adds the offset; the tap on the output pixel
is ``(height // 2, width // 2)``, as ours. A file called ``.mat`` is one of these. Any other text is
one if it fits this grammar and would be ragged as a plain matrix: under a header ``3 3`` of two
numbers stand three rows of three. What libvips passes over, numbers beyond the header's width and
height, is refused. Fractions such as ``1/16`` are read, but libvips itself would not.
"""

from __future__ import annotations

import re
from typing import Final

from sepfilter.errors import KernelError
from sepfilter.kernels.exact import LARGEST_EXACT_INTEGER
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.numbers import LARGEST_READ, decimal_text, number_text, parse_number
from sepfilter.kernels.text_taps import (
    check_size,
    exact_taps,
    kernel_of_fields,
    lines_of,
    scale_number,
    written_rows,
)

_SIDE: Final = re.compile(r"\+?(\d{1,9})(?:\.0*)?")
_SEPARATORS: Final = re.compile(r'[\s,"]+')


def fits_libvips(text: str) -> bool:
    """True for text that is a libvips matrix and would be ragged as a plain one."""
    lines = lines_of(text)
    if not lines or ";" in lines[0]:
        return False
    header = _fields(lines[0])
    sides = [_SIDE.fullmatch(field) for field in header[:2]]
    if not 2 <= len(header) <= 4 or None in sides:
        return False
    width, height = (int(side[1]) for side in sides if side)
    return (
        len(header) != width
        and 0 < height == len(lines) - 1
        and all(len(_fields(line)) == width for line in lines[1:])
    )


def kernel_from_libvips(text: str, name: str) -> Kernel:
    r"""Read a libvips matrix.

    Parameters
    ----------
    text : str
        The whole file.
    name : str
        How errors and reports call the kernel.

    Returns
    -------
    Kernel
        Its taps are divided by the scale, exactly where that is possible; the offset is its own.

    Raises
    ------
    KernelError
        The header is no header, or the rows do not fit it; nothing is allocated before they do.

    Examples
    --------
    >>> kernel = kernel_from_libvips("3 1 4 128\n1 2 1\n", "k")
    >>> kernel.taps.tolist(), kernel.offset
    ([[0.25, 0.5, 0.25]], 128.0)
    """
    header, *lines = lines_of(text) or [""]
    fields = _fields(header)
    sides = [_SIDE.fullmatch(field) for field in fields[:2]]
    if not 2 <= len(fields) <= 4 or None in sides:
        raise KernelError(
            f"{name}: the first line of a libvips matrix is its width and height, then perhaps scale and "
            f"offset, as 3 3 16 0, not {header[:40]!r}"
        )
    width, height = (int(side[1]) for side in sides if side)
    if 0 in (width, height):
        raise KernelError(f"{name}: the header says {width} columns and {height} rows: the kernel is empty")
    check_size(height, width, name)
    rows = [_fields(line) for line in lines]
    _check_rows(rows, height, width, name)
    scale = scale_number((fields[2:3] or ["1"])[0], name)
    written_offset = (fields[3:4] or ["0"])[0]
    offset = parse_number(written_offset)
    if offset is None:
        raise KernelError(f"{name}: the offset {written_offset[:40]!r} is not a finite number")
    return kernel_of_fields(rows, name, scale=scale, offset=offset.value)


def kernel_to_libvips(kernel: Kernel) -> tuple[str, bool]:
    r"""Write a libvips matrix; the anchor is the caller's to check.

    Fractions become whole numbers, with their common denominator as the scale.

    Returns
    -------
    text : str
        The whole file.
    rounded : bool
        True where a number had to be rounded to float64.

    Examples
    --------
    >>> kernel_to_libvips(Kernel.from_taps([[1, 2, 1]]))
    ('3 1\n1 2 1\n', False)
    """
    exact, scale = exact_taps(kernel), 1
    rows, rounded = written_rows(kernel, decimal_text)
    # libvips reads float64; longer whole numbers are written only where decimals would be rounded.
    longest = LARGEST_READ if rounded else LARGEST_EXACT_INTEGER
    if exact is not None and exact.largest <= longest:
        rows = [[str(tap) for tap in row] for row in exact.numerators]
        scale, rounded = exact.denominator, False
    header = _header(kernel, str(scale))
    return "".join(" ".join(line) + "\n" for line in (header, *rows)), rounded


def _fields(line: str) -> list[str]:
    """The numbers of a line."""
    return [field for field in _SEPARATORS.split(line) if field]


def _check_rows(rows: list[list[str]], height: int, width: int, name: str) -> None:
    """Hold what follows against the header."""
    for place, row in enumerate(rows, 1):
        if len(row) != width:
            raise KernelError(
                f"{name}: row {place} has {len(row)} columns, but the header says {width}: "
                "correct the header, or a decimal comma"
            )
    if len(rows) != height:
        raise KernelError(
            f"{name}: the header says {height} rows, but {len(rows)} follow: correct one of them"
        )


def _header(kernel: Kernel, scale: str) -> list[str]:
    """Width, height, and what is needed of scale and offset.

    A header of as many numbers as the rows have would read as one more row where the file's name
    does not tell that it is libvips'.
    """
    full = [str(kernel.width), str(kernel.height), scale, number_text(kernel.offset)]
    least = 4 if kernel.offset else 3 if scale != "1" else 2
    return full[: next((count for count in range(least, 5) if count != kernel.width), 4)]
