"""Panels of taps: the kernel, what it is cut off at a rank, and the factors of a separable one."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Final

import numpy as np

from sepfilter.kernels.arrays import FloatArray
from sepfilter.kernels.factorization import Factorization
from sepfilter.kernels.kernel import Kernel
from sepfilter.plans.analysis import LEVELS, KernelAnalysis
from sepfilter.reports.plot_canvas import (
    BLUE,
    INK,
    MUTED,
    Box,
    cell_texts,
    cell_type,
    heading,
    number,
    picture,
    tap_colours,
    write,
)  # fmt: skip
from sepfilter.reports.plot_numbers import kernel_cells, low_rank_cells, shown_ranks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WRITTEN: Final = 7
_NARROW: Final = 3.5
_MOST_BARS: Final = 64
_BARS: Final = 0.45
"""Inches that the bars of a factor take beside the kernel."""


def kernel_panel(figure: Figure, box: Box, kernel: Kernel, factors: Factorization, title: str) -> None:
    """The taps, with their values or a scale, the anchor, and the factors of a separable kernel."""
    cells, largest = kernel_cells(kernel)
    height, width = kernel.height, kernel.width
    wide, small = box.width > _NARROW, max(height, width) <= _WRITTEN
    bars = _BARS + 0.07 if factors.rank == 1 and (wide or small) else 0.0
    scale = 0.0 if max(height, width) <= (_WRITTEN if wide else 3) else 1.0
    room = Box(box.left + bars, box.bottom, box.width - bars - scale, box.height - bars)
    inner = room.fitted(height, width)
    axes = inner.axes(figure, "kernel")
    picture(axes, cells, height, width)
    if not (small and _written(axes, kernel.taps, cells, inner)):
        _scale(figure, inner, float(cells.min()), float(cells.max()), largest)
    anchor = _anchor(axes, kernel)
    note = f"{anchor}; factors above and at the left" if bars and wide else anchor
    heading(figure, box, title, note)
    if bars:
        _factor_bars(figure, inner, factors)


def _written(axes: Axes, values: FloatArray, shares: FloatArray, box: Box) -> bool:
    """Write numbers into cells, if they are readable there with three digits or with two."""
    high, wide = values.shape
    for digits in (3, 2):
        texts = [[number(value, digits) for value in line] for line in values.tolist()]
        points = cell_type((text for line in texts for text in line), box.width / wide, box.height / high)
        if points:
            cell_texts(axes, shares, texts, points)
            return True
    return False


def _anchor(axes: Axes, kernel: Kernel) -> str:
    """Mark the anchor: a frame about a cell that is large enough, else a cross."""
    y, x = kernel.anchor
    if max(kernel.height, kernel.width) <= 16:
        edge = ([x - 0.5, x + 0.5, x + 0.5, x - 0.5, x - 0.5], [y - 0.5, y - 0.5, y + 0.5, y + 0.5, y - 0.5])
        axes.plot(*edge, color="white", linewidth=4.4, clip_on=False, solid_joinstyle="miter")
        axes.plot(*edge, color=INK, linewidth=2.2, clip_on=False, solid_joinstyle="miter")
        return "frame: the anchor"
    axes.plot([x], [y], marker="+", markersize=11, markeredgewidth=3.6, color="white")
    axes.plot([x], [y], marker="+", markersize=10, markeredgewidth=1.8, color=INK)
    return "cross: the anchor"


def _scale(figure: Figure, inner: Box, least: float, most: float, largest: float) -> None:
    """What the colours mean, from the least tap to the largest."""
    low, high = min(least, 0.0), max(most, 0.0)
    if low == high:
        high = 1.0
    tall = max(inner.height, 1.2)
    axes = Box(inner.right + 0.12, inner.top - tall, 0.16, tall).axes(figure, "scale")
    shades = np.linspace(low, high, 128)[:, np.newaxis]
    axes.imshow(
        shades, cmap=tap_colours(), vmin=-1, vmax=1, origin="lower", aspect="auto", extent=(0, 1, low, high)
    )
    ticks = _marks(low, high)
    axes.set_yticks(ticks, [number(tick * largest) for tick in ticks])
    axes.set_xticks([])
    axes.yaxis.tick_right()


def _marks(low: float, high: float) -> list[float]:
    """0 and the ends that are not too near to it."""
    return sorted({0.0, *(end for end in (low, high) if abs(end) > 0.15 * (high - low))})


def _factor_bars(figure: Figure, inner: Box, factors: Factorization) -> None:
    """The column at the left of the kernel and the row above it, each on its own scale."""
    above = Box(inner.left, inner.top + 0.07, inner.width, _BARS).axes(figure, "row factor")
    beside = Box(inner.left - _BARS - 0.07, inner.bottom, _BARS, inner.height).axes(figure, "column factor")
    _bars(above, factors.rows[0], upright=True)
    _bars(beside, factors.columns[0], upright=False)
    for axes in (above, beside):
        axes.axis("off")


def _bars(axes: Axes, vector: FloatArray, *, upright: bool) -> None:
    """A factor as bars along x, or along y, growing away from the kernel."""
    shares = vector / np.abs(vector).max()
    low, high = min(float(shares.min()), 0.0), max(float(shares.max()), 0.0)
    places, edges = np.arange(shares.size), np.arange(shares.size + 1) - 0.5
    ends = (-0.5, shares.size - 0.5)
    colours = [BLUE if share >= 0 else "#cb181d" for share in shares.tolist()]
    if upright:
        if shares.size > _MOST_BARS:
            axes.stairs(shares, edges, fill=True, color=BLUE)
        else:
            axes.bar(places, shares, width=0.8, color=colours)
        axes.set(xlim=ends, ylim=(low, high))
        axes.hlines(0, *ends, color=MUTED, linewidth=0.8)
    else:
        if shares.size > _MOST_BARS:
            axes.stairs(shares, edges, fill=True, color=BLUE, orientation="horizontal")
        else:
            axes.barh(places, shares, height=0.8, color=colours)
        axes.set(ylim=ends[::-1], xlim=(high, low))
        axes.vlines(0, *ends, color=MUTED, linewidth=0.8)


def approximation_panel(figure: Figure, box: Box, analysis: KernelAnalysis, kernel: Kernel) -> None:
    """The kernel cut off at a few ranks, all on one scale of colours."""
    factors = analysis.factors
    if factors is None:
        raise TypeError("a kernel has factors")
    cells, largest = kernel_cells(kernel)
    note = "sums of the first terms" if factors.rank else "none is needed"
    if factors.rank and box.width > _NARROW:
        note = f"{note}, in the colours of the kernel"
    heading(figure, box, "Low-rank approximations", note)
    pictures = []
    for rank in shown_ranks(factors.rank, analysis.bounds):
        low = factors.cut_off(rank)
        levels = LEVELS * low.lost.bound
        drawn = cells if rank == factors.rank else low_rank_cells(low, largest)
        words = f"off by at most\n{number(levels)} levels of 255"
        if rank == factors.rank:
            words = "the kernel itself" if rank else "the kernel itself:\nevery result is 0"
        elif not isfinite(levels):
            words = "off by more than\nfloat64 can hold"
        pictures.append((f"rank {rank}", drawn, words))
    if factors.rank == 2:
        pictures.insert(1, ("left out", cells - pictures[0][1], "kernel less rank 1"))
    fit = int(box.width / 1.75)
    pictures = pictures[:fit]
    slot = box.width / max(len(pictures), 3 if fit >= 3 else 1)
    for place, (title, drawn, words) in enumerate(pictures):
        room = Box(box.left + place * slot, box.bottom + 0.45, min(slot - 0.2, 2.4), box.height - 0.75)
        inner = room.fitted(kernel.height, kernel.width)
        picture(inner.axes(figure, title), drawn, kernel.height, kernel.width)
        write(figure, room.left, room.top + 0.08, title, fontsize=12, fontweight="bold")
        write(figure, room.left, inner.bottom - 0.06, words, va="top", linespacing=1.15)


def product_panel(figure: Figure, box: Box, kernel: Kernel, factors: Factorization) -> None:
    """A separable kernel as what it is: a column times a row."""
    height, width = kernel.height, kernel.width
    direct, separable = height * width, height + width
    note = f"{separable:,} multiplications a pixel instead of {direct:,}"
    if separable >= direct:
        note = f"two passes take {height} + {width} multiplications a pixel, one takes {direct:,}"
    heading(figure, box, "Column \N{MULTIPLICATION SIGN} row", note)
    cells, _ = kernel_cells(kernel)
    if max(height, width) <= _WRITTEN:
        _equation(figure, box, kernel, factors, cells)
        return
    first, gap, below = 0.7, 1.15, 0.5
    half = (box.width - first - gap) / 2
    for place, (name, vector) in enumerate((("column", factors.columns[0]), ("row", factors.rows[0]))):
        inner = Box(box.left + first + place * (half + gap), box.bottom + below, half, box.height - below)
        _curve(inner.axes(figure, name), vector, f"{name}: {vector.size} tap{'s' if vector.size > 1 else ''}")
    write(
        figure, box.left + first + half + gap / 4, box.bottom + box.height / 2, "\N{MULTIPLICATION SIGN}",
        fontsize=22, ha="center",
    )  # fmt: skip


def _equation(figure: Figure, box: Box, kernel: Kernel, factors: Factorization, cells: FloatArray) -> None:
    """Column times row is kernel, in cells with numbers: the exact ones where they are integers."""
    columns, rows, scale = factors.columns, factors.rows, ""
    if factors.integers is not None:
        columns, rows = factors.integers.columns, factors.integers.rows
        if factors.integers.denominator > 1:
            scale = f"1/{factors.integers.denominator}"
    height, width = cells.shape
    gap, lead = 0.5, 0.2 + 0.11 * len(scale) if scale else 0.0
    side = min(box.height / height, (box.width - 2 * gap - lead) / (1 + 2 * width), 0.62)
    middle = box.bottom + box.height / 2
    write(figure, box.left, middle, scale, fontsize=14, va="center")
    left = box.left + lead
    shown = (
        (columns[:1].T, "column", "\N{MULTIPLICATION SIGN}"),
        (rows[:1], "row", "="),
        (kernel.taps, "product", ""),
    )
    for values, label, sign in shown:
        high, wide = values.shape
        inner = Box(left, middle - side * high / 2, side * wide, side * high)
        axes = inner.axes(figure, label)
        shares = cells if label == "product" else values / np.abs(values).max()
        picture(axes, shares, high, wide)
        _written(axes, values, shares, inner)
        write(figure, inner.right + gap / 2, middle, sign, fontsize=22, ha="center", va="center")
        left = inner.right + gap
    if box.right - left > 1.8:
        _saving(figure, left + 0.1, middle, height, width)


def _saving(figure: Figure, left: float, middle: float, height: int, width: int) -> None:
    """What separating saves, large enough for the last row of a lecture room."""
    direct, separable = height * width, height + width
    saves = separable < direct
    large = f"{direct} \N{RIGHTWARDS ARROW} {separable}" if saves else "1 pass"
    small = "multiplications\na pixel" if saves else "is cheaper\nthan two"
    write(figure, left, middle + 0.05, large, fontsize=26, fontweight="bold", color=BLUE)
    write(figure, left, middle - 0.08, small, fontsize=13, va="top", color=MUTED)


def _curve(axes: Axes, vector: FloatArray, label: str) -> None:
    """A factor along its places."""
    largest = float(np.abs(vector).max())
    shares = vector / largest
    axes.stairs(shares, np.arange(vector.size + 1) - 0.5, fill=True, color="#6baed6")
    axes.axhline(0, color=MUTED, linewidth=0.8)
    low, high = min(float(shares.min()), 0.0), max(float(shares.max()), 0.0)
    ticks = _marks(low, high)
    axes.set_yticks(ticks, [number(tick * largest) for tick in ticks])
    axes.set(xlim=(-0.5, vector.size - 0.5), ylim=(low * 1.08, high * 1.08))
    last = vector.size - 1
    axes.set_xticks(sorted({0, last // 2, last}))
    axes.set_xlabel(label)
    axes.spines[["top", "right"]].set_visible(False)
