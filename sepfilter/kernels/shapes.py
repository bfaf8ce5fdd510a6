"""The formulas behind the presets: taps of Gaussians, disks, lines and waves."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, cos, floor, pi, radians, sin

import numpy as np

from sepfilter.kernels.arrays import FloatArray


def gaussian_radius(sigma: float | Fraction) -> int:
    """Taps on each side of the centre: ``int(4 * sigma + 0.5)``, as SciPy truncates.

    Examples
    --------
    >>> gaussian_radius(3)
    12
    """
    return int(4 * Fraction(sigma) + Fraction(1, 2))


def gaussian_taps(sigma: float, radius: int) -> FloatArray:
    """Sampled Gaussian ``exp(-x**2 / (2 sigma**2))``, normalized to sum 1, shape (2 radius + 1,)."""
    with np.errstate(over="ignore"):  # a tiny sigma: exp(-inf) is the 0 it should be
        x = np.arange(-radius, radius + 1) / sigma
        taps: FloatArray = np.exp(-0.5 * x * x)
    taps /= taps.sum()
    return taps


def second_derivative_taps(sigma: float, radius: int) -> FloatArray:
    """Second derivative of the sampled Gaussian, shape (2 radius + 1,), summing to 0.

    ``(x**2 - v) * g(x) / sigma**4``, where v is the variance of the sampled g: equal to sigma**2 but
    for sampling and truncation, and the value that makes a flat area give 0.
    """
    x = np.arange(-radius, radius + 1, dtype=np.float64)
    gaussian = gaussian_taps(sigma, radius)
    variance = (x * x * gaussian).sum()
    taps: FloatArray = (x * x - variance) * gaussian / sigma**4
    return taps


def log_taps(sigma: float, radius: int) -> FloatArray:
    """Laplacian of Gaussian, ``g''(y) g(x) + g(y) g''(x)``: rank 2, sum 0."""
    gaussian = gaussian_taps(sigma, radius)
    second = second_derivative_taps(sigma, radius)
    return np.outer(second, gaussian) + np.outer(gaussian, second)


def disk_mask(radius: float) -> FloatArray:
    """1 where ``x**2 + y**2 <= radius**2``, else 0."""
    reach = np.arange(-floor(radius), floor(radius) + 1)
    return (reach[:, None] ** 2 + reach[None, :] ** 2 <= radius * radius).astype(np.float64)


def motion_taps(length: float, angle: float) -> FloatArray:
    """A straight stroke through the centre, normalized to sum 1.

    A tap weighs ``max(0, 1 - d)``, d being its distance from the stroke of `length` - 1 between its
    end points; `angle` is in degrees, counter-clockwise from the x axis.
    """
    half = (length - 1) / 2
    dx, dy = cos(radians(angle)), -sin(radians(angle))
    reach = ceil(half) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along = np.clip(x * dx + y * dy, -half, half)
    weights: FloatArray = 1 - np.hypot(x - along * dx, y - along * dy)
    # cos(90 degrees) is 6e-17: what rounding leaves beside the stroke is no tap.
    weights = _trimmed(np.where(weights > 1e-9, weights, 0.0))
    weights /= weights.sum()
    return weights


def gabor_taps(sigma: float, angle: float, wavelength: float, aspect: float, phase: float) -> FloatArray:
    """A plane wave under a Gaussian envelope of sum 1 (the real part of a Gabor filter).

    ``g(u, v) cos(2 pi u / wavelength + phase)`` with u along `angle` and v across it, the envelope
    having deviations sigma along u and sigma / aspect along v; angles in degrees.
    """
    radius = gaussian_radius(max(sigma, sigma / aspect))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    dx, dy = cos(radians(angle)), -sin(radians(angle))
    u, v = x * dx + y * dy, x * dy - y * dx
    envelope = np.exp(-0.5 * ((u / sigma) ** 2 + (v * aspect / sigma) ** 2))
    taps: FloatArray = envelope / envelope.sum() * np.cos(2 * pi * u / wavelength + radians(phase))
    return taps


def unsharp_taps(sigma: float, amount: float, radius: int) -> FloatArray:
    """``(1 + amount) * identity - amount * gaussian``: sum 1, rank 2."""
    gaussian = gaussian_taps(sigma, radius)
    taps: FloatArray = -amount * np.outer(gaussian, gaussian)
    taps[radius, radius] += 1 + amount
    return taps


def dog_taps(sigma: float, wider: float, radius: int) -> FloatArray:
    """Gaussian of `sigma` minus the `wider` one: sum 0, rank 2."""
    narrow_taps, wide_taps = gaussian_taps(sigma, radius), gaussian_taps(wider, radius)
    return np.outer(narrow_taps, narrow_taps) - np.outer(wide_taps, wide_taps)


def _trimmed(taps: FloatArray) -> FloatArray:
    """Cut rows and columns of zeros off, as many on opposite sides, so that the centre stays."""
    centre = taps.shape[0] // 2
    y, x = np.nonzero(taps)
    reach_y, reach_x = abs(y - centre).max(), abs(x - centre).max()
    return taps[centre - reach_y : centre + reach_y + 1, centre - reach_x : centre + reach_x + 1]
