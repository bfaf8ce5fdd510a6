"""Rows of samples that lie in a file as they are, one after another."""

from __future__ import annotations

from collections.abc import Callable
from io import SEEK_END
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from sepfilter.errors import ImageReadError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.metadata import Metadata
from sepfilter.values import value

Pixels = npt.NDArray[Any]


@value
class RawRows:
    """Where the samples of an image are in its file.

    Attributes
    ----------
    file : binary file
        Able to seek.
    name : str
        The file, in messages.
    start : int
        Byte at which the samples begin.
    shape : (int, int, int)
        Height, width, channels.
    dtype : dtype
        Of the samples as stored, byte order included.
    bottom_up : bool
        The last row comes first.
    """

    file: BinaryIO
    name: str
    start: int
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    bottom_up: bool = False

    @property
    def pixel_bytes(self) -> int:
        """From one pixel to the next."""
        return self.shape[2] * self.dtype.itemsize

    @property
    def row_bytes(self) -> int:
        """From one row to the next."""
        return self.shape[1] * self.pixel_bytes

    @property
    def end(self) -> int:
        """Byte after the last sample."""
        return self.start + self.shape[0] * self.row_bytes

    def check_length(self) -> None:
        """Refuse a file that ends before its last sample.

        Raises
        ------
        ImageReadError
            It is shorter than its header claims.
        """
        held = max(0, size_of(self.file) - self.start)
        if self.end - self.start > held:
            height, width, channels = self.shape
            raise ImageReadError(
                f"{self.name}: is truncated or corrupt: its header claims {width} x {height} pixels of "
                f"{channels * self.dtype.itemsize} bytes, but only {held:,} bytes follow"
            )

    def read(self, window: Window) -> Pixels:
        """The samples of a part, shape (h, w, C), of the machine's byte order.

        Raises
        ------
        ImageReadError
            The file became shorter than it was, or cannot be read.
        """
        pixels = np.empty((window.height, window.width, self.shape[2]), self.dtype)
        first = self.shape[0] - window.y - window.height if self.bottom_up else window.y
        place = self.start + first * self.row_bytes + window.x * self.pixel_bytes
        whole_rows = window.width == self.shape[1]
        for part in (pixels,) if whole_rows else pixels:
            self._fill(part, place)
            place += self.row_bytes
        if not self.dtype.isnative:
            pixels = pixels.byteswap(inplace=True).view(self.dtype.newbyteorder("="))
        return pixels[::-1] if self.bottom_up else pixels

    def _fill(self, part: Pixels, place: int) -> None:
        """Read bytes into an array without a copy in between."""
        room = part.reshape(-1).view(np.uint8).data
        try:
            self.file.seek(place)
            filled = 0
            while filled < len(room):
                count = self.file.readinto(room[filled:])  # type: ignore[attr-defined]  # every one has it
                if not count:
                    raise ImageReadError(f"{self.name}: is truncated: it became shorter while it was read")
                filled += count
        except ImageReadError:
            raise
        except OSError as error:
            raise ImageReadError(f"{self.name}: cannot be read: {error.strerror or error}") from error


@value
class RawSource:
    """A `Source` whose samples need no decoding, or only one by one.

    Attributes
    ----------
    spec, metadata
        As of every source.
    rows : RawRows
        Where the samples are.
    convert : callable or None
        What samples as stored become, element by element.
    strip_rows : int
        Always 1: any row can be read alone.
    """

    spec: ImageSpec
    metadata: Metadata
    rows: RawRows
    convert: Callable[[Pixels], Pixels] | None = None
    strip_rows: int = 1

    def read(self, window: Window) -> Pixels:
        """The samples of a part, read from the file."""
        pixels = self.rows.read(window)
        return pixels if self.convert is None else self.convert(pixels)

    def close(self) -> None:
        """Let go of the file."""
        self.rows.file.close()


def size_of(file: BinaryIO) -> int:
    """Bytes of a file, which stays where it was."""
    place = file.tell()
    size = file.seek(0, SEEK_END)
    file.seek(place)
    return size


def write_samples(file: BinaryIO, pixels: Pixels, dtype: npt.DTypeLike) -> None:
    """Write samples in a byte order, without a copy where they have it already.

    Parameters
    ----------
    file : binary file
        Written to from where it is.
    pixels : ndarray
        Any shape and strides.
    dtype : dtype
        Of the samples as stored, byte order included.
    """
    stored = np.ascontiguousarray(pixels, dtype)
    file.write(stored.reshape(-1).view(np.uint8).data)


@value
class RawSink:
    """A `Sink` that writes samples as they come.

    Attributes
    ----------
    file : binary file
        After the header; a pipe will do.
    dtype : dtype
        Of the samples as stored, byte order included.
    """

    file: BinaryIO
    dtype: np.dtype[Any]

    def write(self, window: Window, pixels: Pixels) -> None:  # noqa: ARG002 - rows follow one another
        """Write rows."""
        write_samples(self.file, pixels, self.dtype)

    def finish(self) -> None:
        """Everything is written already."""
