"""Image files put together byte by byte: what libraries do not write, or only one way."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[Any]

GREY: Final = 0
RGB: Final = 2
PALETTE: Final = 3
GREY_ALPHA: Final = 4
RGBA: Final = 6

# EXIF orientation -> how a camera stores a picture that is to be shown upright.
_STORED: Final[Mapping[int, Callable[[Array], Array]]] = {
    1: lambda picture: picture,
    2: lambda picture: picture[:, ::-1],
    3: lambda picture: picture[::-1, ::-1],
    4: lambda picture: picture[::-1],
    5: lambda picture: picture.swapaxes(0, 1),
    6: lambda picture: picture.swapaxes(0, 1)[::-1],
    7: lambda picture: picture[::-1, ::-1].swapaxes(0, 1),
    8: lambda picture: picture.swapaxes(0, 1)[:, ::-1],
}


def stored_for(orientation: int, picture: Array) -> Array:
    """The pixels that a file of this orientation holds, for `picture` to be seen upright."""
    return np.ascontiguousarray(_STORED[orientation](picture))


def png_chunk(kind: bytes, body: bytes, *, checksum: int | None = None) -> bytes:
    """One chunk of a PNG file, its checksum right unless given."""
    right = zlib.crc32(kind + body)
    return (
        struct.pack(">I", len(body))
        + kind
        + body
        + struct.pack(">I", right if checksum is None else checksum)
    )


def png(
    width: int,
    bits: int,
    colour: int,
    rows: Sequence[bytes],
    *,
    before: bytes = b"",
    after: bytes = b"",
    height: int | None = None,
    header_checksum: int | None = None,
    interlaced: bool = False,
    deflate: Callable[[bytes], bytes] = zlib.compress,
) -> bytes:
    """A PNG file of packed, unfiltered rows, with chunks before and after the pixels.

    `deflate` may do so wrongly; rows that are `interlaced` are those of the passes.
    """
    height = len(rows) if height is None else height
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", header, checksum=header_checksum),
            before,
            png_chunk(b"IDAT", deflate(b"".join(b"\0" + row for row in rows))),
            after,
            png_chunk(b"IEND", b""),
        )
    )


def tiff(
    samples: Array,
    photometric: int,
    *,
    order: str = "<",
    sample_format: int | None = 1,
    tags: Mapping[int, Sequence[int]] | None = None,
) -> bytes:
    """An uncompressed TIFF file of one strip, of an array (H, W) or (H, W, C) of any type.

    `order` is ``<`` or ``>``; `sample_format` is 1 unsigned, 2 signed, 3 floating point, None for
    no such tag; `tags` adds to, or replaces, what follows from the array.
    """
    height, width = samples.shape[:2]
    channels = samples.shape[2] if samples.ndim == 3 else 1
    data = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    entries: dict[int, Sequence[int]] = {
        256: [width], 257: [height], 258: [8 * samples.itemsize] * channels, 259: [1],
        262: [photometric], 273: [0], 277: [channels], 278: [height], 279: [len(data)],
    }  # fmt: skip
    if sample_format is not None:
        entries[339] = [sample_format] * channels
    entries |= tags or {}
    start = 8 + 2 + 12 * len(entries) + 4
    if 273 not in (tags or {}):
        entries[273] = [start + sum(4 * len(values) for values in entries.values() if len(values) > 1)]
    directory, outside = b"", b""
    for tag, values in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(values)}I", *values)
        at = packed if len(values) == 1 else struct.pack(f"{order}I", start + len(outside))
        outside += b"" if len(values) == 1 else packed
        directory += struct.pack(f"{order}HHI", tag, 4, len(values)) + at
    magic = b"II*\0" if order == "<" else b"MM\0*"
    counted = struct.pack(f"{order}IH", 8, len(entries))
    return magic + counted + directory + struct.pack(f"{order}I", 0) + outside + data


def fits(samples: Array, bits: int) -> bytes:
    """A FITS file, which holds its rows from the bottom up."""
    height, width = samples.shape
    cards = {"SIMPLE": "T", "BITPIX": bits, "NAXIS": 2, "NAXIS1": width, "NAXIS2": height}
    header = "".join(f"{name:8}= {value!s:>20}".ljust(80) for name, value in cards.items()) + "END"
    data = samples[::-1].astype(samples.dtype.newbyteorder(">")).tobytes()
    return header.ljust(2880).encode() + data.ljust(-(-len(data) // 2880) * 2880, b"\0")


def npy(header: str, data: bytes = b"") -> bytes:
    """A `.npy` file whose header may say anything."""
    line = header.encode("latin1") + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line + data


def encoded(picture: Array | Image.Image, file_format: str, **options: Any) -> bytes:
    """A file as Pillow writes it."""
    buffer = BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(np.ascontiguousarray(picture))
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def with_depth_in_jpeg2000(content: bytes, bits: int) -> bytes:
    """A JPEG 2000 file whose codestream declares another depth."""
    patched = bytearray(content)
    size = patched.index(b"\xff\x51")
    components = int.from_bytes(patched[size + 38 : size + 40], "big")
    patched[size + 40 : size + 40 + 3 * components : 3] = bytes([bits - 1]) * components
    return bytes(patched)


def with_ten_bits_in_avif(content: bytes) -> bytes:
    """An AVIF file of three channels whose boxes declare 10 bits."""
    patched = bytearray(content)
    depths = patched.index(b"pixi") + 9
    patched[depths : depths + 3] = bytes([10, 10, 10])
    patched[patched.index(b"av1C") + 6] |= 0x40
    return bytes(patched)
