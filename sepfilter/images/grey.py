"""Colours to grey."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.geometry import ImageSpec

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
        Shape (H, W, C).
    spec : ImageSpec
        Of these pixels.

    Returns
    -------
    ndarray
        Shape (H, W, 1), or (H, W, 2) with opacity; the same type. Images that are not RGB or RGBA
        come back as they are.

    Examples
    --------
    >>> to_grey(np.array([[[255, 0, 0]]], np.uint8), ImageSpec(1, 1, 3, "uint8")).tolist()
    [[[76]]]
    """
    target = grey_spec(spec)
    if target == spec:
        return pixels
    grey = np.empty((spec.height, spec.width, target.channels), spec.dtype)
    red, green, blue = LUMA
    for first in range(0, spec.height, _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        strip = pixels[rows].astype(np.float64)
        # Times 1000 the weights are whole numbers, so that ties are ties.
        luma = (
            1000 * red * strip[..., 0] + 1000 * green * strip[..., 1] + 1000 * blue * strip[..., 2]
        ) / 1000
        grey[rows, :, 0] = np.rint(luma) if spec.is_integer else luma
    if spec.alpha:
        grey[..., 1] = pixels[..., 3]
    return grey
