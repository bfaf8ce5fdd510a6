"""Results of `apply` as a short table for people."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Final

from sepfilter.plans.bank_plan import BankPlan
from sepfilter.plans.operations import Operations
from sepfilter.plans.plan import Plan
from sepfilter.reports.bank_text import settings_of, shape_text
from sepfilter.reports.figures import amount
from sepfilter.results import NOTABLE_CLIPPING, EngineInfo, ImageInfo, OutputInfo, Result

_LINEAR: Final = "linear, by "
"""How the note on linear light begins; it is no warning, and has a row of the table."""


def apply_text(result: Result, engine: EngineInfo) -> str:
    """One input's table: what was done, why, how much arithmetic, how long it took.

    Parameters
    ----------
    result : Result
        What happened; not a failure.
    engine : EngineInfo
        What did the arithmetic.
    """
    return "\n".join([_heading(result), *_table(_rows(result, engine)), *warnings(result)])


def apply_line(result: Result) -> str:
    """One input of several: what became of it, how, and how long that took; what to know on lines of its own.

    Parameters
    ----------
    result : Result
        What happened; not a failure.
    """
    if result.skipped:
        return f"{_shown(result.label)} (skipped: its output exists)"
    how = f": {result.plan.method}, {result.plan.precision}" if result.plan else ""
    return "\n".join([f"{_heading(result)}{how}, {result.seconds.total:.3f} s", *warnings(result)])


def warnings(result: Result) -> list[str]:
    """What the user should not overlook, a line each.

    Parameters
    ----------
    result : Result
        What happened.
    """
    lines = [f"note: {note}" for note in result.notes if not note.startswith(_LINEAR)]
    odd = [output for output in result.outputs if output.nonfinite]
    if odd:
        is_float = odd[0].dtype.startswith("float")
        what = "are NaN or infinite" if is_float else "were NaN (written as 0) or infinite"
        number = sum(output.nonfinite for output in odd)
        lines.append(f"warning: {number:,} samples {what}" + _among(result, odd, odd[0]))
    clipped = [output for output in result.outputs if output.clipped_share > NOTABLE_CLIPPING]
    if clipped:
        worst = max(clipped, key=lambda output: output.clipped_share)
        used = result.plan.output.range if result.plan else "clip"
        lines.append(_clipping(worst, used, _among(result, clipped, worst)))
    return lines


def _among(result: Result, some: list[OutputInfo], one: OutputInfo) -> str:
    """Of several files, how many something is said of, and one of them; nothing where there is one file."""
    if len(result.outputs) == 1:
        return ""
    return f", in {len(some):,} of {len(result.outputs):,} files, as {_shown(one.path)}"


def _clipping(output: OutputInfo, used: str, where: str) -> str:
    """How much saturated, and what keeps it."""
    parts = []
    if output.clipped_low:
        parts.append(f"{output.clipped_low:,} below")
    if output.clipped_high:
        parts.append(f"{output.clipped_high:,} above")
    signs = "; abs and offset show negative values" if output.clipped_low and used == "clip" else ""
    beyond = ", ".join(parts)
    return (
        f"warning: {output.clipped_share:.1%} of the samples were clipped ({beyond} the range){where}: "
        f"--range stretch or float keeps them all, --scale makes them smaller{signs}"
    )


def _heading(result: Result) -> str:
    """What became what."""
    paths = [_shown(output.path) for output in result.outputs]
    written = ", ".join(paths) if len(paths) < 4 else f"{paths[0]} ... {paths[-1]} ({len(paths):,} files)"
    return f"{_shown(result.label)} -> {written}" if written else f"{_shown(result.label)} (nothing written)"


def _shown(path: str) -> str:
    """A path in one line, whatever it holds."""
    return path.replace("\n", "\\x0a")


def _rows(result: Result, engine: EngineInfo) -> Iterator[tuple[str, str]]:
    """Label and text of each line."""
    if result.input:
        yield "input", _image(result.input)
    for output in result.outputs[:1]:
        each = f"{len(result.outputs):,} files, each " if len(result.outputs) > 1 else ""
        yield "output", each + _image(output)
    if result.kernel:
        yield "kernel", f"{result.kernel.name}, {result.kernel.height} x {result.kernel.width} taps"
    for note in result.notes:
        if note.startswith(_LINEAR):
            yield "light", note
    if isinstance(result.plan, BankPlan):
        yield from _bank_rows(result.plan)
    elif result.plan:
        yield from _plan_rows(result.plan)
    check = result.verification
    if check:
        reference = "the direct sum" if check.reference == "direct" else "two passes"
        yield (
            "verified",
            f"against {reference} in double: off by at most {check.max_abs_difference:.3g}, "
            f"rounded {check.max_rounded_difference:g}",
        )
    if result.outputs:
        seconds = result.seconds
        yield (
            "seconds",
            f"read {seconds.read:.3f}, plan {seconds.plan:.3f}, filter {seconds.filter:.3f}, "
            f"write {seconds.write:.3f}, total {seconds.total:.3f}",
        )
        speed = result.megapixels_per_second
        threads = f"{engine.threads} thread" + ("s" if engine.threads > 1 else "")
        yield "speed", f"{speed:.3g} megapixels/s, engine {engine.label}, {threads}"


def _plan_rows(plan: Plan) -> Iterator[tuple[str, str]]:
    """What was decided."""
    yield "method", f"{plan.method}, {plan.precision}"
    yield "because", plan.reason
    edges = "valid: only where the kernel fits" if plan.padding == "valid" else f"border {plan.border}"
    yield "edges", edges
    if plan.alpha != "none":
        yield "alpha", plan.alpha
    yield "multiplications", _multiplications(plan.operations)
    yield (
        "predicted",
        f"{plan.nanoseconds:.3g} ns a sample, {plan.total_nanoseconds / 1e9:.3f} s of one thread",
    )
    yield "error", _error(plan)


def _bank_rows(plan: BankPlan) -> Iterator[tuple[str, str]]:
    """The layers of a bank."""
    height, width, channels = plan.spec.height, plan.spec.width, plan.spec.channels
    yield "bank", f"{plan.name}, {shape_text((height, width, channels))} -> {shape_text(plan.shape)}"
    for layer in plan.layers:
        settings = "".join(f", {name} {value}" for name, value in settings_of(layer))
        size = f"{layer.kernel[0]} x {layer.kernel[1]}"
        yield "layer", f"{layer.name}, {size}, -> {shape_text(layer.output)}, {layer.method}{settings}"
        if layer.kind == "depthwise":
            yield "because", layer.reason
    yield "input scale", plan.input_scale
    yield "multiplications", _multiplications(plan.operations)
    if plan.ordinary_multiplications != plan.direct_multiplications:
        ordinary = f"{amount(plan.ordinary_multiplications)} by ordinary convolution of the same shape"
        yield "ordinary", f"{ordinary}, {plan.ratio:.3g} times as many"


def _multiplications(counts: Operations) -> str:
    """The chosen way's count beside the direct one's."""
    words = f"{amount(counts.multiplications)} ({counts.multiplications_per_sample:.4g} a sample)"
    if counts.multiplications < counts.direct_multiplications:
        words += f" instead of {amount(counts.direct_multiplications)}, {counts.ratio:.3g} times fewer"
    elif counts.multiplications > counts.direct_multiplications:
        words += f", direct {amount(counts.direct_multiplications)}"
    if counts.executed_multiplications < counts.multiplications:
        words += f"; {amount(counts.executed_multiplications)} without zero taps"
    return words


def _error(plan: Plan) -> str:
    """Both bounds in words."""
    if plan.precision == "exact":
        rounding = "correctly rounded"
    elif isfinite(plan.arithmetic_bound):
        rounding = f"arithmetic at most {plan.arithmetic_bound:.2g} levels"
    else:
        rounding = "arithmetic without a bound"
    if plan.error_bound:
        return f"approximation at most {plan.error_bound:.4g} levels, {rounding}"
    return f"no approximation, {rounding}"


def _image(image: ImageInfo) -> str:
    """Format, size and type."""
    return f"{image.format}, {image.width} x {image.height}, {_channels(image.channels)} of {image.dtype}"


def _channels(number: int) -> str:
    """The number with its noun."""
    return "1 channel" if number == 1 else f"{number} channels"


def _table(rows: Iterator[tuple[str, str]]) -> list[str]:
    """Labels in a column of their own."""
    return [f"  {label:<16}{text}" for label, text in rows]
