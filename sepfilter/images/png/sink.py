"""PNG written as the rows come: filtered, deflated in pieces side by side, a chunk for each."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.deflate import adler32, compressed_piece
from sepfilter.images.exif import PREFIX
from sepfilter.images.formats import layout
from sepfilter.images.metadata import Metadata
from sepfilter.images.png.chunks import SIGNATURE, XMP_KEYWORD, Header, chunk, physical
from sepfilter.images.png.filters import best_filtered, filtered_up
from sepfilter.images.sink import Encoding, Sink

Pixels = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]

PIECE_BYTES: Final = 2**20
"""Bytes of rows that are deflated together: their number does not depend on strips or threads."""

_COLOUR_TYPES: Final = {"grey": 0, "rgb": 2, "grey-alpha": 4, "rgba": 6}
_ZLIB_HEADER: Final = b"\x78\x01"


def open_png_sink(file: BinaryIO, spec: ImageSpec, metadata: Metadata, encoding: Encoding) -> Sink:
    """Begin to write a PNG file: all that comes before the pixels.

    Parameters
    ----------
    file : binary file
        A pipe will do.
    spec : ImageSpec
        1 to 4 channels, grey to RGB with opacity, of uint8 or uint16.
    metadata : Metadata
        Profile, EXIF, XMP, resolution.
    encoding : Encoding
        Its compression and threads count.
    """
    depth = 16 if spec.dtype == "uint16" else 8
    header = Header(spec.width, spec.height, depth, _COLOUR_TYPES[layout(spec, metadata)])
    file.write(SIGNATURE + chunk(b"IHDR", header.body) + b"".join(_ancillary(metadata)))
    return _PngSink(file, spec, header, encoding)


def _ancillary(metadata: Metadata) -> Iterator[bytes]:
    """The chunks of what goes with the pixels."""
    if metadata.icc:
        yield chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc))
    if metadata.dpi:
        yield chunk(b"pHYs", physical(metadata.dpi))
    if metadata.exif:
        yield chunk(b"eXIf", metadata.exif.removeprefix(PREFIX))
    if metadata.xmp:
        yield chunk(b"iTXt", XMP_KEYWORD + b"\0\0\0\0\0" + metadata.xmp)


@dataclass(slots=True)
class _PngSink:
    """Rows on their way into IDAT chunks.

    Attributes
    ----------
    file : binary file
        Written to as pieces are deflated.
    spec : ImageSpec
        The whole image.
    header : Header
        Of the file.
    encoding : Encoding
        How hard to compress, on how many threads.
    rows : int
        How many rows have been taken.
    adler : int
        Checksum of what has been deflated.
    waiting : ndarray of uint8
        Rows that do not fill a piece yet, shape (h, bytes of a row).
    above : ndarray of uint8
        The row before the first of those.
    """

    file: BinaryIO
    spec: ImageSpec
    header: Header
    encoding: Encoding
    rows: int = 0
    adler: int = 1
    waiting: Bytes = field(init=False)
    above: Bytes = field(init=False)

    def __post_init__(self) -> None:
        self.waiting = np.empty((0, self.header.row_bytes), np.uint8)
        self.above = np.zeros(self.header.row_bytes, np.uint8)

    def write(self, window: Window, pixels: Pixels) -> None:
        """Deflate the pieces that the rows fill."""
        if not self.rows:
            self.file.write(chunk(b"IDAT", _ZLIB_HEADER))
        self.rows += window.height
        rows = self._as_bytes(pixels)
        rows = np.concatenate([self.waiting, rows]) if len(self.waiting) else rows
        height = max(PIECE_BYTES // self.header.row_bytes, 1)
        done = self.rows == self.spec.height
        full = len(rows) if done else len(rows) - len(rows) % height
        pieces = [rows[first : min(first + height, full)] for first in range(0, full, height)]
        self._deflate(pieces, done=done)
        self.waiting = rows[full:].copy()

    def finish(self) -> None:
        """Write the checksum and the end."""
        self.file.write(chunk(b"IDAT", struct.pack(">I", self.adler)) + chunk(b"IEND", b""))

    def _as_bytes(self, pixels: Pixels) -> Bytes:
        """Rows as PNG stores them, the high byte first."""
        dtype = ">u2" if self.header.depth == 16 else "u1"
        samples = np.ascontiguousarray(pixels, dtype)
        return samples.view(np.uint8).reshape(len(samples), self.header.row_bytes)

    def _deflate(self, pieces: list[Bytes], *, done: bool) -> None:
        """Filter and deflate pieces, each with the row above it, and write them in order."""
        above = [self.above, *(piece[-1] for piece in pieces)]
        ends = [done and place == len(pieces) - 1 for place in range(len(pieces))]
        if self.encoding.threads == 1 or len(pieces) < 2:
            self._store(map(self._made, pieces, above, ends))
        else:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(self.encoding.threads) as pool:
                self._store(pool.map(self._made, pieces, above, ends))
        self.above = above[-1].copy()

    def _store(self, made: Iterable[tuple[Bytes, bytes]]) -> None:
        """Write pieces as they come."""
        for filtered, deflated in made:
            self.adler = adler32(filtered, self.adler)
            self.file.write(chunk(b"IDAT", deflated))

    def _made(self, piece: Bytes, above: Bytes, last: bool) -> tuple[Bytes, bytes]:
        """A piece filtered, and that deflated."""
        small = self.encoding.compression == "small"
        pixel_bytes = self.spec.channels * self.header.depth // 8
        lines = best_filtered(piece, above, pixel_bytes) if small else filtered_up(piece, above)
        return lines, compressed_piece(lines, small=small, last=last)
