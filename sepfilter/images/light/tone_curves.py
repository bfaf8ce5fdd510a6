"""Tone curves: how much light an encoded sample stands for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.values import value

Pixels = npt.NDArray[Any]

_ROUNDING: Final = 1e-6


@value
class Curve(ABC):
    """A tone curve: how much light an encoded sample stands for; 0 is black, 1 full white, on both sides.

    Never falls. Below black it is the mirror image of itself, as seen through black's point; above white it
    goes on: what a filter makes beyond the range keeps a meaning until it is clipped.

    Attributes
    ----------
    name : str
        For reports.
    """

    name: str

    @property
    @abstractmethod
    def black(self) -> float:
        """The light of an encoded 0."""

    def to_linear(self, encoded: Pixels) -> Pixels:
        """Decode.

        Parameters
        ----------
        encoded : ndarray
            float32 or float64, any shape.

        Returns
        -------
        ndarray
            Light, of the same shape and type.
        """
        with np.errstate(all="ignore"):
            light = self._decode(np.abs(encoded))
            return np.where(encoded < 0, 2 * self.black - light, light)

    def from_linear(self, linear: Pixels) -> Pixels:
        """Encode: the inverse of `to_linear`, of the same shapes and types."""
        with np.errstate(all="ignore"):
            below = linear < self.black
            encoded = self._encode(np.where(below, 2 * self.black - linear, linear))
            return np.where(below, -encoded, encoded)

    @abstractmethod
    def _decode(self, encoded: Pixels) -> Pixels:
        """The light of samples that are not negative."""

    @abstractmethod
    def _encode(self, linear: Pixels) -> Pixels:
        """The samples of light that is no less than black."""


@value
class PowerCurve(Curve):
    """``(a x + b) ** gamma + e`` from x = d on, ``c x + f`` below: the parametric curves of ICC profiles.

    ``a`` and ``gamma`` are positive; ``c`` is not negative.

    Examples
    --------
    >>> float(PowerCurve("gamma 2", 2.0).to_linear(np.array(0.5)))
    0.25
    """

    gamma: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 0.0
    f: float = 0.0

    @property
    def black(self) -> float:
        """The light of an encoded 0."""
        return self.f if self.d > 0 else self._power(0.0)

    @property
    def joint(self) -> float:
        """The light from which on the power describes it."""
        return self._power(self.d)

    def _power(self, encoded: float) -> float:
        return float(max(self.a * encoded + self.b, 0.0) ** self.gamma) + self.e

    def _decode(self, encoded: Pixels) -> Pixels:
        power = np.maximum(self.a * encoded + self.b, 0) ** self.gamma + self.e
        return power if self.d <= 0 else np.where(encoded < self.d, self.c * encoded + self.f, power)

    def _encode(self, linear: Pixels) -> Pixels:
        power = (np.maximum(linear - self.e, 0) ** (1 / self.gamma) - self.b) / self.a
        if self.d <= 0:
            return np.maximum(power, 0)
        # Where the straight part is level all its samples are as dark: black stays black.
        straight = np.minimum((linear - self.f) / self.c, self.d) if self.c else np.zeros_like(linear)
        return np.where(linear < self.joint, straight, power)


@value
class SampledCurve(Curve):
    """A curve through samples at equal distances, straight in between, and from the last slope on beyond.

    Attributes
    ----------
    samples : tuple of int
        Light from 0 to 65535, at least two: none less than the one before, the last more than the first.
    """

    samples: tuple[int, ...]

    @property
    def black(self) -> float:
        """The light of an encoded 0."""
        return self.samples[0] / 65535

    def _decode(self, encoded: Pixels) -> Pixels:
        light, beyond = _light_of(self.samples, encoded.dtype)
        last = len(light) - 1
        position = np.minimum(encoded, 1) * last
        left = np.fmin(position, last - 1).astype(np.intp)
        rise = light[left + 1] - light[left]
        decoded: Pixels = light[left] + (position - left.astype(light.dtype)) * rise
        decoded += np.maximum(encoded - 1, 0) * beyond
        return decoded

    def _encode(self, linear: Pixels) -> Pixels:
        light, beyond = _light_of(self.samples, linear.dtype)
        last = len(light) - 1
        inside = np.minimum(linear, light[last])
        left = np.clip(np.searchsorted(light, inside, side="right") - 1, 0, last - 1)
        rise = light[left + 1] - light[left]
        within = np.where(rise > 0, (inside - light[left]) / rise, 1)
        encoded = (left.astype(light.dtype) + within) / last + np.maximum(linear - light[last], 0) / beyond
        # Where an end is level all its samples are as bright: black stays black and white stays white,
        # even if a filter's rounding has made white a little darker.
        if light[last - 1] == light[last]:
            encoded = np.where(linear >= light[last] * (1 - _ROUNDING), np.maximum(encoded, 1), encoded)
        return np.where(linear <= light[0] * (1 + _ROUNDING), 0, encoded)


@lru_cache(maxsize=16)
def _light_of(samples: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Pixels, float]:
    """The samples from 0 to 1, and the last slope that rises."""
    light = np.array(samples, np.float64) / 65535
    rises = np.diff(light)
    return light.astype(dtype), float(rises[rises > 0][-1]) * len(rises)


SRGB: Final = PowerCurve("sRGB", 2.4, a=1 / 1.055, b=0.055 / 1.055, c=1 / 12.92, d=0.04045)
"""The curve of IEC 61966-2-1."""
