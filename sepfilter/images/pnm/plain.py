"""Netpbm's plain formats (P1, P2, P3): samples written as decimal numbers."""

from __future__ import annotations

from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from sepfilter.geometry import ImageSpec
from sepfilter.images.pnm.header import PnmHeader
from sepfilter.images.raw_rows import size_of

Pixels = npt.NDArray[Any]

_SPACE: Final = b" \t\n\v\f\r"
_DIGITS: Final = b"0123456789"
_PIECE: Final = 2**20
"""Bytes that are parsed at a time."""


def plain_pixels(file: BinaryIO, header: PnmHeader, spec: ImageSpec) -> Pixels:
    """All pixels of a plain image, scaled as those of the binary formats.

    Parameters
    ----------
    file : binary file
        Able to seek.
    header : PnmHeader
        Of the image.
    spec : ImageSpec
        Of its pixels.

    Raises
    ------
    ValueError
        There are too few samples, or one that is none.
    """
    samples = _samples(file, header, spec).reshape(spec.height, spec.width, spec.channels)
    if header.kind == "1":
        return ((1 - samples) * 255).astype(np.uint8)
    maxval, full = header.maxval, int(spec.levels)
    if maxval == full:
        return samples
    table = np.rint(np.arange(maxval + 1) * full / maxval).astype(spec.dtype)
    scaled: Pixels = table[samples]
    return scaled


def _samples(file: BinaryIO, header: PnmHeader, spec: ImageSpec) -> Pixels:
    """All samples as they are written, one after another."""
    count = spec.height * spec.width * spec.channels
    size = size_of(file) - header.start
    if size < count:
        raise ValueError(f"its header claims {count:,} samples, but only {size:,} bytes follow")
    file.seek(header.start)
    samples = np.empty(count, spec.dtype)
    found, rest = 0, b""
    while found < count:
        piece = file.read(_PIECE)
        text, rest = _whole_words(rest + piece, at_end=not piece)
        numbers = _numbers(text, header)
        if numbers.size and numbers.max() > header.maxval:
            raise ValueError(f"a sample is {numbers.max()}, above the largest, {header.maxval}")
        if not piece and found + numbers.size < count:
            raise ValueError(f"its header claims {count:,} samples, but {found + numbers.size:,} follow")
        used = numbers[: count - found]
        samples[found : found + used.size] = used
        found += used.size
    return samples


def _numbers(text: bytes, header: PnmHeader) -> Pixels:
    """The numbers of a piece of text; those of a bitmap need no space in between."""
    text = _without_comments(text)
    strange = text.translate(None, _DIGITS + _SPACE)
    if strange:
        raise ValueError(f"{strange[:20]!r} stands among its samples")
    if header.kind == "1":
        return np.frombuffer(text.translate(None, _SPACE), np.uint8) - ord("0")
    if not text.strip():
        return np.empty(0, np.int64)
    return np.fromstring(text.decode("ascii"), np.int64, sep=" ")


def _whole_words(text: bytes, *, at_end: bool) -> tuple[bytes, bytes]:
    """Text up to the end of its last line or, where it has none, word; and the rest."""
    if at_end:
        return text, b""
    end = max(text.rfind(b"\n"), text.rfind(b"\r")) + 1
    if not end and b"#" not in text:
        end = max(text.rfind(bytes([space])) for space in _SPACE) + 1
    return text[:end], text[end:]


def _without_comments(text: bytes) -> bytes:
    """The text without what stands between ``#`` and the end of a line."""
    if b"#" not in text:
        return text
    lines = text.replace(b"\r", b"\n").split(b"\n")
    return b"\n".join(line.partition(b"#")[0] for line in lines)
