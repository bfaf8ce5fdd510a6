"""What a TIFF file's tags say beside its pixels: profile, EXIF, XMP, resolution, orientation."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Final

from sepfilter.images.decoding import left_out
from sepfilter.images.exif import PREFIX, orientation
from sepfilter.images.limits import MAX_METADATA
from sepfilter.images.metadata import Metadata
from sepfilter.images.resolution import sensible
from sepfilter.images.tiff.directory import Chain, Directory, directory_chain, read_directory, tree_of
from sepfilter.images.tiff.tags import (
    CENTIMETRE,
    DESCRIPTION,
    ICC,
    INCH,
    ORIENTATION,
    RESOLUTION_UNIT,
    X_RESOLUTION,
    XMP,
    Y_RESOLUTION,
)
from sepfilter.images.tiff.values import Tree, packed

# ImageJ describes stacks of which only the first image has a directory.
_IMAGES: Final = re.compile(rb"ImageJ=[^\n]*\nimages=(\d{1,9})\n")

_CENTIMETRES_PER_INCH: Final = 2.54

# Make, model, date, artist, copyright. The description and the software's name are not taken from a TIFF:
# microscopes and slide scanners keep there how the pages belong together, which would be false of an output.
_TOLD_BY_TIFF: Final = frozenset({271, 272, 306, 315, 33432})
_TOLD_BY_EXIF: Final = _TOLD_BY_TIFF | {270, 305}

_EXIF_HEADER: Final = b"II*\0\x08\0\0\0"


def gather(directory: Directory, chain: Chain, *, alpha: bool, cmyk: bool) -> Metadata:
    """Collect what goes with the pixels of a page; what is too long or broken is left out, and said so.

    Parameters
    ----------
    directory : Directory
        Of the page.
    chain : Chain
        All pages of the file.
    alpha, cmyk : bool
        What the channels are.
    """
    warnings = [] if chain.fault is None else [chain.fault]
    images = _IMAGES.match(directory.raw(DESCRIPTION) or b"")
    if images and int(images[1]) > len(chain.offsets):
        warnings.append(
            f"of its {int(images[1]):,} images only {len(chain.offsets):,} are pages and can be read"
        )
    exif = None
    try:
        exif = exif_of(directory)
    except (ValueError, OSError, RecursionError):
        warnings.append(left_out("exif"))
    return Metadata(
        format="TIFF",
        alpha=alpha,
        cmyk=cmyk,
        icc=_block(directory, ICC, "icc", warnings),
        exif=exif,
        xmp=_block(directory, XMP, "xmp", warnings),
        dpi=_dots_per_inch(directory),
        frames=len(chain.offsets),
        orientation=orientation_of(directory),
        warnings=tuple(warnings),
    )


def orientation_of(directory: Directory) -> int:
    """How the pixels are stored, as in EXIF, 1 to 8; XMP tells where the tag is missing."""
    if ORIENTATION not in directory.entries:
        return orientation(None, directory.raw(XMP))
    found = directory.number(ORIENTATION, 1)
    return found if 1 <= found <= 8 else 1


def exif_of(directory: Directory) -> bytes | None:
    """An EXIF block of what a page says of camera, author, time and place; None where it says nothing.

    Raises
    ------
    ValueError
        It is broken, or longer than `MAX_METADATA`.
    """
    tree = tree_of(directory, _TOLD_BY_TIFF)
    if not tree:
        return None
    block = PREFIX + _EXIF_HEADER + packed(tree, len(_EXIF_HEADER), big=False)
    if len(block) > MAX_METADATA:
        raise ValueError("EXIF is too long")
    return block


def exif_tree(block: bytes) -> Tree:
    """What of an EXIF block goes into the directory of a page; nothing of a broken one."""
    file = BytesIO(block.removeprefix(PREFIX))
    try:
        chain = directory_chain(file)
        return tree_of(read_directory(file, chain.layout, chain.offsets[0]), _TOLD_BY_EXIF)
    except ValueError:
        return {}


def _block(directory: Directory, tag: int, field: str, warnings: list[str]) -> bytes | None:
    """A block of bytes, unless it is too long or broken."""
    block = directory.raw(tag)
    if block is None and tag in directory.entries:
        warnings.append(left_out(field))
    return block


def _dots_per_inch(directory: Directory) -> tuple[float, float] | None:
    """Horizontal and vertical resolution, where they are sensible and of a known unit."""
    scale = {INCH: 1.0, CENTIMETRE: _CENTIMETRES_PER_INCH}.get(directory.number(RESOLUTION_UNIT, INCH))
    across, down = (_quotient(directory.numbers(tag)) for tag in (X_RESOLUTION, Y_RESOLUTION))
    if scale is None or across is None or down is None:
        return None
    return sensible(across * scale, down * scale)


def _quotient(numbers: tuple[float, ...]) -> float | None:
    """A fraction, or a number by itself."""
    if len(numbers) == 2:
        return numbers[0] / numbers[1] if numbers[1] else None
    return numbers[0] if numbers else None
