"""Counting multiplications and additions: the textbook's, and those really made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import log2

import numpy as np

from sepfilter.kernels.arrays import FloatArray
from sepfilter.plans.passes import DirectPass, Pass


@dataclass(frozen=True, slots=True)
class Operations:
    """How much arithmetic a plan takes.

    Attributes
    ----------
    multiplications : int
        The textbook's count for the chosen way, every tap counting: kh * kw a sample for a direct
        pass, R * (kh + kw) for R separable terms. A cascade or gradient: the sum over its kernels.
    executed_multiplications : int
        The same without taps that are 0.
    additions : int
        Every tap counting: one less than the taps of a pass, and one for each further term.
    direct_multiplications : int
        The textbook's count for direct passes.
    samples : int
        Output samples, pixels times channels, of the last stage.
    """

    multiplications: int
    executed_multiplications: int
    additions: int
    direct_multiplications: int
    samples: int

    @property
    def multiplications_per_sample(self) -> float:
        """Textbook multiplications for one output sample."""
        return self.multiplications / self.samples

    @property
    def ratio(self) -> float:
        """How many times more the direct way would take."""
        return self.direct_multiplications / self.multiplications if self.multiplications else 1.0

    @classmethod
    def total(cls, parts: Iterable[Operations], samples: int) -> Operations:
        """Add up the stages of a cascade."""
        parts = list(parts)
        return cls(
            sum(part.multiplications for part in parts),
            sum(part.executed_multiplications for part in parts),
            sum(part.additions for part in parts),
            sum(part.direct_multiplications for part in parts),
            samples,
        )


def count(chosen: Iterable[Pass], samples: int) -> Operations:
    """Count what passes over the same image take together.

    Parameters
    ----------
    chosen : iterable of DirectPass or SeparablePass
        One, or the two of a gradient.
    samples : int
        Output samples, pixels times channels.

    Examples
    --------
    >>> from sepfilter.plans.passes import SeparablePass
    >>> sobel = SeparablePass(np.array([[1.0, 2, 1]]), np.array([[-1.0, 0, 1]]))
    >>> count([sobel], 100)
    Operations(multiplications=600, executed_multiplications=500, additions=400, \
direct_multiplications=900, samples=100)
    """
    passes = list(chosen)
    return Operations(
        multiplications=samples * sum(map(_taps, passes)),
        executed_multiplications=samples * sum(map(_nonzero_taps, passes)),
        additions=samples * sum(map(_additions, passes)),
        direct_multiplications=samples * sum(one.height * one.width for one in passes),
        samples=samples,
    )


def separable_multiplications(height: int, width: int, rank: int) -> int:
    """Multiplications a sample by `rank` column and row passes: ``R * (kh + kw)``.

    Examples
    --------
    >>> separable_multiplications(3, 3, 1)
    6
    """
    return rank * (height + width)


def nonzero(taps: FloatArray) -> int:
    """Taps that are not 0."""
    return int(np.count_nonzero(taps))


def fft_multiplications(height: int, width: int) -> float:
    """Real multiplications a sample by overlap-save with the best square power-of-two block.

    A real transform of n points takes n log2(n) real multiplications (half of the radix-2 complex
    transform's 2 n log2(n)); a block takes one forward, one inverse, and the product of n / 2
    complex values at 4 real multiplications; it yields (N - kh + 1) * (N - kw + 1) samples.

    Examples
    --------
    >>> round(fft_multiplications(101, 101), 1)
    50.8
    """
    smallest = max(height, width, 2).bit_length()
    costs: list[float] = []
    for exponent in range(smallest, smallest + 6):
        side = 1 << exponent
        points = side * side
        per_block = 2 * points * log2(points) + 2 * points
        costs.append(per_block / ((side - height + 1) * (side - width + 1)))
    return min(costs)


def _taps(one: Pass) -> int:
    """Textbook multiplications a sample."""
    if isinstance(one, DirectPass):
        return one.height * one.width
    return separable_multiplications(one.height, one.width, one.terms)


def _nonzero_taps(one: Pass) -> int:
    """Multiplications a sample without zero taps."""
    if isinstance(one, DirectPass):
        return nonzero(one.taps)
    return nonzero(one.columns) + nonzero(one.rows)


def _additions(one: Pass) -> int:
    """Additions a sample."""
    if isinstance(one, DirectPass):
        return one.height * one.width - 1
    return max(one.terms * (one.height + one.width - 2) + one.terms - 1, 0)
