"""The filters of PNG rows, undone: in C where it was compiled, else by a PNG decoder."""

from __future__ import annotations

import zlib
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

from sepfilter.images.png.chunks import SAMPLES, SIGNATURE, Header, chunk

try:
    from sepfilter.images.png import _unfilter as _compiled
except ImportError:  # there was no compiler
    _compiled = None  # type: ignore[assignment]

Pixels = npt.NDArray[Any]


def unfiltered(header: Header, lines: bytes | memoryview, above: bytes | None) -> Pixels:
    """Rows as they were before they were filtered.

    Parameters
    ----------
    header : Header
        Of an image with whole bytes for samples, not interlaced.
    lines : bytes-like
        The rows, each behind the number of its filter.
    above : bytes, optional
        The row before the first, as the file stores it; None at the top of the image.

    Returns
    -------
    ndarray of uint8 or uint16
        Shape (rows, W, C).

    Raises
    ------
    ValueError
        There is no filter of that number.

    Examples
    --------
    >>> row = Header(width=3, height=1, depth=8, colour_type=0)
    >>> unfiltered(row, bytes([1, 5, 1, 1]), None).ravel().tolist()  # filter 1: differences to the left
    [5, 6, 7]
    """
    channels, sample_bytes = SAMPLES[header.colour_type], header.depth // 8
    rows = len(lines) // (header.row_bytes + 1)
    if _compiled is None:
        decoded: Pixels = imagecodecs.png_decode(_as_file(header, bytes(lines), above))
        return decoded.reshape(-1, header.width, channels)[-rows:]
    stored = np.empty((rows, header.width, channels), f"u{sample_bytes}")
    _compiled.undo(lines, above or bytes(header.row_bytes), channels * sample_bytes, stored)
    return stored.view(f">u{sample_bytes}").astype(stored.dtype, copy=False)


def _as_file(header: Header, lines: bytes, above: bytes | None) -> bytes:
    """Filtered rows as a PNG file of their own, whose first row is the one above them as it is.

    A decoder undoes their filters then, much faster than Python could.
    """
    rows = len(lines) // (header.row_bytes + 1)
    if above is not None:
        lines, rows = b"".join((b"\0", above, lines)), rows + 1
    strip = Header(header.width, rows, header.depth, header.colour_type)
    return b"".join(
        (SIGNATURE, chunk(b"IHDR", strip.body), chunk(b"IDAT", zlib.compress(lines, 0)), chunk(b"IEND", b""))
    )
