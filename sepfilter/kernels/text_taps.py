"""What all kernels in text share: lines, fields, and the way from fields to a kernel and back."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Final

from sepfilter.errors import KernelError
from sepfilter.kernels.exact import MAX_SIDE, ExactTaps, common_denominator
from sepfilter.kernels.kernel import MAX_TAPS_A_SIDE, DenseTaps, Kernel
from sepfilter.kernels.numbers import LARGEST_READ, Number, number_text, parse_float, parse_number

EXAMPLE: Final = "'1 2 1; 2 4 2; 1 2 1'"
ONE: Final = Number(1.0, Fraction(1))

_DECIMAL_COMMA: Final = re.compile(r"[+-]?\d+,\d+")
_COMPLEX: Final = re.compile(r"\(?[\d.eE+-]+[ij]\)?", re.IGNORECASE)


def lines_of(text: str) -> list[str]:
    """Lines that say something: without what follows a ``#``, without empty ones."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def fields_of(line: str) -> list[str]:
    """The fields of a row, separated by spaces or single commas.

    An empty field between two commas stays, to be named in the error.
    """
    if "," not in line:
        return line.split()
    parts = [part.split() or [""] for part in line.strip().removesuffix(",").split(",")]
    return [field for part in parts for field in part]


def kernel_of_fields(
    rows: list[list[str]],
    name: str,
    *,
    scale: Number = ONE,
    anchor: tuple[int, int] | None = None,
    offset: float = 0.0,
) -> Kernel:
    """Make a kernel of written numbers, exactly up to `MAX_SIDE` taps a side.

    Parameters
    ----------
    rows : list of list of str
        One field for each tap.
    name : str
        How errors and reports call the kernel.
    scale : Number
        Divides the taps; not 0.
    anchor : (int, int), optional
        The tap (ay, ax) on the output pixel.
    offset : float
        Added to every filtered sample.

    Raises
    ------
    KernelError
        The rows are none or ragged, or a field is no finite number.

    Examples
    --------
    >>> kernel_of_fields([["1", "1/2"]], "k").taps.tolist()
    [[1.0, 0.5]]
    """
    height, width = _shape(rows, name)
    place = anchor or (height // 2, width // 2)
    if max(height, width) > MAX_SIDE:
        values = [[_float(field, y, x, name) for x, field in enumerate(row)] for y, row in enumerate(rows)]
        if scale != ONE:
            values = [[tap / scale.value for tap in row] for row in values]
        return _kernel(values, None, name, place, offset)
    numbers = [[_number(field, y, x, name) for x, field in enumerate(row)] for y, row in enumerate(rows)]
    exact = _exact(numbers, scale)
    if exact is None:
        values = [[number.value / scale.value for number in row] for row in numbers]
    else:
        values = [[_as_float(tap, y, x, name) for x, tap in enumerate(row)] for y, row in enumerate(exact)]
    return _kernel(values, exact, name, place, offset)


def scale_number(field: str, name: str) -> Number:
    """What divides all taps, from a header or an object.

    Raises
    ------
    KernelError
        It is no finite number, or 0.
    """
    number = parse_number(field)
    if number is None:
        raise KernelError(f"{name}: the scale {field[:40]!r} is not a finite number")
    if number.value == 0:
        raise KernelError(f"{name}: the scale is {field[:40]}: the taps are divided by it, so it is not 0")
    return number


def refusal(field: str) -> str:
    """Why a field is no tap, for the end of an error message."""
    if not field:
        return "a number is missing between two commas"
    if _DECIMAL_COMMA.fullmatch(field):
        return f"{field[:40]!r} has a decimal comma: write {field[:40].replace(',', '.')}"
    if _COMPLEX.fullmatch(field):
        return f"{field[:40]!r} is complex: a tap is a real number"
    return f"{field[:40]!r} is not a finite number"


def exact_taps(kernel: Kernel) -> ExactTaps | None:
    """The taps as fractions, where they are known as such and few enough."""
    form = kernel.form
    if isinstance(form, DenseTaps):
        return form.exact
    if form.exact is None or max(kernel.height, kernel.width) > MAX_SIDE:
        return None
    return form.exact.multiplied_out()


def written_rows(kernel: Kernel, write: Callable[[Fraction], str | None]) -> tuple[list[list[str]], bool]:
    """The taps as text.

    Parameters
    ----------
    kernel : Kernel
        Its fractions are written by `write`, and by the nearest float64 where that gives None; a
        kernel without fractions is written as the float64 numbers that it is made of.
    write : callable
        From a fraction to text.

    Returns
    -------
    rows : list of list of str
        One for each row of taps.
    rounded : bool
        True where a fraction could not be written exactly.
    """
    exact = exact_taps(kernel)
    if exact is None:
        return [[number_text(tap) for tap in row] for row in kernel.taps.tolist()], False
    fractions = [[Fraction(tap, exact.denominator) for tap in row] for row in exact.numerators]
    written = [[write(tap) for tap in row] for row in fractions]
    rounded = any(text is None for row in written for text in row)
    rows = [
        [number_text(float(tap)) if text is None else text for text, tap in zip(texts, taps, strict=True)]
        for texts, taps in zip(written, fractions, strict=True)
    ]
    return rows, rounded


def fraction_text(value: Fraction) -> str | None:
    """``1/16``, or None where it is longer than what is read back exactly."""
    short = max(abs(value.numerator), value.denominator) <= LARGEST_READ
    return number_text(value) if short else None


def _shape(rows: list[list[str]], name: str) -> tuple[int, int]:
    """Height and width of rows of equal length."""
    if not rows:
        raise KernelError(f"{name}: the kernel is empty: give rows of numbers, as {EXAMPLE}")
    width = len(rows[0])
    if width == 0:
        raise KernelError(f"{name}: row 1 is empty: give numbers, as {EXAMPLE}")
    for place, row in enumerate(rows, 1):
        if len(row) != width:
            raise KernelError(
                f"{name}: row {place} has {len(row)} columns, but row 1 has {width}: make them equal"
            )
    check_size(len(rows), width, name)
    return len(rows), width


def check_size(height: int, width: int, name: str) -> None:
    """Refuse more taps a side than `MAX_TAPS_A_SIDE`, before anything of that size is made."""
    if max(height, width) > MAX_TAPS_A_SIDE:
        raise KernelError(f"{name}: {height} x {width} taps, but {MAX_TAPS_A_SIDE} a side is the limit")


def _number(field: str, y: int, x: int, name: str) -> Number:
    """One tap, or an error that names its place."""
    number = parse_number(field)
    if number is None:
        raise _refused(field, y, x, name)
    return number


def _float(field: str, y: int, x: int, name: str) -> float:
    """One tap of a kernel too large to be kept exactly."""
    value = parse_float(field)
    if value is None:
        raise _refused(field, y, x, name)
    return value


def _refused(field: str, y: int, x: int, name: str) -> KernelError:
    """The error for a field that is no number."""
    return KernelError(f"{name}: row {y + 1}, column {x + 1}: {refusal(field)}")


def _as_float(tap: Fraction, y: int, x: int, name: str) -> float:
    """The nearest float64; a scale may have made the tap too large for any."""
    try:
        return float(tap)
    except OverflowError:
        raise KernelError(
            f"{name}: row {y + 1}, column {x + 1}: divided by the scale it is beyond what float64 can hold"
        ) from None


def _exact(numbers: list[list[Number]], scale: Number) -> list[list[Fraction]] | None:
    """The taps as fractions over the scale, unless one of them is too long."""
    if not scale.exact:
        return None
    rows: list[list[Fraction]] = []
    for row in numbers:
        fractions = [number.exact / scale.exact for number in row if number.exact is not None]
        if len(fractions) < len(row):
            return None
        rows.append(fractions)
    return rows


def _kernel(
    values: list[list[float]],
    exact: list[list[Fraction]] | None,
    name: str,
    anchor: tuple[int, int],
    offset: float,
) -> Kernel:
    """The kernel, with its own checks; fractions are kept where a denominator of use is common to them."""
    if exact is not None and common_denominator(tap for row in exact for tap in row) is None:
        exact = None
    form = Kernel.from_taps(values, name=name, exact=None if exact is None else ExactTaps.of(exact)).form
    return Kernel(name, form, anchor, offset)
