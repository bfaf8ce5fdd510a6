"""What a JPEG file says before its pixels: profile, EXIF, XMP, resolution, further pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import BinaryIO, Final, Literal

from sepfilter.images.decoding import left_out
from sepfilter.images.exif import PREFIX, orientation
from sepfilter.images.jpeg.markers import APP0, APP1, APP2, Frame, Segment, frame_in, segments
from sepfilter.images.limits import MAX_METADATA
from sepfilter.images.metadata import Metadata
from sepfilter.images.resolution import sensible
from sepfilter.images.tag_directory import first_directory
from sepfilter.values import value

XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
ICC: Final = b"ICC_PROFILE\0"
JFIF: Final = b"JFIF\0"

_XMP_EXTENSION: Final = b"http://ns.adobe.com/xmp/extension/\0"
_MPF: Final = b"MPF\0"

_RESOLUTIONS: Final = (0x011A, 0x011B)
_RESOLUTION_UNIT: Final = 0x0128
_MP_ENTRIES: Final = 0xB002
_MP_ENTRY_SIZE: Final = 16

# Units of length -> how many of them an inch has; JFIF's and EXIF's numbers.
_UNITS_OF_JFIF: Final = {1: 1.0, 2: 2.54}
_UNITS_OF_EXIF: Final = {2: 1.0, 3: 2.54}


@value
class JpegHeader:
    """A JPEG file up to its first scan.

    Attributes
    ----------
    frame : Frame
        Size and kind of the image.
    metadata : Metadata
        What goes with the pixels.
    pages : tuple of int
        Where the pictures of the file begin; one at least.
    """

    frame: Frame
    metadata: Metadata
    pages: tuple[int, ...]

    def with_warning(self, warning: str) -> JpegHeader:
        """The same, with something more to say of it."""
        warnings = (*self.metadata.warnings, warning)
        return replace(self, metadata=replace(self.metadata, warnings=warnings))


def read_header(file: BinaryIO) -> JpegHeader:
    """Read a JPEG file from its start-of-image marker, where the file stands, to its first scan.

    Raises
    ------
    ValueError
        There is no frame before the first scan, or the segments make no sense.
    """
    start = file.tell()
    file.read(2)
    blocks, frame = _Blocks(), None
    for segment in segments(file):
        frame = frame or frame_in(segment)
        blocks.take(segment)
    if frame is None:
        raise ValueError("it has no frame header before its pixels")
    pages = blocks.pages(start)
    icc, exif, xmp = blocks.profile(), blocks.limited(b"".join(blocks.exif), "exif"), blocks.xmp
    metadata = Metadata(
        format="JPEG",
        cmyk=len(frame.components) == 4,
        icc=icc,
        exif=exif,
        xmp=xmp,
        dpi=blocks.resolution(),
        frames=len(pages),
        orientation=orientation(exif, xmp),
        subsampling=frame.subsampling,
        warnings=tuple(blocks.warnings),
    )
    return JpegHeader(frame, metadata, pages)


class _Blocks:
    """What the application segments hold, gathered one by one."""

    def __init__(self) -> None:
        self.exif: list[bytes] = []
        self.xmp: bytes | None = None
        self.warnings: list[str] = []
        self._jfif = b""
        self._profile: dict[int, bytes] = {}
        self._profile_count = 0
        self._pictures: tuple[int, ...] = ()

    def take(self, segment: Segment) -> None:
        """Keep what a segment holds, if it is of use."""
        marker, payload = segment.marker, segment.payload
        if marker == APP0 and payload.startswith(JFIF):
            self._jfif = self._jfif or payload
        elif marker == APP1 and payload.startswith(PREFIX):
            # A block longer than a segment is continued in the next; past the limit it is only counted.
            gathered = sum(map(len, self.exif))
            self.exif.append(payload[len(PREFIX) :] if self.exif else payload)
            if gathered > MAX_METADATA:
                self.exif.pop()
        elif marker == APP1 and payload.startswith(XMP):
            self.xmp = payload[len(XMP) :] or None
        elif marker == APP1 and payload.startswith(_XMP_EXTENSION):
            self._warn("the second part of its XMP, which did not fit into one segment, was left out")
        elif marker == APP2 and payload.startswith(ICC) and len(payload) > len(ICC) + 2:
            number, self._profile_count = payload[len(ICC)], payload[len(ICC) + 1]
            self._profile.setdefault(number, payload[len(ICC) + 2 :])
        elif marker == APP2 and payload.startswith(_MPF):
            self._pictures = self._pictures or _picture_offsets(segment)

    def profile(self) -> bytes | None:
        """The colour profile, its parts in order."""
        if not self._profile:
            return None
        if sorted(self._profile) != list(range(1, self._profile_count + 1)):
            self._warn(left_out("icc"))
            return None
        return self.limited(b"".join(part for _, part in sorted(self._profile.items())), "icc")

    def limited(self, block: bytes, field: str) -> bytes | None:
        """The block, unless it is too large, or empty."""
        if len(block) > MAX_METADATA:
            self._warn(left_out(field))
            return None
        return block or None

    def resolution(self) -> tuple[float, float] | None:
        """Dots an inch, of the JFIF segment or else of EXIF; None where they are senseless."""
        if len(self._jfif) >= 12:
            unit = _UNITS_OF_JFIF.get(self._jfif[7])
            across, down = (int.from_bytes(self._jfif[at : at + 2], "big") for at in (8, 10))
            found = _dots_an_inch(unit, across, down)
            if found is not None:
                return found
        tags = first_directory(b"".join(self.exif)[len(PREFIX) :], (*_RESOLUTIONS, _RESOLUTION_UNIT))
        unit = _UNITS_OF_EXIF.get(tags.get(_RESOLUTION_UNIT, (2,))[0])
        fractions = [tags.get(tag, ()) for tag in _RESOLUTIONS]
        if any(len(fraction) != 2 or not fraction[1] for fraction in fractions):
            return None
        return _dots_an_inch(unit, *(fraction[0] / fraction[1] for fraction in fractions))

    def pages(self, start: int) -> tuple[int, ...]:
        """Where the pictures of the file begin."""
        return (start, *(offset for offset in self._pictures if offset > start))

    def _warn(self, warning: str) -> None:
        """Say it once."""
        if warning not in self.warnings:
            self.warnings.append(warning)


def _picture_offsets(segment: Segment) -> tuple[int, ...]:
    """Offsets in the file of the pictures that a multi-picture index lists; the first is this one, at 0."""
    index = segment.payload[len(_MPF) :]
    entries = first_directory(index, (_MP_ENTRIES,)).get(_MP_ENTRIES)
    if not isinstance(entries, bytes):
        return ()
    order: Literal["little", "big"] = "little" if index.startswith(b"II") else "big"
    offsets = []
    for at in range(0, len(entries) - _MP_ENTRY_SIZE + 1, _MP_ENTRY_SIZE):
        relative = int.from_bytes(entries[at + 8 : at + 12], order)
        if relative:
            offsets.append(segment.offset + len(_MPF) + relative)
    return tuple(offsets)


def _dots_an_inch(units_an_inch: float | None, across: float, down: float) -> tuple[float, float] | None:
    """Dots an inch, where they are two sensible numbers."""
    if units_an_inch is None:
        return None
    return sensible(across * units_an_inch, down * units_an_inch)
