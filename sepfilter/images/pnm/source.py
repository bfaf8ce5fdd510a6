"""Netpbm's bitmaps, graymaps and pixmaps (P1 to P6), and portable float maps (PFM), read.

A graymap or pixmap states the sample that means white, its maxval. Up to 255 its samples are uint8, above
uint16; where maxval is neither 255 nor 65535 they are scaled so that white is, to the nearest level, half to
even. Binary samples above maxval count as white, as in other programs. A bitmap is uint8, 0 where a bit is
set. The scale of a float map is a physical unit and changes nothing, its sign tells the byte order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.decoding import DecodedSource, closed_on_failure, decoding, no_page
from sepfilter.images.metadata import Metadata
from sepfilter.images.pnm.header import PnmHeader, read_header
from sepfilter.images.pnm.plain import plain_pixels
from sepfilter.images.pnm.several import find_page
from sepfilter.images.raw_rows import RawRows, RawSource, size_of
from sepfilter.images.source import Opening, Source
from sepfilter.values import value

Pixels = npt.NDArray[Any]


def open_pnm(file: BinaryIO, opening: Opening) -> Source:
    """Open a bitmap, graymap or pixmap, plain or binary.

    Binary ones are read row by row as they are asked for, and one file may hold several, one after another.

    Parameters
    ----------
    file : binary file
        Able to seek; closed when opening fails.
    opening : Opening
        `page` counts the images of a file.

    Raises
    ------
    ImageReadError
        The header is broken, claims more than the file holds, or there is no such page.
    LimitError
        It is larger than the limits.
    """
    with closed_on_failure(file), decoding(opening.name):
        return _open_integers(file, opening)


def open_pfm(file: BinaryIO, opening: Opening) -> Source:
    """Open a portable float map: float32, its rows stored from the bottom up.

    Parameters and errors are those of `open_pnm`.
    """
    with closed_on_failure(file), decoding(opening.name):
        return _open_floats(file, opening)


def _open_integers(file: BinaryIO, opening: Opening) -> Source:
    """Find the image, and choose how it is read."""
    header, pages = find_page(partial(_headers, file), opening)
    dtype = "uint8" if header.maxval <= 255 else "uint16"
    spec = ImageSpec(header.height, header.width, header.channels, dtype)
    opening.limits.check_image(opening.name, spec, whole=header.is_plain)
    metadata = Metadata(format="PPM", frames=pages)
    if header.is_plain:
        return DecodedSource(file, opening.name, spec, metadata, partial(plain_pixels, file, header, spec))
    rows = _rows(file, header, opening.name)
    rows.check_length()
    if header.kind == "4":
        return _Bitmap(spec, metadata, rows)
    return RawSource(spec, metadata, rows, to_full_scale(header.maxval))


def _open_floats(file: BinaryIO, opening: Opening) -> Source:
    """Describe the one image of the file."""
    header = read_header(file)
    if opening.page:
        raise no_page(opening.name, opening.page, 1)
    spec = ImageSpec(header.height, header.width, header.channels, "float32")
    opening.limits.check_image(opening.name, spec, whole=False)
    rows = _rows(file, header, opening.name)
    rows.check_length()
    return RawSource(spec, Metadata(format="PFM"), rows)


def _headers(file: BinaryIO) -> Iterator[PnmHeader]:
    """The headers of the images in a file, one after another; what follows the last is ignored."""
    header: PnmHeader | None = read_header(file)
    while header is not None:
        yield header
        header = None if header.is_plain else _header_at(file, _rows(file, header, "").end)


def _header_at(file: BinaryIO, place: int) -> PnmHeader | None:
    """The header of a further binary image, if there is one."""
    file.seek(place)
    if file.read(2) not in (b"P4", b"P5", b"P6"):
        return None
    try:
        return read_header(file, place)
    except ValueError:
        return None


def _rows(file: BinaryIO, header: PnmHeader, name: str) -> RawRows:
    """Where the samples of a binary image are."""
    width = (header.width + 7) // 8 if header.kind == "4" else header.width
    code = "u1" if header.maxval <= 255 else ">u2"
    if header.maxval == 0:
        code = "<f4" if header.little_endian else ">f4"
    rows = RawRows(
        file, name, header.start, (header.height, width, header.channels), np.dtype(code),
        bottom_up=header.maxval == 0,
    )  # fmt: skip
    # Programs that end lines with two characters: the second belongs to the samples, unless it is too many.
    one_too_many = header.line_feed_may_follow and size_of(file) == rows.end + 1
    return replace(rows, start=rows.start + 1) if one_too_many else rows


def to_full_scale(maxval: int) -> Callable[[Pixels], Pixels] | None:
    """What brings binary samples from maxval to the largest of their type; None where they are there."""
    if maxval in (255, 65535):
        return None
    full = 255 if maxval < 255 else 65535
    levels = np.minimum(np.arange(full + 1), maxval) * full / maxval
    table = np.rint(levels).astype(np.uint8 if full == 255 else np.uint16)
    return lambda samples: table[samples]


@value
class _Bitmap:
    """A binary bitmap: eight pixels a byte, rows padded to whole bytes."""

    spec: ImageSpec
    metadata: Metadata
    rows: RawRows
    strip_rows: int = 1

    def read(self, window: Window) -> Pixels:
        """The part, 0 for a set bit and 255 for others."""
        first, last = window.x // 8, (window.x + window.width + 7) // 8
        packed = self.rows.read(Window(window.y, first, window.height, last - first))
        skipped = window.x - 8 * first
        bits = np.unpackbits(packed[..., 0], axis=1)[:, skipped : skipped + window.width]
        return ((1 - bits) * np.uint8(255))[..., np.newaxis]

    def close(self) -> None:
        """Let go of the file."""
        self.rows.file.close()
