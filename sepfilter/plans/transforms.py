"""Filtering by Fourier transforms: how large a block is, what it takes, and how far it can err."""

from __future__ import annotations

from math import log2, sqrt
from typing import Final

from sepfilter.plans.passes import FFTPass

SIDES: Final = tuple(sorted(shape << exponent for exponent in range(2, 12) for shape in (4, 5, 6)))
"""Rows and columns that blocks may have: small factors make fast transforms."""

ROUNDING: Final = 8 * 2.0**-53
"""Relative error of a transform for each doubling of its length, in the root mean square.

A radix-2 transform errs by less than 6.7 unit roundoffs (Higham, *Accuracy and Stability of Numerical
Algorithms*, section 24.1); the mixed radices of `numpy.fft` have fewer steps of a little more.
"""


def possible_blocks(kernel: int, length: int) -> list[int]:
    """Sides of a block along one axis, from the smallest to one that covers all of it.

    Parameters
    ----------
    kernel, length : int
        Taps and results along the axis.

    Examples
    --------
    >>> possible_blocks(31, 64)
    [32, 40, 48, 64, 80, 96]
    """
    whole = kernel + length - 1
    fitting = [side for side in SIDES if side >= kernel]
    enough = next((place for place, side in enumerate(fitting) if side >= whole), len(fitting) - 1)
    return fitting[: enough + 1]


def multiplications(one: FFTPass) -> float:
    """Real multiplications a sample by overlap-save.

    A real transform of n points takes n log2(n) real multiplications (half of the radix-2 complex
    transform's 2 n log2(n)); a block takes one forward, one inverse, and the product of n / 2 complex
    values at 4 real multiplications; it yields (N - kh + 1) * (M - kw + 1) samples. A kernel of one row or
    column is transformed line by line.

    Examples
    --------
    >>> from sepfilter.plans.passes import DirectPass
    >>> import numpy as np
    >>> round(multiplications(FFTPass(DirectPass(np.ones((101, 101))), (512, 512))), 1)
    58.7
    """
    points, (rows, columns) = one.block[0] * one.block[1], one.step
    return (2 * points * log2(max(one.length, 2)) + 2 * points) / (rows * columns)


def transform_error(one: FFTPass, magnitude: float) -> float:
    """Worst-case error of the sums of one pass, before the division by its denominator.

    For samples x of a block, taps k and the relative error e of one transform, the error's root of the
    sum of squares is at most ``|x|_2 |k|_1 (3 e + 4 u)``: forward, kernel, inverse, product. The kernel's
    part follows from each value of its transform being a sum of all taps, every one of which goes through
    as many roundings as there are doublings: it errs by at most ``|k|_1 e``. No sample errs by more than
    the whole, and ``|x|_2`` is at most the largest sample times the root of the block's size.

    Parameters
    ----------
    one : FFTPass
        The pass.
    magnitude : float
        Largest absolute value that goes in.
    """
    transform = ROUNDING * log2(max(one.length, 2))
    return sqrt(one.length) * magnitude * one.magnitude * (3 * transform + 4 * 2.0**-53)
