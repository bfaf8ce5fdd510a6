"""G'MIC's matrices: ``(1,2,1;2,4,2;1,2,1)``.

matrix = "(" row { ";" row } ")"     row = number { "," number }

Without the parentheses it is a plain matrix, and read as one. With them the anchor is G'MIC's
centre, ``((kh - 1) // 2, (kw - 1) // 2)``, which for even sizes is not ours. What G'MIC writes for
slices (``/``) and channels (``^``) is refused: a kernel has rows and columns only. G'MIC's
`correlate` takes a kernel as it is written, its `convolve` turns it by 180 degrees.
"""

from __future__ import annotations

from dataclasses import replace

from sepfilter.errors import KernelError
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.matrix_text import matrix_from_text
from sepfilter.kernels.numbers import decimal_text
from sepfilter.kernels.text_taps import lines_of, written_rows


def is_gmic(text: str) -> bool:
    """True for text in parentheses."""
    stripped = text.strip()
    return stripped.startswith("(") and stripped.endswith(")")


def gmic_centre(height: int, width: int) -> tuple[int, int]:
    """The tap (y, x) that G'MIC puts on the output pixel."""
    return (height - 1) // 2, (width - 1) // 2


def kernel_from_gmic(text: str, name: str) -> Kernel:
    """Read a matrix as G'MIC writes it.

    Parameters
    ----------
    text : str
        In parentheses.
    name : str
        How errors and reports call the kernel.

    Raises
    ------
    KernelError
        It has slices or channels, or is malformed as a matrix.

    Examples
    --------
    >>> kernel_from_gmic("(1,2;3,4)", "k").anchor
    (0, 0)
    """
    inner = "\n".join(lines_of(text)).strip()[1:-1]
    for sign, what in (("/", "another slice"), ("^", "another channel")):
        if sign in inner:
            raise KernelError(
                f"{name}: between G'MIC's parentheses {sign!r} starts {what}, but a kernel has rows and "
                "columns only: write a fraction as a decimal, or leave out the parentheses"
            )
    kernel = matrix_from_text(inner, name=name)
    return replace(kernel, anchor=gmic_centre(kernel.height, kernel.width))


def kernel_to_gmic(kernel: Kernel) -> tuple[str, bool]:
    r"""Write the taps as G'MIC reads them; anchor and offset are the caller's to check.

    Returns
    -------
    text : str
        One line.
    rounded : bool
        True where a number had to be rounded to float64.

    Examples
    --------
    >>> kernel_to_gmic(Kernel.from_taps([[1, 2], [3, 4]]))
    ('(1,2;3,4)\n', False)
    """
    rows, rounded = written_rows(kernel, decimal_text)
    return f"({';'.join(','.join(row) for row in rows)})\n", rounded
