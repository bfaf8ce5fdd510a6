"""Images as sources of rows: an array, premultiplied colours, a filtered image, chained at will.

A filtered image asks the one before it for the rows it needs, so that a cascade runs strip by strip
and every strip has its real context: results do not depend on where strips begin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from sepfilter.engine.block import Block
from sepfilter.engine.borders import border_indices
from sepfilter.engine.engines import Engine, current_engine
from sepfilter.engine.finishing import finish
from sepfilter.engine.held import HeldRows
from sepfilter.engine.mapping import Losses, map_samples
from sepfilter.geometry import ImageSpec
from sepfilter.plans.output_map import OutputMap
from sepfilter.plans.passes import BoxPass, CoarsePass, FFTPass
from sepfilter.plans.plan import Plan, Stage
from sepfilter.plans.precision import DOUBLE, FLOAT, Arithmetic
from sepfilter.values import value

if TYPE_CHECKING:
    from sepfilter.engine.coarse import CoarseGrid
    from sepfilter.engine.fft import Transforms

Samples = npt.NDArray[Any]
R = TypeVar("R", bound="Rows")
Sums: TypeAlias = Callable[[int, int], Samples | None]

LEAST_OPACITY: Final = 2.0**-16
"""Share of full opacity below which a filtered pixel has no colour."""


class Rows(Protocol):
    """An image that can be read row by row, shape (height, width, channels)."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""

    def read(self, first: int, last: int) -> Samples:
        """Rows from `first` up to `last`; the caller does not write into them."""


class ResultRows(Rows, Protocol):
    """Rows of a result: to be read unrounded, or written as the output's samples."""

    def write(self, first: int, last: int, output: OutputMap, out: Samples) -> Losses:
        """Write rows `first` up to `last` into `out`."""


@value
class ArrayRows:
    """The rows of an array, all channels or some."""

    held: HeldRows
    channels: tuple[int | None, int | None] = (None, None)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.held.height, *self.pixels.shape[1:]

    @property
    def pixels(self) -> Samples:
        """The rows in memory."""
        return self.held.pixels[..., slice(*self.channels)]

    def read(self, first: int, last: int) -> Samples:
        """A view of the rows."""
        return self.pixels[first - self.held.top : last - self.held.top]


@value
class PremultipliedRows:
    """Colours times opacity, of an array whose last channel is opacity."""

    held: HeldRows
    dtype: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, and the number of colour channels."""
        _, width, channels = self.held.pixels.shape
        return self.held.height, width, channels - 1

    def read(self, first: int, last: int) -> Samples:
        """Colours of the rows, each times its opacity in levels."""
        strip = self.held.pixels[first - self.held.top : last - self.held.top]
        colours: Samples = strip[..., :-1].astype(self.dtype)
        colours *= strip[..., -1:]
        if strip.dtype.kind == "f":  # a hidden NaN times 0 is NaN, and would bleed
            np.copyto(colours, 0.0, where=strip[..., -1:] == 0)
        return colours


@value
class FilteredRows:
    """The result of one stage on another source of rows.

    Attributes
    ----------
    source : Rows
        What is filtered.
    stage, arithmetic : Stage, Arithmetic
        How.
    engine : Engine
        Runs passes tap by tap, and the last step of all others.
    sums : callable or None
        ``sums(first, last)`` of these rows by other means than the engine's; it may have none for them.
    """

    source: Rows
    stage: Stage
    arithmetic: Arithmetic
    engine: Engine
    sums: Sums | None = None

    @classmethod
    def of(cls, source: Rows, stage: Stage, arithmetic: Arithmetic, engine: Engine) -> FilteredRows:
        """The rows of a stage, by what its passes are made for."""
        rows = cls(source, stage, arithmetic, engine)
        one = stage.passes[0]
        # What most runs do without is not loaded for them.
        if isinstance(one, FFTPass):
            from sepfilter.engine.fft import Transforms

            return replace(rows, sums=partial(rows.by_transforms, Transforms.of(stage, engine)))
        if isinstance(one, BoxPass):
            from sepfilter.engine.running_sums import box_sums

            return replace(rows, sums=lambda first, last: box_sums(stage, one, rows.block(first, last)))
        if isinstance(one, CoarsePass):
            from sepfilter.engine.coarse import CoarseGrid

            grid = CoarseGrid(stage, one, source.shape, rows.beyond, arithmetic, engine)
            return replace(rows, sums=partial(rows.on_a_grid, grid))
        return rows

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the result."""
        height, width, channels = self.source.shape
        return *self.stage.output_size(height, width), channels

    def read(self, first: int, last: int) -> Samples:
        """Filter these rows, unrounded, a new array each time."""
        out = np.empty((last - first, *self.shape[1:]), self.arithmetic.samples)
        self._filter(first, last, None, out)
        return out

    def write(self, first: int, last: int, output: OutputMap, out: Samples) -> Losses:
        """Filter these rows and write them as samples of the output."""
        return self._filter(first, last, output, out)

    def _filter(self, first: int, last: int, output: OutputMap | None, out: Samples) -> Losses:
        """Make the sums by other means, or hand the engine what makes these rows."""
        sums = None if self.sums is None else self.sums(first, last)
        if sums is not None:
            return finish(self.stage, sums, self.engine, output, out)
        return self.engine.filter_block(self.stage, self.block(first, last), self.arithmetic, output, out)

    def by_transforms(self, transforms: Transforms, first: int, last: int) -> Samples:
        """Sums of these rows, of whole rows of the transforms' grid."""
        step = self.stage.grid_rows
        top = first - first % step
        sums = transforms.sums(self.block(top, min(last + -last % step, self.shape[0])))
        return sums[first - top : last - top]

    def on_a_grid(self, grid: CoarseGrid, first: int, last: int) -> Samples | None:
        """Sums of these rows, spread from a coarse grid over the whole image; None where that has none."""
        top, left = (0, 0) if self.stage.padding == "same" else self.stage.anchor
        values = grid.spread(first + top, last + top)
        return None if values is None else values[:, left : left + self.shape[1]]

    def block(self, first: int, last: int) -> Block:
        """What makes these rows of the result, with what may be needed around it."""
        top, bottom, left, right = self.stage.halo
        if self.stage.padding == "valid":  # output row y lies on source row y + top
            first, last = first + top, last + top
        else:
            left = right = 0  # whole rows are made: beyond them is the border
        if isinstance(self.source, ArrayRows):
            held = self.source.held
            return Block(self.source.pixels, (first - held.top, held.bottom - last, left, right))
        return Block(self.beyond(first - top, last + bottom), (top, bottom, left, right))

    def beyond(self, first: int, last: int) -> Samples:
        """Rows of the source, beyond its edges as the border has them."""
        height, width, channels = self.source.shape
        border = self.stage.border
        rows = border_indices(first, last, height, border.mode)
        dtype: npt.DTypeLike = self.arithmetic.samples
        if isinstance(self.source, ArrayRows) and border.is_whole_within(0, 127):
            dtype = self.source.pixels.dtype
        pixels = np.empty((len(rows), width, channels), dtype)
        _fill(pixels, rows, self.source, border.value)
        return pixels


