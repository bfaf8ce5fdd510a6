"""Filter banks as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from sepfilter.plans.bank_plan import BankPlan, LayerPlan
from sepfilter.reports.figures import counted, three_digits

_HEADINGS = ("layer", "kind", "kernel", "input", "output", "multiplications", "parameters")


def bank_text(plan: BankPlan) -> str:
    """Each layer's shapes and counts, the totals, and the ordinary convolution beside them.

    Parameters
    ----------
    plan : BankPlan
        The bank on an image.
    """
    rows = [_HEADINGS, *map(_row, plan.layers)]
    totals = ("in all", "", "", "", "", f"{plan.direct_multiplications:,}", f"{plan.parameters:,}")
    ordinary = (
        "ordinary convolution", "", "", "", "",
        f"{plan.ordinary_multiplications:,}", f"{plan.ordinary_parameters:,}",
    )  # fmt: skip
    table = _table([*rows, totals, ordinary])
    return "\n".join([_heading(plan), "", *table, "", *_remarks(plan)])


def shape_text(shape: tuple[int, int, int]) -> str:
    """A shape as it is written for images: width first.

    Examples
    --------
    >>> shape_text((8, 9, 3))
    '9x8x3'
    """
    height, width, channels = shape
    return f"{width}x{height}x{channels}"


def _heading(plan: BankPlan) -> str:
    """What becomes what."""
    spec = plan.spec
    before = shape_text((spec.height, spec.width, spec.channels))
    return f"{plan.name}: {counted(len(plan.layers), 'layer')}, {before} -> {shape_text(plan.shape)}"


def _row(layer: LayerPlan) -> tuple[str, ...]:
    """A layer's line of the table."""
    return (
        layer.name, layer.kind, f"{layer.kernel[0]} x {layer.kernel[1]}", shape_text(layer.input),
        shape_text(layer.output), f"{layer.direct_multiplications:,}", f"{layer.parameters:,}",
    )  # fmt: skip


def _remarks(plan: BankPlan) -> list[str]:
    """What the numbers mean, and what of each layer the table has no room for."""
    ordinary = "ordinary convolution of the same shape"
    if plan.direct_multiplications < plan.ordinary_multiplications:
        lines = [f"{three_digits(plan.ratio)} times fewer multiplications than {ordinary}"]
    elif plan.direct_multiplications == plan.ordinary_multiplications:
        lines = [f"as many multiplications as {ordinary}"]
    else:
        lines = [f"{three_digits(1 / plan.ratio)} times more multiplications than {ordinary}"]
    if plan.multiplications < plan.direct_multiplications:
        lines.append(f"as it is run: {plan.multiplications:,}, for kernels of low rank go as 1-D passes")
    for layer in plan.layers:
        parts = [layer.reason] if layer.kind == "depthwise" else []
        parts += [f"{name} {value}" for name, value in settings_of(layer)]
        if parts:
            lines.append(f"{layer.name}: {'; '.join(parts)}")
    if plan.input_scale != "as they are":
        lines.append(f"input scale: {plan.input_scale}")
    return lines


def settings_of(layer: LayerPlan) -> list[tuple[str, str]]:
    """What a layer has beside its weights, where it is not the usual.

    Parameters
    ----------
    layer : LayerPlan
        On its input.
    """
    settings = [
        ("stride", f"{layer.stride[0]} x {layer.stride[1]}" if layer.stride != (1, 1) else ""),
        ("dilation", f"{layer.dilation[0]} x {layer.dilation[1]}" if layer.dilation != (1, 1) else ""),
        ("padding", f"{layer.padding} of {layer.border}" if any(layer.pads) else ""),
        ("activation", layer.activation if layer.activation != "none" else ""),
    ]
    return [(name, value) for name, value in settings if value]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns side by side, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if column >= len(row) - 2 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
