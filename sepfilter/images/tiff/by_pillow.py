"""TIFF pages where imagecodecs cannot be imported: Pillow decodes those that it does not damage."""

from __future__ import annotations

from typing import BinaryIO, Final

import numpy as np
import tifffile

from sepfilter.errors import ImageReadError, UnsupportedImageError
from sepfilter.geometry import ImageSpec
from sepfilter.images.decoding import has_imagecodecs
from sepfilter.images.jpeg.scans import check_complete
from sepfilter.images.source import Opening, Source
from sepfilter.images.tiff.checks import Grid, check_embedded, checked_places
from sepfilter.images.tiff.directory import Directory
from sepfilter.images.tiff.samples import meaning_of
from sepfilter.images.tiff.tags import (
    DECODED_BY_PILLOW,
    DEFLATE_KINDS,
    DIFFERENCES,
    FLOAT_DIFFERENCES,
    JPEG,
    JPEG_KINDS,
    NO_PREDICTOR,
    PACKBITS,
    UNCOMPRESSED,
)

_DECODED_BY_TIFFFILE: Final = DEFLATE_KINDS | {UNCOMPRESSED, PACKBITS}
_WHOLE_BYTES: Final = frozenset({8, 16, 32, 64})


def lacks_imagecodecs(page: tifffile.TiffPage) -> bool:
    """True for a page that tifffile cannot decode on this machine by itself."""
    return not has_imagecodecs() and not (
        page.compression in _DECODED_BY_TIFFFILE
        and page.bitspersample in _WHOLE_BYTES
        and page.predictor in {NO_PREDICTOR, DIFFERENCES}
        and page.fillorder == 1
    )


def open_without_imagecodecs(
    file: BinaryIO, opening: Opening, directory: Directory, grid: Grid, page: tifffile.TiffPage
) -> Source:
    """Have Pillow open a page, if it makes the same of its samples as imagecodecs would.

    Of colours that were multiplied by alpha it makes the same give or take 1.

    Parameters
    ----------
    file : binary file
        Of the page.
    opening : Opening
        Its page counts.
    directory, grid, page
        As the page was read and checked.

    Raises
    ------
    ImageReadError
        The file is broken.
    UnsupportedImageError
        imagecodecs is needed.
    """
    from sepfilter.images.pillow.source import open_pillow

    meaning = meaning_of(page, grid, opening.name)
    inks_in_jpeg = meaning.cmyk and page.compression in JPEG_KINDS  # inverted or not, who knows
    if page.compression not in DECODED_BY_PILLOW or inks_in_jpeg:
        raise _needs_imagecodecs(opening.name, page)
    _check_segments(file, directory, grid, page)
    file.seek(0)
    try:
        source = open_pillow(file, opening)
    except ImageReadError as error:
        if _is_broken(error, page):
            raise
        raise _needs_imagecodecs(opening.name, page) from error
    except UnsupportedImageError as error:
        raise _needs_imagecodecs(opening.name, page) from error
    if not _are_alike(source.spec, meaning.spec):
        source.close()
        raise _needs_imagecodecs(opening.name, page)
    return source


def _needs_imagecodecs(name: str, page: tifffile.TiffPage) -> UnsupportedImageError:
    """The error of a page that is not read on this machine."""
    compression = getattr(page.compression, "name", str(page.compression))
    what = f"TIFF compression {compression} needs"
    if page.compression in _DECODED_BY_TIFFFILE:
        what = "its layout of TIFF samples needs"
    return UnsupportedImageError(f"{name}: {what} imagecodecs: pip install imagecodecs")


def _check_segments(file: BinaryIO, directory: Directory, grid: Grid, page: tifffile.TiffPage) -> None:
    """Refuse strips and tiles outside the file, and JPEG streams whose end Pillow would not miss."""
    places = checked_places(page.dataoffsets, page.databytecounts, 0, directory, grid)
    if page.compression not in JPEG_KINDS:
        return
    for offset, size in places.tolist():
        file.seek(offset)
        data = file.read(size)
        check_embedded(data, int(page.compression), grid)
        check_complete(data)


def _is_broken(error: ImageReadError, page: tifffile.TiffPage) -> bool:
    """True where Pillow knows such pages: it is the file's fault that it failed."""
    from PIL import UnidentifiedImageError

    known = page.predictor in {NO_PREDICTOR, DIFFERENCES, FLOAT_DIFFERENCES}
    is_deep_jpeg = page.compression == JPEG and page.bitspersample != 8
    return known and not is_deep_jpeg and not isinstance(error.__cause__, UnidentifiedImageError)


def _are_alike(found: ImageSpec, wanted: ImageSpec) -> bool:
    """True for the same samples; Pillow turns the picture upright."""
    return (
        np.dtype(found.dtype) == np.dtype(wanted.dtype)
        and (found.channels, found.alpha) == (wanted.channels, wanted.alpha)
        and sorted((found.height, found.width)) == sorted((wanted.height, wanted.width))
    )
