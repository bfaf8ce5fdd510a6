"""The tags of a page that is written: what its samples are, and what goes with them."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np

from sepfilter.geometry import ImageSpec
from sepfilter.images.metadata import Metadata
from sepfilter.images.tiff.encoding import SegmentEncoder
from sepfilter.images.tiff.metadata import exif_tree
from sepfilter.images.tiff.tags import (
    BITS,
    BLACK_IS_ZERO,
    COMPRESSION,
    EXTRA_SAMPLES,
    HEIGHT,
    ICC,
    INCH,
    INK_SET,
    INKS,
    NO_PREDICTOR,
    PHOTOMETRIC,
    PLANAR,
    PREDICTOR,
    RESOLUTION_UNIT,
    RGB,
    SAMPLE_FORMAT,
    SAMPLES,
    TOGETHER,
    UNASSOCIATED,
    UNCOMPRESSED,
    UNSPECIFIED,
    WIDTH,
    X_RESOLUTION,
    XMP,
    Y_RESOLUTION,
)
from sepfilter.images.tiff.values import LONG, SHORT, Tree, Value

_CMYK: Final = 1
_SAMPLE_FORMATS: Final = {"u": 1, "i": 2, "f": 3}
_RATIONAL, _BYTE, _UNDEFINED = 5, 1, 7
_PARTS: Final = 1_000_000


def page_tags(spec: ImageSpec, metadata: Metadata, encoder: SegmentEncoder | None) -> Tree:
    """The directory of a page, but for where its segments are.

    Grey, RGB and CMYK are called so; other numbers of channels are grey with more samples, of which only
    alpha has a meaning.

    Parameters
    ----------
    spec : ImageSpec
        The image.
    metadata : Metadata
        What goes with it.
    encoder : SegmentEncoder or None
        How its segments are compressed.
    """
    sample = np.dtype(spec.dtype)
    photometric, colours = _colours(spec, metadata)
    extra = [UNSPECIFIED] * (spec.channels - colours)
    if spec.alpha:
        extra[-1] = UNASSOCIATED
    tree: Tree = exif_tree(metadata.exif) if metadata.exif else {}
    tree |= {
        WIDTH: Value.of(LONG, spec.width),
        HEIGHT: Value.of(LONG, spec.height),
        BITS: Value.of(SHORT, *[8 * sample.itemsize] * spec.channels),
        COMPRESSION: Value.of(SHORT, encoder.compression if encoder else UNCOMPRESSED),
        PHOTOMETRIC: Value.of(SHORT, photometric),
        SAMPLES: Value.of(SHORT, spec.channels),
        PLANAR: Value.of(SHORT, TOGETHER),
        SAMPLE_FORMAT: Value.of(SHORT, *[_SAMPLE_FORMATS[sample.kind]] * spec.channels),
    }
    if encoder and encoder.predictor != NO_PREDICTOR:
        tree[PREDICTOR] = Value.of(SHORT, encoder.predictor)
    if extra:
        tree[EXTRA_SAMPLES] = Value.of(SHORT, *extra)
    if photometric == INKS:
        tree[INK_SET] = Value.of(SHORT, _CMYK)
    return tree | _attached(metadata)


def _colours(spec: ImageSpec, metadata: Metadata) -> tuple[int, int]:
    """What the first samples are, and how many they are."""
    opaque = spec.channels - spec.alpha
    if metadata.cmyk and opaque == 4:
        return INKS, 4
    return (RGB, 3) if opaque == 3 else (BLACK_IS_ZERO, 1)


def _attached(metadata: Metadata) -> Tree:
    """Profile, XMP and resolution."""
    tree: Tree = {}
    if metadata.icc:
        tree[ICC] = Value(_UNDEFINED, metadata.icc)
    if metadata.xmp:
        tree[XMP] = Value(_BYTE, metadata.xmp)
    if metadata.dpi:
        for tag, value in zip((X_RESOLUTION, Y_RESOLUTION), metadata.dpi, strict=True):
            tree[tag] = Value.of(_RATIONAL, *_fraction(value))
        tree[RESOLUTION_UNIT] = Value.of(SHORT, INCH)
    return tree


def _fraction(value: float) -> tuple[int, int]:
    """A number as a fraction of 32-bit integers."""
    fraction = Fraction(value).limit_denominator(_PARTS if value < 4000 else 1000)
    return fraction.numerator, fraction.denominator
