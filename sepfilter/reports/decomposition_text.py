"""The decompositions of convolution layers as tables for people."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Final

from sepfilter.plans.decomposition_table import (
    DecomposedBank,
    Decomposition,
    DecompositionRow,
    DecompositionTable,
)
from sepfilter.reports.figures import counted, exact_or_short, three_digits

_WIDTH: Final = 96
_LONGEST_NAME: Final = 60

_HEAD: Final = ("multiplier", "relative error", "worst case", "multiplications", "ratio", "parameters")
_MARK: Final = "> "


def decomposition_text(decomposed: DecomposedBank) -> str:
    """What `decompose` prints.

    Parameters
    ----------
    decomposed : DecomposedBank
        With a table for each layer that was decomposed.
    """
    parts = ["\n".join(_layer(one)) for one in decomposed.layers]
    if decomposed.kept:
        parts.append(f"kept as they are: {', '.join(map(_name, decomposed.kept))}")
    if decomposed.output is not None:
        parts.append(f"written: {decomposed.output}")
    return "\n\n".join(parts)


def _layer(decomposition: Decomposition) -> Iterator[str]:
    """A layer: what it is, what the errors mean, a line for each multiplier, and which was chosen."""
    table = decomposition.table
    outputs, inputs, high, wide = table.shape
    groups = f" in {table.groups:,} groups" if table.groups > 1 else ""
    yield (
        f"{_name(table.name)}: {high} x {wide} convolution, {inputs * table.groups:,} -> "
        f"{counted(outputs, 'channel')}{groups}"
    )
    yield from _wrapped(
        f"{counted(table.multiplications, 'multiplication')} an output pixel, "
        f"{counted(table.parameters, 'parameter')}; ratio: how many times fewer multiplications a row has"
    )
    yield from _wrapped(
        f"worst case: of an output before its activation, for inputs from 0 to "
        f"{exact_or_short(table.levels)}, by factors in {table.stored}"
    )
    yield from _wrapped(_ranks(table))
    yield ""
    yield "  " + "  ".join(_HEAD)
    for row in _shown(decomposition):
        mark = _MARK if row.multiplier == decomposition.multiplier else "  "
        cells = zip(_HEAD, _words(table, row), strict=True)
        yield mark + "  ".join(f"{word:>{len(head)}}" for head, word in cells)
    if decomposition.multiplier is not None:
        yield ""
        yield from _wrapped(_chosen(decomposition))


def _wrapped(text: str) -> list[str]:
    """Lines that fit, set off from the left."""
    return wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def _ranks(table: DecompositionTable) -> str:
    """From which multiplier on the layer is exact, and why."""
    least, exact, most = table.ranks[0], table.exact_multiplier, len(table.rows)
    if table.ranks[1] == 0:
        return "all weights are 0: multiplier 1 is exact"
    words = f"exact from multiplier {exact} on, but for rounding to {table.stored}"
    if exact < most:
        words += f": no input channel has a higher rank, and more kernels, up to {most}, add nothing"
    if least < exact:
        words += f"; channels of lower rank, from {least} on, get kernels of 0"
    return words


def _shown(decomposition: Decomposition) -> Iterator[DecompositionRow]:
    """The rows as far as they differ, and the one chosen."""
    for row in decomposition.table.rows:
        if (
            row.multiplier <= decomposition.table.exact_multiplier
            or row.multiplier == decomposition.multiplier
        ):
            yield row


def _words(table: DecompositionTable, row: DecompositionRow) -> tuple[str, ...]:
    """The cells of a row."""
    return (
        str(row.multiplier),
        exact_or_short(float(f"{row.relative_error:.3g}")),
        exact_or_short(float(f"{row.worst_case_error:.3g}")),
        f"{row.multiplications:,}",
        three_digits(table.ratio(row)),
        f"{row.parameters:,}",
    )


def _chosen(decomposition: Decomposition) -> str:
    """Which row was chosen, why, and what is bad about it."""
    row, limit = decomposition.chosen, decomposition.max_error
    if row is None:
        return ""
    words = f"chosen: multiplier {row.multiplier}"
    if limit is None:
        words += ", as asked"
    elif decomposition.is_within:
        words += f", the least whose worst case is within {exact_or_short(limit)}"
    else:
        words += (
            f": none is within {exact_or_short(limit)}; this one is exact but for rounding, which makes "
            f"{exact_or_short(float(f'{row.worst_case_error:.3g}'))}"
        )
    if row.multiplications >= decomposition.table.multiplications:
        words += "; it saves nothing: the layer as it is takes no more multiplications"
    return words


def _name(name: str) -> str:
    """A name, cut where it is long: names come from files."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."
