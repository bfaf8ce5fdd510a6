"""The analysis of a kernel in words: the answer first, then what it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sepfilter.kernels.exact import ExactFactors
from sepfilter.kernels.factorization import Factorization
from sepfilter.kernels.kernel import Kernel
from sepfilter.plans.analysis import KernelAnalysis, MethodCosts
from sepfilter.reports.figures import amount, vector

_LISTED: Final = 8
"""Singular values, terms and bounds shown; more are counted only."""

_LONGEST_INTEGER: Final = 10**7
"""Exact factors with longer integers are told by their number, and given whole in the JSON."""


def kernel_text(analysis: KernelAnalysis) -> str:
    """What `analyze-kernel` prints.

    Parameters
    ----------
    analysis : KernelAnalysis
        Of a kernel, or of a gradient with its components.
    """
    kernel = analysis.kernel
    if not isinstance(kernel, Kernel):
        head = f"{kernel.name}: gradient magnitude, sqrt(x^2 + y^2), of {kernel.x.name} and {kernel.y.name}"
        parts = [kernel_text(component) for component in analysis.components]
        return "\n\n".join(["\n".join([head, *_image(analysis)]), *parts])
    factors, costs = analysis.factors, analysis.costs
    if factors is None or costs is None:
        raise TypeError("the analysis of a single kernel has factors and costs")
    rows = _rows(kernel, factors, costs, analysis)
    table = [f"  {label:<18}{text}" for label, text in rows]
    return "\n".join([_answer(kernel, factors, costs), *table, *_image(analysis)])


def _answer(kernel: Kernel, factors: Factorization, costs: MethodCosts) -> str:
    """Separable or not, and what that saves."""
    size = f"{kernel.height} x {kernel.width}"
    if factors.rank == 0:
        return f"{kernel.name}: {size}, all taps are 0: every result is 0"
    if factors.rank > 1:
        return (
            f"{kernel.name}: {size}, not separable: rank {factors.rank}; "
            f"one 2-D pass takes {costs.direct} multiplications a sample"
        )
    if costs.separable >= costs.direct:
        return (
            f"{kernel.name}: {size}, separable, but two 1-D passes would take {costs.separable} "
            f"multiplications a sample, one direct pass {costs.direct}"
        )
    return (
        f"{kernel.name}: {size}, separable: two 1-D passes take {costs.separable} multiplications a sample "
        f"instead of {costs.direct}, {costs.direct / costs.separable:.3g} times fewer"
    )


def _rows(
    kernel: Kernel, factors: Factorization, costs: MethodCosts, analysis: KernelAnalysis
) -> Iterator[tuple[str, str]]:
    """Label and text of each line."""
    ay, ax = kernel.anchor
    yield "taps", f"{costs.direct:,}, of which {analysis.nonzero:,} are not 0; sum {kernel.sum:.6g}"
    yield "anchor", f"row {ay}, column {ax}"
    yield "symmetry", analysis.symmetry
    yield "rank", _rank(kernel, factors)
    yield "singular values", _singular_values(factors)
    yield from _factors(factors)
    for rank, bound in analysis.bounds[:_LISTED][: factors.rank]:
        label = "error bounds" if rank == 0 else ""
        yield label, f"cut off at rank {rank}: at most {bound:.4g} levels of 255"
    if factors.rank > _LISTED:
        yield "", f"... {factors.rank - _LISTED} more"
    yield (
        "multiplications",
        f"a sample: direct {costs.direct:,} ({costs.nonzero:,} without zeros), "
        f"separable {costs.separable:,} ({costs.separable_nonzero:,} without zeros), "
        f"FFT about {costs.fft:.3g}",
    )
    yield "recommended", f"{analysis.plan.method}: {analysis.plan.reason}"


def _singular_values(factors: Factorization) -> str:
    """Those that count, and how small the others are."""
    values = factors.singular_values.tolist()
    counting, rest = values[: factors.rank], values[factors.rank :]
    words = vector(counting, longest=_LISTED)
    return f"{words}, the others at most {rest[0]:.2g}" if rest and rest[0] else words


def _rank(kernel: Kernel, factors: Factorization) -> str:
    """Both ranks, and what it means where they differ."""
    if factors.exact_rank is None:
        why = "exact factors would be too long" if kernel.form.exact else "taps are not rational"
        return f"{factors.rank} (numerically: {why})"
    if factors.exact_rank == factors.rank:
        return f"{factors.rank} (exactly)"
    return f"{factors.rank} numerically, but {factors.exact_rank} exactly: rounded taps hide the difference"


def _factors(factors: Factorization) -> Iterator[tuple[str, str]]:
    """The factors: exact where they are readable, else numerical."""
    exact = factors.exact
    if exact and exact.terms and _is_readable(exact):
        scale = f"1/{exact.denominator} of " if exact.denominator > 1 else ""
        terms = [(vector(term.column), vector(term.row)) for term in exact.terms]
        yield from _terms("exact factors", scale, terms)
        return
    terms = [
        (vector(column), vector(row))
        for column, row in zip(factors.columns.tolist(), factors.rows.tolist(), strict=True)
    ]
    yield from _terms("factors", "", terms)


def _terms(label: str, scale: str, terms: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """A line for each of the first terms."""
    for place, (column, row) in enumerate(terms[:_LISTED]):
        yield label if place == 0 else "", f"{scale}column {column} x row {row}"
    if len(terms) > _LISTED:
        yield "", f"... {len(terms) - _LISTED} more"


def _is_readable(exact: ExactFactors) -> bool:
    """True for integers that a person would read."""
    return all(abs(tap) <= _LONGEST_INTEGER for term in exact.terms for tap in (*term.column, *term.row))


def _image(analysis: KernelAnalysis) -> list[str]:
    """What the recommended way takes on the image given."""
    if analysis.image is None:
        return []
    spec, counts = analysis.plan.spec, analysis.plan.operations
    return [
        f"  {'on the image':<18}{spec.width} x {spec.height} x {spec.channels}: "
        f"{amount(counts.multiplications)} multiplications, direct "
        f"{amount(counts.direct_multiplications)}"
    ]
