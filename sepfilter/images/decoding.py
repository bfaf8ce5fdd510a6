"""What backends have in common: errors and warnings in the same words, images that are decoded as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import numpy.typing as npt

from sepfilter.errors import ImageReadError, LimitError, SepfilterError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.limits import MAX_METADATA
from sepfilter.images.metadata import Metadata

Pixels = npt.NDArray[Any]

_BLOCKS: Final = {"icc": "the colour profile", "exif": "EXIF", "xmp": "XMP"}


@contextmanager
def decoding(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises on a broken file into one of our errors.

    Decoders meet hostile bytes and raise anything, from SyntaxError to ZeroDivisionError: no list
    of exceptions would be complete.

    Parameters
    ----------
    name : str
        The file, in messages.

    Raises
    ------
    ImageReadError
        It is truncated or corrupt; the message has the decoder's reason, in one printable line.
    LimitError
        There is not enough memory.
    """
    try:
        yield
    except SepfilterError:
        raise
    except MemoryError as error:
        raise LimitError(f"{name}: its pixels do not fit into memory") from error
    except Exception as error:
        raise ImageReadError(f"{name}: is truncated or corrupt: {one_line(error)}") from error


@contextmanager
def closed_on_failure(file: BinaryIO) -> Iterator[None]:
    """Close a file if the block that opens it fails."""
    try:
        yield
    except BaseException:
        file.close()
        raise


def no_page(name: str, page: int, count: int) -> ImageReadError:
    """The error of a page that a file does not have.

    Parameters
    ----------
    name : str
        The file.
    page : int
        What was asked for, from 0; people count from 1.
    count : int
        The pages that there are.

    Examples
    --------
    >>> str(no_page("a.tif", 6, 3))
    'a.tif: has 3 pages: there is no page 7'
    """
    has = "1 page" if count == 1 else f"{count:,} pages"
    return ImageReadError(f"{name}: has {has}: there is no page {page + 1}")


def has_imagecodecs() -> bool:
    """True where imagecodecs can be imported."""
    try:
        import imagecodecs  # noqa: F401
    except ImportError:
        return False
    return True


def one_line(error: Exception) -> str:
    """The message, or the kind of error where there is none, printable and short."""
    text = " ".join(str(error).split()) or type(error).__name__
    return "".join(character if character.isprintable() else "?" for character in text)[:200]


def left_out(field: str) -> str:
    """The warning about a block of metadata that cannot be kept.

    Parameters
    ----------
    field : str
        Which, as in `Metadata`: ``icc``, ``exif`` or ``xmp``.

    Examples
    --------
    >>> left_out("xmp")
    'XMP was left out: it is broken, or larger than 1 MiB'
    """
    return f"{_BLOCKS[field]} was left out: it is broken, or larger than {MAX_METADATA // 2**20} MiB"


@dataclass(slots=True)
class DecodedSource:
    """An image that is decoded as a whole, at the first reading.

    Attributes
    ----------
    file : binary file
        Closed at the end.
    name : str
        The file, in messages.
    spec : ImageSpec
        The pixels.
    metadata : Metadata
        What goes with them.
    decode : callable
        All pixels, shape (H, W, C); what it raises becomes an error of ours.
    """

    file: BinaryIO
    name: str
    spec: ImageSpec
    metadata: Metadata
    decode: Callable[[], Pixels]
    _pixels: Pixels | None = None

    @property
    def strip_rows(self) -> int:
        """The height."""
        return self.spec.height

    def read(self, window: Window) -> Pixels:
        """The pixels of a part; the whole image is decoded once."""
        if self._pixels is None:
            with decoding(self.name):
                self._pixels = self._checked(self.decode())
        return self._pixels[window.rows, window.columns]

    def close(self) -> None:
        """Let go of the file and of the decoded image."""
        self.file.close()
        self._pixels = None

    def _checked(self, pixels: Pixels) -> Pixels:
        """The pixels, if they are those that the header told of."""
        spec = self.spec
        if pixels.shape != (spec.height, spec.width, spec.channels) or pixels.dtype != spec.dtype:
            raise ValueError("its pixels are not what its header says")
        pixels.flags.writeable = False
        return pixels
