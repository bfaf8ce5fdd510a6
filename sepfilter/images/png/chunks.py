"""The chunks of a PNG file: their framing, and what the ones before the pixels say."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from sepfilter.errors import ImageReadError
from sepfilter.images.deflate import crc32
from sepfilter.images.resolution import sensible
from sepfilter.values import value

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
XMP_KEYWORD: Final = b"XML:com.adobe.xmp"
MOST_SIDE: Final = 2**31 - 1
PIXEL_CHUNKS: Final = frozenset({b"IDAT", b"fdAT"})

# Colour type -> samples a pixel.
SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}

_DEPTHS: Final = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_METRES_IN_AN_INCH: Final = 0.0254


@value
class Header:
    """The IHDR chunk.

    Attributes
    ----------
    width, height : int
        Size in pixels.
    depth : int
        Bits a sample.
    colour_type : int
        0 grey, 2 RGB, 3 palette, 4 grey with opacity, 6 RGB with opacity.
    interlaced : bool
        Stored in seven passes.
    """

    width: int
    height: int
    depth: int
    colour_type: int
    interlaced: bool = False

    @classmethod
    def parsed(cls, body: bytes, name: str) -> Header:
        """Read the chunk.

        Raises
        ------
        ImageReadError
            It is not of the standard.
        """
        if len(body) != 13:
            raise ImageReadError(f"{name}: is truncated or corrupt: its PNG header has {len(body)} bytes")
        width, height, depth, colour_type, compression, filtering, interlace = struct.unpack(">IIBBBBB", body)
        if not (0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE):
            raise ImageReadError(f"{name}: is truncated or corrupt: its size is {width} x {height}")
        sound = depth in _DEPTHS.get(colour_type, ()) and compression == filtering == 0 and interlace < 2
        if not sound:
            raise ImageReadError(f"{name}: is truncated or corrupt: its PNG header is not of the standard")
        return cls(width, height, depth, colour_type, interlace == 1)

    @property
    def body(self) -> bytes:
        """What the chunk holds."""
        return struct.pack(
            ">IIBBBBB", self.width, self.height, self.depth, self.colour_type, 0, 0, self.interlaced
        )

    @property
    def row_bytes(self) -> int:
        """Bytes of a row, without the byte that tells its filter."""
        return -(-self.width * SAMPLES[self.colour_type] * self.depth // 8)

    @property
    def bytes(self) -> int:
        """Bytes of all rows, less those that interlacing adds."""
        return self.height * (self.row_bytes + 1)


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk with its length and checksum.

    Examples
    --------
    >>> chunk(b"IEND", b"").hex()
    '0000000049454e44ae426082'
    """
    return b"".join((struct.pack(">I", len(body)), kind, body, struct.pack(">I", checksum(kind, body))))


def checksum(kind: bytes, body: bytes) -> int:
    """CRC-32 of a chunk."""
    return crc32(body, crc32(kind))


def chunks(
    file: BinaryIO, name: str, *, unread: frozenset[bytes] = frozenset()
) -> Iterator[tuple[bytes, bytes]]:
    """The chunks from where a file is, to IEND; each with its body, checked.

    Parameters
    ----------
    file : binary file
        After the signature, or between two chunks.
    name : str
        The file, in messages.
    unread : set of bytes
        Kinds whose bodies are passed over, and come as empty.

    Raises
    ------
    ImageReadError
        A chunk is cut off, or its checksum is wrong.
    """
    while True:
        frame = file.read(8)
        if len(frame) < 8:
            raise ImageReadError(f"{name}: is truncated: the end of its PNG data is missing")
        length, kind = struct.unpack(">I4s", frame)
        if length > MOST_SIDE or not kind.isalpha():
            raise ImageReadError(f"{name}: is corrupt: it has a PNG chunk that cannot be")
        if kind in unread:
            file.seek(length + 4, 1)
            yield kind, b""
        else:
            yield kind, _body(file, kind, length, name)
        if kind == b"IEND":
            return


def check_chunks(file: BinaryIO, name: str, *, unread: frozenset[bytes] = frozenset()) -> None:
    """Go through a file's chunks for the error of one that is broken.

    Parameters
    ----------
    file : binary file
        Stands anywhere, can seek.
    name, unread
        As of `chunks`.

    Raises
    ------
    ImageReadError
        A chunk is cut off, its checksum is wrong, or the header says what cannot be.
    """
    file.seek(len(SIGNATURE))
    for kind, body in chunks(file, name, unread=unread):
        if kind == b"IHDR":
            Header.parsed(body, name)


def _body(file: BinaryIO, kind: bytes, length: int, name: str) -> bytes:
    """What a chunk holds."""
    body = file.read(length)
    crc = file.read(4)
    if len(body) < length or len(crc) < 4:
        raise ImageReadError(f"{name}: is truncated: the end of its PNG data is missing")
    if struct.unpack(">I", crc)[0] != checksum(kind, body):
        raise ImageReadError(f"{name}: is corrupt: the checksum of its {kind.decode()} chunk is wrong")
    return body


def inflated(data: bytes, most: int) -> bytes | None:
    """Inflate what a chunk holds.

    Parameters
    ----------
    data : bytes
        A zlib stream.
    most : int
        Bytes that it may become.

    Returns
    -------
    bytes or None
        None where the stream is broken, or would be more.
    """
    inflate = zlib.decompressobj()
    try:
        found = inflate.decompress(data, most)
    except zlib.error:
        return None
    return found if inflate.eof else None


def dots_per_inch(body: bytes) -> tuple[float, float] | None:
    """Resolution from a pHYs chunk; None where it is senseless or only the shape of pixels."""
    if len(body) != 9 or body[8] != 1:
        return None
    across, down = struct.unpack(">II", body[:8])
    return sensible(across * _METRES_IN_AN_INCH, down * _METRES_IN_AN_INCH)


def physical(dpi: tuple[float, float]) -> bytes:
    """The body of a pHYs chunk."""
    across, down = (round(value / _METRES_IN_AN_INCH) for value in dpi)
    return struct.pack(">IIB", across, down, 1)
