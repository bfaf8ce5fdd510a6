"""JPEG output: encoded by libjpeg-turbo, that of imagecodecs or of Pillow, with the metadata put in front."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from io import BytesIO
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from sepfilter.geometry import ImageSpec
from sepfilter.images.collected import CollectingSink
from sepfilter.images.decoding import has_imagecodecs
from sepfilter.images.exif import PREFIX
from sepfilter.images.jpeg.markers import APP0, APP1, APP2
from sepfilter.images.jpeg.metadata import ICC, JFIF, XMP
from sepfilter.images.metadata import Metadata
from sepfilter.images.sink import Encoding

Pixels = npt.NDArray[Any]

DEFAULT_QUALITY: Final = 92
"""Where none is given: above it files grow faster than they improve."""

DEFAULT_SUBSAMPLING: Final = "4:2:0"
"""Where the input had no chroma of its own to follow: as Pillow and OpenCV do, at any quality."""

_LONGEST_PAYLOAD: Final = 65533
_DOTS_AN_INCH: Final = 1
_START_OF_IMAGE: Final = b"\xff\xd8"


def open_jpeg_sink(file: BinaryIO, spec: ImageSpec, metadata: Metadata, encoding: Encoding) -> CollectingSink:
    """Begin to write a JPEG file.

    Parameters
    ----------
    file : binary file
        Written to at the end, once.
    spec : ImageSpec
        1 channel of grey, 3 of colour or 4 of ink, 8 bits each.
    metadata : Metadata
        Profile, EXIF, XMP, resolution; `subsampling` is kept.
    encoding : Encoding
        Its quality counts.
    """
    quality = DEFAULT_QUALITY if encoding.quality is None else encoding.quality
    return CollectingSink(spec, partial(_write, file, metadata, quality))


def _write(file: BinaryIO, metadata: Metadata, quality: int, pixels: Pixels) -> None:
    """Encode the pixels and write the file."""
    encoded = memoryview(_encoded(pixels, quality, metadata.subsampling or DEFAULT_SUBSAMPLING))
    # The encoder writes a JFIF segment of its own, except before inks; it is written anew.
    own = encoded[2:]
    if own[:2] == bytes((0xFF, APP0)):
        own = own[2 + int.from_bytes(own[2:4], "big") :]
    is_plain = len(own) < len(encoded) - 2
    file.write(_START_OF_IMAGE)
    if is_plain or metadata.dpi:
        file.write(_segment(APP0, _jfif(metadata.dpi)))
    file.writelines(_metadata_segments(metadata))
    file.write(own)


def _encoded(pixels: Pixels, quality: int, subsampling: str) -> bytes | bytearray:
    """A JPEG file without metadata; inks are inverted, as Adobe began to do and all expect."""
    if not has_imagecodecs():
        return _encoded_by_pillow(pixels, quality, subsampling)
    import imagecodecs

    channels = pixels.shape[2]
    if channels == 1:
        return imagecodecs.jpeg8_encode(pixels[..., 0], quality)
    if channels == 3:
        return imagecodecs.jpeg8_encode(pixels, quality, subsampling=subsampling.replace(":", ""))
    return imagecodecs.jpeg8_encode(np.invert(pixels), quality, colorspace="CMYK", outcolorspace="CMYK")


def _encoded_by_pillow(pixels: Pixels, quality: int, subsampling: str) -> bytes:
    """The same where imagecodecs cannot be imported; Pillow inverts inks by itself."""
    from PIL import Image

    height, width, channels = pixels.shape
    image = Image.frombytes({1: "L", 3: "RGB", 4: "CMYK"}[channels], (width, height), pixels.tobytes())
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality, **({"subsampling": subsampling} if channels == 3 else {}))
    return buffer.getvalue()


def _metadata_segments(metadata: Metadata) -> Iterator[bytes]:
    """EXIF, XMP, and the profile in as many parts as it takes."""
    if metadata.exif:
        yield _segment(APP1, PREFIX + metadata.exif.removeprefix(PREFIX))
    if metadata.xmp:
        yield _segment(APP1, XMP + metadata.xmp)
    if metadata.icc:
        room = _LONGEST_PAYLOAD - len(ICC) - 2
        parts = [metadata.icc[at : at + room] for at in range(0, len(metadata.icc), room)]
        for number, part in enumerate(parts, 1):
            yield _segment(APP2, ICC + bytes((number, len(parts))) + part)


def _jfif(dpi: tuple[float, float] | None) -> bytes:
    """A JFIF header of version 1.01, with a resolution or square pixels, and without a thumbnail."""
    densities = [min(65535, max(1, round(value))) for value in dpi or (1, 1)]
    unit = _DOTS_AN_INCH if dpi else 0
    packed = b"".join(density.to_bytes(2, "big") for density in densities)
    return JFIF + bytes((1, 1, unit)) + packed + bytes((0, 0))


def _segment(marker: int, payload: bytes) -> bytes:
    """A marker, the length, the payload."""
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2, "big") + payload
