"""The chunks of a WebP file: its size, kind and metadata, without decoding it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

from sepfilter.images.decoding import left_out
from sepfilter.images.exif import PREFIX, orientation
from sepfilter.images.limits import MAX_METADATA
from sepfilter.images.metadata import Metadata
from sepfilter.values import value

_ANIMATED: Final = 0x02
OPACITY: Final = 0x10
_LOSSLESS_SIGNATURE: Final = 0x2F
_LOSSY_SIGNATURE: Final = b"\x9d\x01\x2a"
_HEADER_SIZE: Final = 10
_MOST_CHUNKS: Final = 100_000

_METADATA: Final = {b"ICCP": "icc", b"EXIF": "exif", b"XMP ": "xmp"}


@value
class WebpHeader:
    """What a WebP file says of its picture.

    Attributes
    ----------
    height, width : int
        In pixels, at least 1.
    alpha : bool
        It has opacity, even if that should be full everywhere.
    animated : bool
        Its frames are put together from parts.
    metadata : Metadata
        What goes with the pixels.
    """

    height: int
    width: int
    alpha: bool
    animated: bool
    metadata: Metadata


def read_header(file: BinaryIO) -> WebpHeader:
    """Walk through a WebP file, from its beginning.

    Raises
    ------
    ValueError
        It ends early, or its chunks make no sense.
    """
    file.seek(0, 2)
    length = file.tell()
    file.seek(0)
    head = file.read(12)
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WEBP":
        raise ValueError("it has no RIFF header of WebP")
    end = 8 + int.from_bytes(head[4:8], "little")
    if end > length:
        raise ValueError(f"it has {length:,} bytes, and its header claims {end:,}")
    picture = _Picture()
    for kind, size in _chunks(file, end):
        picture.take(kind, size, file)
    return picture.header()


def _chunks(file: BinaryIO, end: int) -> Iterator[tuple[bytes, int]]:
    """Kind and size of each chunk, the file at its content."""
    at = 12
    for _ in range(_MOST_CHUNKS):
        if at + 8 > end:
            return
        file.seek(at)
        head = file.read(8)
        size = int.from_bytes(head[4:], "little")
        if at + 8 + size > end:
            raise ValueError(f"a chunk of {size:,} bytes does not fit into it")
        yield head[:4], size
        at += 8 + size + size % 2
    raise ValueError(f"it has more than {_MOST_CHUNKS:,} chunks")


class _Picture:
    """What is known of a file while its chunks pass."""

    def __init__(self) -> None:
        self._canvas: tuple[int, int] | None = None
        self._flags = 0
        self._size: tuple[int, int] | None = None
        self._alpha: bool | None = None
        self._opacity_apart = False
        self._frames = 0
        self._blocks: dict[str, bytes] = {}
        self._warnings: list[str] = []

    def take(self, kind: bytes, size: int, file: BinaryIO) -> None:
        """Keep what a chunk says."""
        if kind == b"VP8X" and self._canvas is None:
            self._take_canvas(file.read(min(size, _HEADER_SIZE)))
        elif kind == b"VP8 " and self._size is None:
            self._take_lossy(file.read(min(size, _HEADER_SIZE)))
        elif kind == b"VP8L" and self._size is None:
            self._take_lossless(file.read(min(size, _HEADER_SIZE)))
        elif kind == b"ALPH":
            self._opacity_apart = True
        elif kind == b"ANMF":
            self._frames += 1
        elif kind in _METADATA:
            self._take_block(_METADATA[kind], size, file)

    def _take_canvas(self, head: bytes) -> None:
        """The size of an extended file, and what it announces."""
        if len(head) < 10:
            raise ValueError("its VP8X chunk is too short")
        self._flags = head[0]
        self._canvas = (
            int.from_bytes(head[7:10], "little") + 1,
            int.from_bytes(head[4:7], "little") + 1,
        )

    def _take_lossy(self, head: bytes) -> None:
        """The size of a key frame: RFC 6386, section 9.1."""
        if len(head) < 10 or head[0] & 1 or head[3:6] != _LOSSY_SIGNATURE:
            raise ValueError("its VP8 chunk does not begin with a key frame")
        self._size = (
            int.from_bytes(head[8:10], "little") & 0x3FFF,
            int.from_bytes(head[6:8], "little") & 0x3FFF,
        )

    def _take_lossless(self, head: bytes) -> None:
        """The size of a lossless picture, 14 bits a side, and one bit for opacity."""
        if len(head) < 5 or head[0] != _LOSSLESS_SIGNATURE:
            raise ValueError("its VP8L chunk has no such header")
        bits = int.from_bytes(head[1:5], "little")
        self._size = ((bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1)
        self._alpha = bool(bits >> 28 & 1)

    def _take_block(self, field: str, size: int, file: BinaryIO) -> None:
        """Metadata; the first block of a kind counts."""
        if size > MAX_METADATA:
            self._warnings.append(left_out(field))
        elif size:
            self._blocks.setdefault(field, file.read(size))

    def header(self) -> WebpHeader:
        """All of it together."""
        animated = bool(self._flags & _ANIMATED) and self._canvas is not None
        size = self._canvas if animated else self._size
        if size is None or not all(size) or (animated and not self._frames):
            raise ValueError("there is no picture in it")
        if self._canvas is not None and size != self._canvas:
            raise ValueError("its picture has another size than its header says")
        alpha = self._alpha
        if alpha is None:
            alpha = bool(self._flags & OPACITY) or self._opacity_apart
        return WebpHeader(*size, alpha=alpha, animated=animated, metadata=self._gather(alpha, animated))

    def _gather(self, alpha: bool, animated: bool) -> Metadata:
        """What goes with the pixels."""
        exif, xmp = self._blocks.get("exif"), self._blocks.get("xmp")
        if exif is not None and not exif.startswith(PREFIX):
            exif = PREFIX + exif
        return Metadata(
            format="WEBP",
            alpha=alpha,
            icc=self._blocks.get("icc"),
            exif=exif,
            xmp=xmp,
            frames=self._frames if animated else 1,
            orientation=orientation(exif, xmp),
            warnings=tuple(self._warnings),
        )
