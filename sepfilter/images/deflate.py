"""Deflate by ISA-L where it is installed, three to four times as fast; else by the standard library."""

from __future__ import annotations

import zlib
from typing import Any, Final

from numpy.typing import NDArray

Bytes = bytes | NDArray[Any]

try:
    from isal import isal_zlib as found
except ImportError:  # no wheel for this machine
    found = zlib  # type: ignore[misc]

_FASTEST: Final[Any] = found


def crc32(data: Bytes, value: int = 0) -> int:
    """CRC-32 of bytes that follow those of a value."""
    return int(_FASTEST.crc32(data, value))


def adler32(data: Bytes, value: int = 1) -> int:
    """Adler-32 of bytes that follow those of a value."""
    return int(_FASTEST.adler32(data, value))


def decompressor() -> Any:
    """What inflates a zlib stream, with the methods of `zlib.decompressobj`."""
    return _FASTEST.decompressobj()


def compressed_piece(data: Bytes, *, small: bool, last: bool) -> bytes:
    """Deflate a piece of a stream so that it does not look back at the ones before.

    Pieces can be compressed side by side, and joined in order behind a zlib header.

    Parameters
    ----------
    data : bytes-like
        The piece.
    small : bool
        Take the time for level 9, tuned to differences, in place of 1.
    last : bool
        End the stream.
    """
    if small:
        compressor: Any = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, strategy=zlib.Z_FILTERED)
    else:
        compressor = _FASTEST.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    end = zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH
    return bytes(compressor.compress(data) + compressor.flush(end))
