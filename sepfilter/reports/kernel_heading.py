"""The first two lines of an analysis: whether a kernel separates, why, and what that saves."""

from __future__ import annotations

from typing import Final

from sepfilter.kernels.factorization import Factorization
from sepfilter.kernels.kernel import AnyKernel, Kernel
from sepfilter.plans.analysis import KernelAnalysis, MethodCosts, Nearly
from sepfilter.plans.operations import separable_multiplications
from sepfilter.reports.figures import rounded_up, three_digits, times_fewer, vector
from sepfilter.reports.kernel_rank import are_rounded_digits, nearness

_LONGEST_NAME: Final = 40

WIDTH: Final = 96
"""Letters on a line of the report."""

_WAYS: Final = {"direct": "one direct pass", "fft": "Fourier transforms"}


def heading(analysis: KernelAnalysis) -> list[str]:
    """The answer, a paragraph for each line.

    Parameters
    ----------
    analysis : KernelAnalysis
        Of a kernel, or of a gradient with its components.
    """
    kernel, factors, costs = analysis.kernel, analysis.factors, analysis.costs
    if not isinstance(kernel, Kernel) or factors is None or costs is None:
        return _of_gradient(kernel, analysis)
    head = f"{short_name(kernel.name)}: {kernel.height} x {kernel.width}"
    plain = _plain_case(kernel, factors, analysis)
    if plain:
        return [f"{head}, {plain}"]
    if factors.rank == 1:
        return [f"{head}, separable{_why_separable(factors, len(head))}", _saving(costs, analysis)]
    close = analysis.nearly
    if close is not None and close.nanoseconds is not None:
        return [f"{head}, {_nearly(kernel, factors, close)}", _saving_nearly(close, kernel, costs)]
    why = f"it takes a sum of {factors.rank} column x row terms"
    return [f"{head}, not separable (rank {factors.rank}): {why}", _comparison(factors, costs, analysis)]


def short_name(name: str) -> str:
    """A name on one line, a long one without its middle.

    Parameters
    ----------
    name : str
        A kernel's: text that was typed is its own name.
    """
    words = " ".join(name.split())
    half = _LONGEST_NAME // 2
    return words if len(words) <= _LONGEST_NAME else f"{words[: half - 2]} ... {words[-(half - 3) :]}"


def _passes(number: int) -> str:
    """What separable terms are called."""
    return "two 1-D passes" if number == 1 else f"{number} separable terms"


def _plain_case(kernel: Kernel, factors: Factorization, analysis: KernelAnalysis) -> str:
    """Kernels for which separation is no question."""
    if factors.rank == 0:
        result = f"the offset, {kernel.offset:g}" if kernel.offset else "0"
        return f"all taps are 0 (rank 0): every result is {result}"
    if analysis.plan.is_copy:
        return "the identity: samples are copied, nothing is multiplied"
    if kernel.height == kernel.width == 1:
        return "a single tap: one multiplication a sample"
    if kernel.height == 1 or kernel.width == 1:
        line = "row" if kernel.height == 1 else "column"
        taps = kernel.height * kernel.width
        return f"a single {line} (rank 1): one 1-D pass of {taps} multiplications a sample does it all"
    return ""


def _why_separable(factors: Factorization, taken: int) -> str:
    """The one column and row, if there is room beside what the line has already."""
    words = " (rank 1): one column x one row is all of it"
    if factors.exact_rank not in (None, 1):
        return f"{words}, to within float64 (exact rank {factors.exact_rank})"
    exact = factors.integers
    if exact is None:
        return words
    (term,) = exact.terms
    scale = f"1/{exact.denominator} of " if exact.denominator > 1 else ""
    short = f" (rank 1): {scale}column {vector(term.column)} x row {vector(term.row)}"
    return short if taken + len(", separable") + len(short) <= WIDTH else words


