"""A bank at work: segment after segment, band after band, over threads; nothing is made twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.banks.bank import Bank
from sepfilter.banks.input_scale import InputScale
from sepfilter.banks.layer import RunLayer, Shape
from sepfilter.banks.segments import Rows, Segment, Step, segments_of
from sepfilter.engine.engines import current_engine
from sepfilter.engine.filtering import allowed_threads, in_threads
from sepfilter.engine.held import HeldRows
from sepfilter.errors import ShapeError
from sepfilter.geometry import ImageSpec
from sepfilter.values import value

Samples = npt.NDArray[Any]
MakeLayer = Callable[..., RunLayer]

KEPT_SAMPLES: Final = 2_000_000
"""Samples of a layer's result that are made at a time where the next one reaches around them."""

_LINE_SAMPLES: Final = 16
"""Of a cache line."""

LEAST_ROWS: Final = 8
"""Rows of a band at least, so that threads have some each, whatever memory that takes."""


def run_bank(bank: Bank, image: Samples, *, threads: int | None, out: Samples | None) -> Samples:
    """Run a bank on an array; see `Bank.__call__`."""
    pixels = image[..., np.newaxis] if image.ndim == 2 else image
    spec = ImageSpec.of(pixels)
    bank = bank.for_channels(spec.channels)
    steps = make_ready(bank, spec)
    target = _output(steps.output, out)
    stream = Stream.of(steps, HeldRows.whole(pixels), allowed_threads(threads))
    rows = steps.band_rows
    for first in range(0, len(target), rows):
        stream.write(first, min(first + rows, len(target)), target[first : first + rows])
    return target


