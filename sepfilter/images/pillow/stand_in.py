"""Pillow in the place of a library that cannot be imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Final

from PIL import UnidentifiedImageError

from sepfilter.errors import ImageReadError, UnsupportedImageError
from sepfilter.images.decoding import closed_on_failure, decoding
from sepfilter.images.jpeg import metadata as jpeg
from sepfilter.images.pillow.source import open_pillow
from sepfilter.images.png.chunks import PIXEL_CHUNKS, check_chunks
from sepfilter.images.source import Backend, Opening, Source
from sepfilter.images.tiff.checks import checked_grid
from sepfilter.images.tiff.directory import directory_chain, read_directory
from sepfilter.images.tiff.tags import COMPRESSION, DECODED_BY_PILLOW, UNCOMPRESSED
from sepfilter.images.webp import chunks as webp


def in_place_of(library: str, file_format: str) -> Backend:
    """What opens files whose own backend lacks its library; where Pillow refuses, that is named.

    Parameters
    ----------
    library : str
        As pip knows it.
    file_format : str
        Its first name in `INPUT_FORMATS`.
    """

    def open_in_its_place(file: BinaryIO, opening: Opening) -> Source:
        with closed_on_failure(file), decoding(opening.name):
            _HEADERS[file_format](file, opening.name)
            file.seek(0)
        try:
            return open_pillow(file, opening)
        except UnsupportedImageError as error:
            raise UnsupportedImageError(
                f"{error}; with {library} more such files are read: pip install {library}"
            ) from error
        except ImageReadError as error:
            if not isinstance(error.__cause__, UnidentifiedImageError):
                raise
            raise UnsupportedImageError(f"{opening.name}: needs {library}: pip install {library}") from error

    return open_in_its_place


def _check_png(file: BinaryIO, name: str) -> None:
    """All chunks but those of the pixels, for which see `refuse_incomplete`."""
    check_chunks(file, name, unread=PIXEL_CHUNKS)


def _check_tiff(file: BinaryIO, name: str) -> None:
    """The tags of the first page; of some compressions Pillow would say that they are broken."""
    chain = directory_chain(file)
    directory = read_directory(file, chain.layout, chain.offsets[0])
    checked_grid(directory)
    if directory.number(COMPRESSION, UNCOMPRESSED) not in DECODED_BY_PILLOW:
        raise UnsupportedImageError(f"{name}: needs tifffile: pip install tifffile imagecodecs")


_HEADERS: Final[dict[str, Callable[[BinaryIO, str], object]]] = {
    "png": _check_png,
    "jpeg": lambda file, _: jpeg.read_header(file),
    "webp": lambda file, _: webp.read_header(file),
    "tiff": _check_tiff,
}
"""What is wrong with a file that Pillow does not know is found out here: only sound ones need a library."""
