"""All that can be said of a kernel before there is an image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from sepfilter.geometry import ImageSpec
from sepfilter.kernels.factorization import Factorization, FactorizedKernel
from sepfilter.kernels.kernel import AnyKernel, FactoredTaps, Kernel
from sepfilter.kernels.symmetry import symmetry
from sepfilter.plans.cost import Size, Speed, best_block
from sepfilter.plans.operations import nonzero, separable_multiplications
from sepfilter.plans.options import Options
from sepfilter.plans.passes import DirectPass, FFTPass
from sepfilter.plans.plan import Plan
from sepfilter.plans.planner import plan_cascade
from sepfilter.plans.transforms import multiplications

LEVELS: Final = 255.0
"""Error bounds are stated for 8-bit samples."""

MOST_BOUNDS: Final = 256
"""Ranks whose error is told: each takes as long as multiplying its terms out."""

SAMPLE_IMAGE: Final = ImageSpec(3000, 4000, 3, "uint8")
"""What is recommended without an image is for one of 12 megapixels."""


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
        By overlap-save, see `transforms.multiplications`.
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
        What `apply` would do, for the image given or `SAMPLE_IMAGE`.
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


def analyze(kernel: AnyKernel, speed: Speed, image: ImageSpec | None = None) -> KernelAnalysis:
    """Find out all about a kernel.

    Parameters
    ----------
    kernel : Kernel or Gradient
        What to analyse.
    speed : Speed
        Of the engine that the recommendation is for.
    image : ImageSpec, optional
        The image that the recommendation is for.

    Examples
    --------
    >>> from sepfilter.kernels.presets import named_kernel
    >>> from sepfilter.plans.speeds import AVX2
    >>> analyze(named_kernel("disk:5"), AVX2).nonzero
    81
    """
    factorized = FactorizedKernel.of(kernel)
    plan = plan_cascade([factorized], image or SAMPLE_IMAGE, Options(), speed)
    if not isinstance(kernel, Kernel):
        parts = tuple(analyze(component, speed, image) for component in kernel.components)
        taps = sum(part.nonzero for part in parts)
        return KernelAnalysis(kernel, None, "", taps, None, plan, image, (), parts)
    (factors,) = factorized.factors
    taps = _nonzero_taps(kernel)
    costs = MethodCosts(
        direct=kernel.height * kernel.width,
        nonzero=taps,
        separable=separable_multiplications(kernel.height, kernel.width, factors.rank),
        separable_nonzero=nonzero(factors.columns) + nonzero(factors.rows),
        fft=_by_transforms(kernel, plan.spec, speed),
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


def _by_transforms(kernel: Kernel, image: ImageSpec, speed: Speed) -> float:
    """Multiplications a sample in the blocks that an image of this size would get."""
    taps = (kernel.height, kernel.width)
    size = Size(image.height, image.width, image.channels)
    block = best_block(taps, size, speed.transforms)
    return multiplications(FFTPass(DirectPass(np.broadcast_to(np.float64(0), taps)), block))


def _told_ranks(rank: int) -> Iterator[int]:
    """Ranks below that of the kernel: all, or every so many where there are very many."""
    return iter(range(0, rank, -(-rank // MOST_BOUNDS) or 1))


def _nonzero_taps(kernel: Kernel) -> int:
    """Taps that are not 0, without building those of a factored kernel."""
    form = kernel.form
    if isinstance(form, FactoredTaps):
        return int(np.count_nonzero(form.column) * np.count_nonzero(form.row))
    return nonzero(form.values)
