"""Reading, filtering and writing of one image, strip by strip, side by side where there are threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import accumulate
from threading import Event
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from sepfilter.engine.filtering import Strip
from sepfilter.engine.held import HeldRows
from sepfilter.engine.mapping import Losses
from sepfilter.geometry import Window
from sepfilter.images.limits import Limits
from sepfilter.images.sink import Sink
from sepfilter.images.source import Source
from sepfilter.pipeline.clock import Clock
from sepfilter.pipeline.filters import Filter
from sepfilter.values import value

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Pixels = npt.NDArray[Any]

BAND_SAMPLES: Final = 4_000_000
"""Samples that are filtered before they are written: benchmarks/command.py, memory against time."""


class Halted(Exception):  # noqa: N818 - nothing is wrong
    """No more is to be done: what was written so far is dropped."""


@value
class _Band:
    """Rows that are filtered at once, and written together.

    Attributes
    ----------
    strips : list of (int, int)
        Rows of the result, from, up to, for each thread.
    top : int
        The first row of the image that they, or those further down, are made of.
    below : Window
        What has to be read first; of no height where all is there.
    """

    strips: list[Strip]
    top: int
    below: Window


@value
class Flow:
    """An image on its way through a filter, band by band.

    Attributes
    ----------
    filter : Filter
        For this source.
    source : Source
        What is filtered.
    part : Window
        Which part of the result is written.
    workers : int
        Threads. With more than one, reading goes on ahead and writing behind, each in a thread of its own.
    bands : list of _Band
        From top to bottom.
    """

    filter: Filter
    source: Source
    part: Window
    workers: int
    bands: list[_Band]

    @classmethod
    def of(cls, filter: Filter, source: Source, part: Window, workers: int) -> Flow:  # noqa: A002
        """Cut the part into bands."""
        return cls(filter, source, part, workers, _bands(filter, source, part, workers))

    def check(self, limits: Limits, name: str, beside: int = 0) -> None:
        """Refuse an image of which more has to be held than the limits allow.

        Parameters
        ----------
        limits : Limits
            What is allowed.
        name : str
            The image, in messages.
        beside : int
            Bytes that are held of the result.

        Raises
        ------
        LimitError
            The message names the option that raises the limit.
        """
        spec = self.filter.plan.spec
        rows = max(band.below.y + band.below.height - band.top for band in self.bands)
        if rows < spec.height:  # the number of pixels is limited only where all are held
            limits = replace(limits, max_pixels=rows * spec.width)
        limits.check(
            name, height=rows, width=spec.width, channels=spec.channels,
            sample_bytes=spec.sample_bytes, beside=self.filter.held_bytes(self.workers) + beside,
        )  # fmt: skip

    def run(self, sink: Sink, clock: Clock, halted: Event) -> Losses:
        """Read, filter and write.

        Parameters
        ----------
        sink : Sink
            Takes as many pixels as the part has.
        clock : Clock
            Gets the busy seconds of each stage.
        halted : Event
            Set from outside where no more is to be done.

        Returns
        -------
        Losses
            What the output type could not hold.
        """
        spec = self.filter.plan.spec
        none = np.empty((0, spec.width, spec.channels), spec.dtype)
        held = HeldRows(none, spec.height, self.bands[0].below.y)
        work, losses, written = None, Losses(), 0
        wanted = self.bands[0].strips[0][0], self.bands[-1].strips[-1][1]
        with _beside(self.workers) as others:
            below = _read_ahead(self.source, [band.below for band in self.bands], others, clock)
            writing = _Writing(sink, others, clock)
            for band, pixels in zip(self.bands, below, strict=True):
                if halted.is_set():
                    raise Halted
                with clock.counting("filter"):
                    held.slide(band.top, pixels)
                    work = work or self.filter.begin(held, self.workers, wanted)
                    out = self._room(band)
                    losses += work.write(band.strips, out)
                writing.put(Window(written, 0, len(out), self.part.width), out[:, self.part.columns])
                written += len(out)
            writing.finish()
        return losses

    def _room(self, band: _Band) -> Pixels:
        """Memory for the rows of a band."""
        spec = self.filter.plan.output_spec
        return np.empty((band.strips[-1][1] - band.strips[0][0], spec.width, spec.channels), spec.dtype)


def _bands(filter: Filter, source: Source, part: Window, workers: int) -> list[_Band]:  # noqa: A002
    """Cut a part of the result into bands of strips, and find out what they are made of."""
    plan, at_once = filter.plan, filter.at_once(workers)
    top, bottom = part.y, part.y + part.height
    cut = [(max(first, top), min(last, bottom)) for first, last in filter.strips(workers, BAND_SAMPLES)]
    strips = [strip for strip in cut if strip[0] < strip[1]]
    groups = [strips[place : place + at_once] for place in range(0, len(strips), at_once)]
    if plan.output.range == "stretch":  # is measured on the whole image first
        reaches = [(0, plan.spec.height)] * len(groups)
    else:
        reaches = [filter.rows_behind(group[0][0], group[-1][1]) for group in groups]
    tops = list(accumulate((first for first, _ in reversed(reaches)), min))[::-1]
    bands: list[_Band] = []
    read = tops[0]
    for group, kept, (_, last) in zip(groups, tops, reaches, strict=True):
        until = max(min(-(-last // source.strip_rows) * source.strip_rows, plan.spec.height), read)
        bands.append(_Band(group, kept, Window(read, 0, until - read, plan.spec.width)))
        read = until
    return bands


@contextmanager
def _beside(workers: int) -> Iterator[tuple[ThreadPoolExecutor, ThreadPoolExecutor] | None]:
    """A thread that reads and one that writes; none where there is but one thread."""
    if workers == 1:
        yield None
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        yield reader, writer


_Others: TypeAlias = "tuple[ThreadPoolExecutor, ThreadPoolExecutor] | None"


def _read_ahead(source: Source, windows: Sequence[Window], others: _Others, clock: Clock) -> Iterator[Pixels]:
    """The pixels of windows in order, each read while the one before is filtered."""

    def read(window: Window) -> Pixels:
        if not window.height:
            return np.empty((0, window.width, source.spec.channels), source.spec.dtype)
        with clock.counting("read"):
            return source.read(window)

    if others is None:
        yield from map(read, windows)
        return
    coming = others[0].submit(read, windows[0])
    for window in windows[1:]:
        pixels = coming.result()
        coming = others[0].submit(read, window)
        yield pixels
    yield coming.result()


@dataclass(slots=True)
class _Writing:
    """Writes bands in order, one behind the one that is filtered."""

    sink: Sink
    others: _Others
    clock: Clock
    going: Future[None] | None = None

    def put(self, window: Window, pixels: Pixels) -> None:
        """Begin to write rows, once those before are written."""
        if self.others is None:
            self._write(window, pixels)
            return
        if self.going is not None:
            self.going.result()
        self.going = self.others[1].submit(self._write, window, pixels)

    def finish(self) -> None:
        """Wait for the last rows, and write what is left."""
        if self.going is not None:
            self.going.result()
        with self.clock.counting("write"):
            self.sink.finish()

    def _write(self, window: Window, pixels: Pixels) -> None:
        with self.clock.counting("write"):
            self.sink.write(window, pixels)
