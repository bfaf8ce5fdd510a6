"""JPEG files: the header read here, the pixels decoded by libjpeg-turbo, as a whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, BinaryIO, Final

import imagecodecs
import numpy as np
import numpy.typing as npt

from sepfilter.errors import UnsupportedImageError
from sepfilter.geometry import ImageSpec
from sepfilter.images.decoding import DecodedSource, closed_on_failure, decoding, no_page
from sepfilter.images.jpeg.markers import Frame
from sepfilter.images.jpeg.metadata import JpegHeader, read_header
from sepfilter.images.jpeg.scans import check_complete
from sepfilter.images.source import Opening, Source

Pixels = npt.NDArray[Any]

# Components of a file -> what they are decoded to.
_COLOURS: Final = {1: "GRAYSCALE", 3: "RGB", 4: "CMYK"}

# What may stand in the place of lost data before its colours are converted.
_FILLINGS: Final = (127, 128)
_PROBE: Final = bytes(range(1, 128)) * 8


def open_jpeg(file: BinaryIO, opening: Opening) -> Source:
    """Open a JPEG file and read its header.

    Inks are counted from 0, none, to 255, full, although such files mostly hold them inverted.

    Parameters
    ----------
    file : binary file
        Stands at its beginning, can seek; it is closed where opening fails.
    opening : Opening
        Name, page and limits. Pages are the pictures of a multi-picture file (MPO).

    Raises
    ------
    ImageReadError
        The header is broken, or there is no such page.
    UnsupportedImageError
        The file is of a kind of JPEG that is not decoded.
    LimitError
        It is larger than the limits.
    """
    with closed_on_failure(file), decoding(opening.name):
        header, start = _page(file, opening)
        frame = header.frame
        _check_kind(frame, opening.name)
        spec = ImageSpec(
            frame.height, frame.width, len(frame.components), "uint8" if frame.bits <= 8 else "uint16"
        )
        if frame.bits == 12:
            header = header.with_warning(
                "its samples of 12 bits are read as they are, from 0 to 4095 of 65535"
            )
        # Where coefficients come in several scans all of them are held, 16 bits each.
        opening.limits.check(
            opening.name,
            height=spec.height,
            width=spec.width,
            channels=spec.channels,
            sample_bytes=spec.sample_bytes + 2 * frame.is_progressive,
        )

    def decode() -> Pixels:
        file.seek(start)
        return _decoded(file.read(), frame, spec)

    return DecodedSource(file, opening.name, spec, header.metadata, decode)


def _page(file: BinaryIO, opening: Opening) -> tuple[JpegHeader, int]:
    """The header of the picture that is wanted, and where it begins."""
    first = read_header(file)
    if not opening.page:
        return first, first.pages[0]
    if opening.page >= len(first.pages):
        raise no_page(opening.name, opening.page, len(first.pages))
    start = first.pages[opening.page]
    file.seek(start)
    if file.read(3) != b"\xff\xd8\xff":
        raise ValueError(f"there is no picture where its index has page {opening.page + 1}")
    file.seek(start)
    header = read_header(file)
    metadata = replace(header.metadata, frames=len(first.pages))
    return replace(header, metadata=metadata), start


def _check_kind(frame: Frame, name: str) -> None:
    """Refuse the kinds of JPEG that libjpeg-turbo does not decode."""
    if len(frame.components) not in _COLOURS:
        raise UnsupportedImageError(
            f"{name}: a JPEG file of {len(frame.components)} components is not read: 1, 3 or 4 are"
        )
    if not (frame.bits in (8, 12, 16) and (frame.bits != 16 or frame.is_lossless)):
        raise UnsupportedImageError(f"{name}: a JPEG file of {frame.bits} bits a sample is not read")


def _decoded(content: bytes, frame: Frame, spec: ImageSpec) -> Pixels:
    """All pixels, shape (H, W, C), of a complete file."""
    end = check_complete(content)
    colours = _COLOURS[spec.channels]
    pixels: Pixels = imagecodecs.jpeg8_decode(content, outcolorspace=colours)
    pixels = pixels[..., np.newaxis] if pixels.ndim == 2 else pixels
    if frame.bits == 8 and not frame.is_lossless and np.isin(pixels[-1, -1], _FILLINGS).all():
        _check_filling(content, end, colours, pixels)
    if spec.channels == 4:
        np.subtract(pixels.dtype.type((1 << frame.bits) - 1), pixels, out=pixels)
    return pixels


def _check_filling(content: bytes, end: int, colours: str, pixels: Pixels) -> None:
    """Refuse an image whose data end early, if its last pixel is what libjpeg fills up with.

    Data in front of the end-of-image marker change such an image, and none that was complete.
    """
    longer = imagecodecs.jpeg8_decode(b"".join((content[:end], _PROBE, content[end:])), outcolorspace=colours)
    if not np.array_equal(longer.reshape(pixels.shape), pixels):
        raise ValueError("its data end before its last pixel")
