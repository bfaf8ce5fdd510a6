"""The tags of a page that is written: what its samples are, and what goes with them."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np

from sepfilter.geometry import ImageSpec
from sepfilter.images.metadata import Metadata
from sepfilter.images.tiff.checks import (
    BITS,
    COMPRESSION,
    HEIGHT,
    PHOTOMETRIC,
    PLANAR,
    SAMPLES,
    TOGETHER,
    WIDTH,
)
from sepfilter.images.tiff.encoding import NO_COMPRESSION, NO_PREDICTOR, PieceEncoder
from sepfilter.images.tiff.metadata import (
    ICC,
    RESOLUTION_UNIT,
    X_RESOLUTION,
    XMP,
    Y_RESOLUTION,
    exif_tree,
)
from sepfilter.images.tiff.values import LONG, SHORT, Tree, Value

_PREDICTOR, _EXTRA_SAMPLES, _SAMPLE_FORMAT, _INK_SET = 317, 338, 339, 332
_BLACK_IS_ZERO, _RGB, _INKS = 1, 2, 5
_UNSPECIFIED, _UNASSOCIATED = 0, 2
_INCH: Final = 2
_CMYK: Final = 1
_SAMPLE_FORMATS: Final = {"u": 1, "i": 2, "f": 3}
_RATIONAL, _BYTE, _UNDEFINED = 5, 1, 7
_PARTS: Final = 1_000_000


def page_tags(spec: ImageSpec, metadata: Metadata, encoder: PieceEncoder | None) -> Tree:
    """The directory of a page, but for where its pieces are.

    Grey, RGB and CMYK are called so; other numbers of channels are grey with more samples, of which only
    alpha has a meaning.

    Parameters
    ----------
    spec : ImageSpec
        The image.
    metadata : Metadata
        What goes with it.
    encoder : PieceEncoder or None
        How its pieces are compressed.
    """
    sample = np.dtype(spec.dtype)
    photometric, colours = _colours(spec, metadata)
    extra = [_UNSPECIFIED] * (spec.channels - colours)
    if spec.alpha:
        extra[-1] = _UNASSOCIATED
    tree: Tree = exif_tree(metadata.exif) if metadata.exif else {}
    tree |= {
        WIDTH: Value.of(LONG, spec.width),
        HEIGHT: Value.of(LONG, spec.height),
        BITS: Value.of(SHORT, *[8 * sample.itemsize] * spec.channels),
        COMPRESSION: Value.of(SHORT, encoder.compression if encoder else NO_COMPRESSION),
        PHOTOMETRIC: Value.of(SHORT, photometric),
        SAMPLES: Value.of(SHORT, spec.channels),
        PLANAR: Value.of(SHORT, TOGETHER),
        _SAMPLE_FORMAT: Value.of(SHORT, *[_SAMPLE_FORMATS[sample.kind]] * spec.channels),
    }
    if encoder and encoder.predictor != NO_PREDICTOR:
        tree[_PREDICTOR] = Value.of(SHORT, encoder.predictor)
    if extra:
        tree[_EXTRA_SAMPLES] = Value.of(SHORT, *extra)
    if photometric == _INKS:
        tree[_INK_SET] = Value.of(SHORT, _CMYK)
    return tree | _attached(metadata)


def _colours(spec: ImageSpec, metadata: Metadata) -> tuple[int, int]:
    """What the first samples are, and how many they are."""
    opaque = spec.channels - spec.alpha
    if metadata.cmyk and opaque == 4:
        return _INKS, 4
    return (_RGB, 3) if opaque == 3 else (_BLACK_IS_ZERO, 1)


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
        tree[RESOLUTION_UNIT] = Value.of(SHORT, _INCH)
    return tree


def _fraction(value: float) -> tuple[int, int]:
    """A number as a fraction of 32-bit integers."""
    fraction = Fraction(value).limit_denominator(_PARTS if value < 4000 else 1000)
    return fraction.numerator, fraction.denominator
