"""All that can be said of a kernel before there is an image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from sepfilter.geometry import ImageSpec
from sepfilter.kernels.factorization import Factorization, factorize
from sepfilter.kernels.kernel import AnyKernel, FactoredTaps, Kernel
from sepfilter.kernels.symmetry import symmetry
from sepfilter.plans.operations import fft_multiplications, nonzero, separable_multiplications
from sepfilter.plans.plan import Plan
from sepfilter.plans.planner import make_plan

LEVELS: Final = 255.0
"""Error bounds are stated for 8-bit samples."""

MOST_BOUNDS: Final = 256
"""Ranks whose error is told: each takes as long as multiplying its terms out."""


@dataclass(frozen=True, slots=True)
class MethodCosts:
    """Multiplications for one sample by each method.

    Attributes
    ----------
    direct, nonzero : int
        All taps; those that are not 0.
    separable, separable_nonzero : int
        ``rank * (kh + kw)``; the taps of all factors that are not 0.
    fft : float
        By overlap-save, see `fft_multiplications`.
    """

    direct: int
    nonzero: int
    separable: int
    separable_nonzero: int
    fft: float


@dataclass(frozen=True, slots=True)
class KernelAnalysis:
    """What `analyze-kernel` explains.

    Attributes
    ----------
    kernel : Kernel or Gradient
        What was analysed.
    factors : Factorization or None
        None for a gradient.
    symmetry : str
        In words; of a gradient empty.
    nonzero : int
        Taps that are not 0.
    costs : MethodCosts or None
        None for a gradient.
    plan : Plan
        What `apply` would do, for the image given or a sample 8-bit grey image.
    image : ImageSpec or None
        The image given.
    bounds : tuple of (int, float)
        Ranks, and the largest error of the kernel cut off there, in 8-bit levels; of a gradient none.
    components : tuple of KernelAnalysis
        Of a gradient.
    """

    kernel: AnyKernel
    factors: Factorization | None
    symmetry: str
    nonzero: int
    costs: MethodCosts | None
    plan: Plan
    image: ImageSpec | None
    bounds: tuple[tuple[int, float], ...] = ()
    components: tuple[KernelAnalysis, ...] = ()


def analyze(kernel: AnyKernel, image: ImageSpec | None = None) -> KernelAnalysis:
    """Find out all about a kernel.

    Parameters
    ----------
    kernel : Kernel or Gradient
        What to analyse.
    image : ImageSpec, optional
        The image that the recommendation is for.

    Examples
    --------
    >>> from sepfilter.kernels.presets import named_kernel
    >>> analyze(named_kernel("disk:5")).nonzero
    81
    """
    plan = make_plan(kernel, image or ImageSpec(1, 1, 1, "uint8"))
    if not isinstance(kernel, Kernel):
        parts = tuple(analyze(component, image) for component in kernel.components)
        taps = sum(part.nonzero for part in parts)
        return KernelAnalysis(kernel, None, "", taps, None, plan, image, (), parts)
    factors = factorize(kernel)
    taps = _nonzero_taps(kernel)
    costs = MethodCosts(
        direct=kernel.height * kernel.width,
        nonzero=taps,
        separable=separable_multiplications(kernel.height, kernel.width, factors.rank),
        separable_nonzero=nonzero(factors.columns) + nonzero(factors.rows),
        fft=fft_multiplications(kernel.height, kernel.width),
    )
    bounds = tuple((rank, LEVELS * factors.cut_off(rank).lost.bound) for rank in _told_ranks(factors.rank))
    return KernelAnalysis(
        kernel,
        factors,
        symmetry(kernel),
        taps,
        costs,
        plan,
        image,
        (*bounds, (factors.rank, LEVELS * factors.rest.bound)),
    )


def _told_ranks(rank: int) -> Iterator[int]:
    """Ranks below that of the kernel: all, or every so many where there are very many."""
    return iter(range(0, rank, -(-rank // MOST_BOUNDS) or 1))


def _nonzero_taps(kernel: Kernel) -> int:
    """Taps that are not 0, without building those of a factored kernel."""
    form = kernel.form
    if isinstance(form, FactoredTaps):
        return int(np.count_nonzero(form.column) * np.count_nonzero(form.row))
    return nonzero(form.values)
