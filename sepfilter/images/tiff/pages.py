"""Channels as the pages of a TIFF file, written strip by strip: the strips of all pages are interleaved.

Viewers can leaf through pages, whatever the number of channels. As rows come for all pages together, and no
page is to be held in memory, a strip of each page follows the same strip of the page before. The directories,
which know where strips are, come last, one after another.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.carried import carried
from sepfilter.images.channels import planes
from sepfilter.images.formats import format_named
from sepfilter.images.metadata import Metadata
from sepfilter.images.sink import Encoding, Sink
from sepfilter.images.tiff.container import LARGEST_CLASSIC, Container
from sepfilter.images.tiff.encoding import SegmentEncoder, segment_encoder
from sepfilter.images.tiff.page import page_tags
from sepfilter.images.tiff.tags import ROWS_PER_STRIP, STRIP_OFFSETS, STRIP_SIZES
from sepfilter.images.tiff.values import LONG, Layout, Tree, Value, packed

Pixels = npt.NDArray[Any]

_STRIP_BYTES: Final = 2**18
_PENDING_BYTES: Final = 2**25
"""Samples that wait for their strips to become complete; with several threads, as much again compressed."""
_TASK_BYTES: Final = 2**20


@dataclass(slots=True)
class PagesSink:
    """Writes a strip of each page as their rows become complete.

    Attributes
    ----------
    container : Container
        Where to.
    spec : ImageSpec
        The image, all channels together.
    metadata : Metadata
        For the pages.
    encoder : SegmentEncoder or None
        How strips are compressed.
    threads : int
        At most this many compress at a time.
    """

    container: Container
    spec: ImageSpec
    metadata: Metadata
    encoder: SegmentEncoder | None
    threads: int
    _rows: int = 0
    _pending: Pixels | None = field(default=None, repr=False)
    _sizes: array[int] = field(default_factory=lambda: array("Q"), repr=False)

    @property
    def strip_rows(self) -> int:
        """Rows of a strip: fewer where there are so many channels that strips would take much memory."""
        row_bytes = self.spec.width * self.spec.sample_bytes
        rows = min(_STRIP_BYTES // row_bytes, _PENDING_BYTES // (row_bytes * self.spec.channels))
        return min(max(rows, 1), self.spec.height)

    def write(self, window: Window, pixels: Pixels) -> None:
        """Take rows; those that complete strips are written, the others kept."""
        pixels = np.asarray(pixels, self.spec.dtype)
        most, taken = self.strip_rows, 0
        while taken < window.height:
            if most == 1:
                self._emit_row(pixels[taken : taken + 1])
                self._rows, taken = self._rows + 1, taken + 1
                continue
            if self._pending is None:
                self._pending = np.empty((self.spec.channels, most, self.spec.width), pixels.dtype)
            filled = self._rows % most
            room = min(most - filled, self.spec.height - self._rows)
            part = pixels[taken : taken + room]
            planes(part, self._pending[:, filled : filled + len(part)])
            taken += len(part)
            self._rows += len(part)
            if len(part) == room:
                self._emit(self._pending[:, : filled + len(part)])

    def finish(self) -> None:
        """Write the directories, each with where the next is."""
        self._pending = None
        place = first = self.container.next_place()
        kind, big = self.container.offset_kind, self.container.big
        sizes, offsets = self._places()
        for channel in range(self.spec.channels):
            where: Tree = {
                STRIP_OFFSETS: Value(kind, offsets[:, channel].tobytes()),
                ROWS_PER_STRIP: Value.of(LONG, self.strip_rows),
                STRIP_SIZES: Value(kind, sizes[:, channel].tobytes()),
            }
            tags = self._tags(channel) | where
            directory = bytearray(packed(tags, place, big=big))
            place += len(directory)
            if channel < self.spec.channels - 1:
                _point_to(directory, len(tags), place, big=big)
            self.container.file.write(directory)
        self.container.finish(first)

    def _tags(self, channel: int) -> Tree:
        """Of a page; what belongs to the file as a whole goes with the first."""
        spec = ImageSpec(self.spec.height, self.spec.width, 1, self.spec.dtype)
        metadata = self.metadata if channel == 0 else Metadata(dpi=self.metadata.dpi)
        return page_tags(spec, metadata, self.encoder)

    def _places(self) -> tuple[npt.NDArray[np.unsignedinteger], npt.NDArray[np.unsignedinteger]]:
        """Sizes and offsets, shape (strips, C): strips follow one another from the header on."""
        sizes = np.array(self._sizes, np.uint64)
        padded = sizes + sizes % 2
        offsets = self.container.header_bytes + np.cumsum(padded) - padded
        dtype = "<u8" if self.container.big else "<u4"
        shape = (-1, self.spec.channels)
        return sizes.reshape(shape).astype(dtype), offsets.reshape(shape).astype(dtype)

    def _emit_row(self, row: Pixels) -> None:
        """Write strips of one row, shape (1, W, C), of as many channels at a time as may be pending."""
        step = max(1, _PENDING_BYTES // (self.spec.width * self.spec.sample_bytes))
        for channel in range(0, self.spec.channels, step):
            self._emit(planes(row[..., channel : channel + step]))

    def _emit(self, strips: Pixels) -> None:
        """Write strips, shape (channels, rows, W)."""
        file = self.container.file
        for data in self._encoded(strips):
            self._sizes.append(len(data))
            file.write(data + b"\0" if len(data) % 2 else data)  # the next begins at an even place

    def _encoded(self, strips: Pixels) -> Iterator[bytes]:
        """The strips as they are stored."""
        step = max(1, _TASK_BYTES // strips[0].nbytes)
        tasks = [strips[first : first + step] for first in range(0, len(strips), step)]
        if self.encoder is None or self.threads == 1 or len(tasks) == 1:
            for task in tasks:
                yield from self._encoded_task(task)
            return
        with ThreadPoolExecutor(self.threads) as pool:
            for encoded in pool.map(self._encoded_task, tasks):
                yield from encoded

    def _encoded_task(self, strips: Pixels) -> list[bytes]:
        """Some strips as they are stored."""
        if self.encoder is None:
            return [strip.astype(strip.dtype.newbyteorder("<"), copy=False).tobytes() for strip in strips]
        return [self.encoder.encode(strip[..., np.newaxis]) for strip in strips]


def open_pages_sink(file: BinaryIO, spec: ImageSpec, metadata: Metadata, encoding: Encoding) -> Sink:
    """Begin to write a TIFF file with a page of a single channel for each channel of an image.

    Of any sample type; with 64-bit offsets where it may become larger than 4 GB. Strips have 256 KB, and
    less where there are many channels: at most 32 MB of samples wait for their strips to become complete,
    and with several threads as much again of what is compressed.

    Parameters
    ----------
    file : binary file
        Where it cannot seek, the whole file is kept apart, on disk beyond 32 MB, until it is complete.
    spec : ImageSpec
        The whole image.
    metadata : Metadata
        Resolution goes with each page; EXIF, XMP and a profile, if it is one of grey, with the first.
    encoding : Encoding
        `compression` and default as for other TIFF files: see `segment_encoder`.

    Raises
    ------
    ImageWriteError
        The compression needs a library that is missing.
    """
    encoder = segment_encoder(encoding.compression, spec.dtype)
    page = ImageSpec(spec.height, spec.width, 1, spec.dtype)
    metadata = carried(metadata, page, format_named("tiff"))[0]
    size = spec.height * spec.width * spec.channels * spec.sample_bytes
    container = Container.on(file, big=size > LARGEST_CLASSIC)
    return PagesSink(container, spec, metadata, encoder, encoding.threads)


def _point_to(directory: bytearray, tags: int, place: int, *, big: bool) -> None:
    """Write into a directory where the next one of the chain is: after its tags."""
    layout = Layout("<", big)
    after = struct.calcsize(layout.count_format) + tags * layout.entry_size
    struct.pack_into(layout.offset_format, directory, after, place)
