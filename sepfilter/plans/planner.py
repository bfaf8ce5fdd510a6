"""From kernels, an image's spec and options to a plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from sepfilter.errors import OptionError
from sepfilter.geometry import ImageSpec
from sepfilter.kernels.factorization import FactorizedKernel
from sepfilter.kernels.kernel import AnyKernel, Gradient, Kernel
from sepfilter.kernels.notation import as_kernel, parse_cascade
from sepfilter.plans.arithmetic import PARTIAL_SUM_TYPES, Extent, mapping_error, reading_error
from sepfilter.plans.border import Border
from sepfilter.plans.cost import Speed
from sepfilter.plans.exactness import (
    check_integer_result,
    check_output,
    check_source,
)
from sepfilter.plans.options import Options
from sepfilter.plans.output_map import OutputMap, make_output_map
from sepfilter.plans.plan import Plan, Stage
from sepfilter.plans.precision import DOUBLE, Arithmetic, OutOfReachError, candidates, needs_double
from sepfilter.plans.runs import StageInput
from sepfilter.plans.staging import (
    PlannedStage,
    crop_kernel,
    keeps_light,
    opacity_kernel,
    plan_stage,
)
from sepfilter.plans.steps import Step, fused, line_by_line, one_by_one

LARGEST_ARITHMETIC_ERROR: Final = 0.1
"""In levels: where float samples could err by more, the plan turns to double."""

EXACTNESS: Final = 3.0
"""An exact result is worth so many times the time that a rounded one would take."""

FAR: Final = 64
"""Taps a side up to which lines are never cheaper to transform than to sum up."""

CLEARLY: Final = 0.8
"""Of two kinds of arithmetic that keep the promises the later one is taken only at this share of the cost."""

KernelLike: TypeAlias = AnyKernel | str | npt.ArrayLike


def as_cascade(kernel: KernelLike | Sequence[AnyKernel | str]) -> tuple[AnyKernel, ...]:
    """Kernels in the order in which they run: one, or those of a sequence."""
    if isinstance(kernel, str):
        return parse_cascade(kernel)
    if isinstance(kernel, (list, tuple)) and kernel and isinstance(kernel[0], (Kernel, Gradient, str)):
        return tuple(part for one in kernel for part in as_cascade(one))
    return (as_kernel(kernel),)  # type: ignore[arg-type]


def plan_cascade(
    cascade: Sequence[FactorizedKernel], spec: ImageSpec, options: Options, speed: Speed
) -> Plan:
    """Decide how to filter images of a given shape and type, and say why.

    Parameters
    ----------
    cascade : sequence of FactorizedKernel
        They run one after the other, without rounding in between.
    spec : ImageSpec
        The image, without its pixels.
    options : Options
        What is asked for.
    speed : Speed
        Of the engine that will run it.

    Raises
    ------
    OptionError
        An option cannot be honoured; the message says why.
    ShapeError
        ``valid`` padding on an image smaller than the kernel.

    Examples
    --------
    >>> from sepfilter.kernels.presets import named_kernel
    >>> from sepfilter.plans.speeds import AVX2
    >>> sobel = FactorizedKernel.of(named_kernel("sobel-x"))
    >>> plan = plan_cascade([sobel], ImageSpec(512, 512, 1, "uint8"), Options(), AVX2)
    >>> plan.method, plan.precision, plan.operations.multiplications_per_sample
    ('separable', 'exact', 6.0)
    """
    if options.levels is not None and spec.is_integer:
        raise OptionError(f"levels are for float images: {spec.dtype} has {spec.levels:.0f} for full white")
    output = make_output_map(
        spec,
        scale=options.scale,
        offset=options.offset,
        output_range=options.output_range,
        dtype=_output_dtype(options),
    )
    draft = _Draft(tuple(cascade), spec, options, output, speed, one_by_one(cascade))
    if draft.alpha == "premultiply":
        draft = draft.with_offsets_last()
    if draft.divides_by_alpha and options.max_error is not None:
        raise OptionError(
            "max error cannot be promised where colours are divided by their opacity: "
            "use --alpha keep or separate, or --rank"
        )
    with np.errstate(over="ignore", invalid="ignore"):  # a kernel of 1e308 has infinite bounds
        return min(map(_cheapest_that_holds, _variants(draft)), key=_weighed)


def _variants(draft: _Draft) -> Iterator[_Draft]:
    """What was asked, and other steps that do the same, where options leave the choice."""
    yield draft
    options = draft.options
    if draft.is_copy or options.rank is not None:
        return
    if options.method == "auto" and len(draft.cascade) > 1:
        steps = fused(draft.cascade, draft.border.mode, options.padding)
        if steps:
            yield replace(draft, steps=steps)
    transforms = options.method in ("auto", "fft") and options.precision not in ("exact", "fast")
    if transforms and _is_far_reaching(draft.cascade):
        steps = line_by_line(draft.cascade)
        if steps:
            yield replace(draft, steps=steps, options=replace(options, method="fft", max_error=None))


def _cheapest_that_holds(draft: _Draft) -> Plan:
    """The plan in the cheapest arithmetic that keeps the promises, exactness being worth some time."""
    if draft.is_copy:
        return replace(draft.plan(DOUBLE), precision="exact", arithmetic_bound=0.0)
    asked = draft.options.precision
    reason = f"it is for one kernel on 8-bit samples, beyond the border too, not {draft.spec.dtype}"
    if not draft.has_samples_beyond:
        reason += f" with border {draft.border}"
    made: list[Plan] = []
    best: Plan | None = None
    for arithmetic in draft.candidates:
        worth = EXACTNESS if arithmetic.is_exact else 1.0
        budget = inf if best is None else _weighed(best) * worth * CLEARLY
        try:
            plan = draft.plan(arithmetic, budget)
        except OutOfReachError as error:
            reason = str(error)
            continue
        made.append(plan)
        if _keeps_promises(plan):
            best = plan
    if best is not None:
        return best
    if made and asked != "auto":
        return min(made, key=lambda plan: plan.arithmetic_bound)
    raise OptionError(f"precision {asked}: {reason}: use auto, float or double")


def _is_far_reaching(cascade: Sequence[FactorizedKernel]) -> bool:
    """True where some kernel is so large that transforms of lines may pay."""
    return any(min(one.kernel.height, one.kernel.width) > FAR for one in cascade)


def _weighed(plan: Plan) -> float:
    """Predicted cost, less where the result is exact."""
    return plan.total_nanoseconds / (EXACTNESS if plan.precision == "exact" else 1.0)


def _keeps_promises(plan: Plan) -> bool:
    """True where an exact or double plan, or a small worst-case error, is the best that there is."""
    return plan.precision in ("exact", "double") or plan.arithmetic_bound <= LARGEST_ARITHMETIC_ERROR


def _output_dtype(options: Options) -> npt.DTypeLike | None:
    """The output type asked for; float64 where double values are to be kept."""
    if options.dtype is None and (options.precision, options.output_range) == ("double", "float"):
        return "float64"
    return options.dtype


@dataclass(frozen=True, slots=True)
class _Draft:
    """All that a plan follows from; `plan` works it out for one precision."""

    cascade: tuple[FactorizedKernel, ...]
    spec: ImageSpec
    options: Options
    output: OutputMap
    speed: Speed
    steps: tuple[Step, ...]

    @property
    def is_copy(self) -> bool:
        """True where every kernel is 1 x 1 with the tap 1 and the output is the source."""
        return (
            all(map(_is_identity, self.kernels))
            and self.options.rank != 0
            and self.output.is_trivial
            and self.output.dtype == self.spec.dtype
        )

    @property
    def kernels(self) -> list[AnyKernel]:
        """The kernels without their factors."""
        return [one.kernel for one in self.cascade]

    @property
    def candidates(self) -> list[Arithmetic]:
        """Kinds of arithmetic to try, cheapest first."""
        wide = needs_double(self.spec, self.output.dtype, self.output.range)
        # Colours times opacity, and results of a kernel before, are no longer samples of the image's type.
        raw = len(self.steps) == 1 and self.alpha != "premultiply" and self.has_samples_beyond
        return candidates(self.options.precision, self.spec, raw=raw, wide=wide)

    @property
    def has_samples_beyond(self) -> bool:
        """True where what lies beyond the edges could be samples of the image."""
        extent = self._extent()
        return self.border.is_whole_within(extent.low, extent.high)

    @property
    def alpha(self) -> str:
        """What happens to opacity, ``none`` where there is none."""
        return self.options.alpha if self.spec.alpha and not self.is_copy else "none"

    @property
    def divides_by_alpha(self) -> bool:
        """True where filtered colours are divided by filtered opacity, which can be any small number."""
        return self.alpha == "premultiply" and all(map(keeps_light, self.kernels))

    def with_offsets_last(self) -> _Draft:
        """The kernels' own offsets as part of the output map: colours get them after the division."""
        total = 0.0
        cascade = []
        for one in self.cascade:
            kernel = one.kernel
            if isinstance(kernel, Kernel):
                total = total * kernel.sum + kernel.offset
                cascade.append(replace(one, kernel=replace(kernel, offset=0.0)))
            else:
                total = 0.0
                cascade.append(one)
        output = replace(self.output, offset=self.output.offset + self.output.scale * total)
        return replace(self, cascade=tuple(cascade), steps=one_by_one(cascade), output=output)

    @property
    def border(self) -> Border:
        """The border; outside of a constant one opacity is 0, and so are premultiplied colours."""
        edges = self.options.edges
        return Border("constant", 0.0) if self.alpha == "premultiply" and edges.mode == "constant" else edges

    def plan(self, arithmetic: Arithmetic, budget: float = inf) -> Plan:
        """The plan in this arithmetic.

        Raises
        ------
        OutOfReachError
            It does not suit: some sum does not fit, or is no fraction; or it takes more than the budget.
        """
        premultiplied = self.alpha == "premultiply"
        samples = arithmetic.samples
        if arithmetic.is_exact:
            check_source(self.spec, self.border, self.output, premultiplied=premultiplied)
        apart = self.alpha in ("premultiply", "keep")
        planned = self._stages(arithmetic, self.spec.channels - apart, budget)
        magnitude = planned[-1].extent.magnitude
        if arithmetic.is_exact:
            check_output(planned[-1].stage, magnitude, self.output, samples)
        source = self._extent().including(self.border).magnitude
        rounding = reading_error(self.spec, self.border, samples, source, premultiplied=premultiplied)
        error = 0.0
        for one in planned:
            # A gain may be infinite, and nothing times that is nothing.
            error = (error * one.gain if error else 0.0) + one.stage.error_bound
            rounding = (rounding * one.kept_gain if rounding else 0.0) + one.rounding
        return Plan(
            spec=self.spec,
            stages=tuple(one.stage for one in planned),
            output=self.output,
            precision=arithmetic.precision,
            accumulator=arithmetic.accumulator,
            samples=samples,
            arithmetic_bound=mapping_error(self.output, samples, magnitude, rounding),
            error_bound=inf if error and self.divides_by_alpha else error,
            alpha=self.alpha,
            alpha_stages=self._alpha_stages() if apart else (),
            divides_by_alpha=self.divides_by_alpha,
            is_copy=self.is_copy,
        )

    def _stages(self, arithmetic: Arithmetic, channels: int, budget: float) -> list[PlannedStage]:
        """Plan the kernels in turn, each on what the one before it makes."""
        height, width = self.spec.height, self.spec.width
        extent = self._extent()
        planned: list[PlannedStage] = []
        for step, max_error in zip(self.steps, self._error_shares(), strict=True):
            if arithmetic.is_exact and planned:
                check_integer_result(planned[-1].stage)
            partial = not planned and self.spec.dtype in PARTIAL_SUM_TYPES and self.alpha != "premultiply"
            border = replace(self.border, value=self.border.value * step.beyond)
            given = StageInput(
                height, width, channels, extent.including(border), border, partial_sums=partial
            )
            one = plan_stage(
                step.factorized,
                given,
                self.options,
                arithmetic=arithmetic,
                max_error=max_error,
                speed=self.speed,
                budget=budget,
            ).standing_for(step)
            budget -= one.stage.nanoseconds * one.stage.operations.samples
            height, width = one.stage.output_size(height, width)
            extent = one.extent
            planned.append(one)
        return planned

    def _extent(self) -> Extent:
        """Where the source's samples lie."""
        return Extent.of(self.spec, self.options.levels)

    def _error_shares(self) -> list[float | None]:
        """The error that each kernel may add, given how the kernels after it make it grow."""
        if self.options.max_error is None:
            return [None] * len(self.steps)
        share = self.options.max_error / len(self.steps)
        shares: list[float | None] = []
        gain = 1.0
        for step in reversed(self.steps):
            shares.insert(0, share / gain if gain else share)
            gain *= step.factorized.gain
        return shares

    def _alpha_stages(self) -> tuple[Stage, ...]:
        """How opacity is filtered: beside premultiplied colours, or only cropped to them."""
        padding = self.options.padding
        height, width = self.spec.height, self.spec.width
        options = replace(self.options, max_error=None, rank=None)
        extent = Extent(0.0, self.spec.levels)
        stages = []
        for kernel in self.kernels:
            one = (opacity_kernel if self.alpha == "premultiply" else crop_kernel)(kernel, padding)
            if one is None:
                continue
            given = StageInput(height, width, 1, extent, self.border)
            stage = plan_stage(
                FactorizedKernel.of(one),
                given,
                options,
                arithmetic=DOUBLE,
                max_error=None,
                speed=self.speed,
            ).stage
            height, width = stage.output_size(height, width)
            stages.append(stage)
        return tuple(stages)


def _is_identity(kernel: AnyKernel) -> bool:
    """True for the 1 x 1 kernel of tap 1 that adds nothing."""
    return (
        isinstance(kernel, Kernel)
        and (kernel.height, kernel.width, kernel.offset) == (1, 1, 0.0)
        and kernel.sum == 1.0
    )