@value
class RejoinedRows:
    """Filtered colours and filtered opacity as one image again.

    Attributes
    ----------
    colours, opacity : Rows
        Equal sizes; opacity has one channel, in levels.
    premultiplied : bool
        True where the colours were multiplied by opacity.
    divides : bool
        Divide by the filtered opacity; else only by full opacity.
    spec : ImageSpec
        The image: says what full opacity is.
    """

    colours: Rows
    opacity: Rows
    premultiplied: bool
    divides: bool
    spec: ImageSpec

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, and channels with opacity as the last."""
        height, width, channels = self.colours.shape
        return height, width, channels + 1

    def read(self, first: int, last: int) -> Samples:
        """Colours, no longer multiplied by opacity, and opacity."""
        colours = self.colours.read(first, last)
        opacity = self.opacity.read(first, last)
        joined: Samples = np.concatenate([colours, opacity], axis=2, dtype=np.result_type(colours, opacity))
        if not self.premultiplied:
            return joined
        values = joined[..., :-1]
        if not self.divides:
            values /= self.spec.levels
            return joined
        # Where next to nothing was opaque colours are unknown: what is left is rounding.
        visible = joined[..., -1:] > self.spec.levels * LEAST_OPACITY
        np.divide(values, joined[..., -1:], out=values, where=visible)
        np.copyto(values, 0.0, where=~visible)
        return joined

    def write(self, first: int, last: int, output: OutputMap, out: Samples) -> Losses:
        """Write the rows; opacity has a map of its own, and is never counted as clipped."""
        values = self.read(first, last)
        map_samples(values[..., -1:], output.for_opacity(self.spec), out[..., -1:])
        return map_samples(values[..., :-1], output, out[..., :-1])


def filtered_rows(plan: Plan, held: HeldRows) -> ResultRows:
    """The filtered image, of which rows can be asked for that the held rows reach: see `rows_behind`.

    Opacity is the last channel where there is some.
    """
    engine = current_engine()
    if not plan.filters_opacity_apart:
        first, *others = plan.stages
        rows = FilteredRows.of(ArrayRows(held), first, plan.arithmetic, engine)
        return _through(others, rows, plan.arithmetic, engine)
    premultiplied = plan.alpha == "premultiply"
    source: Rows = ArrayRows(held, (None, -1))
    if premultiplied:
        source = PremultipliedRows(held, plan.samples)
    # Opacity is planned in floats, whatever integers the colours run in.
    opacity = FLOAT if plan.samples == "float32" else DOUBLE
    return RejoinedRows(
        colours=_through(plan.stages, source, plan.arithmetic, engine),
        opacity=_through(plan.alpha_stages, ArrayRows(held, (-1, None)), opacity, engine),
        premultiplied=premultiplied,
        divides=plan.divides_by_alpha,
        spec=plan.spec,
    )


def _through(stages: Sequence[Stage], rows: R, arithmetic: Arithmetic, engine: Engine) -> R | FilteredRows:
    """Rows led through every stage."""
    found: R | FilteredRows = rows
    for stage in stages:
        found = FilteredRows.of(found, stage, arithmetic, engine)
    return found


def _fill(block: Samples, rows: npt.NDArray[np.intp], source: Rows, constant: float) -> None:
    """Copy the wanted rows of the source; the constant where the row is -1."""
    wanted = rows[rows >= 0]
    if len(wanted) < len(rows):
        block[rows < 0] = constant
    if not len(wanted):
        return
    low, high = int(wanted.min()), int(wanted.max()) + 1
    strip = source.read(low, high)
    start = int(np.argmax(rows >= 0))
    if np.array_equal(wanted, np.arange(low, high)):
        block[start : start + len(wanted)] = strip
    else:
        block[rows >= 0] = strip[wanted - low]
