"""Wide smooth kernels on a coarse grid: gather samples with a spline, filter, spread with the same spline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, replace
from threading import Lock
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.engine.block import Block
from sepfilter.engine.borders import border_indices
from sepfilter.engine.engines import Engine
from sepfilter.kernels.coarse import CoarseFactor
from sepfilter.plans.passes import AnyPass, CoarsePass, DirectPass, SeparablePass
from sepfilter.plans.plan import Stage
from sepfilter.plans.precision import DOUBLE, Arithmetic
from sepfilter.values import value

Samples = npt.NDArray[Any]

GATHERED: Final = 3_000_000
"""Samples that are gathered at a time, as in a strip: see `filtering.STRIP_SAMPLES`."""


@value
class CoarseGrid:
    """The filtered image on the coarse grid, worked out when its first row is asked for.

    Attributes
    ----------
    stage, one : Stage, CoarsePass
        What to do.
    size : (int, int, int)
        Rows, columns and channels of the image.
    rows : callable
        ``rows(first, last)``: rows of the image, beyond its edges as the border has them.
    arithmetic : Arithmetic
        What the stage was planned for.
    engine : Engine
        Runs the sums.
    """

    stage: Stage
    one: CoarsePass
    size: tuple[int, int, int]
    rows: Callable[[int, int], Samples]
    arithmetic: Arithmetic
    engine: Engine
    _lock: Lock = field(default_factory=Lock, compare=False)
    _filtered: list[Samples | None] = field(default_factory=list, compare=False)

    def filtered(self) -> Samples | None:
        """The grid from the first point that spreads onto the image to the last, shape (h, w, C).

        None where a sample of the image is not finite.
        """
        with self._lock:
            if not self._filtered:
                grid = self._work_out()
                self._filtered.append(grid if np.isfinite(grid).all() else None)
        return self._filtered[0]

    def spread(self, first: int, last: int) -> Samples | None:
        """Rows of the result; None where a sample of the image is not finite."""
        down, along, grid = self.one.down, self.one.along, self.filtered()
        if grid is None:
            return None
        (start, _), (left, _) = _points(down, 0, self.size[0]), _points(along, 0, self.size[1])
        top, bottom = _points(down, first, last)
        lines = _spread(grid[top - start : bottom - start], along, left, self.size[1])
        out = np.empty((last - first, *lines.shape[1:]), lines.dtype)
        product = np.empty_like(out[0])
        for row in range(first, last):
            weights = _weights(down, row % down.step)
            np.multiply(lines[row // down.step + weights[0][0] - top], weights[0][1], out=out[row - first])
            for point, weight in weights[1:]:
                np.multiply(lines[row // down.step + point - top], weight, out=product)
                out[row - first] += product
        return out

    def _work_out(self) -> Samples:
        """Gather all rows, some at a time, and filter what was gathered."""
        down, along = self.one.down, self.one.along
        side, beside = len(down.taps) // 2, len(along.taps) // 2
        top, bottom = _points(down, 0, self.size[0])
        gathered = [
            self._gathered(first, min(first + self._at_a_time(), bottom + side))
            for first in range(top - side, bottom + side, self._at_a_time())
        ]
        grid = np.concatenate(gathered)
        out = np.empty((bottom - top, grid.shape[1] - 2 * beside, grid.shape[2]))
        taps = SeparablePass(down.taps[np.newaxis], along.taps[np.newaxis])
        self._run(taps, grid, (side, side, beside, beside), DOUBLE, out)
        return out.astype(self.arithmetic.samples, copy=False)

    def _at_a_time(self) -> int:
        """Points of a column that are gathered together."""
        return max(GATHERED // (self.size[1] * self.size[2] * self.one.down.step), 1)

    def _gathered(self, first: int, last: int) -> Samples:
        """Rows `first` up to `last` of the grid: sums down, and of every so many-th of these, sums along."""
        down, along = self.one.down, self.one.along
        half = len(down.short) // 2
        pixels = self.rows(first * down.step - half, (last - 1) * down.step + half + 1)
        sums = np.empty((len(pixels) - 2 * half, *pixels.shape[1:]), self.arithmetic.samples)
        self._run(DirectPass(down.short[:, np.newaxis]), pixels, (half, half, 0, 0), self.arithmetic, sums)
        left, right = _points(along, 0, self.size[1])
        side, half = len(along.taps) // 2, len(along.short) // 2
        border = self.stage.border
        places = border_indices(
            (left - side) * along.step - half,
            (right + side - 1) * along.step + half + 1,
            self.size[1],
            border.mode,
        )
        lines = sums[:: down.step][:, places]
        if border.mode == "constant":
            lines[:, places < 0] = border.value
        out = np.empty((len(lines), len(places) - 2 * half, lines.shape[2]), self.arithmetic.samples)
        self._run(DirectPass(along.short[np.newaxis]), lines, (0, 0, half, half), self.arithmetic, out)
        return out[:, :: along.step]

    def _run(
        self,
        one: AnyPass,
        pixels: Samples,
        context: tuple[int, int, int, int],
        arithmetic: Arithmetic,
        out: Samples,
    ) -> None:
        """A pass where all of its context is real."""
        anchor = (one.height // 2, one.width // 2)
        stage = replace(self.stage, passes=(one,), anchor=anchor, offset=0.0)
        self.engine.filter_block(stage, Block(pixels, context), arithmetic, None, out)


def _points(factor: CoarseFactor, first: int, last: int) -> tuple[int, int]:
    """From the first point of the grid that spreads onto these samples, up to the last."""
    half = len(factor.short) // 2
    return -((half - first) // factor.step), (last - 1 + half) // factor.step + 1


def _weights(factor: CoarseFactor, phase: int) -> list[tuple[int, float]]:
    """Points, counted from that at or before a sample, and how much of each spreads onto it."""
    half, step = len(factor.short) // 2, factor.step
    points = range(-((half - phase) // step), (phase + half) // step + 1)
    return [(point, float(step * factor.short[phase - point * step + half])) for point in points]


def _spread(lines: Samples, factor: CoarseFactor, left: int, width: int) -> Samples:
    """Spread along the second axis: shape (h, points, C) to (h, width, C)."""
    out = np.empty((len(lines), width, lines.shape[2]), lines.dtype)
    for phase in range(min(factor.step, width)):
        count = len(range(phase, width, factor.step))
        parts = (
            lines[:, point - left : point - left + count] * weight
            for point, weight in _weights(factor, phase)
        )
        total = next(parts)
        for part in parts:
            total += part
        out[:, phase :: factor.step] = total
    return out
