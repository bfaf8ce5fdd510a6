"""All that can be said of a kernel before there is an image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from math import isfinite
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
from sepfilter.values import value

LEVELS: Final = 255.0
"""Error bounds are stated for 8-bit samples."""

MOST_BOUNDS: Final = 256
"""Ranks whose error is told: each takes as long as multiplying its terms out."""

HALF_LEVEL: Final = 0.5
"""An error of less than this moves a sample by one level at most."""

MOST_PLANNED: Final = 2**15
"""Multiplications a sample of a forced method that is planned; beyond it is predicted from their count."""

SAMPLE_IMAGE: Final = ImageSpec(3000, 4000, 3, "uint8")
"""What is recommended without an image is for one of 12 megapixels."""


@value
class Prediction:
    """What a method is predicted to take where it is asked for by name.

    Attributes
    ----------
    nanoseconds : float
        For a sample, on one thread.
    precision : str
        That it would run in.
    """

    nanoseconds: float
    precision: str


@value
class MethodCosts:
    """What each method takes for one sample: multiplications, and time.

    Attributes
    ----------
    direct, nonzero : int
        All taps; those that are not 0.
    separable, separable_nonzero : int
        ``rank * (kh + kw)``; the taps of all factors that are not 0.
    fft : float
        By overlap-save, see `transforms.multiplications`.
    predicted : mapping of str to Prediction
        By method: direct, separable with all terms, fft. Empty where samples are copied.
    """

    direct: int
    nonzero: int
    separable: int
    separable_nonzero: int
    fft: float
    predicted: Mapping[str, Prediction] = field(default_factory=dict)


@value
class Nearly:
    """A lower rank that a kernel has but for small differences, as rounding of digits leaves.

    Attributes
    ----------
    rank : int
        How many terms are kept.
    largest : float
        The largest lost tap, without its sign.
    bound : float
        The largest error, in 8-bit levels.
    nanoseconds : float or None
        What is predicted where that error is allowed, for a sample, on one thread; None where the plan
        keeps to all taps even then.
    """

    rank: int
    largest: float
    bound: float
    nanoseconds: float | None


@value
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
    within_half : (int, float) or None
        The lowest rank whose error is at most `HALF_LEVEL`, and that error; of a gradient None.
    nearly : Nearly or None
        A lower rank that is nearly enough; of a gradient None.
    engine : str
        Whose speed the predictions are made from.
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
    within_half: tuple[int, float] | None = None
    nearly: Nearly | None = None
    engine: str = ""


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
        return KernelAnalysis(kernel, None, "", taps, None, plan, image, (), parts, engine=speed.engine)
    (factors,) = factorized.factors
    taps = _nonzero_taps(kernel)
    costs = MethodCosts(
        direct=kernel.height * kernel.width,
        nonzero=taps,
        separable=separable_multiplications(kernel.height, kernel.width, factors.rank),
        separable_nonzero=nonzero(factors.columns) + nonzero(factors.rows),
        fft=_by_transforms(kernel, plan.spec, speed),
    )
    lower = tuple((rank, _bound(factors, rank)) for rank in _told_ranks(factors.rank))
    bounds = (*lower, (factors.rank, LEVELS * factors.rest.bound))
    return KernelAnalysis(
        kernel,
        factors,
        symmetry(kernel),
        taps,
        replace(costs, predicted=_predictions(factorized, costs, plan, speed)),
        plan,
        image,
        bounds,
        within_half=_first_within(HALF_LEVEL, factors, bounds),
        nearly=_nearly(factorized, plan, speed),
        engine=speed.engine,
    )


def _nearly(factorized: FactorizedKernel, plan: Plan, speed: Speed) -> Nearly | None:
    """A lower rank that is nearly enough, and what it would take."""
    close = factorized.factors[0].nearly
    if close is None:
        return None
    bound, nanoseconds = LEVELS * close.lost.bound, None
    if isfinite(bound) and plan.spec.is_integer:
        # In levels of the image; a little more than the bound, so that rounding does not decide.
        allowed = plan.spec.levels * close.lost.bound * (1 + 1e-9)
        cheaper = plan_cascade([factorized], plan.spec, Options(max_error=allowed), speed)
        nanoseconds = cheaper.nanoseconds if cheaper.error_bound else None
    return Nearly(close.rank, close.largest, bound, nanoseconds)


def _predictions(
    factorized: FactorizedKernel, costs: MethodCosts, plan: Plan, speed: Speed
) -> dict[str, Prediction]:
    """What each method would take on the plan's image, in the arithmetic that it would get there."""
    if plan.is_copy:
        return {}
    found: dict[str, Prediction] = {}
    for method in ("direct", "separable", "fft"):
        multiplied = {"direct": costs.direct, "separable": costs.separable}.get(method, 0)
        if method == plan.method:
            found[method] = Prediction(plan.nanoseconds, plan.precision)
        elif multiplied > MOST_PLANNED:
            found[method] = _by_count(method, factorized.factors[0].rank, costs, speed)
        else:
            forced = plan_cascade([factorized], plan.spec, Options(method=method), speed)
            found[method] = Prediction(forced.nanoseconds, forced.precision)
    return found


def _by_count(method: str, terms: int, costs: MethodCosts, speed: Speed) -> Prediction:
    """In double, which keeps the promises for any kernel; so many taps are not built to find out more."""
    if method == "direct":
        loops, taps, terms = speed.direct["float64"], costs.nonzero, 0
    else:
        loops, taps = speed.separable["float64"], costs.separable_nonzero
    return Prediction(loops.sample + loops.tap * taps + loops.term * terms, "double")


def _bound(factors: Factorization, rank: int) -> float:
    """The largest error of a kernel cut off at a rank, in 8-bit levels."""
    return LEVELS * factors.cut_off(rank).lost.bound


def _first_within(
    error: float, factors: Factorization, bounds: Sequence[tuple[int, float]]
) -> tuple[int, float] | None:
    """The lowest rank within an error; ranks that were left out of the bounds are looked at near it."""
    place = next((place for place, (_, bound) in enumerate(bounds) if bound <= error), None)
    if place is None:
        return None
    skipped = range(bounds[place - 1][0] + 1, bounds[place][0]) if place else range(0)
    between = ((rank, _bound(factors, rank)) for rank in skipped)
    return next((one for one in between if one[1] <= error), bounds[place])


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
