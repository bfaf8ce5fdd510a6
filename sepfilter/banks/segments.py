"""Layers that run together, strip by strip: one that reaches around a pixel, and pointwise ones behind it.

What the first makes of a few rows is still in a core's cache when the next reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from sepfilter.banks.layer import Layer, RunLayer, Shape
from sepfilter.banks.layers import Pointwise
from sepfilter.engine.borders import border_indices, positions_behind
from sepfilter.values import value

Samples = npt.NDArray[Any]

CACHED_SAMPLES: Final = 65_536
"""Samples between two layers of a segment: as floats half of a core's second cache. benchmarks/banks.py."""

MOST_SAMPLES: Final = 4_000_000
"""Samples of a strip's input, where kernels reach far: memory for each thread."""


class Rows(Protocol):
    """An image or a layer's result that can be read row by row, from top to bottom."""

    def read(self, first: int, last: int) -> Samples:
        """Rows from `first` up to `last`, shape (h, W, C); the caller does not write into them."""


@value
class Step:
    """A layer on an input of a known shape.

    Attributes
    ----------
    layer : Layer
        With its padding and border said.
    run : callable
        ``run(block, out)``, see `native_layer`.
    input, output : (int, int, int)
        Height, width and channels.
    pads : (int, int, int, int)
        Top, left, bottom, right.
    """

    layer: Layer
    run: RunLayer
    input: Shape
    output: Shape
    pads: tuple[int, int, int, int]

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Rows of the input that outputs are made of, from and up to; outside of it where padding is."""
        down = self.layer.stride[0]
        return first * down - self.pads[0], (last - 1) * down - self.pads[0] + self.layer.extent[0]

    def rows_behind(self, first: int, last: int) -> tuple[int, int]:
        """Rows of the input that have to be there for outputs, from and up to."""
        return positions_behind(*self.span(first, last), self.input[0], self.layer.edges.mode)

    def block(self, source: Rows, first: int, last: int) -> Samples:
        """The input of some outputs with all that lies around it, contiguous."""
        border = self.layer.edges
        height, width, channels = self.input
        rows = border_indices(*self.span(first, last), height, border.mode)
        low, high = self.rows_behind(first, last)
        strip = source.read(low, high)
        _, left, _, right = self.pads
        if not (left or right) and np.array_equal(rows, np.arange(low, high)):
            return np.ascontiguousarray(strip)
        columns = border_indices(-left, width + right, width, border.mode)
        block = np.empty((len(rows), len(columns), channels), strip.dtype)
        inside = np.flatnonzero(rows >= 0)
        if len(inside):
            # One copy of what lies in order, which is all but a few rows at the image's edges.
            start, end = inside[0], inside[-1] + 1
            follow = np.array_equal(rows[start:end], np.arange(low, high))
            block[start:end, left : left + width] = strip if follow else strip[rows[start:end] - low]
        for edge in (slice(0, left), slice(left + width, None)):
            block[:, edge] = block[:, left + columns[edge]]
        if border.mode == "constant":
            block[rows < 0] = border.value
            block[:, columns < 0] = border.value
        return block


@value
class Segment:
    """Steps of which all but the first are pointwise.

    Attributes
    ----------
    steps : tuple of Step
        From first to last.
    """

    steps: tuple[Step, ...]

    @property
    def output(self) -> Shape:
        """Height, width and channels of its result."""
        return self.steps[-1].output

    @property
    def strip_rows(self) -> int:
        """Rows of the result that are made at once: in the cache, or else twice what a kernel spans."""
        between = [step.output for step in self.steps[:-1]] + [self.steps[0].input]
        row = max(width * channels for _, width, channels in between)
        high = self.steps[0].layer.extent[0]
        return max(CACHED_SAMPLES // row, min(2 * high, MOST_SAMPLES // row), 1)

    @property
    def strip_samples(self) -> int:
        """Samples of a strip between its layers, and of its first one's input with what lies around it."""
        first = self.steps[0]
        _, width, channels = first.input
        rows = (self.strip_rows - 1) * first.layer.stride[0] + first.layer.extent[0]
        around = (width + first.pads[1] + first.pads[3]) * channels
        # The block; the same rows as the engine gathers them, no more than the kernel spans.
        block = (rows + min(rows, first.layer.extent[0])) * around
        return block + sum(self.strip_rows * prod(step.output[1:]) for step in self.steps[:-1])

    def write(self, source: Rows, first: int, last: int, out: Samples) -> None:
        """Make rows of the result, in strips.

        Parameters
        ----------
        source : Rows
            The input; has all that is behind those rows.
        first, last : int
            From, up to.
        out : ndarray
            Shape (last - first, W, C), C-contiguous.
        """
        for top in range(first, last, self.strip_rows):
            bottom = min(top + self.strip_rows, last)
            block = self.steps[0].block(source, top, bottom)
            for step in self.steps:
                _, width, channels = step.output
                is_last = step is self.steps[-1]
                made = out[top - first : bottom - first] if is_last else np.empty(
                    (bottom - top, width, channels), block.dtype
                )  # fmt: skip
                step.run(block, made)
                block = made


def segments_of(steps: Sequence[Step]) -> tuple[Segment, ...]:
    """Cut a bank's steps into segments."""
    groups: list[list[Step]] = []
    for step in steps:
        follows = isinstance(step.layer, Pointwise) and step.layer.stride == (1, 1) and not any(step.pads)
        if groups and follows:
            groups[-1].append(step)
        else:
            groups.append([step])
    return tuple(Segment(tuple(group)) for group in groups)
