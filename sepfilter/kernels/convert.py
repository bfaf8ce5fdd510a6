"""Writing kernels in the notations of other programs: which can hold what, and what to say about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Final

import numpy as np

from sepfilter.errors import KernelError, OptionError
from sepfilter.kernels.arrays import FloatArray
from sepfilter.kernels.exact import ExactFactors, ExactTerm
from sepfilter.kernels.factorization import Factorization, factorize
from sepfilter.kernels.gmic import gmic_centre, kernel_to_gmic
from sepfilter.kernels.imagemagick import kernel_to_imagemagick
from sepfilter.kernels.kernel import AnyKernel, FactoredTaps, Gradient, Kernel
from sepfilter.kernels.kernel_files import MAX_FILE_BYTES
from sepfilter.kernels.kernel_json import factors_to_json, kernel_to_json
from sepfilter.kernels.libvips import kernel_to_libvips
from sepfilter.kernels.matrix_text import matrix_to_csv, matrix_to_text
from sepfilter.kernels.numbers import number_text
from sepfilter.kernels.numpy_files import factors_to_npz, kernel_to_npy, kernel_to_npz
from sepfilter.values import value


def _our_centre(height: int, width: int) -> tuple[int, int]:
    """The anchor that is meant where none is written."""
    return height // 2, width // 2


@value
class Notation:
    """A way to write kernels.

    Attributes
    ----------
    name : str
        As ``--to`` takes it.
    write : callable
        From a kernel to text or bytes, and whether a fraction had to be rounded.
    centre : callable or None
        From height and width to the anchor that this notation means; None where it can say any.
    holds_offset : bool
        True where the kernel's offset is written too.
    """

    name: str
    write: Callable[[Kernel], tuple[str | bytes, bool]]
    centre: Callable[[int, int], tuple[int, int]] | None = None
    holds_offset: bool = False


NOTATIONS: Final = {
    notation.name: notation
    for notation in (
        Notation("imagemagick", kernel_to_imagemagick),
        Notation("libvips", kernel_to_libvips, _our_centre, holds_offset=True),
        Notation("json", kernel_to_json, holds_offset=True),
        Notation("csv", matrix_to_csv, _our_centre),
        Notation("text", matrix_to_text, _our_centre),
        Notation("gmic", kernel_to_gmic, gmic_centre),
        Notation("npy", kernel_to_npy, _our_centre),
        Notation("npz", kernel_to_npz, holds_offset=True),
    )
}

_OPERATORS: Final = {
    "imagemagick": ("ImageMagick's -morphology Correlate", "-morphology Convolve"),
    "gmic": ("G'MIC's correlate", "convolve"),
}
"""Which operator takes a kernel as it is written, and which turns it first."""


@value
class Converted:
    """A kernel in another notation.

    Attributes
    ----------
    content : bytes
        What to write to the file.
    notes : tuple of str
        What the reader of the file has to know, a sentence each.
    """

    content: bytes
    notes: tuple[str, ...]


def convert(cascade: Sequence[AnyKernel], to: str, *, factors: bool = False) -> Converted:
    r"""Write kernels in a notation.

    Parameters
    ----------
    cascade : sequence of Kernel
        One kernel; ImageMagick's notation takes a list of several.
    to : str
        A name in `NOTATIONS`.
    factors : bool
        Write columns and rows instead of taps: exact ones where these are known. ImageMagick takes
        those of a separable kernel, as two kernels; JSON and ``.npz`` take any.

    Returns
    -------
    Converted

    Raises
    ------
    OptionError
        The notation is unknown, or holds no factors.
    KernelError
        The notation cannot hold this kernel without changing what it does.

    Examples
    --------
    >>> convert([Kernel.from_taps([[1, 2, 1]])], "libvips").content
    b'3 1\n1 2 1\n'
    """
    notation = NOTATIONS.get(to)
    if notation is None:
        raise OptionError(f"{to!r}: no such notation: give one of {', '.join(NOTATIONS)}")
    kernels = [_single(kernel) for kernel in cascade]
    if len(kernels) != 1 and to != "imagemagick":
        raise KernelError(
            f"a list of {len(kernels)} kernels: {to} holds one: convert them one at a time, or to imagemagick"
        )
    for kernel in kernels:
        _check_anchor(kernel, notation)
    if factors:
        written, rounded = _written_factors(kernels, notation)
    else:
        written, rounded = _written(kernels, notation)
    content = written if isinstance(written, bytes) else written.encode()
    return Converted(content, _notes(kernels, notation, content, rounded=rounded))


def _single(kernel: AnyKernel) -> Kernel:
    """Refuse a gradient: its magnitude is no kernel."""
    if isinstance(kernel, Gradient):
        raise KernelError(
            f"{kernel.name}: a gradient is two kernels: convert {kernel.x.name} and {kernel.y.name}"
        )
    return kernel


def _check_anchor(kernel: Kernel, notation: Notation) -> None:
    """Refuse to move the image: an anchor that is not written is another filter."""
    if notation.centre is None:
        return
    centre = notation.centre(kernel.height, kernel.width)
    if kernel.anchor != centre:
        raise KernelError(
            f"{kernel.name}: its anchor is row {kernel.anchor[0]}, column {kernel.anchor[1]} (from 0), but "
            f"{notation.name} has no anchor and means row {centre[0]}, column {centre[1]}: use json, npz or "
            "imagemagick"
        )


def _written(kernels: list[Kernel], notation: Notation) -> tuple[str | bytes, bool]:
    """The taps; of several kernels as ImageMagick's list."""
    if notation.name != "imagemagick":
        return notation.write(kernels[0])
    parts = [kernel_to_imagemagick(kernel) for kernel in kernels]
    return "; ".join(text for text, _ in parts) + "\n", any(rounded for _, rounded in parts)


