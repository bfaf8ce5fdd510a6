"""A bank as what is done to images of one shape: rows of the image in, output samples out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from sepfilter.banks.bank import Bank
from sepfilter.banks.numpy_layers import numpy_layer
from sepfilter.banks.planning import plan_bank
from sepfilter.banks.running import Steps, Stream, make_ready
from sepfilter.engine.filtering import STRIP_SAMPLES, Strip
from sepfilter.engine.held import HeldRows
from sepfilter.engine.mapping import Losses, map_samples
from sepfilter.engine.verify import largest_difference
from sepfilter.geometry import ImageSpec, Window, full_scale
from sepfilter.plans.bank_plan import BankPlan
from sepfilter.plans.options import Options
from sepfilter.plans.output_map import OutputMap, make_output_map
from sepfilter.results import Verification
from sepfilter.values import value

Samples = npt.NDArray[Any]


@value
class BankFilter:
    """A bank, made ready for images of one shape.

    Attributes
    ----------
    plan : BankPlan
        Shapes, counts, and how results become output samples.
    steps : Steps
        Its layers.
    counts_apart : bool
        Count what the output cannot hold for each channel.
    """

    plan: BankPlan
    steps: Steps
    counts_apart: bool = False

    @classmethod
    def of(cls, bank: Bank, spec: ImageSpec, options: Options, *, counts_apart: bool = False) -> BankFilter:
        """Make ready.

        Parameters
        ----------
        bank : Bank
            With padding and border said.
        spec : ImageSpec
            The image; all of its channels are filtered.
        options : Options
            Of which scale, offset, range and type of the output are used, and the method ``direct``.
        counts_apart : bool
            Count what the output cannot hold for each channel.

        Raises
        ------
        ShapeError
            The bank takes another number of channels, or the image is smaller than a kernel.
        OptionError
            The output cannot be as asked.
        """
        ready = bank.for_channels(spec.channels)
        separates = options.method != "direct"
        plan = replace(plan_bank(ready, spec, separates=separates), output=_output_map(bank, spec, options))
        return cls(plan, make_ready(ready, spec, separates=separates), counts_apart)

    def held_bytes(self, workers: int) -> int:
        """Memory for the rows that are kept between layers, for strips, and for a row of the result."""
        _, width, channels = self.plan.shape
        sample = np.dtype(np.float32).itemsize
        return self.steps.held_bytes + workers * self.steps.strip_bytes + 2 * width * channels * sample

    def strips(self, workers: int, most: int) -> list[Strip]:  # noqa: ARG002 - each is spread over them
        """Cut the result's rows into strips, which follow one another."""
        height, width, channels = self.plan.shape
        rows = min(max(most // (width * channels), 1), self.steps.band_rows)
        return [(first, min(first + rows, height)) for first in range(0, height, rows)]

    def at_once(self, workers: int) -> int:  # noqa: ARG002
        """One: its rows are spread over the threads."""
        return 1

    def rows_behind(self, first: int, last: int) -> tuple[int, int]:
        """Rows of the image that rows of the result are made of."""
        return self.steps.rows_behind(first, last)

    def for_part(self, part: Window) -> None:
        """None: strides and asymmetric paddings begin at the image's edge."""

    def begin(self, held: HeldRows, workers: int, wanted: tuple[int, int]) -> BankWork:
        """Make ready to filter what is held; a range that is stretched is measured first, on all rows."""
        output = self.plan.output
        if output.range == "stretch":
            with np.errstate(over="ignore", invalid="ignore"):
                output = output.stretched(*_limits(self._strips_of(self.steps, held, workers, np.float32)))
        return BankWork(Stream.of(self.steps, held, workers, wanted=wanted), output, self.counts_apart)

    def verification(self, before: Samples, after: Samples, part: Window, threads: int) -> Verification:
        """How far a result is from sums of all taps in double precision."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self._verification(HeldRows.whole(before), after, part, threads)

    def _verification(self, held: HeldRows, after: Samples, part: Window, threads: int) -> Verification:
        """The same of held rows, strip by strip."""
        direct = make_ready(self.steps.bank, self.plan.spec, numpy_layer, separates=False)
        output = self.plan.output
        if output.range == "stretch":
            output = output.stretched(*_limits(self._strips_of(direct, held, 1, np.float64)))
        unrounded = rounded = 0.0
        ours = self._strips_of(self.steps, held, threads, np.float32)
        for (first, one), (_, other) in zip(ours, self._strips_of(direct, held, 1, np.float64), strict=True):
            unrounded = max(unrounded, largest_difference(one, other))
            mapped = np.empty(other.shape, output.dtype)
            map_samples(other, output, mapped)
            top, bottom = max(first, part.y), min(first + len(one), part.y + part.height)
            if top < bottom:
                found = after[top - part.y : bottom - part.y]
                expected = mapped[top - first : bottom - first, part.columns]
                rounded = max(rounded, largest_difference(found, expected))
        return Verification(unrounded, rounded)

    def _strips_of(
        self, steps: Steps, held: HeldRows, threads: int, dtype: npt.DTypeLike
    ) -> Iterator[tuple[int, Samples]]:
        """The unrounded result, strip by strip, each with its first row."""
        stream = Stream.of(steps, held, threads, dtype=dtype)
        for first, last in self.strips(threads, STRIP_SAMPLES):
            values = np.empty((last - first, *self.plan.shape[1:]), dtype)
            stream.write(first, last, values)
            yield first, values


@dataclass(slots=True)
class BankWork:
    """A bank at work on the rows that are held.

    Attributes
    ----------
    stream : Stream
        Makes the result, from top to bottom.
    output : OutputMap
        How it becomes samples.
    counts_apart : bool
        Count what gets lost for each channel.
    """

    stream: Stream
    output: OutputMap
    counts_apart: bool

    def write(self, strips: Sequence[Strip], out: Samples) -> Losses:
        """Make strips that follow one another."""
        first, last = strips[0][0], strips[-1][1]
        is_raw = self.output.is_trivial and out.dtype == np.float32 and out.flags.c_contiguous
        values = out if is_raw else np.empty(out.shape, np.float32)
        self.stream.write(first, last, values)
        with np.errstate(over="ignore", invalid="ignore"):  # infinities are counted, not warned about
            if not self.counts_apart:
                return _lost(values, self.output, out)
            planes = (np.ascontiguousarray(values[..., c]) for c in range(out.shape[2]))
            return Losses.of_channels(
                [_lost(plane, self.output, out[..., c]) for c, plane in enumerate(planes)]
            )


def _lost(values: Samples, output: OutputMap, out: Samples) -> Losses:
    """What a type cannot hold of values, which become samples of it."""
    if values is out:
        return Losses(nonfinite=values.size - int(np.count_nonzero(np.isfinite(values))))
    return map_samples(values, output, out)


def _limits(strips: Iterator[tuple[int, Samples]]) -> tuple[float, float]:
    """The smallest and the largest finite value of a result."""
    low, high = np.inf, -np.inf
    for _, values in strips:
        finite = np.isfinite(values)
        low = min(low, float(values.min(where=finite, initial=np.inf)))
        high = max(high, float(values.max(where=finite, initial=-np.inf)))
    return (low, high) if low <= high else (0.0, 0.0)


def _output_map(bank: Bank, spec: ImageSpec, options: Options) -> OutputMap:
    """How results become samples: where the weights' white is known, as white in integer outputs."""
    made = make_output_map(
        replace(spec, dtype="float32") if bank.input_scale.white is not None else spec,
        scale=options.scale,
        offset=options.offset,
        output_range=options.output_range,
        dtype=options.dtype or (None if options.output_range == "float" else spec.dtype),
    )
    white = bank.input_scale.white
    if white is None or not made.is_integer:
        return made
    return replace(made, scale=made.scale * full_scale(made.dtype) / white)
