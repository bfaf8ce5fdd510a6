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
        self._room, self._over = bytearray(), b""
        self._row = 0

    def take(self, rows: int) -> memoryview:
        """The next rows, each behind the number of its filter; to be used before others are taken.

        They lie in memory that is used again: new pages would have to be cleared by the system first.
        """
        wanted = rows * self._line
        if len(self._room) < wanted + 1:
            self._room = bytearray(wanted + 1)
        room, filled = memoryview(self._room), len(self._over)
        room[:filled] = self._over
        while filled < wanted:
            if self._inflate.eof:
                raise ImageReadError(f"{self._name}: is truncated: rows are missing")
            more = self._inflated(wanted - filled)
            room[filled : filled + len(more)] = more
            filled += len(more)
        self._over = bytes(room[wanted:filled])  # a byte at most
        self._row += rows
        if self._row == self._header.height:
            self._finish()
        return room[:wanted]

    @property
    def row(self) -> int:
        """The row that comes next."""
        return self._row

    def _finish(self) -> None:
        """Go on to the checksum at the end of the stream; but not through much that nobody needs."""
        beyond = 0
        while not self._inflate.eof and beyond < _PIECE:
            beyond += len(self._inflated(_PIECE))

    def _inflated(self, wanted: int) -> bytes:
        """Inflate what is at hand, in the decompressor too; where that gives nothing, read on.

        One byte more is asked for than is wanted, which makes it go on to the checksum at the end.
        """
        try:
            more: bytes = self._inflate.decompress(self._inflate.unconsumed_tail, wanted + 1)
            if not (more or self._inflate.eof):
                more = self._inflate.decompress(self._read(), wanted + 1)
        except (SepfilterError, MemoryError):
            raise
        except Exception as error:  # zlib's and ISA-L's errors have no common base
            raise ImageReadError(f"{self._name}: is corrupt: its pixels cannot be inflated") from error
        return more

    def _read(self) -> bytes:
        """The next bytes of the IDAT chunks, of which there may be thousands."""
        self._file.seek(self._place)
        parts, room = [], _PIECE
        while room and (part := self._part(room)):
            parts.append(part)
            room -= len(part)
        if not parts:
            raise ImageReadError(f"{self._name}: is truncated: rows are missing")
        return b"".join(parts)

    def _part(self, most: int) -> bytes:
        """What comes next of an IDAT chunk, whose checksum is verified at its end; nothing after the last."""
        while not self._left:
            frame = self._file.read(8)
            length, kind = struct.unpack(">I4s", frame) if len(frame) == 8 else (0, b"")
            if kind != b"IDAT":
                return b""
            self._left, self._crc = length, crc32(kind)
            if not length:
                self._place = self._file.seek(4, 1)
        data = self._file.read(min(self._left, most))
        self._left -= len(data)
        self._crc = crc32(data, self._crc)
        if not self._left and self._file.read(4) != struct.pack(">I", self._crc):
            raise ImageReadError(f"{self._name}: is corrupt: the checksum of its pixels is wrong")
        self._place = self._file.tell()
        return data
