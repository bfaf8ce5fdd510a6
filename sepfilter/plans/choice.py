"""Choosing how to run one kernel: directly, or as how many separable terms, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sepfilter.kernels.arrays import FloatArray, read_only
from sepfilter.kernels.exact import LARGEST_EXACT_INTEGER
from sepfilter.kernels.factorization import Factorization
from sepfilter.kernels.kernel import FactoredTaps, Kernel
from sepfilter.kernels.low_rank import Lost
from sepfilter.plans.arithmetic import Extent
from sepfilter.plans.operations import separable_multiplications
from sepfilter.plans.options import Options
from sepfilter.plans.passes import DirectPass, Pass, SeparablePass


@dataclass(frozen=True, slots=True)
class Choice:
    """How one kernel will run.

    Attributes
    ----------
    kernel, factors : Kernel, Factorization
        What was chosen for. The factors are those of the terms kept.
    terms : int or None
        Separable terms, or None for a direct pass.
    error_bound : float
        Worst-case error of the terms left out, in units of the source.
    reason : str
        Why, in words.
    """

    kernel: Kernel
    factors: Factorization
    terms: int | None
    error_bound: float
    reason: str

    @property
    def is_approximation(self) -> bool:
        """True where terms are left out."""
        return self.terms is not None and self.terms < self.factors.rank

    @property
    def gain(self) -> float:
        """``sum |taps|``: how many times an error of the input can grow."""
        return self.whole.total

    @property
    def kept_gain(self) -> float:
        """``sum |taps|`` of the terms kept, or a little more."""
        if not self.is_approximation:
            return self.gain
        return self.gain + self.factors.rest.total

    @property
    def whole(self) -> Lost:
        """The sums of the kernel's positive and negative taps."""
        return self.factors.whole

    def floating_pass(self) -> Pass:
        """The pass with float64 taps."""
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


def choose(
    kernel: Kernel, factors: Factorization, options: Options, extent: Extent, max_error: float | None
) -> Choice:
    """Choose the cheapest way that is exact, or what the options ask for.

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
    """
    if options.rank is not None and options.rank < factors.rank:
        return _approximation(
            kernel, factors, options.rank, extent, f"rank {options.rank} of {factors.rank}, as asked"
        )
    if max_error is not None and (enough := _smallest_rank(kernel, factors, extent, max_error)) is not None:
        reason = f"rank {enough} of {factors.rank} is the smallest within max error {max_error:g}"
        return _approximation(kernel, factors, enough, extent, reason)
    direct = kernel.height * kernel.width
    separable = separable_multiplications(kernel.height, kernel.width, factors.rank)
    if options.method == "direct":
        return Choice(kernel, factors, None, 0.0, f"direct, as asked: {direct} multiplications a sample")
    if options.method == "separable" or options.rank is not None:
        reason = (
            f"separable, as asked: {_plural(factors.rank, 'term')} of {kernel.height} + {kernel.width} "
            f"multiplications a sample make {separable}, direct {direct}"
        )
        return Choice(kernel, factors, factors.rank, 0.0, reason)
    if factors.rank == 0:
        return Choice(kernel, factors, None, 0.0, "all taps are 0, and so is every result")
    if factors.rank != 1:
        reason = f"rank {factors.rank}, not separable: one 2-D pass of {direct} multiplications a sample"
        return Choice(kernel, factors, None, 0.0, reason)
    if separable >= direct:
        reason = (
            f"rank 1, but two 1-D passes would take {separable} multiplications a sample, "
            f"one direct pass {direct}"
        )
        return Choice(kernel, factors, None, 0.0, reason)
    reason = (
        f"rank 1, separable: two 1-D passes take {kernel.height} + {kernel.width} = {separable} "
        f"multiplications a sample, not {direct}"
    )
    return Choice(kernel, factors, 1, 0.0, reason)


def _smallest_rank(kernel: Kernel, factors: Factorization, extent: Extent, max_error: float) -> int | None:
    """The smallest rank within the error that is cheaper than the exact ways, if there is one."""
    direct = kernel.height * kernel.width
    exact = min(direct, separable_multiplications(kernel.height, kernel.width, factors.rank))
    for rank in range(factors.rank):
        if separable_multiplications(kernel.height, kernel.width, rank) >= exact:
            return None
        if extent.error_without(factors.cut_off(rank).lost) <= max_error:
            return rank
    return None


def _approximation(kernel: Kernel, factors: Factorization, rank: int, extent: Extent, reason: str) -> Choice:
    """The first `rank` terms of the singular value decomposition."""
    cut = factors.cut_off(rank)
    factors = replace(factors, columns=cut.columns, rows=cut.rows, rest=cut.lost)
    bound = extent.error_without(cut.lost)
    return Choice(kernel, factors, rank, bound, f"{reason}: off by at most {bound:.4g}")


def _integer_direct(kernel: Kernel) -> DirectPass | None:
    """A direct pass of integers over a denominator, for a rational kernel."""
    form = kernel.form
    if form.exact is None or form.exact.denominator > LARGEST_EXACT_INTEGER:
        return None
    if isinstance(form, FactoredTaps):
        (term,) = form.exact.terms
        if max(map(abs, term.column)) * max(map(abs, term.row)) > LARGEST_EXACT_INTEGER:
            return None
        numerators: FloatArray = np.outer(
            np.array(term.column, dtype=np.float64), np.array(term.row, dtype=np.float64)
        )
    else:
        if max(abs(tap) for row in form.exact.numerators for tap in row) > LARGEST_EXACT_INTEGER:
            return None
        numerators = np.array(form.exact.numerators, dtype=np.float64)
    return DirectPass(read_only(numerators), form.exact.denominator)


def _plural(number: int, noun: str) -> str:
    """The number with its noun."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