def _written_factors(kernels: list[Kernel], notation: Notation) -> tuple[str | bytes, bool]:
    """Columns and rows."""
    found = [factorize(kernel) for kernel in kernels]
    for kernel, factorization in zip(kernels, found, strict=True):
        if factorization.rank == 0:
            raise KernelError(f"{kernel.name}: all taps are 0: there are no factors: leave out --factors")
    if notation.name == "json":
        return factors_to_json(kernels[0], found[0]), False
    if notation.name == "npz":
        columns, rows, rounded = _float_factors(found[0])
        return factors_to_npz(kernels[0], columns, rows), rounded
    if notation.name != "imagemagick":
        raise OptionError(f"{notation.name} holds no factors: use --to imagemagick, json or npz")
    passes: list[Kernel] = []
    for kernel, factorization in zip(kernels, found, strict=True):
        if factorization.rank > 1:
            raise KernelError(
                f"{kernel.name}: its rank is {factorization.rank}, and two kernels that run one after the "
                "other have rank 1: use --to json or npz, or leave out --factors"
            )
        passes += _column_and_row(kernel, factorization)
    return _written(passes, notation)


def _float_factors(found: Factorization) -> tuple[FloatArray, FloatArray, bool]:
    """Factors as float64, shapes (R, kh) and (R, kw), and whether that rounds a fraction."""
    integers = found.integers
    if integers is None:
        return found.columns, found.rows, found.exact is not None
    rows = integers.rows / integers.denominator
    taps = [Fraction(tap, integers.denominator) for term in integers.terms for tap in term.row]
    return integers.columns, rows, taps != [Fraction(value) for value in rows.ravel().tolist()]


def _column_and_row(kernel: Kernel, found: Factorization) -> list[Kernel]:
    """The two passes of a separable kernel; the row carries the denominator."""
    ay, ax = kernel.anchor
    exact = found.exact
    if exact is not None and len(exact.terms) == 1:
        (term,) = exact.terms
        column = _line(ExactTerm(term.column, (1,)), 1)
        row = _line(ExactTerm((1,), term.row), exact.denominator)
    else:
        column = Kernel.from_taps(found.columns[:1].T)
        row = Kernel.from_taps(found.rows[:1])
    return [Kernel(kernel.name, column.form, (ay, 0)), Kernel(kernel.name, row.form, (0, ax))]


def _line(term: ExactTerm, denominator: int) -> Kernel:
    """One pass, kept exactly."""
    column = np.array([float(tap) for tap in term.column])
    row = np.array([tap / denominator for tap in term.row])
    return Kernel.from_factors(column, row, exact=ExactFactors((term,), denominator))


def _notes(kernels: list[Kernel], notation: Notation, content: bytes, *, rounded: bool) -> tuple[str, ...]:
    """What is not in the file, and how it is to be used."""
    notes = []
    if notation.name in _OPERATORS:
        right, other = _OPERATORS[notation.name]
        if all(_is_its_own_turn(kernel) for kernel in kernels):
            notes.append(f"for {right} or {other}: this kernel is the same turned by 180 degrees")
        else:
            notes.append(f"written for {right}: {other} turns kernels by 180 degrees, and filters otherwise")
    if not notation.holds_offset:
        notes.extend(
            f"the offset {number_text(kernel.offset)} of {kernel.name} is not in the file: {notation.name} "
            "has no place for it, so add it to the result"
            for kernel in kernels
            if kernel.offset
        )
    if rounded:
        notes.append(f"fractions are rounded to float64: {notation.name} cannot hold all of them")
    if len(content) > MAX_FILE_BYTES:
        notes.append(
            f"the file has {len(content) / 2**20:.0f} MiB, more than the {MAX_FILE_BYTES // 2**20} that "
            "sepfilter reads: --factors --to npz is smaller where the rank is low"
        )
    return tuple(notes)


def _is_its_own_turn(kernel: Kernel) -> bool:
    """True where turning by 180 degrees changes nothing: taps and anchor."""
    turned = kernel.flipped()
    if turned.anchor != kernel.anchor:
        return False
    form = kernel.form
    if isinstance(form, FactoredTaps):  # their outer product may be large
        column, row = form.column[::-1], form.row[::-1]
        return any(
            np.array_equal(form.column, sign * column) and np.array_equal(form.row, sign * row)
            for sign in (1, -1)
        )
    return np.array_equal(turned.taps, kernel.taps)
