"""The analysis of a kernel in words: the answer first, then what it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from sys import float_info
from textwrap import wrap
from typing import Final, TypeAlias

from sepfilter.kernels.exact import ExactFactors
from sepfilter.kernels.factorization import Factorization
from sepfilter.kernels.kernel import Kernel
from sepfilter.plans.analysis import LEVELS, KernelAnalysis, MethodCosts
from sepfilter.plans.operations import separable_multiplications
from sepfilter.plans.plan import Plan
from sepfilter.plans.runs import NEAR
from sepfilter.reports.figures import amount, counted, exact_or_short, three_digits, vector
from sepfilter.reports.kernel_heading import WIDTH, heading
from sepfilter.reports.kernel_rank import rank_text, why_exact_factors_do_not_run

_LABEL: Final = 19
_ROOM: Final = WIDTH - 2 - _LABEL

_KEEP: Final = "\N{NO-BREAK SPACE}"
"""A space at which no line is broken."""

_TERMS: Final = 4
"""Terms shown; all are in the JSON."""

_BOUNDS: Final = 6
"""Ranks whose error is shown; the JSON has more."""

_LONGEST_DENOMINATOR: Final = 10**12
_LONGEST_INTEGER: Final = 10**7
"""Exact factors with longer integers are told by their number, and given whole in the JSON."""

Row: TypeAlias = tuple[str, str]
Term: TypeAlias = tuple[Sequence[float], Sequence[float]]


def kernel_text(analysis: KernelAnalysis) -> str:
    """What `analyze-kernel` prints.

    Parameters
    ----------
    analysis : KernelAnalysis
        Of a kernel, or of a gradient with its components.
    """
    recommended = _laid_out(_recommendation(analysis))
    if analysis.components:
        parts = ["\n".join([*_heading(part), *_details(part)]) for part in analysis.components]
        return "\n\n".join(["\n".join([*_heading(analysis), *recommended]), *parts])
    return "\n".join([*_heading(analysis), *_details(analysis), *recommended])


def _heading(analysis: KernelAnalysis) -> list[str]:
    """The answer, wrapped."""
    return [line for words in heading(analysis) for line in wrap(words, WIDTH, subsequent_indent="  ")]


def _details(analysis: KernelAnalysis) -> list[str]:
    """What is known of a single kernel, and what each method takes."""
    kernel, factors, costs = analysis.kernel, analysis.factors, analysis.costs
    if not isinstance(kernel, Kernel) or factors is None or costs is None:
        raise TypeError("the analysis of a single kernel has factors and costs")
    rows = [*_taps(kernel, analysis), *_factors(kernel, factors), *_errors(kernel, factors, analysis)]
    return [*_laid_out(rows), *_costs(costs, factors.rank)]


def _laid_out(rows: Iterable[Row]) -> list[str]:
    """Labels in a column of their own, long texts wrapped beside it."""
    lines = []
    for label, text in rows:
        first, *more = wrap(text, _ROOM, break_long_words=False) or [""]
        lines += [f"  {label:<{_LABEL}}{first}", *(f"  {'':<{_LABEL}}{line}" for line in more)]
    return [line.replace(_KEEP, " ") for line in lines]


def _taps(kernel: Kernel, analysis: KernelAnalysis) -> Iterator[Row]:
    """Size, sum, anchor, symmetry."""
    taps = kernel.height * kernel.width
    zeros = {taps: "none of them 0", 0: "all of them 0"}.get(
        analysis.nonzero, f"{analysis.nonzero:,} of them not 0"
    )
    zeros = "" if taps == 1 else f", {zeros}"
    rows, columns = counted(kernel.height, "row"), counted(kernel.width, "column")
    yield "size", f"{rows} x {columns}, {counted(taps, 'tap')}{zeros}"
    yield "sum", _sum(kernel.sum)
    if kernel.offset:
        yield "offset", f"{kernel.offset:g}, added to every result"
    yield "anchor", _anchor(kernel)
    yield "symmetry", analysis.symmetry


def _sum(total: float) -> str:
    """The sum, and what becomes of flat areas."""
    if total == 0:
        return "0: a flat area becomes 0"
    if abs(total - 1) < 1e-12:
        return "1: a flat area keeps its brightness"
    return f"{total:.6g}" if isfinite(total) else exact_or_short(total)


def _anchor(kernel: Kernel) -> str:
    """The tap on the output pixel."""
    ay, ax = kernel.anchor
    words = f"row {ay}, column {ax}, counted from 0"
    if (2 * ay, 2 * ax) == (kernel.height - 1, kernel.width - 1):
        return f"{words}: the centre"
    if (ay, ax) == (kernel.height // 2, kernel.width // 2):
        return f"{words}: just after the centre (even size)"
    return f"{words}: not the centre"


def _factors(kernel: Kernel, factors: Factorization) -> Iterator[Row]:
    """Rank, singular values, and the terms: exact ones where they are readable, and numerical ones."""
    yield "rank", rank_text(kernel, factors)
    if factors.rank == 0:
        return
    yield "singular values", _singular_values(factors)
    exact, obstacle = factors.exact, why_exact_factors_do_not_run(factors)
    if exact and _is_readable(exact):
        scale = f"1/{exact.denominator} of " if exact.denominator > 1 else ""
        integers = [(term.column, term.row) for term in exact.terms]
        yield from _terms("exact factors", scale, integers, _TERMS)
    elif exact:
        yield "exact factors", f"{counted(len(exact.terms), 'term')} of long integers, given by --json"
    if obstacle:
        yield "", f"these do not run: {obstacle}"
    runs = exact is not None and not obstacle
    if runs and factors.rank == 1:
        return
    kept = factors.cut_off(factors.rank)
    terms = list(zip(kept.columns.tolist(), kept.rows.tolist(), strict=True))
    yield from _terms("numerical factors", "", terms, 2 if runs else _TERMS)
    if runs:
        yield "", "--rank and --max-error run these, otherwise the exact factors run"


def _terms(label: str, scale: str, terms: Sequence[Term], shown: int) -> Iterator[Row]:
    """The first terms, on one line each or on two."""
    room = _ROOM - len(f"{scale}column []")
    for place, (column, row) in enumerate(terms[:shown]):
        parts = [f"{scale}column {vector(column, room)}", f"x row {vector(row, room)}"]
        if len(" ".join(parts)) <= _ROOM:
            parts = [" ".join(parts)]
        for part in parts:
            yield label if place == 0 and part is parts[0] else "", part
    if len(terms) > shown:
        yield "", f"... {len(terms) - shown} more (--json lists all)"


def _is_readable(exact: ExactFactors) -> bool:
    """True for integers that a person would read."""
    taps = (tap for term in exact.terms for tap in (*term.column, *term.row))
    return exact.denominator <= _LONGEST_DENOMINATOR and all(abs(tap) <= _LONGEST_INTEGER for tap in taps)


def _singular_values(factors: Factorization) -> str:
    """Those that count, and how small the others are."""
    values = factors.singular_values.tolist()
    counting, rest = values[: factors.rank], values[factors.rank :]
    words = vector(counting)
    if not rest or not rest[0]:
        return words
    others = "the other one" if len(rest) == 1 else f"the other {len(rest)}"
    return f"{words}; {others} at most {rest[0]:.2g}: rounding"


def _errors(kernel: Kernel, factors: Factorization, analysis: KernelAnalysis) -> Iterator[Row]:
    """The worst case of leaving terms out, rank by rank."""
    top = factors.rank
    if top == 0:
        return
    told = [f"rank{_KEEP}{rank}:{_KEEP}{_level(bound, factors)}" for rank, bound in analysis.bounds if rank]
    if len(told) > _BOUNDS:
        told = [*told[: _BOUNDS - 1], "...", told[-1]]
    each = counted(_count(kernel, 1), "multiplication")
    yield "error bounds", f"{', '.join(told)} (levels of{_KEEP}255)"
    if top == 1:
        return
    yield "", f"each term takes {each} a sample"
    yield "", _within_half(kernel, top, analysis)


def _within_half(kernel: Kernel, top: int, analysis: KernelAnalysis) -> str:
    """Which rank errs by at most half a level."""
    if analysis.within_half is None:
        return "none is within half a level"
    rank = analysis.within_half[0]
    if rank == 0:
        return "even without any term the error is within half a level"
    if rank == top:
        return f"only all {top} terms are within half a level"
    return f"rank {rank} is the first within half a level: {_count(kernel, rank):,} multiplications"


def _count(kernel: Kernel, rank: int) -> int:
    """Multiplications a sample at a rank."""
    return separable_multiplications(kernel.height, kernel.width, rank)


def _level(bound: float, factors: Factorization) -> str:
    """An error; what rounding of the taps can make is none."""
    rounding = 1e-12 * min(LEVELS * factors.whole.bound, float_info.max)
    return "0" if bound <= rounding else exact_or_short(float(f"{bound:.3g}"))


def _costs(costs: MethodCosts, rank: int) -> list[str]:
    """A line for each method, by the name that it has on the command line."""
    fft = f"about {three_digits(costs.fft)}"
    table = [
        ("direct", "direct", f"{costs.direct:,}", f"{costs.nonzero:,}"),
        (
            "separable",
            f"separable, {counted(rank, 'term')}",
            f"{costs.separable:,}",
            f"{costs.separable_nonzero:,}",
        ),
        ("fft", "fft", fft, fft),
    ]
    predicted = "predicted, one thread" if costs.predicted else ""
    head = f"  {'cost a sample':<{_LABEL + 3}}{'multiplications':>15}{'without zeros':>16}   {predicted}"
    lines = [head.rstrip()]
    for method, name, textbook, executed in table:
        one = costs.predicted.get(method)
        time = f"   {three_digits(one.nanoseconds)} ns, {one.precision}" if one else ""
        lines.append(f"    {name:<{_LABEL + 1}}{textbook:>15}{executed:>16}{time}")
    return lines


def _recommendation(analysis: KernelAnalysis) -> Iterator[Row]:
    """What `apply` would do, on which image, and what it takes there."""
    plan, spec = analysis.plan, analysis.plan.spec
    image = "a 12-megapixel 8-bit RGB image"
    if analysis.image is not None:
        image = f"{spec.width} x {spec.height} x {spec.channels}, {spec.dtype}"
    precision = "" if plan.is_copy else f", precision {plan.precision}"
    yield "recommended", f"{plan.method}{precision}, for {image}"
    if plan.is_copy or (analysis.factors and analysis.factors.rank == 0):
        return
    counts = plan.operations
    words = f"{amount(counts.multiplications)} multiplications"
    if counts.multiplications != counts.direct_multiplications:
        words += f" (direct {amount(counts.direct_multiplications)})"
    seconds = three_digits(plan.total_nanoseconds / 1e9)
    yield "", words
    yield "", f"predicted {seconds} s on one thread of {analysis.engine}"
    note = _why_not_the_fastest(plan, analysis.costs)
    if note:
        yield "", note


def _why_not_the_fastest(plan: Plan, costs: MethodCosts | None) -> str:
    """Why something else is recommended than what is predicted to take the least time."""
    if costs is None or not costs.predicted:
        return ""
    method, fastest = min(costs.predicted.items(), key=lambda one: one[1].nanoseconds)
    if method == plan.method or fastest.nanoseconds >= plan.nanoseconds:
        return ""
    if plan.precision == "exact" and fastest.precision != "exact":
        return f"{method} is predicted to be faster, but not exact, which is worth up to twice the time"
    if plan.method == "separable":
        return (
            f"{method} is predicted to be faster; fewer multiplications are worth up to {NEAR} times the time"
        )
    return ""
