"""Two kernels that run one after the other as a single one: their convolution, exact where both are."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import numpy as np

from sepfilter.kernels.arrays import FloatArray
from sepfilter.kernels.exact import ExactFactors, ExactTaps, ExactTerm, Integers
from sepfilter.kernels.factorization import FactorizedKernel
from sepfilter.kernels.kernel import AnyKernel, FactoredTaps, Gradient, Kernel
from sepfilter.kernels.text_taps import exact_taps


@lru_cache(maxsize=64)
def fused_kernel(before: Kernel, after: AnyKernel) -> FactorizedKernel:
    """The kernel that does what `before` and then `after` do; worked out once for many images.

    Parameters
    ----------
    before : Kernel
        Runs first. Its offset goes through `after`.
    after : Kernel or Gradient
        Runs on the result; before a gradient no offset is allowed, since it would go through a root.

    Returns
    -------
    FactorizedKernel
        Of ``before.height + after.height - 1`` rows, columns likewise; anchors add up.

    Examples
    --------
    >>> smooth = Kernel.from_taps([[1, 1]])
    >>> fused_kernel(smooth, smooth).kernel.taps.tolist()
    [[1.0, 2.0, 1.0]]
    """
    name = f"{before.name} + {after.name}"
    if isinstance(after, Gradient):
        parts = (replace(_convolved(before, part), name=part.name) for part in after.components)
        return FactorizedKernel.of(Gradient(name, *parts))
    offset = before.offset * after.sum + after.offset
    return FactorizedKernel.of(replace(_convolved(before, after), name=name, offset=offset))


def _convolved(before: Kernel, after: Kernel) -> Kernel:
    """The convolution of the taps, as factors where both are, and as fractions where both are."""
    anchor = (before.anchor[0] + after.anchor[0], before.anchor[1] + after.anchor[1])
    first, second = before.form, after.form
    if isinstance(first, FactoredTaps) and isinstance(second, FactoredTaps):
        exact = _convolved_factors(first.exact, second.exact) if first.exact and second.exact else None
        columns = np.convolve(first.column, second.column)
        rows = np.convolve(first.row, second.row)
        return replace(Kernel.from_factors(columns, rows, exact=exact), anchor=anchor)
    integers = [exact_taps(kernel) for kernel in (before, after)]
    taps = _convolution(before.taps, after.taps)
    if integers[0] is None or integers[1] is None:
        return replace(Kernel.from_taps(taps), anchor=anchor)
    numerators = _convolution(*(np.array(one.numerators, object) for one in integers if one is not None))
    denominator = integers[0].denominator * integers[1].denominator
    exact_whole = ExactTaps.of([[Fraction(tap, denominator) for tap in row] for row in numerators.tolist()])
    return replace(Kernel.from_taps(exact_whole.values, exact=exact_whole), anchor=anchor)


def _convolved_factors(first: ExactFactors, second: ExactFactors) -> ExactFactors:
    """One term of integers over a denominator, of two such."""
    (one,), (other,) = first.terms, second.terms
    column, row = _convolved_integers(one.column, other.column), _convolved_integers(one.row, other.row)
    whole = ExactFactors((ExactTerm(column, row),), first.denominator * second.denominator)
    return whole.divided(Fraction(1))  # in lowest terms


def _convolved_integers(first: Integers, second: Integers) -> Integers:
    """The convolution of two vectors of integers, however long these are."""
    return tuple(np.convolve(np.array(first, object), np.array(second, object)).tolist())


def _convolution(first: FloatArray, second: FloatArray) -> FloatArray:
    """The full two-dimensional convolution, of floats or of integers."""
    height, width = first.shape[0] + second.shape[0] - 1, first.shape[1] + second.shape[1] - 1
    total = np.zeros((height, width), np.result_type(first, second))
    for (y, x), tap in np.ndenumerate(first):
        total[y : y + second.shape[0], x : x + second.shape[1]] += tap * second
    return total
