"""Planning one stage of a cascade: its passes, its counts, and what its arithmetic may cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import hypot, inf, sqrt

import numpy as np

from sepfilter.errors import ShapeError
from sepfilter.kernels.factorization import FactorizedKernel
from sepfilter.kernels.kernel import AnyKernel, Gradient, Kernel
from sepfilter.plans.arithmetic import UNIT_ROUNDOFF, Extent, combined
from sepfilter.plans.choice import Choice, choices
from sepfilter.plans.cost import Size, Speed
from sepfilter.plans.exactness import check_squares
from sepfilter.plans.operations import count
from sepfilter.plans.options import WAYS, Options
from sepfilter.plans.plan import Stage
from sepfilter.plans.precision import Arithmetic, OutOfReachError
from sepfilter.plans.reasons import reason
from sepfilter.plans.runs import Run, StageInput, estimates, work_out
from sepfilter.plans.steps import Step
from sepfilter.values import value


@value
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

    def standing_for(self, step: Step) -> PlannedStage:
        """Counted against a direct pass of what the step stands for, and with why it does."""
        counts = self.stage.operations
        direct = replace(counts, direct_multiplications=step.direct * counts.samples)
        why = f"{step.why}: {self.stage.reason}" if step.why else self.stage.reason
        return replace(self, stage=replace(self.stage, operations=direct, reason=why))


def plan_stage(
    factorized: FactorizedKernel,
    given: StageInput,
    options: Options,
    *,
    arithmetic: Arithmetic,
    max_error: float | None,
    speed: Speed,
    budget: float = inf,
    only: str = "",
) -> PlannedStage:
    """Plan one kernel or gradient at one precision: the ways that it can be run, and the cheapest of them.

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
    speed : Speed
        The engine's.
    budget : float
        The most that it may be predicted to take, in nanoseconds of one thread for the whole image.
    only : str
        A method that the step is for, whatever the options leave open.

    Raises
    ------
    OutOfReachError
        The arithmetic cannot do this: for ``exact``, the kernel is not rational or sums grow too large.
        Or it would take more than the budget.
    ShapeError
        The padding is valid, and the image smaller than the kernel.
    """
    kernel = factorized.kernel
    if isinstance(kernel, Gradient) and arithmetic.is_integer and not arithmetic.is_exact:
        raise OutOfReachError(f"{kernel.name} is two kernels, which 16-bit taps are not for")
    size = _result_size(kernel, given, options.padding)
    share = None if max_error is None else max_error / sqrt(len(kernel.components))
    methods = _methods(kernel, (only,) if only else WAYS[options.method])
    ways = [
        estimates(
            choices(component, factors, options, given.extent, max_error=share, methods=methods),
            given,
            size,
            arithmetic,
            speed,
        )
        for component, factors in zip(kernel.components, factorized.factors, strict=True)
    ]
    if sum(found[0].nanoseconds for found in ways) * size.samples > budget:
        raise OutOfReachError("other arithmetic costs less")
    chosen = work_out(ways, given, arithmetic)
    passes = tuple(run.one for run in chosen)
    if arithmetic.is_exact and isinstance(kernel, Gradient):
        results = [given.extent.filtered(run.choice.whole, 0.0) for run in chosen]
        check_squares(kernel.name, passes, results, arithmetic.samples)
    stage = Stage(
        name=kernel.name,
        passes=passes,
        anchor=kernel.components[0].anchor,
        offset=0.0 if isinstance(kernel, Gradient) else kernel.offset,
        border=given.border,
        padding=options.padding,
        operations=count(passes, size.samples),
        error_bound=combined([run.choice.error_bound for run in chosen]),
        is_exact=arithmetic.is_exact,
        reason=reason(ways, chosen) + _in_vain(chosen, max_error),
        nanoseconds=sum(run.estimate.nanoseconds for run in chosen),
    )
    return _outcome(stage, chosen, given, arithmetic)


def _outcome(stage: Stage, chosen: Sequence[Run], given: StageInput, arithmetic: Arithmetic) -> PlannedStage:
    """What a stage makes of the samples' extent, and of errors that come in."""
    extent = _extent([run.choice for run in chosen], stage, given.extent)
    rounding = combined([run.rounding for run in chosen])
    if not arithmetic.is_exact:
        rounding += _rounding_after(stage, extent, arithmetic.samples)
    gain = combined([run.choice.gain for run in chosen])
    kept_gain = combined([run.choice.kept_gain for run in chosen])
    return PlannedStage(stage, extent, gain, kept_gain, rounding)


def _methods(kernel: AnyKernel, methods: tuple[str, ...]) -> tuple[str, ...]:
    """Those that a kernel may be run by; derivatives are joined where their sums are made."""
    if not isinstance(kernel, Gradient):
        return methods
    return tuple(one for one in methods if one not in ("box", "coarse"))


def _in_vain(chosen: Sequence[Run], max_error: float | None) -> str:
    """What to add to the reason where an error was allowed, and nothing made use of it."""
    if not max_error or any(run.choice.is_approximation for run in chosen):
        return ""
    return f"; nothing cheaper is within max error {max_error:.4g}"


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


def _result_size(kernel: AnyKernel, given: StageInput, padding: str) -> Size:
    """Rows, columns and channels that come out."""
    height, width = given.height, given.width
    if padding == "valid":
        height, width = height - kernel.height + 1, width - kernel.width + 1
    if height < 1 or width < 1:
        raise ShapeError(
            f"{kernel.name} has {kernel.height} rows and {kernel.width} columns, more than the image "
            f"({given.height} x {given.width}): valid padding leaves nothing; use --padding same"
        )
    return Size(height, width, given.channels)


def _extent(choices: list[Choice], stage: Stage, given: Extent) -> Extent:
    """Where the stage's results lie, terms left out included."""
    extents = [given.filtered(choice.whole, stage.offset).widened(choice.error_bound) for choice in choices]
    if not stage.is_magnitude:
        return extents[0]
    return Extent(0.0, hypot(*(extent.magnitude for extent in extents)))


def _rounding_after(stage: Stage, result: Extent, samples: str) -> float:
    """Worst-case error of what follows the sums of a stage: a root, an offset."""
    unit = UNIT_ROUNDOFF[samples]
    if stage.is_magnitude:  # two squares, their sum, its root
        return 3 * unit * result.magnitude
    return 2 * unit * result.magnitude if stage.offset else 0.0