@value
class Steps:
    """A bank for images of one shape.

    Attributes
    ----------
    bank : Bank
        For the image's channels.
    segments : tuple of Segment
        From first to last.
    """

    bank: Bank
    segments: tuple[Segment, ...]

    @property
    def output(self) -> Shape:
        """Height, width and channels of the result."""
        return self.segments[-1].output

    @property
    def band_rows(self) -> int:
        """Rows of the result for which no more than a band is held between segments."""
        height = self.output[0]
        if len(self.segments) == 1:
            return height
        most = max(prod(one.output) for one in self.segments[:-1])
        return min(max(height * KEPT_SAMPLES // most, LEAST_ROWS), height)

    @property
    def held_bytes(self) -> int:
        """Memory for the rows that are kept between segments, a band and what lies around it."""
        total = 0
        for segment, behind in zip(self.segments[1:], self.segments[:-1], strict=True):
            height, width, channels = behind.output
            step = segment.steps[0]
            made = -(-self.band_rows * behind.output[0] // self.output[0]) + step.layer.stride[0]
            # What is kept of the band before is copied beside the new rows.
            kept = 2 * (step.layer.extent[0] + max(step.pads[0], step.pads[2]))
            total += min(made + kept, 2 * height) * width * channels
        return total * np.dtype(np.float32).itemsize

    @property
    def strip_bytes(self) -> int:
        """Memory for the strip that a thread is at, at most."""
        return max(segment.strip_samples for segment in self.segments) * np.dtype(np.float32).itemsize

    def rows_behind(self, first: int, last: int) -> tuple[int, int]:
        """Rows of the image that rows of the result are made of, from and up to."""
        for segment in reversed(self.segments):
            for step in reversed(segment.steps):
                first, last = step.rows_behind(first, last)
        return first, last


def make_ready(
    bank: Bank, spec: ImageSpec, make: MakeLayer | None = None, *, separates: bool = True
) -> Steps:
    """Pack a bank's weights for images of one shape.

    Parameters
    ----------
    bank : Bank
        For as many channels.
    spec : ImageSpec
        The image.
    make : callable, optional
        Makes what runs a layer; by default for the engine in use.
    separates : bool
        Run depthwise kernels of low rank as sums of two passes.

    Raises
    ------
    ShapeError
        The image is smaller than a kernel.
    """
    bank.input_scale.check(spec.channels)
    make = make or _layers_of_engine()
    shape: Shape = (spec.height, spec.width, spec.channels)
    steps = []
    for layer in bank.layers:
        output = layer.output_shape(shape)
        steps.append(Step(layer, make(layer, separates=separates), shape, output, layer.pads(*shape[:2])))
        shape = output
    return Steps(bank, segments_of(steps))


@value
class ScaledRows:
    """Rows of an image that are in memory, as the first layer takes them.

    Attributes
    ----------
    scale : InputScale
        What its weights expect.
    held : HeldRows
        The image.
    dtype : dtype
        Of the floats that it takes.
    """

    scale: InputScale
    held: HeldRows
    dtype: np.dtype[Any]

    def read(self, first: int, last: int) -> Samples:
        """Rows as floats."""
        return self.scale.of(self.held.pixels[first - self.held.top : last - self.held.top], self.dtype)


@dataclass(slots=True)
class KeptRows:
    """The result of a segment, made as it is asked for, of which those rows are kept that are needed further.

    Attributes
    ----------
    segment : Segment
        Makes them.
    source : Rows
        What of.
    workers : int
        Threads.
    dtype : dtype
        Of its samples.
    until : int
        The row up to which rows are wanted.
    pixels : ndarray
        The rows that are kept.
    top : int
        The first of them.
    """

    segment: Segment
    source: Rows
    workers: int
    dtype: np.dtype[Any]
    until: int
    pixels: Samples = field(init=False)
    top: int = 0

    def __post_init__(self) -> None:
        self.pixels = np.empty((0, *self.segment.output[1:]), self.dtype)

    def read(self, first: int, last: int) -> Samples:
        """Rows that have been made."""
        return self.pixels[first - self.top : last - self.top]

    def reach(self, first: int, last: int) -> None:
        """Make rows up to `last`, and let go of those above `first`."""
        bottom = self.top + len(self.pixels)
        if not len(self.pixels) or first > bottom:
            bottom = first
        kept = self.pixels[max(first - self.top, 0) :]
        if last <= bottom:
            self.pixels, self.top = kept, max(first, self.top)
            return
        pixels = np.empty((len(kept) + last - bottom, *self.pixels.shape[1:]), self.pixels.dtype)
        pixels[: len(kept)] = kept
        made = pixels[len(kept) :]
        fill(self.segment, self.source, (bottom, last, self.until), made, self.workers)
        self.pixels, self.top = pixels, bottom - len(kept)


def fill(segment: Segment, source: Rows, rows: tuple[int, int, int], out: Samples, workers: int) -> None:
    """Make rows of a segment's result, from and up to, some more being wanted until; what they need first."""
    first, last, until = rows
    if isinstance(source, KeptRows):
        step = segment.steps[0]
        # What is let go of is needed by none of the rows down to the last that is wanted.
        source.reach(step.rows_behind(first, max(until, last))[0], step.rows_behind(first, last)[1])
    count = min(workers, last - first)
    cuts = [first + (last - first) * part // count for part in range(count + 1)]
    in_threads(
        lambda part: segment.write(source, *part, out[part[0] - first : part[1] - first]),
        list(pairwise(cuts)),
        workers,
    )


@dataclass(slots=True)
class Stream:
    """A bank's result, written from top to bottom.

    Attributes
    ----------
    steps : Steps
        How.
    source : Rows
        What the last segment is made of.
    workers : int
        Threads.
    until : int
        The row up to which rows are wanted.
    """

    steps: Steps
    source: Rows
    workers: int
    until: int

    @classmethod
    def of(
        cls,
        steps: Steps,
        held: HeldRows,
        workers: int,
        *,
        wanted: tuple[int, int] | None = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> Stream:
        """Chain the segments behind an image.

        Parameters
        ----------
        steps : Steps
            How.
        held : HeldRows
            The image, as far as it is needed for the wanted rows.
        workers : int
            Threads.
        wanted : (int, int), optional
            Rows of the result, from and up to; all unless given.
        dtype : dtype
            Of samples, as the layers were made ready for.
        """
        first, last = wanted or (0, steps.output[0])
        until = [last]
        for segment in reversed(steps.segments[1:]):
            first, last = segment.steps[0].rows_behind(first, last)
            until.insert(0, last)
        source: Rows = ScaledRows(steps.bank.input_scale, held, np.dtype(dtype))
        for segment, end in zip(steps.segments[:-1], until[:-1], strict=True):
            source = KeptRows(segment, source, workers, np.dtype(dtype), end)
        return cls(steps, source, workers, until[-1])

    def write(self, first: int, last: int, out: Samples) -> None:
        """Make rows of the result, shape (last - first, W, C), C-contiguous."""
        fill(self.steps.segments[-1], self.source, (first, last, self.until), out, self.workers)


def _layers_of_engine() -> MakeLayer:
    """What makes layers ready for the engine in use."""
    if current_engine().name == "native":
        from sepfilter.banks.native_layers import native_layer

        return native_layer
    from sepfilter.banks.numpy_layers import numpy_layer

    return numpy_layer


def _aligned(shape: Shape) -> Samples:
    """A new array that begins at a cache line: vectors that are stored across two take half as long again."""
    count = prod(shape)
    room = np.empty(count + _LINE_SAMPLES, np.float32)
    start = -(room.ctypes.data // room.itemsize) % _LINE_SAMPLES
    return room[start : start + count].reshape(shape)


def _output(shape: Shape, out: Samples | None) -> Samples:
    """The array to write to."""
    if out is None:
        return _aligned(shape)
    if not isinstance(out, np.ndarray) or out.shape != shape or out.dtype != np.float32:
        found = f"{out.shape} {out.dtype}" if isinstance(out, np.ndarray) else type(out).__name__
        raise ShapeError(
            f"out is {found}, but the result is {shape} float32: pass an array of that shape and type"
        )
    if not (out.flags.c_contiguous and out.flags.writeable):
        raise ShapeError("out is read-only, or not C-contiguous: pass another array")
    return out
