"""TIFF files, BigTIFF among them, read strip by strip or tile by tile, in every sample type.

tifffile reads the tags and decodes, with the codecs of imagecodecs. Pillow takes what these cannot: chroma of
lower resolution outside JPEG, JPEG of the old kind, and where imagecodecs is missing what `by_pillow` tells.
"""

from __future__ import annotations

import logging
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
import tifffile

from sepfilter.errors import UnsupportedImageError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.decoding import closed_on_failure, decoding, no_page
from sepfilter.images.metadata import Metadata
from sepfilter.images.source import Opening, Source
from sepfilter.images.tiff.by_pillow import lacks_imagecodecs, open_without_imagecodecs
from sepfilter.images.tiff.checks import Grid, checked_grid, checked_places
from sepfilter.images.tiff.directory import Chain, Directory, directory_chain, read_directory
from sepfilter.images.tiff.metadata import gather, orientation_of
from sepfilter.images.tiff.samples import Meaning, meaning_of, photometric_of
from sepfilter.images.tiff.segments import SampleReader, Segments, raw_planes
from sepfilter.images.tiff.tags import (
    DEFLATE_KINDS,
    FAX_KINDS,
    JPEG2000_KINDS,
    JPEG_KINDS,
    LEFT_TO_PILLOW,
    LZW,
    PACKBITS,
    PNG_KIND,
    TOGETHER,
    UNCOMPRESSED,
    WEBP_KINDS,
    YCBCR,
    ZSTD,
)
from sepfilter.values import value

Pixels = npt.NDArray[Any]

_BOUNDED: Final = DEFLATE_KINDS | FAX_KINDS | {UNCOMPRESSED, LZW, PACKBITS, 34925, 34926, ZSTD}
_DECODED_HERE: Final = _BOUNDED | JPEG_KINDS | JPEG2000_KINDS | WEBP_KINDS | {PNG_KIND}
"""Compressions whose decoder cannot take more memory than a strip or tile has; see `check_embedded`."""


# Without a handler Python would print tifffile's warnings about every odd file.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


@value
class TiffSource:
    """A page of a TIFF file.

    Attributes
    ----------
    spec, metadata
        As of every source.
    """

    spec: ImageSpec
    metadata: Metadata
    _file: BinaryIO
    _name: str
    _reader: SampleReader
    _meaning: Meaning

    @property
    def strip_rows(self) -> int:
        """Rows of a strip or tile; 1 where the samples lie in the file as they are."""
        return self._reader.strip_rows

    def read(self, window: Window) -> Pixels:
        """The pixels of a part, of which only the strips or tiles are decoded that it needs."""
        with decoding(self._name):
            pixels = self._meaning.pixels(self._reader.read(window))
        pixels.flags.writeable = False
        return pixels

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def open_tiff(file: BinaryIO, opening: Opening) -> Source:
    """Open a page of a TIFF or BigTIFF file.

    What its samples become is told at `meaning_of`. 64-bit integers, complex numbers, Lab and logarithmic
    colours are refused.

    Parameters
    ----------
    file : binary file
        Able to seek; closed when opening fails.
    opening : Opening
        `page` counts the directories of the chain; reduced images and masks are pages like others.

    Raises
    ------
    ImageReadError
        The file is truncated or its tags contradict one another or the file, or there is no such page.
    UnsupportedImageError
        Its samples or its compression cannot be read without loss.
    LimitError
        It is larger than the limits.
    """
    with closed_on_failure(file), decoding(opening.name):
        chain = directory_chain(file, opening.page)
        if opening.page >= len(chain.offsets):
            raise no_page(opening.name, opening.page, len(chain.offsets))
        page = _page(file, chain, opening.page)
        for_pillow = _goes_to_pillow(page.tags)
        lacking = int(page.tags.compression) in _DECODED_HERE and lacks_imagecodecs(page.tags)
        if not (for_pillow or lacking):
            return _opened(file, opening, chain, page)
        _check_size(opening, page, 4, whole=True)
        if not for_pillow:
            return open_without_imagecodecs(file, opening, page.directory, page.grid, page.tags)
        file.seek(0)
    from sepfilter.images.pillow.source import open_pillow

    return open_pillow(file, opening)


@value
class _Page:
    """A page as its tags describe it: to us, checked, and to tifffile."""

    directory: Directory
    grid: Grid
    tags: tifffile.TiffPage


def _page(file: BinaryIO, chain: Chain, index: int) -> _Page:
    """Look at a page; tifffile looks at the first one too, so that one is checked as well."""
    for offset in (chain.offsets[0], chain.offsets[index]):
        directory = read_directory(file, chain.layout, offset)
        grid = checked_grid(directory)
    # What tifffile does for some makers' files before it is asked: it would trust their private tags.
    tiff = tifffile.TiffFile(file, name="", offset=0, is_lsm=False, is_scanimage=False, is_ndpi=False)
    file.seek(chain.offsets[index])
    return _Page(directory, grid, tifffile.TiffPage(tiff, index=index))


def _opened(file: BinaryIO, opening: Opening, chain: Chain, page: _Page) -> TiffSource:
    """The source of a page that is decoded here."""
    name, tags, grid, compression = opening.name, page.tags, page.grid, int(page.tags.compression)
    if compression not in _DECODED_HERE or compression not in tifffile.TIFF.DECOMPRESSORS:
        label = getattr(tags.compression, "name", str(compression))
        raise UnsupportedImageError(
            f"{name}: TIFF compression {label} is not read: convert it to deflate with another program first"
        )
    meaning = meaning_of(tags, grid, name)
    needed = _uncompressed_bytes(tags, grid) if compression == UNCOMPRESSED else 0
    places = checked_places(tags.dataoffsets, tags.databytecounts, needed, page.directory, grid)
    reader: SampleReader = raw_planes(file, name, tags, grid, places) or Segments(
        file, tags, grid, places, meaning.stored
    )
    sample_bytes = max(meaning.stored.itemsize, np.dtype(meaning.spec.dtype).itemsize)
    _check_size(opening, page, sample_bytes, whole=reader.strip_rows >= grid.height > 1)
    if isinstance(reader, Segments):
        columns = grid.across * grid.columns
        opening.limits.check(
            name, height=grid.rows, width=columns, channels=grid.samples, sample_bytes=sample_bytes
        )
    metadata = gather(page.directory, chain, alpha=meaning.spec.alpha, cmyk=meaning.cmyk)
    return TiffSource(meaning.spec, metadata, file, name, reader, meaning)


def _check_size(opening: Opening, page: _Page, sample_bytes: int, *, whole: bool) -> None:
    """Hold a page against the limits: as a whole where it is decoded, or turned, as a whole."""
    opening.limits.check(
        opening.name,
        height=page.grid.height,
        width=page.grid.width,
        channels=page.grid.samples,
        sample_bytes=sample_bytes,
        whole=whole or orientation_of(page.directory) > 2,
    )


def _uncompressed_bytes(page: tifffile.TiffPage, grid: Grid) -> int:
    """Bytes that the samples of a page take in the file, at least."""
    bits = page.bitspersample
    per_pixel = sum(bits) if isinstance(bits, tuple) else bits * grid.together
    return grid.planes * grid.height * (-(-grid.width * per_pixel // 8))


def _goes_to_pillow(page: tifffile.TiffPage) -> bool:
    """True for pages that tifffile does not decode, but Pillow may."""
    compression = int(page.compression)
    return compression in LEFT_TO_PILLOW or (
        photometric_of(page) == YCBCR
        and (compression in _BOUNDED or (compression in JPEG_KINDS and page.planarconfig != TOGETHER))
    )
