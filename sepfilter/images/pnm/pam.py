"""Netpbm's arbitrary map (PAM, P7): any number of channels of 8 or 16 bits, with or without opacity.

Samples are scaled from maxval as those of graymaps are: see `pnm.source`. Unlike in a bitmap, 1 is white.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, Final

import numpy as np

from sepfilter.geometry import ImageSpec
from sepfilter.images.decoding import closed_on_failure, decoding
from sepfilter.images.formats import layout
from sepfilter.images.metadata import Metadata
from sepfilter.images.pnm.several import find_page
from sepfilter.images.pnm.source import to_full_scale
from sepfilter.images.raw_rows import RawRows, RawSink, RawSource
from sepfilter.images.sink import Encoding, Sink
from sepfilter.images.source import Opening, Source
from sepfilter.values import value

_LONGEST_HEADER: Final = 65536
_TUPLES: Final = {
    "grey": "GRAYSCALE", "grey-alpha": "GRAYSCALE_ALPHA", "rgb": "RGB", "rgba": "RGB_ALPHA", "cmyk": "CMYK",
}  # fmt: skip


@value
class _Header:
    """What a header says, and where the samples begin."""

    height: int
    width: int
    depth: int
    maxval: int
    tuples: str
    start: int

    @property
    def has_alpha(self) -> bool:
        """The last channel is opacity."""
        return self.depth > 1 and self.tuples.endswith("_ALPHA")

    def rows(self, file: BinaryIO, name: str) -> RawRows:
        """Where the samples are."""
        dtype = np.dtype("u1" if self.maxval <= 255 else ">u2")
        return RawRows(file, name, self.start, (self.height, self.width, self.depth), dtype)


def open_pam(file: BinaryIO, opening: Opening) -> Source:
    """Open an arbitrary map; its rows are read as they are asked for.

    Parameters
    ----------
    file : binary file
        Able to seek; closed when opening fails.
    opening : Opening
        `page` counts the images, which stand one after another.

    Raises
    ------
    ImageReadError
        The header is broken, claims more than the file holds, or there is no such page.
    LimitError
        It is larger than the limits.
    """
    with closed_on_failure(file), decoding(opening.name):
        return _open(file, opening)


def _open(file: BinaryIO, opening: Opening) -> Source:
    """Find the image among those of the file."""
    header, pages = find_page(partial(_headers, file), opening)
    dtype = "uint8" if header.maxval <= 255 else "uint16"
    spec = ImageSpec(header.height, header.width, header.depth, dtype, header.has_alpha)
    rows = header.rows(file, opening.name)
    opening.limits.check_image(opening.name, spec, whole=False)
    rows.check_length()
    is_cmyk = header.tuples == "CMYK" and header.depth == 4
    metadata = Metadata(format="PAM", alpha=spec.alpha, cmyk=is_cmyk, frames=pages)
    return RawSource(spec, metadata, rows, to_full_scale(header.maxval))


def _headers(file: BinaryIO) -> Iterator[_Header]:
    """The headers of the images in a file; what follows the last is ignored."""
    header: _Header | None = _header_at(file, 0)
    while header is not None:
        yield header
        try:
            header = _header_at(file, header.rows(file, "").end)
        except ValueError:
            header = None


def _header_at(file: BinaryIO, place: int) -> _Header:
    """Parse a header, which is lines of a word and a value."""
    file.seek(place)
    if file.readline(16) != b"P7\n":
        raise ValueError("its header is not that of a PAM file")
    values: dict[str, str] = {}
    while (line := file.readline(_LONGEST_HEADER)) and file.tell() - place <= _LONGEST_HEADER:
        word, _, value = line.decode("latin1").strip().partition(" ")
        if word == "ENDHDR":
            return _checked(values, file.tell())
        if word and not word.startswith("#"):
            values[word] = f"{values[word]} {value.strip()}" if word in values else value.strip()
    raise ValueError("its header has no end")


def _checked(values: dict[str, str], start: int) -> _Header:
    """The numbers of a header, if they make sense."""
    numbers = []
    for word, most in (("HEIGHT", 10**18), ("WIDTH", 10**18), ("DEPTH", 10**18), ("MAXVAL", 65535)):
        text = values.get(word, "")
        if not (text.isascii() and text.isdigit() and len(text) < 20 and 1 <= int(text) <= most):
            raise ValueError(f"its header states no sensible {word}")
        numbers.append(int(text))
    height, width, depth, maxval = numbers
    return _Header(height, width, depth, maxval, values.get("TUPLTYPE", ""), start)


def open_pam_sink(file: BinaryIO, spec: ImageSpec, metadata: Metadata, encoding: Encoding) -> Sink:  # noqa: ARG001
    """Begin an arbitrary map of 8 or 16 bits, the high byte first.

    Parameters
    ----------
    file : binary file
        A pipe will do.
    spec : ImageSpec
        Any number of channels of uint8 or uint16.
    metadata : Metadata
        Tells inks from colours; the format has no place for more.
    encoding : Encoding
        The format has no choice.
    """
    tuples = _TUPLES.get(layout(spec, metadata))
    lines = ["P7", f"WIDTH {spec.width}", f"HEIGHT {spec.height}", f"DEPTH {spec.channels}"]
    lines += [f"MAXVAL {int(spec.levels)}", *([f"TUPLTYPE {tuples}"] if tuples else []), "ENDHDR\n"]
    file.write("\n".join(lines).encode())
    return RawSink(file, np.dtype(spec.dtype).newbyteorder(">"))
