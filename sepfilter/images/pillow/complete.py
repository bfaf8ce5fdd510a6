"""Refusing files that Pillow would read although they are damaged, or their end is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Final

from PIL import Image

from sepfilter.errors import ImageReadError
from sepfilter.images.decoding import decoding
from sepfilter.images.jpeg.scans import check_complete
from sepfilter.images.png.chunks import check_chunks
from sepfilter.images.raw_rows import size_of

_LONGEST_HEADER: Final = 2**16
_PCX_HEADER: Final = 128
_PCX_PALETTE: Final = 769
_SOC_AND_SIZ: Final = b"\xff\x4f\xff\x51"
_SOT: Final = b"\xff\x90"
_EOC: Final = b"\xff\xd9"


def refuse_incomplete(image: Image.Image, file: BinaryIO, name: str) -> None:
    """Check the file of an opened image; it stays where it was.

    Parameters
    ----------
    image : Image
        Opened, not yet decoded.
    file : binary file
        Of the image.
    name : str
        The file, in the message.

    Raises
    ------
    ImageReadError
        It ends too early or a checksum is wrong, and Pillow would not notice.
    """
    missing = _MISSING.get(image.format)
    if missing is None:
        return
    place = file.tell()
    with decoding(name):
        found = missing(file, name)
    file.seek(place)
    if found:
        raise ImageReadError(f"{name}: is truncated or corrupt: {found}")


def _missing_in_jpeg(file: BinaryIO, name: str) -> None:  # noqa: ARG001
    """Pillow fills up what is missing before an end marker; of several pictures the first is checked."""
    file.seek(0)
    check_complete(file.read())


def _missing_in_png(file: BinaryIO, name: str) -> None:
    """Pillow stops at the last row, and passes over the checksums of the pixels."""
    check_chunks(file, name)


def _missing_in_pcx(file: BinaryIO, name: str) -> str | None:  # noqa: ARG001
    """256 colours stand in the last bytes; without them the picture would be taken for a grey one."""
    file.seek(0)
    header = file.read(_PCX_HEADER)
    is_indexed = len(header) == _PCX_HEADER and (header[1], header[3], header[65]) == (5, 8, 1)
    said_to_be_grey = header[68:70] == b"\2\0"
    if not is_indexed or said_to_be_grey:
        return None
    file.seek(max(0, size_of(file) - _PCX_PALETTE))
    return None if file.read(1) == b"\x0c" else "its palette is missing"


def _missing_in_jpeg2000(file: BinaryIO, name: str) -> str | None:  # noqa: ARG001
    """Tile parts say how long they are; a decoder that meets the end between two packets shows less detail.

    Markers and lengths are those of ISO/IEC 15444-1, annex A: each tile part begins with SOT, ten bytes more,
    of which four are its length; 0 stands for the rest of the file. EOC ends the last one.
    """
    file.seek(0)
    place = file.read(_LONGEST_HEADER).find(_SOC_AND_SIZ)
    if place < 0:
        return None
    size = size_of(file)
    place += 2
    while place < size:
        file.seek(place)
        head = file.read(10)
        at_tile = head[:2] == _SOT
        if at_tile and len(head) < 10:
            break
        if head[:2] == _EOC or head[:1] != b"\xff":
            return None
        length = int.from_bytes(head[6:10] if at_tile else head[2:4], "big") + 2 * (not at_tile)
        if length < 4:
            return None  # up to the end, or broken: the decoder will tell
        place += length
    return "tiles are missing at its end"


_MISSING: Final[dict[str | None, Callable[[BinaryIO, str], str | None]]] = {
    "JPEG": _missing_in_jpeg,
    "MPO": _missing_in_jpeg,
    "PCX": _missing_in_pcx,
    "JPEG2000": _missing_in_jpeg2000,
    "PNG": _missing_in_png,
}
