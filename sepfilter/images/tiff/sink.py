"""TIFF files written strip by strip: what was written is compressed at once, the list of segments comes last.

Segments are strips or tiles. The file is laid out here rather than by tifffile's `TiffWriter`, which asks for
all segments in one call: rows that come when they are ready would need a thread between. The directory of
EXIF, which it does not write either, is written with the page's.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.metadata import Metadata
from sepfilter.images.raw_rows import write_samples
from sepfilter.images.sink import Encoding, Sink
from sepfilter.images.tiff.container import LARGEST_CLASSIC as _LARGEST_CLASSIC
from sepfilter.images.tiff.container import Container
from sepfilter.images.tiff.encoding import SegmentEncoder, segment_encoder
from sepfilter.images.tiff.page import page_tags
from sepfilter.images.tiff.tags import (
    ROWS_PER_STRIP,
    STRIP_OFFSETS,
    STRIP_SIZES,
    TILE_HEIGHT,
    TILE_OFFSETS,
    TILE_SIZES,
    TILE_WIDTH,
)
from sepfilter.images.tiff.values import LONG, Tree, Value, packed
from sepfilter.values import value

Pixels = npt.NDArray[Any]

_TILE_SIDE: Final = 256
_SMALLEST_SIDE: Final = 16
_SEGMENT_BYTES: Final = 2**20
_STRIP_BYTES: Final = 2**18


@value
class Cut:
    """How an image is cut into segments: tiles, or strips as wide as the image.

    Attributes
    ----------
    rows, columns : int
        Of one segment.
    tiled : bool
        The last segments are filled up to the size of the others, by repeating pixels of the edge.
    """

    rows: int
    columns: int
    tiled: bool

    @classmethod
    def of(cls, spec: ImageSpec, *, compressed: bool) -> Cut:
        """Tiles of 256 x 256 where the image is larger than one both ways, smaller for many channels.

        What is not compressed goes into strips, which together are the image as one run of bytes.
        """
        pixel_bytes = spec.channels * np.dtype(spec.dtype).itemsize
        side = _TILE_SIDE
        while side > _SMALLEST_SIDE and side * side * pixel_bytes > _SEGMENT_BYTES:
            side //= 2
        if compressed and min(spec.height, spec.width) > _TILE_SIDE:
            return cls(side, side, tiled=True)
        rows = max(1, _STRIP_BYTES // (spec.width * pixel_bytes))
        return cls(min(rows, spec.height), spec.width, tiled=False)

    def segments(self, band: Pixels) -> Iterator[Pixels]:
        """Cut rows of the image, as many as a segment has or the last ones."""
        if not self.tiled:
            yield band
            return
        for x in range(0, band.shape[1], self.columns):
            segment = band[:, x : x + self.columns]
            missing = (self.rows - segment.shape[0], self.columns - segment.shape[1])
            yield (
                np.pad(segment, ((0, missing[0]), (0, missing[1]), (0, 0)), "edge")
                if any(missing)
                else segment
            )


@dataclass(slots=True)
class TiffSink:
    """Writes segments as their rows become complete.

    Attributes
    ----------
    container : Container
        Where to.
    spec : ImageSpec
        The image.
    tags : tree
        Of the page, but for where its segments are.
    cut : Cut
        How it is cut.
    encoder : SegmentEncoder or None
        How segments are compressed.
    threads : int
        At most this many compress at a time.
    """

    container: Container
    spec: ImageSpec
    tags: Tree
    cut: Cut
    encoder: SegmentEncoder | None
    threads: int
    _rows: int = 0
    _pending: Pixels | None = field(default=None, repr=False)
    _sizes: list[int] = field(default_factory=list, repr=False)
    _offsets: list[int] = field(default_factory=list, repr=False)

    @property
    def file(self) -> BinaryIO:
        """What is written to."""
        return self.container.file

    def write(self, window: Window, pixels: Pixels) -> None:
        """Take rows; those that fill a row of segments are written, the others kept."""
        pixels = np.asarray(pixels, self.spec.dtype)
        if self.encoder is None:
            write_samples(self.file, pixels, pixels.dtype.newbyteorder("<"))
            self._rows += window.height
            return
        taken = 0
        while taken < window.height:
            filled = self._rows % self.cut.rows
            room = min(self.cut.rows - filled, self.spec.height - self._rows)
            part = pixels[taken : taken + room]
            taken += len(part)
            self._rows += len(part)
            if filled == 0 and len(part) == room:
                self._emit(part, self.encoder)
                continue
            if self._pending is None:
                self._pending = np.empty((self.cut.rows, *pixels.shape[1:]), pixels.dtype)
            self._pending[filled : filled + len(part)] = part
            if len(part) == room:
                self._emit(self._pending[: filled + len(part)], self.encoder)

    def finish(self) -> None:
        """Write the directory, and where it is."""
        self._pending = None
        place = self.container.next_place()
        self.file.write(packed(self._all_tags(), place, big=self.container.big))
        self.container.finish(place)

    def _emit(self, band: Pixels, encoder: SegmentEncoder) -> None:
        """Write a row of segments."""
        segments = self.cut.segments(band)
        if self.threads > 1 and self.cut.tiled:
            with ThreadPoolExecutor(self.threads) as pool:
                encoded = list(pool.map(encoder.encode, segments))
        else:
            encoded = [encoder.encode(segment) for segment in segments]
        for data in encoded:
            self._offsets.append(self.container.next_place())
            self._sizes.append(len(data))
            self.file.write(data)

    def _note_raw_strips(self) -> None:
        """Strips that are not compressed follow the header without gaps."""
        spec = self.spec
        row_bytes = spec.width * spec.channels * np.dtype(spec.dtype).itemsize
        header = self.container.header_bytes
        for y in range(0, spec.height, self.cut.rows):
            self._offsets.append(header + y * row_bytes)
            self._sizes.append(min(self.cut.rows, spec.height - y) * row_bytes)

    def _all_tags(self) -> Tree:
        """Those of the page, with where its segments are."""
        kind = self.container.offset_kind
        if self.encoder is None:
            self._note_raw_strips()
        offsets, sizes = Value.of(kind, *self._offsets), Value.of(kind, *self._sizes)
        if self.cut.tiled:
            where: Tree = {
                TILE_WIDTH: Value.of(LONG, self.cut.columns), TILE_HEIGHT: Value.of(LONG, self.cut.rows),
                TILE_OFFSETS: offsets, TILE_SIZES: sizes,
            }  # fmt: skip
        else:
            where = {
                STRIP_OFFSETS: offsets,
                ROWS_PER_STRIP: Value.of(LONG, self.cut.rows),
                STRIP_SIZES: sizes,
            }
        return self.tags | where


def open_tiff_sink(file: BinaryIO, spec: ImageSpec, metadata: Metadata, encoding: Encoding) -> Sink:
    """Begin to write a TIFF file, with 64-bit offsets where it may become larger than 4 GB.

    Every sample type and number of channels is kept. By default integers are stored as differences and
    deflated at level 1, in tiles.

    Parameters
    ----------
    file : binary file
        Where it cannot seek, the whole file is kept apart, on disk beyond 32 MB, until it is complete.
    spec : ImageSpec
        The whole image.
    metadata : Metadata
        Profile, EXIF, XMP and resolution are written; the software that wrote and the date are not.
    encoding : Encoding
        See `segment_encoder` for `compression`.

    Raises
    ------
    ImageWriteError
        The compression needs a library that is missing.
    """
    encoder = segment_encoder(encoding.compression, spec.dtype)
    cut = Cut.of(spec, compressed=encoder is not None)
    padded = [-(-size // step) * step for size, step in ((spec.height, cut.rows), (spec.width, cut.columns))]
    size = padded[0] * padded[1] * spec.channels * np.dtype(spec.dtype).itemsize
    tags = page_tags(spec, metadata, encoder)
    return TiffSink(
        Container.on(file, big=size > _LARGEST_CLASSIC), spec, tags, cut, encoder, encoding.threads
    )
