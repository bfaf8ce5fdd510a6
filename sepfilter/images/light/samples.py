"""Linear light: samples decoded by a tone curve before they are filtered, and encoded by it afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.errors import UnsupportedImageError
from sepfilter.geometry import ImageSpec, full_scale
from sepfilter.images.light.tone_curves import Curve
from sepfilter.values import value

Pixels = npt.NDArray[Any]

_SAMPLES_AT_ONCE: Final = 2**16
_MOST_BUCKETS: Final = 2**20
_MOST_CORRECTIONS: Final = 4
_DARKEST: Final = 1e-30


def linear_spec(spec: ImageSpec, *, name: str = "the image") -> ImageSpec:
    """The spec of an image in linear light: float32, float64 where it was that.

    Parameters
    ----------
    spec : ImageSpec
        Of the encoded image.
    name : str
        The image, in the message.

    Raises
    ------
    UnsupportedImageError
        Its samples are signed, or integers of 32 bits.
    """
    if spec.is_integer and spec.dtype not in ("uint8", "uint16"):
        raise UnsupportedImageError(
            f"{name}: has {spec.dtype} samples, and linear light is for uint8, uint16 and float images: "
            "leave out --linear"
        )
    return replace(spec, dtype="float64" if spec.dtype == "float64" else "float32")


def linear_pixels(pixels: Pixels, spec: ImageSpec, curve: Curve, *, white: float | None = None) -> Pixels:
    """Decode samples to linear light.

    Parameters
    ----------
    pixels : ndarray
        Shape (H, W, C), rows of the image; any strides.
    spec : ImageSpec
        Of the encoded image.
    curve : Curve
        Of its colours. Opacity is only converted.
    white : float, optional
        What full white, and full opacity, become: 255, 65535 or 1 as in the spec, unless given. Float
        samples have that white already.

    Returns
    -------
    ndarray
        Shape (H, W, C), of the type of `linear_spec`.

    Raises
    ------
    UnsupportedImageError
        As `linear_spec`.

    Examples
    --------
    >>> from sepfilter.images.light.tone_curves import SRGB
    >>> light = linear_pixels(np.full((1, 1, 1), 188, np.uint8), ImageSpec(1, 1, 1, "uint8"), SRGB)
    >>> round(light.item(), 2)
    128.24
    """
    dtype = np.dtype(linear_spec(spec).dtype)
    white = spec.levels if white is None else white
    linear = np.empty(pixels.shape, dtype)
    table = _light_of_samples(curve, spec.dtype, white) if spec.is_integer else None
    for rows in _blocks(pixels):
        if table is not None:
            linear[rows] = table.take(pixels[rows], mode="clip")
        else:
            linear[rows] = curve.to_linear(pixels[rows].astype(dtype) / white) * white
        if spec.alpha:  # faster to write over than to leave out
            alpha = pixels[rows, :, -1]
            linear[rows, :, -1] = alpha * dtype.type(white / spec.levels) if spec.is_integer else alpha
    return linear


def encoded_pixels(linear: Pixels, spec: ImageSpec, curve: Curve, *, white: float | None = None) -> Pixels:
    """Encode linear light: the inverse of `linear_pixels`.

    Integers are ``rint(levels * curve.from_linear(linear / white))``, of the float32 that is nearest to
    `linear`: rounded half to even once they are encoded, saturated; NaN becomes 0.

    Parameters
    ----------
    linear : ndarray
        Shape (H, W, C), float32 or float64, rows of the image; any strides.
    spec : ImageSpec
        Of the encoded image.
    curve, white
        As in `linear_pixels`.

    Returns
    -------
    ndarray
        Shape (H, W, C), of the spec's type.

    Raises
    ------
    UnsupportedImageError
        As `linear_spec`.
    """
    linear_spec(spec)
    white = spec.levels if white is None else white
    encoded = np.empty(linear.shape, spec.dtype)
    encoder = _encoder(curve, spec.dtype, white) if spec.is_integer else None
    with np.errstate(over="ignore"):
        for rows in _blocks(linear):
            if encoder is not None:
                encoded[rows] = encoder.encode(linear[rows])
            else:
                encoded[rows] = curve.from_linear(linear[rows] / white) * white
            if spec.alpha:
                alpha = linear[rows, :, -1]
                encoded[rows, :, -1] = _whole(alpha, spec.levels, white) if spec.is_integer else alpha
    return encoded


def clipped_samples(
    linear: Pixels, spec: ImageSpec, curve: Curve, *, white: float | None = None
) -> tuple[int, int, int]:
    """Count what `encoded_pixels` cannot keep, among the colours.

    Returns
    -------
    low, high : int
        Samples that round to less than 0, or to more than full white; 0 for float images.
    nonfinite : int
        Samples that are NaN or infinite.

    Raises
    ------
    UnsupportedImageError
        As `linear_spec`.
    """
    linear_spec(spec)
    low = high = nonfinite = 0
    white = spec.levels if white is None else white
    ends = _encoder(curve, spec.dtype, white).ends if spec.is_integer else (-np.inf, np.inf)
    for rows in _blocks(linear):
        block = linear[rows, :, : spec.channels - spec.alpha]
        nonfinite += block.size - int(np.count_nonzero(np.isfinite(block)))
        if spec.is_integer:
            low += int(np.count_nonzero(block < ends[0]))
            high += int(np.count_nonzero(block >= ends[1]))
    return low, high, nonfinite


def _blocks(pixels: Pixels) -> Iterator[slice]:
    """A few rows at a time, so that what is made on the way stays in the cache."""
    height, width, channels = pixels.shape
    count = max(1, _SAMPLES_AT_ONCE // (width * channels))
    for first in range(0, height, count):
        yield slice(first, first + count)


def _whole(alpha: Pixels, levels: float, white: float) -> Pixels:
    """Opacity in integers, saturated; NaN becomes 0."""
    scaled = alpha if white == levels else alpha * (levels / white)
    whole: Pixels = np.rint(np.fmin(np.fmax(scaled, 0), levels))
    return whole


@lru_cache(maxsize=8)
def _light_of_samples(curve: Curve, dtype: str, white: float) -> Pixels:
    """The light of every integer."""
    levels = full_scale(dtype)
    light: Pixels = white * curve.to_linear(np.arange(levels + 1) / levels)
    return light.astype(np.float32)


@value
class _Encoder:
    """Which integer each light becomes: the last whose threshold it reaches.

    The fourth root of the light, cut to a whole number, is its bucket. Few buckets have more than one step
    inside, so that from the lowest step of a bucket a comparison or two lead to the right one.
    """

    ends: tuple[float, float]  # less than the first is below 0; from the second on it is above full white
    steps: Pixels  # thresholds without repetition, then infinity
    integers: Pixels  # before the first step, and after each
    lowest: Pixels  # how many steps lie before each bucket
    scale: np.float32
    corrections: int

    def encode(self, linear: Pixels) -> Pixels:
        """Integers of any light; NaN counts as 0."""
        light = np.fmin(np.fmax(linear.astype(np.float32, copy=False), np.float32(0)), self.steps[-2])
        if self.corrections > _MOST_CORRECTIONS:
            step: Pixels = np.searchsorted(self.steps[:-1], light, side="right")
        else:
            step = self.lowest.take(_buckets(light, self.scale), mode="clip")
            for _ in range(self.corrections):
                step += light >= self.steps.take(step, mode="clip")
        every = len(self.steps) == self.integers[-1] + 1
        return step if every else self.integers.take(step)


def _buckets(light: Pixels, scale: np.float32) -> Pixels:
    """Where the fourth root of the light falls; at that scale no usual curve is steep anywhere."""
    root = np.sqrt(light)
    np.sqrt(root, out=root)
    root *= scale
    return root.astype(np.intp)


@lru_cache(maxsize=8)
def _encoder(curve: Curve, dtype: str, white: float) -> _Encoder:
    """Thresholds of a curve, and buckets fine enough for them."""
    levels = int(full_scale(dtype))
    below, *_, above = thresholds = _thresholds(curve, levels, white)
    steps, repeated = np.unique(np.maximum(thresholds[1:-1], 0), return_counts=True)
    count = 2 * (levels + 1)
    while True:
        count *= 2
        scale = np.float32((count - 1) / max(float(steps[-1]), _DARKEST) ** 0.25)
        inside = np.bincount(np.minimum(_buckets(steps, scale), count - 1), minlength=count)
        corrections = int(inside.max())
        if corrections == 1 or count >= _MOST_BUCKETS:
            break
    return _Encoder(
        ends=(float(below), float(above)),
        steps=np.append(steps, np.float32(np.inf)),
        integers=np.append(0, np.cumsum(repeated)).astype(dtype),
        lowest=(np.cumsum(inside) - inside).astype(dtype),
        scale=scale,
        corrections=corrections,
    )


def _thresholds(curve: Curve, levels: int, white: float) -> Pixels:
    """The smallest float32 that is rounded to 0, 1, ..., levels + 1, or to more."""
    integers = np.arange(levels + 2, dtype=np.float64)

    def reaches(light: Pixels) -> npt.NDArray[np.bool_]:
        rounded: Pixels = np.rint(levels * curve.from_linear(light.astype(np.float64) / white))
        return rounded >= integers

    found = (white * curve.to_linear((integers - 0.5) / levels)).astype(np.float32)
    for _ in range(64):  # one or two steps, as a rule
        short = ~reaches(found)
        if not short.any():
            break
        found = np.where(short, np.nextafter(found, np.float32(np.inf)), found)
    for _ in range(64):
        before = np.nextafter(found, np.float32(-np.inf))
        early = reaches(before)
        if not early.any():
            break
        found = np.where(early, before, found)
    return np.maximum.accumulate(found)
