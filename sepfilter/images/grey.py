"""Colours to grey."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.errors import UnsupportedImageError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.metadata import Metadata
from sepfilter.images.source import Source
from sepfilter.values import value

Pixels = npt.NDArray[Any]

LUMA: Final = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in luma, ITU-R BT.601."""

_ROWS_AT_ONCE: Final = 256


def grey_spec(spec: ImageSpec) -> ImageSpec:
    """The spec of an RGB or RGBA image in grey; of any other image unchanged."""
    if spec.channels - spec.alpha != 3:
        return spec
    return replace(spec, channels=1 + spec.alpha)


def to_grey(pixels: Pixels, spec: ImageSpec) -> Pixels:
    """Replace red, green and blue by luma, rounded half to even for integer samples.

    Parameters
    ----------
    pixels : ndarray
        Shape (h, W, C): the image, or rows of it.
    spec : ImageSpec
        Of the image.

    Returns
    -------
    ndarray
        Shape (h, W, 1), or (h, W, 2) with opacity; the same type. Images that are not RGB or RGBA
        come back as they are.

    Examples
    --------
    >>> to_grey(np.array([[[255, 0, 0]]], np.uint8), ImageSpec(1, 1, 3, "uint8")).tolist()
    [[[76]]]
    """
    target = grey_spec(spec)
    if target == spec:
        return pixels
    grey = np.empty((*pixels.shape[:2], target.channels), spec.dtype)
    red, green, blue = LUMA
    for first in range(0, len(pixels), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        strip = pixels[rows].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # infinities and NaN stay what they are
            # Times 1000 the weights are whole numbers, so that ties are ties.
            luma = (
                1000 * red * strip[..., 0] + 1000 * green * strip[..., 1] + 1000 * blue * strip[..., 2]
            ) / 1000
            grey[rows, :, 0] = np.rint(luma) if spec.is_integer else luma
    if spec.alpha:
        grey[..., 1] = pixels[..., 3]
    return grey


@value
class InGrey:
    """The luma of another source.

    Attributes
    ----------
    source : Source
        RGB, RGBA or grey.
    """

    source: Source

    @property
    def spec(self) -> ImageSpec:
        """One channel, and opacity where there was some."""
        return grey_spec(self.source.spec)

    @property
    def metadata(self) -> Metadata:
        """Without a profile for colours, and with a word on that."""
        metadata = self.source.metadata
        if self.spec == self.source.spec or not metadata.icc:
            return metadata
        dropped = "the colour profile was dropped: it does not describe grey"
        return replace(metadata, icc=None, warnings=(*metadata.warnings, dropped))

    @property
    def strip_rows(self) -> int:
        """As the source's."""
        return self.source.strip_rows

    def read(self, window: Window) -> Pixels:
        """Luma of a part."""
        return to_grey(self.source.read(window), self.source.spec)

    def close(self) -> None:
        """Let go of the file."""
        self.source.close()


def in_grey(source: Source, name: str) -> Source:
    """An image as luma.

    Raises
    ------
    UnsupportedImageError
        It has inks, or as many channels as have no luma.
    """
    spec, metadata = source.spec, source.metadata
    if metadata.cmyk or spec.channels - spec.alpha not in (1, 3):
        kind = "CMYK inks" if metadata.cmyk else f"{spec.channels} channels"
        raise UnsupportedImageError(f"{name}: {kind} have no luma: leave out --grey, or use RGB")
    return InGrey(source)
