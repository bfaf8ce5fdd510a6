"""Planning one stage of a cascade: its passes, its counts, and what its arithmetic may cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot, sqrt

import numpy as np

from sepfilter.errors import ShapeError
from sepfilter.kernels.factorization import FactorizedKernel
from sepfilter.kernels.kernel import AnyKernel, Gradient, Kernel
from sepfilter.plans.arithmetic import UNIT_ROUNDOFF, Extent, combined, rounding_error
from sepfilter.plans.border import Border
from sepfilter.plans.choice import Choice, choose
from sepfilter.plans.exactness import integer_passes
from sepfilter.plans.fixed_point import fractions
from sepfilter.plans.operations import count
from sepfilter.plans.options import Options
from sepfilter.plans.passes import Pass
from sepfilter.plans.plan import Stage
from sepfilter.plans.precision import Arithmetic, OutOfReachError
from sepfilter.plans.quantization import quantize


@dataclass(frozen=True, slots=True)
class StageInput:
    """What one stage is given.

    Attributes
    ----------
    height, width, channels : int
        Size of the image that goes in.
    extent : Extent
        Where its samples lie.
    border : Border
        What lies beyond its edges.
    partial_sums : bool
        Float sums of it are made of partial sums: the compiled engine does so for 16-bit samples.
    """

    height: int
    width: int
    channels: int
    extent: Extent
    border: Border
    partial_sums: bool = False


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """One stage, and what the next ones need to know.

    Attributes
    ----------
    stage : Stage
        The stage.
    extent : Extent
        Where its results lie.
    gain : float
        How many times the approximation error of the stages before can grow: ``sum |taps|``. What
        this stage leaves out is counted on `extent` of what they really make.
    kept_gain : float
        The same for their rounding error: of the terms that run.
    rounding : float
        Worst-case error of this stage's own arithmetic.
    """

    stage: Stage
    extent: Extent
    gain: float
    kept_gain: float
    rounding: float


def plan_stage(
    factorized: FactorizedKernel,
    given: StageInput,
    options: Options,
    *,
    arithmetic: Arithmetic,
    max_error: float | None,
) -> PlannedStage:
    """Plan one kernel or gradient at one precision.

    Parameters
    ----------
    factorized : FactorizedKernel
        What runs.
    given : StageInput
        What it runs on.
    options : Options
        Method, rank and padding.
    arithmetic : Arithmetic
        What it runs in.
    max_error : float or None
        What of the error this stage may take, in units of the source.

    Raises
    ------
    OutOfReachError
        The arithmetic cannot do this: for ``exact``, the kernel is not rational or sums grow too large.
    ShapeError
        The padding is valid, and the image smaller than the kernel.
    """
    kernel = factorized.kernel
    share = None if max_error is None else max_error / sqrt(len(kernel.components))
    choices = [
        choose(component, factors, options, given.extent, share)
        for component, factors in zip(kernel.components, factorized.factors, strict=True)
    ]
    passes, rounding = _passes(kernel, choices, given, arithmetic)
    stage = Stage(
        name=kernel.name,
        passes=passes,
        anchor=kernel.components[0].anchor,
        offset=0.0 if isinstance(kernel, Gradient) else kernel.offset,
        border=given.border,
        padding=options.padding,
        operations=count(passes, _samples(kernel, given, options.padding)),
        error_bound=combined([choice.error_bound for choice in choices]),
        is_exact=arithmetic.is_exact,
        reason=_reason(choices),
    )
    extent = _extent(choices, stage, given.extent)
    if not arithmetic.is_exact:
        rounding += _rounding_after(stage, extent, arithmetic.samples)
    gain = combined([choice.gain for choice in choices])
    kept_gain = combined([choice.kept_gain for choice in choices])
    return PlannedStage(stage, extent, gain, kept_gain, rounding)


def opacity_kernel(kernel: AnyKernel, padding: str) -> Kernel | None:
    """What filters opacity beside colours that this kernel filters: itself, normalized to sum 1.

    One of sum 0, or a gradient, leaves opacity as it is.
    """
    if isinstance(kernel, Kernel) and keeps_light(kernel):
        return replace(kernel.normalized(), offset=0.0)
    return crop_kernel(kernel, padding)


def crop_kernel(kernel: AnyKernel, padding: str) -> Kernel | None:
    """A single tap that crops opacity to where ``valid`` colours are; None where nothing is cropped."""
    if padding == "same":
        return None
    first = kernel.components[0]
    column, row = np.zeros(first.height), np.zeros(first.width)
    column[first.anchor[0]] = row[first.anchor[1]] = 1.0
    return replace(Kernel.from_factors(column, row, name=f"{kernel.name} crop"), anchor=first.anchor)


def keeps_light(kernel: AnyKernel) -> bool:
    """True where a flat area does not become 0, so that opacity can be filtered beside colours."""
    return isinstance(kernel, Kernel) and kernel.sum != 0


def _samples(kernel: AnyKernel, given: StageInput, padding: str) -> int:
    """Output samples of the stage."""
    height, width = given.height, given.width
    if padding == "valid":
        height, width = height - kernel.height + 1, width - kernel.width + 1
    if height < 1 or width < 1:
        raise ShapeError(
            f"{kernel.name} has {kernel.height} rows and {kernel.width} columns, more than the image "
            f"({given.height} x {given.width}): valid padding leaves nothing; use --padding same"
        )
    return height * width * given.channels


def _extent(choices: list[Choice], stage: Stage, given: Extent) -> Extent:
    """Where the stage's results lie, terms left out included."""
    extents = [given.filtered(choice.whole, stage.offset).widened(choice.error_bound) for choice in choices]
    if not stage.is_magnitude:
        return extents[0]
    return Extent(0.0, hypot(*(extent.magnitude for extent in extents)))


def _passes(
    kernel: AnyKernel, choices: list[Choice], given: StageInput, arithmetic: Arithmetic
) -> tuple[tuple[Pass, ...], float]:
    """The passes in their arithmetic, and the worst-case error of their sums."""
    if arithmetic.is_exact:
        return integer_passes(kernel, choices, given.extent, arithmetic), 0.0
    floating = [choice.floating_pass() for choice in choices]
    if arithmetic.is_integer:
        if isinstance(kernel, Gradient) or choices[0].terms == 0:
            raise OutOfReachError(f"{kernel.name} does not suit 16-bit integers")
        rounded = fractions if arithmetic.accumulator == "uint16" else quantize
        one, error = rounded(floating[0], given.extent)
        return (one,), error + given.extent.magnitude * choices[0].taps_error()
    errors = [
        rounding_error(
            one, arithmetic.samples, given.extent.magnitude, choice.taps_error(), partial=given.partial_sums
        )
        for one, choice in zip(floating, choices, strict=True)
    ]
    return tuple(floating), combined(errors)


def _rounding_after(stage: Stage, result: Extent, samples: str) -> float:
    """Worst-case error of what follows the sums of a stage: a root, an offset."""
    unit = UNIT_ROUNDOFF[samples]
    if stage.is_magnitude:  # two squares, their sum, its root
        return 3 * unit * result.magnitude
    return 2 * unit * result.magnitude if stage.offset else 0.0


def _reason(choices: list[Choice]) -> str:
    """The reason in words, once where both derivatives share it."""
    reasons = dict.fromkeys(choice.reason for choice in choices)
    if len(choices) > 1 and len(reasons) == 1:
        return f"both derivatives: {choices[0].reason}"
    return ", ".join(reasons)
