"""How a result becomes files: an image, a page a channel, a file a channel, or a sheet of all channels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sepfilter.engine.mapping import Losses
from sepfilter.errors import OptionError
from sepfilter.geometry import ImageSpec
from sepfilter.images.formats import OutputFormat
from sepfilter.images.metadata import Metadata
from sepfilter.images.paths.targets import Target
from sepfilter.images.sink import Encoding, Sink, open_sink
from sepfilter.pipeline.destination import destination
from sepfilter.results import OutputInfo, Writing
from sepfilter.values import value

if TYPE_CHECKING:
    from sepfilter.pipeline.work import Work

PICTURE_CHANNELS: Final = (1, 3, 4)
"""Of a bank's result that is an image: grey, RGB, RGB with opacity."""

_PAGES_WRITER: Final = "tiff.pages.open_pages_sink"


def check_channels(target: Target, channels: int, writing: Writing) -> None:
    """Refuse a bank's result of many channels where the output is an image's format.

    Raises
    ------
    OptionError
        The message says what takes them.
    """
    if _way(target, channels, writing, by_bank=True) == "image" and not _holds(target.format, channels):
        stem, suffix = Path(target.path).stem, target.format.extensions[0]
        noun = "channel" if channels == 1 else "channels"
        numbers = "1, 3 or 4" if _holds(target.format, 4) else "1 or 3"
        others = (
            f"{stem}.npy, {stem}.tiff (a page a channel), '{stem}-{{channel}}{suffix}' (a file a channel)"
        )
        if target.is_stdout:
            others = "--format npy or tiff (a page a channel)"
        raise OptionError(
            f"-o {target.path}: the bank makes {channels} {noun}, and {target.format.label} holds {numbers}: "
            f"give {others}, or --montage (one sheet)"
        )


def is_raw(target: Target, channels: int, writing: Writing) -> bool:
    """True where a bank's numbers are written as they are, float32, unless a type is asked for."""
    return target.format.name == "npy" or _way(target, channels, writing, by_bank=True) in ("pages", "sheet")


@value
class Delivery:
    """A result on its way to its output.

    Attributes
    ----------
    way : str
        ``image``, ``pages``, ``files`` or ``sheet``.
    target : Target
        Where it goes.
    spec : ImageSpec
        The result.
    metadata : Metadata
        What goes with it.
    """

    way: str
    target: Target
    spec: ImageSpec
    metadata: Metadata

    @classmethod
    def of(
        cls, target: Target, spec: ImageSpec, metadata: Metadata, writing: Writing, *, by_bank: bool
    ) -> Delivery:
        """Choose the way, and refuse what the output cannot hold.

        Raises
        ------
        OptionError, UnsupportedImageError
            The format does not hold it.
        OutputExistsError
            The file of a channel exists.
        LimitError
            There are more channels than files may be open.
        """
        if by_bank:
            check_channels(target, spec.channels, writing)
        one = cls(_way(target, spec.channels, writing, by_bank=by_bank), target, spec, metadata)
        if one.way == "files":
            from sepfilter.images.channels import check_open_files
            from sepfilter.safe_write import check_absent

            check_open_files(spec.channels)
            for path in one.paths:
                check_absent(path, overwrite=writing.overwrite)
        return one

    @property
    def paths(self) -> list[str]:
        """The files that are written."""
        if self.way != "files":
            return [self.target.path]
        from sepfilter.images.channels import channel_path

        count = self.spec.channels
        return [channel_path(self.target.path, channel, count) for channel in range(1, count + 1)]

    @property
    def written(self) -> ImageSpec:
        """What each file holds."""
        if self.way == "files":
            return replace(self.spec, channels=1, alpha=False)
        if self.way == "sheet":
            from sepfilter.images.montage.layout import DEFAULT_MONTAGE

            return DEFAULT_MONTAGE.sheet_spec(self.spec)
        return self.spec

    @property
    def held_bytes(self) -> int:
        """Memory for what several files or a sheet hold back until the last row has come."""
        spec = self.spec
        if self.way == "sheet":  # thumbnails, a row of sums, the sheet
            sheet = self.written
            return 8 * (sheet.height + spec.channels) * sheet.width + 8 * spec.width * spec.channels
        if self.way == "files" and self.target.format.is_encoded_whole:
            return spec.height * spec.width * spec.channels * spec.sample_bytes
        return 0

    def check(self, *, float_range: bool) -> None:
        """Refuse a result that the format would damage."""
        if self.way != "pages":
            metadata = self.metadata if self.way == "image" else Metadata()
            self.target.format.check(self.written, metadata, self.target.path, float_range=float_range)

    @contextmanager
    def opened(self, path: str, work: Work) -> Iterator[Sink]:
        """Open all files; they appear, one after the other, when all are complete.

        Parameters
        ----------
        path : str
            The input.
        work : Work
            What is asked.
        """
        writing, target = work.job.writing, self.target
        encoding = Encoding(writing.quality, writing.compression, work.threads).fitting(target.format)
        with ExitStack() as stack:
            sinks = []
            for name in self.paths:
                one = replace(target, path=name)
                file = stack.enter_context(destination(one, path, writing, work.streams.stdout))
                sinks.append(open_sink(file, self.written, self.metadata, self._format, encoding, name=name))
            yield self._around(sinks, work.threads)

    def outputs(self, losses: Losses) -> tuple[OutputInfo, ...]:
        """The files as reports show them."""
        spec, label = self.written, self.target.format.label
        apart = losses.by_channel if self.way == "files" else ()
        return tuple(
            OutputInfo(
                path, label, spec.height, spec.width, spec.channels, spec.dtype,
                lost.clipped_low, lost.clipped_high, lost.nonfinite,
            )
            for path, lost in zip(self.paths, apart or [losses] * len(self.paths), strict=True)
        )  # fmt: skip

    @property
    def _format(self) -> OutputFormat:
        """The format, with what writes a page a channel."""
        output_format = self.target.format
        return replace(output_format, writer=_PAGES_WRITER) if self.way == "pages" else output_format

    def _around(self, sinks: list[Sink], threads: int) -> Sink:
        """What takes the result's rows."""
        if self.way == "files":
            from sepfilter.images.channels import ChannelSinks

            return ChannelSinks(sinks, threads)
        if self.way == "sheet":
            from sepfilter.images.montage.sink import MontageSink

            return MontageSink(self.spec, sinks[0])
        return sinks[0]


def _way(target: Target, channels: int, writing: Writing, *, by_bank: bool) -> str:
    """How channels are written."""
    if writing.montage:
        return "sheet"
    if target.is_per_channel:
        return "files"
    is_picture = channels in PICTURE_CHANNELS or not by_bank
    return "pages" if target.format.name == "tiff" and not is_picture else "image"


def _holds(output_format: OutputFormat, channels: int) -> bool:
    """True for a format that takes so many channels of a bank's result as one image."""
    if channels not in PICTURE_CHANNELS:
        return output_format.name == "npy"
    return channels != 4 or not output_format.holds or "rgba" in output_format.holds
