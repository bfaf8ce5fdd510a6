"""The markers of a JPEG file: its segments one by one, and what the frame header says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from sepfilter.values import value

APP0: Final = 0xE0
APP1: Final = 0xE1
APP2: Final = 0xE2
APP14: Final = 0xEE

_SOI: Final = 0xD8
EOI: Final = 0xD9
SOS: Final = 0xDA
_TEM: Final = 0x01
_FIRST_MARKER: Final = 0xC0
RST0: Final = 0xD0

# 0xC4, 0xC8 and 0xCC stand among them, but begin no frame.
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_LOSSLESS: Final = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
_PROGRESSIVE: Final = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_ARITHMETIC: Final = frozenset(range(0xC9, 0xD0))

_ANY_MARKER: Final = re.compile(rb"\xff[^\x00\xff]")

_MOST_SEGMENTS: Final = 10_000
_MOST_FILL: Final = 2**12

MOST_JUNK: Final = 2**16
"""Bytes without a meaning that may lie between two segments before the pixels."""


@value
class Segment:
    """A marker and what follows it.

    Attributes
    ----------
    marker : int
        Its second byte.
    payload : bytes
        Without the length; empty where the marker stands alone.
    offset : int
        Where in the file the payload begins.
    """

    marker: int
    payload: bytes
    offset: int


@value
class Component:
    """One channel as it is stored: its number and its sampling factors."""

    number: int
    across: int
    down: int


@value
class Frame:
    """What a frame header says.

    Attributes
    ----------
    marker : int
        Which process: 0xC0 baseline, 0xC2 progressive, 0xC3 lossless, ...
    bits : int
        A sample's.
    height, width : int
        In pixels, at least 1.
    components : tuple of Component
        At least one.
    """

    marker: int
    bits: int
    height: int
    width: int
    components: tuple[Component, ...]

    @property
    def is_lossless(self) -> bool:
        """Predicted samples in place of blocks of coefficients."""
        return self.marker in _LOSSLESS

    @property
    def is_progressive(self) -> bool:
        """Coefficients come in several scans."""
        return self.marker in _PROGRESSIVE

    @property
    def is_arithmetic(self) -> bool:
        """Coded in fractions of bits."""
        return self.marker in _ARITHMETIC

    @property
    def subsampling(self) -> str | None:
        """Chroma against luma as ``4:2:0``; None where there is no chroma, or another pattern."""
        if len(self.components) != 3 or any((c.across, c.down) != (1, 1) for c in self.components[1:]):
            return None
        luma = (self.components[0].across, self.components[0].down)
        return {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0"}.get(luma)

    def units(self, component: Component) -> int:
        """Blocks of 8 x 8 samples of a component, or samples of a lossless one, in a scan of its own."""
        across, down = self._factors
        columns = parts(self.width * component.across, across)
        rows = parts(self.height * component.down, down)
        return parts(columns, self._side) * parts(rows, self._side)

    def interleaved_units(self) -> int:
        """Groups of blocks, of all components together, in a scan of several."""
        across, down = self._factors
        return parts(self.width, self._side * across) * parts(self.height, self._side * down)

    @property
    def _side(self) -> int:
        """Samples across and down that are coded together."""
        return 1 if self.is_lossless else 8

    @property
    def _factors(self) -> tuple[int, int]:
        """The largest sampling factors."""
        return max(c.across for c in self.components), max(c.down for c in self.components)


def segments(file: BinaryIO, *, most_junk: int = MOST_JUNK) -> Iterator[Segment]:
    """Read segments from where the file is, to the next scan or the end of the image, that included.

    The payload of a scan's segment is its header; the file stands behind it.

    Parameters
    ----------
    file : binary file
        It stands at a marker.
    most_junk : int
        Bytes without a meaning that may lie between two segments, as other readers allow, too.

    Raises
    ------
    ValueError
        The file ends before, there are too many, or too much that is no segment lies between them.
    """
    for _ in range(_MOST_SEGMENTS):
        marker = _next_marker(file, most_junk)
        if most_junk and (marker in (_SOI, _TEM) or RST0 <= marker < _SOI):
            continue
        if marker < _FIRST_MARKER or RST0 <= marker <= _SOI:
            raise ValueError(f"a marker 0x{marker:02X} is where none can be, at byte {file.tell() - 2:,}")
        if marker == EOI:
            yield Segment(marker, b"", file.tell())
            return
        length = int.from_bytes(_exactly(file, 2), "big")
        if length < 2:
            raise ValueError(f"a segment claims a length of {length}")
        offset = file.tell()
        yield Segment(marker, _exactly(file, length - 2), offset)
        if marker == SOS:
            return
    raise ValueError(f"it has more than {_MOST_SEGMENTS:,} segments before its pixels")


def frame_in(segment: Segment) -> Frame | None:
    """The frame that a segment describes, if it is a frame header.

    Raises
    ------
    ValueError
        It is one, and makes no sense.
    """
    if segment.marker not in _FRAMES:
        return None
    payload = segment.payload
    count = payload[5] if len(payload) > 5 else 0
    if not count or len(payload) < 6 + 3 * count:
        raise ValueError("its frame header is too short")
    components = tuple(
        Component(payload[at], payload[at + 1] >> 4, payload[at + 1] & 15)
        for at in range(6, 6 + 3 * count, 3)
    )
    if any(not (1 <= c.across <= 4 and 1 <= c.down <= 4) for c in components):
        raise ValueError("its frame header has sampling factors that do not exist")
    height, width = int.from_bytes(payload[1:3], "big"), int.from_bytes(payload[3:5], "big")
    if not height or not width:
        raise ValueError(f"its frame header claims {width} x {height} pixels")
    return Frame(segment.marker, payload[0], height, width, components)


def parts(whole: int, part: int) -> int:
    """How many parts cover the whole."""
    return -(-whole // part)


def _next_marker(file: BinaryIO, most_junk: int) -> int:
    """The second byte of the next marker; fill bytes, and junk as far as it is allowed, are passed over."""
    head = file.read(2)
    if len(head) == 2 and head[0] == 0xFF and head[1] not in (0, 0xFF):
        return head[1]
    start = file.tell() - len(head)
    head += file.read(max(most_junk, _MOST_FILL))
    found = _ANY_MARKER.search(head)
    if found is None:
        raise ValueError("it ends before its pixels do")
    if not most_junk and head[: found.start()].strip(b"\xff"):
        raise ValueError(f"what follows a scan at byte {start:,} is no marker")
    file.seek(start + found.end())
    return found[0][1]


def _exactly(file: BinaryIO, count: int) -> bytes:
    """That many bytes."""
    content = file.read(count)
    if len(content) < count:
        raise ValueError("it ends within a segment")
    return content
