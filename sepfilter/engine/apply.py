"""Filtering an array in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sepfilter.engine.execute import execute
from sepfilter.engine.planning import make_plan
from sepfilter.geometry import ImageSpec
from sepfilter.kernels.kernel import AnyKernel
from sepfilter.plans.planner import KernelLike

Pixels = npt.NDArray[Any]


def apply(
    image: npt.ArrayLike,
    kernel: KernelLike | Sequence[AnyKernel | str],
    *,
    border: str = "reflect",
    padding: str = "same",
    method: str = "auto",
    precision: str = "auto",
    rank: int | None = None,
    max_error: float | None = None,
    levels: float | None = None,
    scale: float = 1.0,
    offset: float = 0.0,
    output_range: str = "clip",
    dtype: npt.DTypeLike | None = None,
    threads: int | None = None,
    out: Pixels | None = None,
) -> Pixels:
    """Filter an image: ``out[y, x] = sum taps[i, j] * image[y + i - ay, x + j - ax]``.

    Parameters
    ----------
    image : array-like
        Shape (H, W) or (H, W, C); uint8, uint16, uint32, int8, int16, int32, float16, float32 or
        float64; any strides. Every channel is filtered alike: there is no alpha here.
    kernel : Kernel, Gradient, str, array-like, or a sequence of kernels or names
        ``"gaussian:3"``, ``"sobel"``, ``[[0, 1, 0], [1, -4, 1], [0, 1, 0]]``; a sequence of kernels
        or names is a cascade.
    border : str
        Beyond the edge: reflect, mirror, nearest, wrap, constant or ``constant:V``, as SciPy.
    padding : str
        same, or valid: only where the whole kernel lies on the image.
    method : str
        auto, direct, separable or fft.
    precision : str
        auto, exact, fast, float or double.
    rank : int, optional
        Keep this many separable terms at most: an approximation.
    max_error : float, optional
        Results may be off by so many levels at worst, where that is cheaper than the exact ways.
    levels : float, optional
        For float images: full white, which error bounds are stated for (default 1).
    scale, offset : float
        ``scale * sum + offset``, the offset in units of the output type.
    output_range : str
        clip, abs, offset, stretch or float.
    dtype : dtype-like, optional
        Type of the output; by default the image's, and float32 for the range ``float``. Between
        unsigned integer types full white stays full white.
    threads : int, optional
        At most this many; by default one for each usable core.
    out : ndarray, optional
        Written to and returned.

    Returns
    -------
    ndarray
        Shape (H', W') or (H', W', C).

    Raises
    ------
    KernelError, OptionError, ShapeError
        All are ValueErrors; the message says what to do.

    Examples
    --------
    >>> image = np.array([[10, 10, 90], [10, 10, 90], [10, 10, 90]], np.uint8)
    >>> apply(image, "sobel-x", dtype="int16")
    array([[  0, 320, 320],
           [  0, 320, 320],
           [  0, 320, 320]], dtype=int16)
    """
    pixels = np.asarray(image)
    plan = make_plan(
        kernel,
        ImageSpec.of(pixels),
        border=border,
        padding=padding,
        method=method,
        precision=precision,
        rank=rank,
        max_error=max_error,
        levels=levels,
        scale=scale,
        offset=offset,
        output_range=output_range,
        dtype=dtype,
    )
    return execute(plan, pixels, threads=threads, out=out)
