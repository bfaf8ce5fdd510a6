"""Pixels that are kept beside the flow, for --verify to compare."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.metadata import Metadata
from sepfilter.images.sink import Sink
from sepfilter.images.source import Source
from sepfilter.pipeline.view import View
from sepfilter.pipeline.work import Work
from sepfilter.results import Verification

Pixels = npt.NDArray[Any]


@dataclass(slots=True)
class RememberedSource:
    """Another source, read once and as a whole."""

    source: Source
    pixels: Pixels = field(default_factory=lambda: np.empty(0))

    @property
    def spec(self) -> ImageSpec:
        """As the source's."""
        return self.source.spec

    @property
    def metadata(self) -> Metadata:
        """As the source's."""
        return self.source.metadata

    @property
    def strip_rows(self) -> int:
        """All of them."""
        return self.spec.height

    def read(self, window: Window) -> Pixels:
        """Read all, and keep it."""
        if not self.pixels.size:
            self.pixels = self.source.read(Window.whole(self.spec))
        return self.pixels[window.rows, window.columns]

    def close(self) -> None:
        """Let go of the file."""
        self.source.close()


@dataclass(slots=True)
class RememberedSink:
    """Another sink, with a copy of what goes into it."""

    sink: Sink
    rows: list[Pixels] = field(default_factory=list)

    @property
    def pixels(self) -> Pixels:
        """All that has been written."""
        return np.concatenate(self.rows)

    def write(self, window: Window, pixels: Pixels) -> None:
        """Keep the rows, and pass them on."""
        self.rows.append(pixels)
        self.sink.write(window, pixels)

    def finish(self) -> None:
        """Write what is left."""
        self.sink.finish()


@dataclass(slots=True)
class Remembered:
    """A run whose pixels are kept.

    Attributes
    ----------
    source : RememberedSource
        What goes in.
    sink : RememberedSink or None
        What comes out, from `around` on.
    """

    source: RememberedSource
    sink: RememberedSink | None = None

    @classmethod
    def of(cls, source: Source) -> Remembered:
        """Keep what is read of a source."""
        return cls(RememberedSource(source))

    def around(self, sink: Sink) -> Sink:
        """A sink that keeps what goes into another."""
        self.sink = RememberedSink(sink)
        return self.sink

    def verification(self, view: View, work: Work) -> Verification | None:
        """How far what came out is from the direct sum in double precision."""
        if self.sink is None:
            return None
        self.source.read(Window.whole(self.source.spec))  # a part that is all padding has asked for none
        return view.filter.verification(self.source.pixels, self.sink.pixels, view.part, work.threads)
