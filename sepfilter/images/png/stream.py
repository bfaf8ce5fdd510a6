"""The rows of a PNG file as they come out of its deflated stream, still filtered."""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

from sepfilter.errors import ImageReadError, SepfilterError
from sepfilter.images.deflate import crc32, decompressor
from sepfilter.images.png.chunks import Header

_PIECE: Final = 2**18
"""Deflated bytes that are read at a time."""


class RowStream:
    """Filtered rows, from the first to the last.

    Parameters
    ----------
    file : binary file
        The PNG.
    start : int
        Where its first IDAT chunk begins.
    header : Header
        How long a row is, and how many there are.
    name : str
        The file, in messages.
    """

    def __init__(self, file: BinaryIO, start: int, header: Header, name: str) -> None:
        self._file, self._place, self._header, self._name = file, start, header, name
        self._line = header.row_bytes + 1
        self._inflate = decompressor()
        self._left, self._crc = 0, 0
        self._inflated = bytearray()
        self._row = 0

    def take(self, rows: int) -> memoryview:
        """The next rows, each behind the number of its filter."""
        wanted = rows * self._line
        while len(self._inflated) < wanted:
            if self._inflate.eof:
                raise ImageReadError(f"{self._name}: is truncated: rows are missing")
            self._inflate_more(wanted - len(self._inflated))
        taken = memoryview(self._inflated)[:wanted]
        self._inflated = self._inflated[wanted:]  # a byte at most
        self._row += rows
        if self._row == self._header.height:
            self._finish()
        return taken

    @property
    def row(self) -> int:
        """The row that comes next."""
        return self._row

    def _inflate_more(self, wanted: int) -> None:
        """Inflate what is at hand, in the decompressor too; where that gives nothing, read on.

        One byte more is asked for than is wanted, which makes it go on to the checksum at the end.
        """
        try:
            more = self._inflate.decompress(self._inflate.unconsumed_tail, wanted + 1)
            if not (more or self._inflate.eof):
                more = self._inflate.decompress(self._read(), wanted + 1)
        except (SepfilterError, MemoryError):
            raise
        except Exception as error:  # zlib's and ISA-L's errors have no common base
            raise ImageReadError(f"{self._name}: is corrupt: its pixels cannot be inflated") from error
        self._inflated += more

    def _finish(self) -> None:
        """Read to the end of the stream, where its checksum is."""
        while not self._inflate.eof:
            self._inflate_more(1)
        self._inflated = bytearray()

    def _read(self) -> bytes:
        """The next bytes of the IDAT chunks, whose checksums are verified on the way."""
        self._file.seek(self._place)
        while not self._left:
            frame = self._file.read(8)
            length, kind = struct.unpack(">I4s", frame) if len(frame) == 8 else (0, b"")
            if kind != b"IDAT":
                raise ImageReadError(f"{self._name}: is truncated: rows are missing")
            self._left, self._crc = length, crc32(kind)
            if not length:
                self._file.seek(4, 1)
        data = self._file.read(min(self._left, _PIECE))
        self._left -= len(data)
        self._crc = crc32(data, self._crc)
        if not data:
            raise ImageReadError(f"{self._name}: is truncated: rows are missing")
        if not self._left and self._file.read(4) != struct.pack(">I", self._crc):
            raise ImageReadError(f"{self._name}: is corrupt: the checksum of its pixels is wrong")
        self._place = self._file.tell()
        return data
