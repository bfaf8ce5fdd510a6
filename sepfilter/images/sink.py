"""Where pixels go: an encoder that takes strips from top to bottom and writes bytes as they come."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Final, Protocol

import numpy.typing as npt

from sepfilter.errors import ImageWriteError, SepfilterError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.carried import carried
from sepfilter.images.formats import OutputFormat
from sepfilter.images.metadata import Metadata
from sepfilter.values import value

Pixels = npt.NDArray[Any]


class Sink(Protocol):
    """An output that is written from top to bottom."""

    def write(self, window: Window, pixels: Pixels) -> None:
        """Take whole rows, shape (h, width, C); the caller may change them afterwards.

        Windows follow one another without gaps.
        """

    def finish(self) -> None:
        """Write what is left; the file stays open."""


@value
class Encoding:
    """How a format is to be written, where it has a choice.

    Attributes
    ----------
    quality : int or None
        1 to 100, of lossy formats. None for the format's own.
    compression : str or None
        ``fast`` or ``small``; of TIFF also ``none``, ``deflate`` or ``zstd``. None for the format's own.
    threads : int
        At most this many compress at a time.
    """

    quality: int | None = None
    compression: str | None = None
    threads: int = 1

    def fitting(self, output_format: OutputFormat) -> Encoding:
        """Without what a format has not, which is for other outputs of the same job."""
        quality = self.quality if output_format.has_quality else None
        compression = self.compression if self.compression in output_format.compressions else None
        return replace(self, quality=quality, compression=compression)


DEFAULT_ENCODING: Final = Encoding()

Writer = Callable[[BinaryIO, ImageSpec, Metadata, Encoding], Sink]
"""Opens a sink on a file that may not be able to seek; writes what can be written already."""


def open_sink(
    file: BinaryIO,
    spec: ImageSpec,
    metadata: Metadata,
    output_format: OutputFormat,
    encoding: Encoding = DEFAULT_ENCODING,
    *,
    name: str = "output",
) -> Sink:
    """Begin to write an image.

    Parameters
    ----------
    file : binary file
        Written to from where it is; a pipe will do.
    spec : ImageSpec
        The whole image.
    metadata : Metadata
        What goes with it, as far as the format carries it: see `carried`.
    output_format : OutputFormat
        How it is encoded.
    encoding : Encoding
        How hard and how well.
    name : str
        The output, in messages.

    Raises
    ------
    UnsupportedImageError
        The format would damage the image.
    OptionError
        The format has no such quality or compression.
    ImageWriteError
        The encoder refuses the image.
    """
    output_format.check(spec, metadata, name)
    output_format.check_encoding(encoding.quality, encoding.compression)
    module, _, function = output_format.writer.rpartition(".")
    writer: Writer = getattr(importlib.import_module(f"sepfilter.images.{module}"), function)
    with _encoder_errors(name, output_format):
        _check_sides(spec, output_format.longest_side)
        sink = writer(file, spec, carried(metadata, spec, output_format)[0], encoding)
    return _CheckedSink(sink, name, output_format, spec.height)


@dataclass(slots=True)
class _CheckedSink:
    """A sink whose rows are counted, and whose errors say which output, and which format, would not do."""

    sink: Sink
    name: str
    format: OutputFormat
    height: int
    rows: int = 0

    def write(self, window: Window, pixels: Pixels) -> None:
        """Take rows."""
        if window.y != self.rows:
            raise ImageWriteError(f"{self.name}: row {window.y} was written where row {self.rows} comes next")
        with _encoder_errors(self.name, self.format):
            self.sink.write(window, pixels)
        self.rows += window.height

    def finish(self) -> None:
        """Write what is left."""
        if self.rows != self.height:
            raise ImageWriteError(f"{self.name}: only {self.rows} of {self.height} rows were written")
        with _encoder_errors(self.name, self.format):
            self.sink.finish()


def _check_sides(spec: ImageSpec, most: int | None) -> None:
    """Refuse an image with a side that the format has no number for."""
    longest = max(spec.height, spec.width)
    if most is not None and longest > most:
        raise ValueError(f"its longer side of {longest:,} pixels is more than the {most:,} that fit")


@contextmanager
def _encoder_errors(name: str, output_format: OutputFormat) -> Iterator[None]:
    """Turn what an encoder raises into an error of ours.

    The system's own errors (no space, broken pipe) speak of the file, not of the encoder, and pass.
    """
    try:
        yield
    except SepfilterError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageWriteError(f"{name}: cannot be encoded as {output_format.label}: {reason}") from error
