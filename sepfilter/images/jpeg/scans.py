"""Whether the scans of a JPEG file are complete: libjpeg fills up what is missing, and says nothing."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Final

import numpy as np

from sepfilter.images.jpeg.markers import (
    EOI,
    MOST_JUNK,
    RST0,
    SOS,
    Component,
    Frame,
    Segment,
    frame_in,
    parts,
    segments,
)

_DRI: Final = 0xDD

# Neither a stuffed zero nor a restart; where several 0xFF come first, from the last of them.
_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

# Every scan of a progressive file takes as long as decoding it, and encoders make about ten.
_MOST_SCANS: Final = 100


def check_complete(content: bytes) -> int:
    """Find out whether a JPEG file has all its scans, and these their ends, without decoding it.

    Scans are bounded by the next marker: a file that was cut off has none. Restart markers have to
    be as many as the size of the image asks for, in turn. Each block takes at least one bit. What
    a scan's bits mean is not looked at.

    Parameters
    ----------
    content : bytes
        From the start-of-image marker on; what follows the end-of-image marker is not looked at.

    Returns
    -------
    int
        Where the end-of-image marker begins.

    Raises
    ------
    ValueError
        Something is missing; the message says what.
    """
    file = BytesIO(content)
    scans = _Scans()
    while True:
        for segment in segments(file, most_junk=0 if scans.begun else MOST_JUNK):
            if segment.marker == EOI:
                scans.finish()
                return segment.offset - 2
            scans.note(segment)
        start = file.tell()
        end = _MARKER.search(content, start)
        if end is None:
            raise ValueError("it ends within its pixels")
        scans.check_data(content, start, end.start())
        file.seek(end.start())


class _Scans:
    """What is known of an image while its segments pass."""

    def __init__(self) -> None:
        self._frame: Frame | None = None
        self._restart_interval = 0
        self._scan: tuple[Component, ...] = ()
        self._missing: set[int] = set()
        self._count = 0
        self._bytes = 0

    @property
    def begun(self) -> bool:
        """True from the first scan on."""
        return self._count > 0

    def note(self, segment: Segment) -> None:
        """Take what a segment says."""
        frame = frame_in(segment)
        if frame is not None:
            if self._frame is not None:
                raise ValueError("it has two frames")
            self._frame = frame
            self._missing = {component.number for component in frame.components}
        elif segment.marker == _DRI and len(segment.payload) >= 2:
            self._restart_interval = int.from_bytes(segment.payload[:2], "big")
        elif segment.marker == SOS:
            self._begin(segment.payload)

    def _begin(self, header: bytes) -> None:
        """Note which components a scan holds."""
        if self._frame is None:
            raise ValueError("a scan comes before the frame header")
        self._count += 1
        if self._count > _MOST_SCANS:
            raise ValueError(f"it has more than {_MOST_SCANS} scans")
        count = header[0] if header else 0
        numbers = header[1 : 1 + 2 * count : 2]
        self._scan = tuple(c for c in self._frame.components if c.number in numbers)
        if not count or len(header) < 4 + 2 * count or len(self._scan) != count:
            raise ValueError("a scan header is too short, or names components that do not exist")
        first_coefficient = header[1 + 2 * count]
        if not self._frame.is_progressive or first_coefficient == 0:
            self._missing.difference_update(numbers)

    def check_data(self, content: bytes, start: int, end: int) -> None:
        """Check that restart markers are as many as they have to be, and in turn."""
        frame = self._frame
        if frame is None:
            raise ValueError("a scan comes before the frame header")
        self._bytes += end - start
        coded = np.frombuffer(content, np.uint8, end - start, start)
        after = coded[1:][coded[:-1] == 0xFF]
        found = after[(after & 0xF8) == RST0]
        expected = 0
        if self._restart_interval:
            units = frame.units(self._scan[0]) if len(self._scan) == 1 else frame.interleaved_units()
            expected = parts(units, self._restart_interval) - 1
        # Some encoders put another one behind the last interval.
        in_turn = np.array_equal(found & 7, np.arange(found.size) & 7)
        if not in_turn or not expected <= found.size <= expected + bool(self._restart_interval):
            raise ValueError(
                f"a scan has {found.size} restart markers in place of {expected}, or out of turn"
            )

    def finish(self) -> None:
        """Check that every component came, and that its blocks had room."""
        frame = self._frame
        if frame is None or not self._count:
            raise ValueError("there are no pixels in it")
        if self._missing:
            raise ValueError("scans are missing")
        blocks = 0 if frame.is_arithmetic else sum(frame.units(c) for c in frame.components)
        if 8 * self._bytes < blocks:
            raise ValueError(f"{self._bytes:,} bytes cannot hold {frame.width} x {frame.height} pixels")
