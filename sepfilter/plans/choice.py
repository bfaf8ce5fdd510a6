"""The ways to run one kernel that options and promises allow, for the planner to choose from."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from sepfilter.kernels.arrays import FloatArray, read_only
from sepfilter.kernels.coarse import CoarseFactor, coarse_factors
from sepfilter.kernels.exact import LARGEST_EXACT_INTEGER
from sepfilter.kernels.factorization import Factorization
from sepfilter.kernels.kernel import FactoredTaps, Kernel
from sepfilter.kernels.low_rank import Lost
from sepfilter.plans.arithmetic import Extent
from sepfilter.plans.operations import separable_multiplications
from sepfilter.plans.options import Options
from sepfilter.plans.passes import DirectPass, Pass, SeparablePass
from sepfilter.values import value

FEW_TAPS: Final = 225
"""An outer product of more taps is not tried tap by tap: its factors have less than a seventh as many."""


@value
class Choice:
    """A way to run one kernel.

    Attributes
    ----------
    kernel, factors : Kernel, Factorization
        What runs. The factors are those of the terms kept.
    method : str
        direct, separable or fft; box, for running sums; coarse, for a coarser grid.
    terms : int or None
        Separable terms; None for all taps at once.
    error_bound : float
        Worst-case error of the terms left out or of the coarser grid, in units of the source.
    asked : str
        What options ask for it, in words; nothing for a way that is free to choose.
    grids : tuple of CoarseFactor
        Column and row on a coarser grid, for that method only.
    """

    kernel: Kernel
    factors: Factorization
    method: str
    terms: int | None
    error_bound: float = 0.0
    asked: str = ""
    grids: tuple[CoarseFactor, ...] = ()

    @property
    def is_approximation(self) -> bool:
        """True where terms are left out, or the grid is coarser."""
        return bool(self.grids) or (self.terms is not None and self.terms < self.factors.rank)

    @property
    def gain(self) -> float:
        """``sum |taps|``: how many times an error of the input can grow."""
        return self.whole.total

    @property
    def kept_gain(self) -> float:
        """``sum |taps|`` of the terms kept, or a little more."""
        if self.grids:
            return self.grids[0].gain * self.grids[1].gain
        if not self.is_approximation:
            return self.gain
        return self.gain + self.factors.rest.total

    @property
    def whole(self) -> Lost:
        """The sums of the kernel's positive and negative taps."""
        return self.factors.whole

    def floating_pass(self) -> Pass:
        """The pass with float64 taps; by transforms, what they stand in for."""
        if self.terms is None:
            return DirectPass(self.kernel.taps)
        return SeparablePass(self.factors.columns, self.factors.rows)

    def integer_pass(self) -> Pass | None:
        """The pass with integer taps over a denominator, or None where there is none."""
        if self.terms is None:
            return _integer_direct(self.kernel)
        integers = self.factors.integers
        if integers is None:
            return None
        return SeparablePass(integers.columns, integers.rows, integers.denominator)

    def taps_error(self) -> float:
        """``sum |taps - terms|`` of a floating pass beyond what `error_bound` promises."""
        if self.terms is None or self.is_approximation:
            return 0.0
        return self.factors.rest.total


def choices(
    kernel: Kernel,
    factors: Factorization,
    options: Options,
    extent: Extent,
    *,
    max_error: float | None,
    methods: tuple[str, ...],
) -> list[Choice]:
    """List the ways to run a kernel that options allow, approximations where an error is allowed.

    Parameters
    ----------
    kernel, factors : Kernel, Factorization
        What will run.
    options : Options
        `method` and `rank` overrule.
    extent : Extent
        Where the samples lie that go in.
    max_error : float or None
        The share of `options.max_error` that this kernel may take.
    methods : tuple of str
        Those that may be used here.

    Returns
    -------
    list of Choice
        The first of equally good ones is the simplest.
    """
    if options.rank is not None:
        asked = f"rank {options.rank} of {factors.rank}, as asked"
        if options.rank < factors.rank:
            return [_cut_off(kernel, factors, options.rank, extent, asked)]
        return [Choice(kernel, factors, "separable", factors.rank, asked="separable, as asked")]
    asked = "" if options.method == "auto" else f"{options.method}, as asked"
    ways = [
        Choice(kernel, factors, "direct", None, asked=asked),
        Choice(kernel, factors, "separable", factors.rank, asked=asked),
        Choice(kernel, factors, "box", factors.rank, asked=asked),
        Choice(kernel, factors, "fft", _terms_of_transforms(kernel, factors), asked=asked),
    ]
    allowed = [way for way in ways if way.method in methods]
    if not _is_box(factors):
        allowed = [way for way in allowed if way.method != "box"]
    if len(allowed) > 1 and _has_many_taps(kernel):
        allowed = [way for way in allowed if way.method != "direct"]
    if max_error is not None and "separable" in methods:
        enough = _smallest_rank(kernel, factors, extent, max_error)
        if enough is not None:
            why = f"rank {enough} of {factors.rank} is the smallest within max error {max_error:g}"
            allowed.append(_cut_off(kernel, factors, enough, extent, why))
    if max_error is not None and "coarse" in methods:
        coarse = _on_a_coarse_grid(kernel, factors, extent, max_error)
        allowed += [] if coarse is None else [coarse]
    return allowed


