"""Long smooth vectors on a coarser grid: gather with a spline, filter every m-th sample, spread again.

What a Gaussian of deviation 50 leaves of an image varies so slowly that every twelfth sample tells it all.
Those samples are sums over a B-spline, and are spread with the same; the filter between is fitted by least
squares. Such multirate filters are as old as the pyramid of Burt and Adelson (1983); that their worst error
is known, and fitted to be small, is what makes them of use here.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Final

import numpy as np

from sepfilter.kernels.arrays import FloatArray, read_only
from sepfilter.values import value

STEPS: Final = (2, 3, 4, 6, 8, 12, 16)
"""Grids that are tried; coarser ones save nothing more, as most of the work is on the fine one."""

FEWEST: Final = 8
"""Steps that a vector is long at least: shorter ones are not smooth enough."""

MOST: Final = 300
"""Steps that it is long at most: a finer grid saves nothing, and takes long to fit."""

DEGREES: Final = (1, 2, 3)
"""Of the spline: linear, quadratic, cubic."""


@value
class CoarseFactor:
    """A vector of taps f as a filter on every `step`-th sample.

    With samples x and points t of the grid, ``d(t) = sum short[i] x(t step + i)``, then
    ``c(t) = sum taps[j] d(t + j)``, and at last ``y(p) = step * sum short[p - t step] c(t)``, indices
    counting from the middle.

    Attributes
    ----------
    step, degree : int
        Samples from one point of the coarse grid to the next; degree of the spline.
    short : ndarray
        Odd length, sum 1: the spline.
    taps : ndarray
        Odd length: on the coarse grid, with the sum of f.
    error : float
        ``sum |f - h|``, h being what it all makes of one sample, at the place where that is largest.
    gain : float
        ``sum |h|``, likewise.
    """

    step: int
    degree: int
    short: FloatArray
    taps: FloatArray
    error: float
    gain: float

    @property
    def reach(self) -> int:
        """Samples on each side that a result depends on."""
        return (len(self.taps) // 2) * self.step + 2 * (len(self.short) // 2)


def coarse_factors(vector: FloatArray, step: int | None = None) -> tuple[CoarseFactor, ...]:
    """The vector on every grid worth a try, or on those of one step; worked out once.

    Parameters
    ----------
    vector : ndarray
        Odd length, the middle tap lying on the output sample.
    step : int, optional
        Only this one.
    """
    steps = [one for one in STEPS if FEWEST * one <= len(vector) <= MOST * one] if step is None else [step]
    fitted = (_fitted(vector.tobytes(), one, degree) for one in steps for degree in DEGREES)
    return tuple(fitted)


@lru_cache(maxsize=256)
def _fitted(content: bytes, step: int, degree: int) -> CoarseFactor:
    """Planning a million images fits a kernel once."""
    return coarse_factor(np.frombuffer(content), step, degree)


def coarse_factor(vector: FloatArray, step: int, degree: int) -> CoarseFactor:
    """Fit the filter on a coarser grid.

    Parameters
    ----------
    vector : ndarray
        Odd length, the middle tap lying on the output sample.
    step : int
        At least 2.
    degree : int
        Of the spline.

    Examples
    --------
    >>> from sepfilter.kernels.shapes import gaussian_taps
    >>> found = coarse_factor(gaussian_taps(50.0, 200), 12, 3)
    >>> len(found.short), len(found.taps), found.error < 1e-4
    (45, 35, True)
    """
    short = _spline(step, degree)
    # What a sample at offset o adds to the result at phase p, if the coarse filter were a single tap of 1.
    single = np.stack([_response(short, step, phase) for phase in range(step)])
    middle, radius = single.shape[1] // 2, len(vector) // 2
    side = -(-radius // step)
    padded = np.zeros(2 * (side * step + middle) + 1)
    centre = len(padded) // 2
    padded[centre - radius : centre + radius + 1] = vector
    places = np.arange(-side, side + 1) * step
    overlap = np.sum([np.correlate(one, one, "full") for one in single], axis=0)
    lags = np.abs(places[:, np.newaxis] - places) + single.shape[1] - 1
    normal = np.where(lags < len(overlap), overlap[np.minimum(lags, len(overlap) - 1)], 0.0)
    goal = np.correlate(padded, single.sum(axis=0), "valid")[places + side * step]
    taps, flat = np.linalg.solve(normal, np.stack([goal, np.ones(len(goal))], axis=1)).T
    taps += flat * (vector.sum() - taps.sum()) / flat.sum()
    spread = np.zeros(2 * side * step + 1)
    spread[::step] = taps
    results = np.stack([np.convolve(spread, one) for one in single])
    error, gain = np.abs(results - padded).sum(axis=1).max(), np.abs(results).sum(axis=1).max()
    return CoarseFactor(step, degree, read_only(short), read_only(taps), float(error), float(gain))


@cache
def _spline(step: int, degree: int) -> FloatArray:
    """A discrete B-spline, a box of `step` taps with itself, of odd length and sum 1."""
    box = np.full(step, 1.0 / step)
    spline = box
    for _ in range(degree):
        spline = np.convolve(spline, box)
    return spline if len(spline) % 2 else np.convolve(spline, [0.5, 0.5])


def _response(short: FloatArray, step: int, phase: int) -> FloatArray:
    """What samples add to the result `phase` after a point of the grid, over all points t that reach it."""
    half = len(short) // 2
    response = np.zeros(4 * half + 1)
    for t in range(-(-(phase - half) // step), (phase + half) // step + 1):
        # The sample at offset o from the result is at phase + o - t * step from the point.
        start = 2 * half + t * step - phase - half
        response[start : start + len(short)] += step * short[phase - t * step + half] * short
    return response
