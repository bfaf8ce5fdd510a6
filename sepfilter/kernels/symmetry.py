"""Saying in words how a kernel is symmetric."""

from __future__ import annotations

import numpy as np

from sepfilter.kernels.arrays import FloatArray
from sepfilter.kernels.kernel import FactoredTaps, Kernel


def symmetry(kernel: Kernel) -> str:
    """Describe the symmetry of a kernel's taps, up to float64 rounding.

    Returns
    -------
    str
        ``"even in x, odd in y"`` and the like, with ``"equal to its transpose"`` where it is;
        ``"none"``.

    Examples
    --------
    >>> from sepfilter.kernels.presets import named_kernel
    >>> symmetry(named_kernel("sobel-x"))
    'odd in x, even in y'
    """
    form = kernel.form
    if isinstance(form, FactoredTaps):
        along_x, along_y = _parity(form.row), _parity(form.column)
        is_square = form.row.shape == form.column.shape
        transposes = is_square and _close(
            np.outer(form.row, form.column[:1]), np.outer(form.column, form.row[:1])
        )
    else:
        taps = form.values
        along_x, along_y = _parity(taps.T), _parity(taps)
        transposes = taps.shape[0] == taps.shape[1] and _close(taps, taps.T)
    words = [f"{parity} in {axis}" for parity, axis in ((along_x, "x"), (along_y, "y")) if parity]
    if transposes and kernel.height > 1:
        words.append("equal to its transpose")
    return ", ".join(words) or "none"


def _parity(taps: FloatArray) -> str:
    """``even`` or ``odd`` under reversal of the first axis, or nothing."""
    if _close(taps, taps[::-1]):
        return "even"
    return "odd" if _close(taps, -taps[::-1]) else ""


def _close(first: FloatArray, second: FloatArray) -> bool:
    """Equal but for rounding."""
    tolerance = 8 * np.finfo(np.float64).eps * float(np.abs(first).max())
    return bool(np.all(np.abs(first / 2 - second / 2) <= tolerance / 2))
