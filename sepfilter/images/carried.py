"""Which metadata of an input an output can carry."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sepfilter.geometry import ImageSpec
from sepfilter.images.formats import LONGEST_IN_JPEG, OutputFormat
from sepfilter.images.metadata import Metadata

_COLOURS_OF_PROFILE: Final = {b"GRAY": 1, b"RGB ": 3, b"CMYK": 4}


def carried(metadata: Metadata, spec: ImageSpec, output_format: OutputFormat) -> tuple[Metadata, list[str]]:
    r"""What fits into an output, and what is left out.

    Parameters
    ----------
    metadata : Metadata
        Of the input.
    spec : ImageSpec
        Of the output.
    output_format : OutputFormat
        Of the output.

    Returns
    -------
    metadata : Metadata
        With nothing that the output has no place for.
    left_out : list of str
        What the user should know of, in words.

    Examples
    --------
    >>> from sepfilter.images.formats import format_named
    >>> rotated = Metadata(exif=b"Exif\0\0...")
    >>> carried(rotated, ImageSpec(2, 2, 1, "uint8"), format_named("bmp"))[1]
    ['EXIF was dropped: it does not fit into this BMP']
    """
    carries, label = output_format.carries, output_format.label
    kept, left_out = metadata, []
    if metadata.icc and not ("icc" in carries and _describes(metadata.icc, spec)):
        kept = replace(kept, icc=None)
        left_out.append(f"the colour profile was dropped: it does not fit this {label}")
    for field, words in (("exif", "EXIF was"), ("xmp", "XMP was")):
        block: bytes | None = getattr(metadata, field)
        too_long = output_format.name == "jpeg" and len(block or b"") > LONGEST_IN_JPEG[field]
        if block and (field not in carries or too_long):
            kept = replace(kept, exif=None) if field == "exif" else replace(kept, xmp=None)
            left_out.append(f"{words} dropped: it does not fit into this {label}")
    if "dpi" not in carries:
        kept = replace(kept, dpi=None)
    return kept, left_out


def _describes(icc: bytes, spec: ImageSpec) -> bool:
    """True for a profile of as many colours as there are."""
    return _COLOURS_OF_PROFILE.get(icc[16:20]) == spec.channels - spec.alpha
