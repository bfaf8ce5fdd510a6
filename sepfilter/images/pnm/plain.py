"""Netpbm's plain formats (P1, P2, P3): samples written as decimal numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from sepfilter.errors import ImageReadError, LimitError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.metadata import Metadata
from sepfilter.images.pnm.header import PnmHeader

Pixels = npt.NDArray[Any]

_SPACE: Final = b" \t\n\v\f\r"
_DIGITS: Final = b"0123456789"
_PIECE: Final = 2**20
"""Bytes that are parsed at a time."""


@dataclass(slots=True)
class PlainSource:
    """A plain image, read as a whole."""

    spec: ImageSpec
    metadata: Metadata
    file: BinaryIO
    name: str
    header: PnmHeader
    _pixels: Pixels | None = None

    @property
    def strip_rows(self) -> int:
        """All of them: where a row begins is not known before."""
        return self.spec.height

    def read(self, window: Window) -> Pixels:
        """A part of the image, which is parsed once.

        Raises
        ------
        ImageReadError
            There are too few samples, or one that is none.
        """
        if self._pixels is None:
            self._pixels = self._parse()
            self._pixels.flags.writeable = False
        return self._pixels[window.rows, window.columns]

    def close(self) -> None:
        """Let go of the file and of the pixels."""
        self.file.close()
        self._pixels = None

    def _parse(self) -> Pixels:
        """All samples, scaled as those of the binary formats."""
        spec = self.spec
        try:
            samples = self._samples(spec.height * spec.width * spec.channels)
        except MemoryError as error:
            raise LimitError(f"{self.name}: its pixels do not fit into memory") from error
        except (ValueError, OverflowError, OSError) as error:
            raise ImageReadError(f"{self.name}: is truncated or corrupt: {error}") from error
        shaped = samples.reshape(spec.height, spec.width, spec.channels)
        if self.header.kind == "1":
            return ((1 - shaped) * 255).astype(np.uint8)
        maxval, full = self.header.maxval, int(spec.levels)
        if maxval == full:
            return shaped
        table = np.rint(np.arange(maxval + 1) * full / maxval).astype(spec.dtype)
        scaled: Pixels = table[shaped]
        return scaled

    def _samples(self, count: int) -> Pixels:
        """So many samples as they are written."""
        size = self.file.seek(0, 2) - self.header.start
        if size < count:
            raise ValueError(f"its header claims {count:,} samples, but only {size:,} bytes follow")
        self.file.seek(self.header.start)
        samples = np.empty(count, self.spec.dtype)
        found, rest = 0, b""
        while found < count:
            piece = self.file.read(_PIECE)
            text, rest = _whole_words(rest + piece, at_end=not piece)
            numbers = self._numbers(text)
            if numbers.size and numbers.max() > self.header.maxval:
                raise ValueError(f"a sample is {numbers.max()}, above the largest, {self.header.maxval}")
            if not piece and found + numbers.size < count:
                raise ValueError(f"its header claims {count:,} samples, but {found + numbers.size:,} follow")
            used = numbers[: count - found]
            samples[found : found + used.size] = used
            found += used.size
        return samples

    def _numbers(self, text: bytes) -> Pixels:
        """The numbers of a piece of text; those of a bitmap need no space in between."""
        text = _without_comments(text)
        strange = text.translate(None, _DIGITS + _SPACE)
        if strange:
            raise ValueError(f"{strange[:20]!r} stands among its samples")
        if self.header.kind == "1":
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
