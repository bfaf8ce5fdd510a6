"""All that a plan follows from, and the plan in one kind of arithmetic."""

from __future__ import annotations

from dataclasses import replace
from math import inf, isnan

from sepfilter.geometry import ImageSpec
from sepfilter.kernels.factorization import FactorizedKernel
from sepfilter.kernels.kernel import AnyKernel, Kernel
from sepfilter.plans.arithmetic import PARTIAL_SUM_TYPES, Extent, mapping_error, reading_error
from sepfilter.plans.border import Border
from sepfilter.plans.cost import Speed
from sepfilter.plans.exactness import check_integer_result, check_output, check_source
from sepfilter.plans.options import Options
from sepfilter.plans.output_map import OutputMap
from sepfilter.plans.plan import Plan, Stage
from sepfilter.plans.precision import DOUBLE, Arithmetic, candidates, needs_double
from sepfilter.plans.runs import StageInput
from sepfilter.plans.staging import PlannedStage, crop_kernel, keeps_light, opacity_kernel, plan_stage
from sepfilter.plans.steps import Step, one_by_one
from sepfilter.values import value


@value
class Draft:
    """All that a plan follows from; `plan` works it out for one kind of arithmetic.

    Attributes
    ----------
    cascade : tuple of FactorizedKernel
        As asked.
    spec : ImageSpec
        The image.
    options : Options
        As asked.
    output : OutputMap
        What becomes of the result.
    speed : Speed
        The engine's.
    steps : tuple of Step
        What runs for the cascade.
    """

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

    def with_offsets_last(self) -> Draft:
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
        bound = mapping_error(self.output, samples, magnitude, rounding)
        return Plan(
            spec=self.spec,
            stages=tuple(one.stage for one in planned),
            output=self.output,
            precision=arithmetic.precision,
            accumulator=arithmetic.accumulator,
            samples=samples,
            arithmetic_bound=inf if isnan(bound) else bound,
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
                only=step.only,
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
