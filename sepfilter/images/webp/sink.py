"""WebP output: encoded by libwebp, that of imagecodecs or of Pillow, with the metadata put around."""

from __future__ import annotations

from functools import partial
from io import BytesIO
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from sepfilter.geometry import ImageSpec
from sepfilter.images.collected import CollectingSink
from sepfilter.images.decoding import has_imagecodecs
from sepfilter.images.exif import PREFIX
from sepfilter.images.metadata import Metadata
from sepfilter.images.sink import Encoding
from sepfilter.images.webp.chunks import OPACITY

Pixels = npt.NDArray[Any]

# libwebp's effort, 0 to 6. Its default, 4, takes two to three times as long for lossy files that are
# a twentieth smaller; lossless ones come out the same.
_METHOD: Final = 2

# Of a lossless file the quality is a second effort. Pillow's default, 80, takes 1.3 to 1.7 times as long for
# the same size; 0 takes half, for files a fifth larger where the picture is smooth, twice as large in charts.
_LOSSLESS_EFFORT: Final = 51

_ICC: Final = b"ICCP"

# What the header of a file says of each kind of metadata.
_FLAGS: Final = {_ICC: 0x20, b"EXIF": 0x08, b"XMP ": 0x04}

_LONGEST_SIDE: Final = 16383
"""Of a WebP file; imagecodecs stops one short of it."""


def open_webp_sink(file: BinaryIO, spec: ImageSpec, metadata: Metadata, encoding: Encoding) -> CollectingSink:
    """Begin to write a WebP file: lossless, unless a quality is given.

    Grey is written as RGB, which is all that WebP has. libwebp leaves out an opacity that is full everywhere.

    Parameters
    ----------
    file : binary file
        Written to at the end, once.
    spec : ImageSpec
        1 or 3 channels and perhaps opacity, 8 bits each.
    metadata : Metadata
        Profile, EXIF, XMP.
    encoding : Encoding
        Its quality counts.
    """
    return CollectingSink(spec, partial(_write, file, metadata, encoding.quality))


def _write(file: BinaryIO, metadata: Metadata, quality: int | None, pixels: Pixels) -> None:
    """Encode the pixels and write the file."""
    encoded = _encoded(_in_colour(pixels), quality)
    exif = metadata.exif and metadata.exif.removeprefix(PREFIX)
    blocks = {_ICC: metadata.icc, b"EXIF": exif, b"XMP ": metadata.xmp}
    apart = {kind: _chunk(kind, block) for kind, block in blocks.items() if block}
    if not apart:
        file.write(encoded)
        return
    height, width = pixels.shape[:2]
    opacity, picture = _taken_apart(encoded)
    flags = opacity | sum(_FLAGS[kind] for kind in apart)
    size = b"".join((side - 1).to_bytes(3, "little") for side in (width, height))
    head = _chunk(b"VP8X", bytes((flags, 0, 0, 0)) + size)
    chunks: list[bytes | memoryview] = [head, apart.pop(_ICC, b""), picture, *apart.values()]
    file.write(b"RIFF" + (4 + sum(map(len, chunks))).to_bytes(4, "little") + b"WEBP")
    file.writelines(chunks)


def _encoded(pixels: Pixels, quality: int | None) -> bytes | bytearray:
    """A WebP file without metadata, colours kept where nothing is seen of them."""
    lossless = quality is None
    level = _LOSSLESS_EFFORT if quality is None else quality
    if max(pixels.shape) == _LONGEST_SIDE or not has_imagecodecs():
        return _encoded_by_pillow(pixels, level, lossless=lossless)
    import imagecodecs

    return imagecodecs.webp_encode(pixels, level, lossless=lossless, method=_METHOD)


def _encoded_by_pillow(pixels: Pixels, level: int, *, lossless: bool) -> bytes:
    """The same where imagecodecs cannot be imported or refuses, with twice the memory."""
    from PIL import Image, WebPImagePlugin

    buffer = BytesIO()
    file_format = WebPImagePlugin.WebPImageFile.format
    Image.fromarray(pixels).save(
        buffer, file_format, lossless=lossless, quality=level, method=_METHOD, exact=True
    )
    return buffer.getvalue()


def _taken_apart(encoded: bytes | bytearray) -> tuple[int, memoryview]:
    """What an encoded file says of its opacity, and the chunks of its picture."""
    if encoded[12:16] == b"VP8X":
        return encoded[20] & OPACITY, memoryview(encoded)[30:]
    # A lossless picture has a bit for opacity at the place of the flag, behind its signature and two sizes.
    return encoded[24] & OPACITY if encoded[12:16] == b"VP8L" else 0, memoryview(encoded)[12:]


def _chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of even length."""
    return kind + len(content).to_bytes(4, "little") + content + bytes(len(content) % 2)


def _in_colour(pixels: Pixels) -> Pixels:
    """Grey in three channels, opacity behind them."""
    if pixels.shape[2] > 2:
        return pixels
    return np.take(pixels, [0, 0, 0, 1][: pixels.shape[2] + 2], axis=2)