def _saving(costs: MethodCosts, analysis: KernelAnalysis) -> str:
    """What two 1-D passes are worth."""
    few, many = costs.separable, costs.direct
    if few >= many:
        return f"Two 1-D passes would take {few} multiplications a sample, one direct pass {many}: no gain"
    words = (
        f"Two 1-D passes take {few:,} multiplications a sample instead of {many:,}, {times_fewer(few, many)}"
    )
    if analysis.plan.method == "separable":
        return words
    return f"{words}; yet {_times(_WAYS[analysis.plan.method], costs, analysis, 1)}"


def _nearly(kernel: Kernel, factors: Factorization, close: Nearly) -> str:
    """All but of a lower rank."""
    answer = "nearly separable" if close.rank == 1 else "not separable"
    exactly = " exactly" if factors.exact is not None else ""
    digits = ": rounded digits?" if are_rounded_digits(kernel, close.largest) else ""
    return f"{answer}: rank {factors.rank}{exactly}, but {close.rank} {nearness(close.largest)}{digits}"


def _saving_nearly(close: Nearly, kernel: Kernel, costs: MethodCosts) -> str:
    """What has to be allowed for it, and what that saves."""
    few = separable_multiplications(kernel.height, kernel.width, close.rank)
    does = "separate it" if close.rank == 1 else f"run {close.rank} terms"
    return (
        f"--max-error {rounded_up(close.bound)} would {does}: {few:,} multiplications a sample "
        f"instead of {costs.direct:,}"
    )


def _comparison(factors: Factorization, costs: MethodCosts, analysis: KernelAnalysis) -> str:
    """What is recommended for a kernel that does not separate, against what."""
    terms, method = _passes(factors.rank), analysis.plan.method
    if method == "fft":
        return (
            f"Fourier transforms take about {three_digits(costs.fft)} multiplications a sample, "
            f"{factors.rank} terms {costs.separable:,}, direct {costs.direct:,}"
        )
    if method == "direct":
        nonzero = "nonzero " if costs.nonzero < costs.direct else ""
        taps = f"One direct pass of {costs.nonzero:,} {nonzero}taps"
        return _times(taps, costs, analysis, factors.rank)
    if (costs.separable_nonzero, costs.nonzero) == (costs.separable, costs.direct):
        return f"Yet {terms} take {costs.separable:,} multiplications a sample instead of {costs.direct:,}"
    beaten = f"{terms} with {costs.separable_nonzero:,} nonzero taps beat its {costs.nonzero:,}"
    if costs.separable >= costs.direct:
        return f"Yet {beaten}"
    return f"Yet {beaten}: {costs.separable:,} multiplications a sample, not {costs.direct:,}"


def _times(chosen: str, costs: MethodCosts, analysis: KernelAnalysis, rank: int) -> str:
    """The predicted time of what is recommended, and of the terms."""
    first, second = (
        three_digits(costs.predicted[method].nanoseconds) for method in (analysis.plan.method, "separable")
    )
    return f"{chosen}: predicted {first} ns a sample, {_passes(rank)} {second}"


def _of_gradient(kernel: AnyKernel, analysis: KernelAnalysis) -> list[str]:
    """Of a gradient what both derivatives take together."""
    first, second = (short_name(part.kernel.name) for part in analysis.components)
    number = sum(part.factors is not None and part.factors.rank <= 1 for part in analysis.components)
    answer = ("neither separable", "one of them separable", "both separable")[number]
    counts = analysis.plan.operations
    few = counts.multiplications / counts.samples
    many = counts.direct_multiplications / counts.samples
    words = f"Together they take {few:.4g} multiplications a sample"
    if few < many:
        words += f" instead of {many:.4g}, {times_fewer(few, many)}"
    return [
        f"{kernel.name}: {kernel.height} x {kernel.width}, the gradient magnitude sqrt(x^2 + y^2) of "
        f"{first} and {second}, {answer}",
        words,
    ]
