"""EXIF blocks and XMP packets: their orientation read, and taken out of them."""

from __future__ import annotations

import re
from typing import Final

from sepfilter.images.tag_directory import first_directory, with_number

ORIENTATION: Final = 0x0112
PREFIX: Final = b"Exif\0\0"

_XMP_ORIENTATION: Final = re.compile(rb"(tiff:Orientation(?:=\"|>))([1-8])")


def orientation(exif: bytes | None, xmp: bytes | None) -> int:
    """The orientation that a file's metadata state, 1 to 8; 1 where they are silent or broken.

    Parameters
    ----------
    exif : bytes or None
        EXIF block, with or without its prefix; it goes before XMP.
    xmp : bytes or None
        XMP packet.
    """
    found = _orientation_of(exif) if exif else None
    if found is None and xmp:
        match = _XMP_ORIENTATION.search(xmp)
        found = int(match[2]) if match else None
    return found if found is not None and 1 <= found <= 8 else 1


def upright_exif(exif: bytes | None) -> bytes | None:
    """The block, with its prefix, its orientation set to 1 where it has one."""
    if not exif:
        return None
    block = exif if exif.startswith(PREFIX) else PREFIX + exif
    return PREFIX + with_number(block[len(PREFIX) :], ORIENTATION, 1)


def upright_xmp(xmp: bytes | None) -> bytes | None:
    """The packet with its orientation, if it has one, set to 1."""
    return None if not xmp else _XMP_ORIENTATION.sub(rb"\g<1>1", xmp)


def _orientation_of(exif: bytes) -> int | None:
    """What the block states, if anything that can be read."""
    found = first_directory(exif.removeprefix(PREFIX), [ORIENTATION]).get(ORIENTATION)
    return found[0] if isinstance(found, tuple) and len(found) == 1 else None
