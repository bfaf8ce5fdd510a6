"""Images as sources of rows: an array, premultiplied colours, a filtered image, chained at will.

A filtered image asks the one before it for the rows it needs, so that a cascade runs strip by strip
and every strip has its real context: results do not depend on where strips begin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from sepfilter.engine.borders import border_indices
from sepfilter.engine.scipy_passes import run_pass
from sepfilter.plans.plan import Plan, Stage

Samples = npt.NDArray[Any]

LEAST_OPACITY: Final = 2.0**-16
"""Share of full opacity below which a filtered pixel has no colour."""


class Rows(Protocol):
    """An image that can be read row by row, shape (height, width, channels)."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""

    def read(self, first: int, last: int) -> Samples:
        """Rows from `first` up to `last`; the caller does not write into them."""


@dataclass(frozen=True, slots=True)
class ArrayRows:
    """The rows of an array of shape (H, W, C)."""

    pixels: Samples

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        height, width, channels = self.pixels.shape
        return height, width, channels

    def read(self, first: int, last: int) -> Samples:
        """A view of the rows."""
        return self.pixels[first:last]


@dataclass(frozen=True, slots=True)
class PremultipliedRows:
    """Colours times opacity, of an array whose last channel is opacity."""

    pixels: Samples
    dtype: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, and the number of colour channels."""
        height, width, channels = self.pixels.shape
        return height, width, channels - 1

    def read(self, first: int, last: int) -> Samples:
        """Colours of the rows, each times its opacity in levels."""
        strip = self.pixels[first:last]
        colours: Samples = strip[..., :-1].astype(self.dtype)
        colours *= strip[..., -1:]
        if strip.dtype.kind == "f":  # a hidden NaN times 0 is NaN, and would bleed
            np.copyto(colours, 0.0, where=strip[..., -1:] == 0)
        return colours


@dataclass(frozen=True, slots=True)
class FilteredRows:
    """The result of one stage on another source of rows, unrounded."""

    source: Rows
    stage: Stage
    dtype: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the result."""
        height, width, channels = self.source.shape
        return *self.stage.output_size(height, width), channels

    def read(self, first: int, last: int) -> Samples:
        """Filter these rows, a new array each time."""
        block = self._with_context(first, last)
        results = [run_pass(one, block) for one in self.stage.passes]
        result = results[0]
        if self.stage.is_magnitude and self.stage.is_exact:
            # The root of an exact sum is correctly rounded, which hypot does not promise.
            np.sqrt(result * result + results[1] * results[1], out=result)
        elif self.stage.is_magnitude:
            np.hypot(result, results[1], out=result)
        if self.stage.offset:
            result += self.stage.offset
        return result

    def _with_context(self, first: int, last: int) -> Samples:
        """The rows with all that the kernel reaches around them, as stored samples."""
        stage, border = self.stage, self.stage.border
        height, width, channels = self.source.shape
        top, bottom, left, right = stage.halo
        if stage.padding == "valid":  # nothing is invented: output row y begins at source row y
            top, bottom, left, right = 0, stage.height - 1, 0, 0
        rows = border_indices(first - top, last + bottom, height, border.mode)
        columns = border_indices(-left, width + right, width, border.mode)
        block = np.empty((len(rows), len(columns), channels), dtype=self.dtype)
        inside = block[:, left : left + width]
        _fill(inside, rows, self.source, border.value)
        for edge in (slice(0, left), slice(left + width, None)):
            wanted = columns[edge]
            block[:, edge] = border.value if border.mode == "constant" else inside[:, wanted]
        return block


@dataclass(frozen=True, slots=True)
class RejoinedRows:
    """Filtered colours and filtered opacity as one image again.

    Attributes
    ----------
    colours, opacity : Rows
        Equal sizes; opacity has one channel, in levels.
    premultiplied : bool
        True where the colours were multiplied by opacity.
    divides : bool
        Divide by the filtered opacity; else only by `levels`.
    levels : float
        Full opacity.
    """

    colours: Rows
    opacity: Rows
    premultiplied: bool
    divides: bool
    levels: float

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
            values /= self.levels
            return joined
        # Where next to nothing was opaque colours are unknown: what is left is rounding.
        visible = joined[..., -1:] > self.levels * LEAST_OPACITY
        np.divide(values, joined[..., -1:], out=values, where=visible)
        np.copyto(values, 0.0, where=~visible)
        return joined


def filtered_rows(plan: Plan, pixels: Samples) -> Rows:
    """The filtered image, unrounded, for pixels of shape (H, W, C); opacity is the last channel."""
    if not plan.filters_opacity_apart:
        return _through(plan.stages, ArrayRows(pixels), plan.samples)
    premultiplied = plan.alpha == "premultiply"
    source: Rows = ArrayRows(pixels[..., :-1])
    if premultiplied:
        source = PremultipliedRows(pixels, plan.samples)
    return RejoinedRows(
        colours=_through(plan.stages, source, plan.samples),
        opacity=_through(plan.alpha_stages, ArrayRows(pixels[..., -1:]), plan.samples),
        premultiplied=premultiplied,
        divides=plan.divides_by_alpha,
        levels=plan.spec.levels,
    )


def _through(stages: tuple[Stage, ...], rows: Rows, dtype: str) -> Rows:
    """Rows led through every stage."""
    for stage in stages:
        rows = FilteredRows(rows, stage, dtype)
    return rows


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
