"""Headers of Netpbm's formats and of portable float maps.

Numbers stand between whitespace and comments, which reach from ``#`` to the end of the line; a single
whitespace character ends the header.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import BinaryIO, Final

from sepfilter.values import value

_GAP: Final = rb"(?:[ \t\n\v\f\r]|#[^\r\n]*[\r\n])"
_NUMBER: Final = _GAP + rb"+(\d{1,18})"
_BITMAP: Final = re.compile(rb"P([14])" + 2 * _NUMBER + _GAP)
_SAMPLES: Final = re.compile(rb"P([2356])" + 3 * _NUMBER + _GAP)
_FLOATS: Final = re.compile(rb"P([Ff])" + 2 * _NUMBER + _GAP + rb"+([-+.0-9eE]{1,40})" + _GAP)

_USUAL_LENGTH: Final = 512
_LONGEST: Final = 65536
"""Bytes that a header may have, comments included."""


@value
class PnmHeader:
    """What a header says.

    Attributes
    ----------
    kind : str
        The character after the ``P``.
    height, width : int
        At least 1.
    maxval : int
        The sample that means full white; 1 for a bitmap, 0 for floats.
    start : int
        Byte at which the samples begin.
    line_feed_may_follow : bool
        The header ended with a carriage return, and a line feed stands where the samples should begin.
    little_endian : bool
        Floats have the low byte first.
    """

    kind: str
    height: int
    width: int
    maxval: int
    start: int
    line_feed_may_follow: bool
    little_endian: bool = False

    @property
    def channels(self) -> int:
        """Samples a pixel."""
        return 3 if self.kind in "36F" else 1

    @property
    def is_plain(self) -> bool:
        """Samples are written as decimal numbers."""
        return self.kind in "123"


def read_header(file: BinaryIO, place: int = 0) -> PnmHeader:
    """Parse the header at a place in a file.

    Parameters
    ----------
    file : binary file
        Able to seek.
    place : int
        Byte at which the header begins.

    Raises
    ------
    ValueError
        There is none, or its numbers make no sense.
    """
    for length in (_USUAL_LENGTH, _LONGEST):
        file.seek(place)
        head = file.read(length)
        match = _BITMAP.match(head) or _SAMPLES.match(head) or _FLOATS.match(head)
        if match:
            break
    else:
        raise ValueError("its header is not that of a PNM or PFM file")
    kind, width, height = match[1].decode(), int(match[2]), int(match[3])
    if not (width and height):
        raise ValueError(f"its header claims {width} x {height} pixels")
    return PnmHeader(
        kind, height, width, _maxval(match), place + match.end(),
        line_feed_may_follow=head[match.end() - 1 : match.end() + 1] == b"\r\n",
        little_endian=kind in "Ff" and _scale(match[4]) < 0,
    )  # fmt: skip


def _maxval(match: re.Match[bytes]) -> int:
    """The sample that means white."""
    if match.re is not _SAMPLES:
        return 1 if match.re is _BITMAP else 0
    maxval = int(match[4])
    if not 1 <= maxval <= 65535:
        raise ValueError(f"its largest sample is {maxval}: it must be from 1 to 65535")
    return maxval


def _scale(text: bytes) -> float:
    """The scale of a float map, whose sign tells the byte order."""
    scale = float(text)
    if not isfinite(scale) or scale == 0:
        raise ValueError(f"its scale is {text.decode()}: it must be a number other than 0")
    return scale
