"""PNG files: described from their chunks, decoded as a whole or strip by strip."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

import imagecodecs
import numpy as np
import numpy.typing as npt

from sepfilter.errors import ImageReadError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.decoding import DecodedSource, closed_on_failure, decoding, left_out, no_page
from sepfilter.images.exif import PREFIX, orientation
from sepfilter.images.limits import MAX_METADATA
from sepfilter.images.metadata import Metadata
from sepfilter.images.png.chunks import (
    PIXEL_CHUNKS,
    SAMPLES,
    SIGNATURE,
    XMP_KEYWORD,
    Header,
    chunks,
    dots_per_inch,
    inflated,
)
from sepfilter.images.png.stream import RowStream
from sepfilter.images.png.unfilter import unfiltered
from sepfilter.images.source import Opening, Source

Pixels = npt.NDArray[Any]

# libpng's warnings, of which there is one for every interlaced file, are for those who ask for them.
logging.getLogger("imagecodecs").addHandler(logging.NullHandler())

_SKIPPED_ROWS: Final = 64
_PALETTE: Final = 3

_MOST_INFLATION: Final = 1032
"""Bytes that a byte can become: 258 by a bit for a length and one for a distance."""


def open_png(file: BinaryIO, opening: Opening) -> Source:
    """Read all chunks but those of the pixels.

    Pages are the frames of an animation, each as it is seen; the picture that stands for the others where
    animations are not known is the first, also where it is none of them.

    Parameters
    ----------
    file : binary file
        Stands at its beginning, can seek; it is closed where opening fails.
    opening : Opening
        Name, page and limits.

    Raises
    ------
    ImageReadError
        The file is truncated, or a chunk that is needed is broken; there is no page of that number.
    LimitError
        It is too large to be decoded.
    """
    name = opening.name
    with closed_on_failure(file), decoding(name):
        said = _read_chunks(file, name)
        frames, spec = said.metadata.frames, said.spec
        if opening.page >= frames:
            raise no_page(name, opening.page, frames)
        if opening.page:
            return _later_frame(file, opening)
        opening.limits.check_image(name, spec, whole=not said.is_plain)
        if said.header.bytes > said.deflated * _MOST_INFLATION:
            raise ImageReadError(f"{name}: is truncated or corrupt: it has not enough data for its size")
    if said.is_plain:
        return _PngStrips(file, name, said)

    def decode() -> Pixels:
        file.seek(0)
        return _decoded(file.read())

    return DecodedSource(file, name, spec, said.metadata, decode)


def _later_frame(file: BinaryIO, opening: Opening) -> Source:
    """A frame of an animation on top of those before it, which only Pillow puts together."""
    from sepfilter.images.pillow.source import opener_of

    file.seek(0)
    return opener_of("png")(file, opening)


@dataclass(slots=True)
class _Said:
    """What the chunks say."""

    header: Header
    transparent: bool = False
    start: int = 0
    deflated: int = 0
    animation: int = 0
    is_a_frame: bool = False
    metadata: Metadata = field(default_factory=Metadata)

    @property
    def spec(self) -> ImageSpec:
        """The image as it is decoded: palettes expanded, a transparent colour as opacity."""
        header = self.header
        channels = 3 if header.colour_type == _PALETTE else SAMPLES[header.colour_type]
        alpha = self.transparent or header.colour_type in (4, 6)
        dtype = "uint16" if header.depth == 16 else "uint8"
        return ImageSpec(header.height, header.width, channels + self.transparent, dtype, alpha)

    @property
    def frames(self) -> int:
        """The frames of an animation, and the picture that stands for them where it is none of them."""
        return max(self.animation + (self.animation > 0 and not self.is_a_frame), 1)

    @property
    def is_plain(self) -> bool:
        """True where rows can be decoded one after the other into the samples that are stored."""
        header = self.header
        expanded = self.transparent or header.colour_type == _PALETTE or header.depth < 8
        return not (header.interlaced or expanded)


def _read_chunks(file: BinaryIO, name: str) -> _Said:
    """Walk through the whole file, passing over the pixels."""
    if file.read(len(SIGNATURE)) != SIGNATURE:
        raise ImageReadError(f"{name}: is not a PNG file")
    said: _Said | None = None
    found: dict[str, Any] = {"format": "PNG"}
    warnings: list[str] = []
    place = file.tell()
    for kind, body in chunks(file, name, unread=PIXEL_CHUNKS):
        if said is None:
            if kind != b"IHDR":
                raise ImageReadError(f"{name}: is corrupt: its PNG header is missing")
            said = _Said(Header.parsed(body, name))
        elif kind == b"IDAT":
            said.start = said.start or place
            said.deflated += file.tell() - place
        elif kind == b"acTL" and len(body) == 8:
            said.animation = int.from_bytes(body[:4], "big")
        elif kind == b"fcTL":
            said.is_a_frame |= not said.start
        elif kind == b"tRNS":
            said.transparent = said.header.colour_type in (0, 2, _PALETTE)
        else:
            _gather(kind, body, found, warnings)
        place = file.tell()
    if said is None or not said.start:
        raise ImageReadError(f"{name}: is truncated: there are no pixels in it")
    exif, xmp = found.get("exif"), found.get("xmp")
    said.metadata = Metadata(
        **found,
        alpha=said.spec.alpha,
        frames=said.frames,
        orientation=orientation(exif, xmp),
        warnings=tuple(warnings),
    )
    return said


def _gather(kind: bytes, body: bytes, found: dict[str, Any], warnings: list[str]) -> None:
    """Keep what a chunk says beside the pixels."""
    if kind == b"iCCP":
        profile = inflated(body.partition(b"\0")[2][1:], MAX_METADATA)
        if profile is None:
            warnings.append(left_out("icc"))
        else:
            found["icc"] = profile
    elif kind == b"eXIf":
        if len(body) > MAX_METADATA:
            warnings.append(left_out("exif"))
        else:
            found["exif"] = body if body.startswith(PREFIX) else PREFIX + body
    elif kind == b"pHYs":
        found["dpi"] = dots_per_inch(body)
    elif kind == b"iTXt" and body.startswith(XMP_KEYWORD + b"\0"):
        packet = _packet(body[len(XMP_KEYWORD) + 1 :])
        if packet is None:
            warnings.append(left_out("xmp"))
        else:
            found["xmp"] = packet


def _packet(rest: bytes) -> bytes | None:
    """The text of an iTXt chunk behind its keyword, or None where it is broken or too long."""
    text = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    if rest[:1] == b"\1":
        return inflated(text, MAX_METADATA)
    return text if len(text) <= MAX_METADATA else None


class _PngStrips:
    """A PNG file whose rows are decoded one after the other."""

    strip_rows: Final = 1

    def __init__(self, file: BinaryIO, name: str, said: _Said) -> None:
        self.spec, self.metadata = said.spec, said.metadata
        self._file, self._name, self._header = file, name, said.header
        self._stream = RowStream(file, said.start, said.header, name)
        self._above: bytes | None = None

    def read(self, window: Window) -> Pixels:
        """Decode rows."""
        # Rows that nobody wants, but that the next ones are differences to.
        while self._stream.row < window.y:
            self._next_rows(min(window.y - self._stream.row, _SKIPPED_ROWS))
        return self._next_rows(window.height)[:, window.columns]

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _next_rows(self, rows: int) -> Pixels:
        """Decode rows, with the one above them."""
        with decoding(self._name):
            pixels = unfiltered(self._header, self._stream.take(rows), self._above)
        last = pixels[-1]
        self._above = (last.astype(">u2") if self._header.depth == 16 else last).tobytes()
        return pixels


def _decoded(content: bytes) -> Pixels:
    """The pixels of a PNG file, shape (H, W, C)."""
    pixels: Pixels = imagecodecs.png_decode(content)
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels
