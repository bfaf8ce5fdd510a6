"""A kernel from factors that somebody has found already: a sum of outer products."""

from __future__ import annotations

import numpy as np

from sepfilter.errors import KernelError
from sepfilter.kernels.arrays import FloatArray
from sepfilter.kernels.exact import MAX_SIDE, ExactFactors
from sepfilter.kernels.kernel import Kernel


def sum_of_outer_products(
    columns: FloatArray, rows: FloatArray, exact: ExactFactors | None, name: str
) -> Kernel:
    """Make the kernel ``sum_r outer(columns[r], rows[r])``.

    Parameters
    ----------
    columns, rows : ndarray
        Shapes (R, kh) and (R, kw), R at least 1.
    exact : ExactFactors or None
        The same as integers over a denominator.
    name : str
        How errors and reports call the kernel.

    Returns
    -------
    Kernel
        For R = 1 it stays factors, and its taps are never built to run it.

    Raises
    ------
    KernelError
        A tap is beyond what float64 can hold.

    Examples
    --------
    >>> ones = np.ones((1, 3))
    >>> sum_of_outer_products(ones, ones, None, "k").sum
    9.0
    """
    if len(columns) == 1:
        return Kernel.from_factors(columns[0], rows[0], name=name, exact=exact)
    if exact is None or max(columns.shape[1], rows.shape[1]) > MAX_SIDE:
        with np.errstate(over="ignore", invalid="ignore"):  # the kernel names the tap
            return Kernel.from_taps(columns.T @ rows, name=name)
    taps = exact.multiplied_out()
    try:
        values = taps.values
    except OverflowError:
        raise KernelError(f"{name}: a sum of the factors is beyond what float64 can hold") from None
    return Kernel.from_taps(values, name=name, exact=taps)
