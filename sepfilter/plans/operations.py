"""Counting multiplications and additions: the textbook's, and those really made."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sepfilter.kernels.arrays import FloatArray
from sepfilter.plans.passes import AnyPass, BoxPass, CoarsePass, DirectPass, FFTPass, StandIn
from sepfilter.plans.transforms import multiplications
from sepfilter.values import value


@value
class Operations:
    """How much arithmetic a plan takes.

    Attributes
    ----------
    multiplications : int
        The textbook's count for the chosen way, every tap counting: kh * kw a sample for a direct
        pass, R * (kh + kw) for R separable terms, see `transforms.multiplications` for Fourier
        transforms, 1 for running sums. A cascade or gradient: the sum over its kernels.
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


def count(chosen: Iterable[AnyPass], samples: int) -> Operations:
    """Count what passes over the same image take together.

    Parameters
    ----------
    chosen : iterable of DirectPass, SeparablePass, FFTPass, BoxPass or CoarsePass
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
        multiplications=round(samples * sum(map(_taps, passes))),
        executed_multiplications=round(samples * sum(map(_nonzero_taps, passes))),
        additions=round(samples * sum(map(_additions, passes))),
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


def _taps(one: AnyPass) -> float:
    """Textbook multiplications a sample."""
    if isinstance(one, FFTPass):
        return multiplications(one)
    if isinstance(one, BoxPass):
        return 1
    if isinstance(one, CoarsePass):
        return _taps_of_grids(one)
    if isinstance(one, DirectPass):
        return one.height * one.width
    return separable_multiplications(one.height, one.width, one.terms)


def _taps_of_grids(one: CoarsePass) -> float:
    """Multiplications a sample: sums over the splines, the filter on the coarse grid, and spreading."""
    step = one.down.step
    gathered = len(one.down.short) + len(one.along.short) / step
    filtered = (len(one.down.taps) + len(one.along.taps)) / step**2
    spread = len(one.down.short) / step + len(one.along.short) / step**2
    return gathered + filtered + spread


def _nonzero_taps(one: AnyPass) -> float:
    """Multiplications a sample without zero taps."""
    if isinstance(one, StandIn):
        return _taps(one)
    if isinstance(one, DirectPass):
        return nonzero(one.taps)
    return nonzero(one.columns) + nonzero(one.rows)


def _additions(one: AnyPass) -> float:
    """Additions a sample: of transforms one and a half times as many as multiplications."""
    if isinstance(one, FFTPass):
        return 1.5 * _taps(one)
    if isinstance(one, BoxPass):
        return 4
    if isinstance(one, CoarsePass):
        return _taps(one)  # but for the first product of each sum
    if isinstance(one, DirectPass):
        return one.height * one.width - 1
    return max(one.terms * (one.height + one.width - 2) + one.terms - 1, 0)