def _on_a_coarse_grid(
    kernel: Kernel, factors: Factorization, extent: Extent, max_error: float
) -> Choice | None:
    """The cheapest grid within the error, for a wide kernel of known factors that is centred."""
    form = kernel.form
    centre = ((kernel.height - 1) / 2, (kernel.width - 1) / 2)
    if not isinstance(form, FactoredTaps) or kernel.anchor != centre or not factors.rank:
        return None
    found = []
    for down in coarse_factors(form.column):
        along = next(one for one in coarse_factors(form.row, down.step) if one.degree == down.degree)
        half = (down.error * float(np.abs(form.row).sum()) + down.gain * along.error) / 2
        error = extent.error_without(Lost(half, half))
        if error <= max_error:
            taps = len(down.short) * (1 + 1 / down.step)
            found.append((taps + 4 * len(down.taps) / down.step**2, error, (down, along)))
    if not found:
        return None
    _, error, grids = min(found, key=lambda one: one[0])
    why = f"every {grids[0].step} rows and columns are enough within max error {max_error:g}"
    return Choice(kernel, factors, "coarse", 1, error, why, grids)


def _has_many_taps(kernel: Kernel) -> bool:
    """True where the taps of known factors need not be built: as many can never be the cheapest way."""
    return isinstance(kernel.form, FactoredTaps) and kernel.height * kernel.width > FEW_TAPS


def _is_box(factors: Factorization) -> bool:
    """True for one term of two integers over a denominator: the tap of the columns, that of the rows."""
    integers = factors.integers
    if integers is None or len(integers.terms) != 1:
        return False
    (term,) = integers.terms
    return len(set(term.column)) == len(set(term.row)) == 1


def _terms_of_transforms(kernel: Kernel, factors: Factorization) -> int | None:
    """Transforms of known factors need no taps built; all others are of the taps, which are exact."""
    return factors.rank if isinstance(kernel.form, FactoredTaps) and factors.rank else None


def _smallest_rank(kernel: Kernel, factors: Factorization, extent: Extent, max_error: float) -> int | None:
    """The smallest rank within the error that takes fewer multiplications than all terms or taps."""
    direct = kernel.height * kernel.width
    exact = min(direct, separable_multiplications(kernel.height, kernel.width, factors.rank))
    for rank in range(factors.rank):
        if separable_multiplications(kernel.height, kernel.width, rank) >= exact:
            return None
        if extent.magnitude / 2 * factors.least_error(rank) > max_error:
            continue
        if extent.error_without(factors.cut_off(rank).lost) <= max_error:
            return rank
    return None


def _cut_off(kernel: Kernel, factors: Factorization, rank: int, extent: Extent, asked: str) -> Choice:
    """The first `rank` terms of the singular value decomposition."""
    cut = factors.cut_off(rank)
    kept = replace(factors, columns=cut.columns, rows=cut.rows, rest=cut.lost)
    return Choice(kernel, kept, "separable", rank, extent.error_without(cut.lost), asked)


def _integer_direct(kernel: Kernel) -> DirectPass | None:
    """A direct pass of integers over a denominator, for a rational kernel."""
    form = kernel.form
    if form.exact is None or form.exact.largest > LARGEST_EXACT_INTEGER:
        return None
    if isinstance(form, FactoredTaps):
        (term,) = form.exact.terms
        if max(map(abs, term.column)) * max(map(abs, term.row)) > LARGEST_EXACT_INTEGER:
            return None
        numerators: FloatArray = np.outer(
            np.array(term.column, dtype=np.float64), np.array(term.row, dtype=np.float64)
        )
    else:
        numerators = np.array(form.exact.numerators, dtype=np.float64)
    return DirectPass(read_only(numerators), form.exact.denominator)
