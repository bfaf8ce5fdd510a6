"""From kernels, an image's spec and options to a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from math import inf
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from sepfilter.errors import OptionError
from sepfilter.geometry import ImageSpec
from sepfilter.kernels.factorization import FactorizedKernel
from sepfilter.kernels.kernel import AnyKernel, Gradient, Kernel
from sepfilter.kernels.notation import as_kernel, parse_cascade
from sepfilter.plans.cost import Speed
from sepfilter.plans.draft import Draft
from sepfilter.plans.options import Options
from sepfilter.plans.output_map import make_output_map
from sepfilter.plans.plan import Plan
from sepfilter.plans.precision import DOUBLE, OutOfReachError
from sepfilter.plans.steps import fused, line_by_line, one_by_one

LARGEST_ARITHMETIC_ERROR: Final = 0.1
"""In levels: where float samples could err by more, the plan turns to double."""

EXACTNESS: Final = 2.0
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
    draft = Draft(tuple(cascade), spec, options, output, speed, one_by_one(cascade))
    if draft.alpha == "premultiply":
        draft = draft.with_offsets_last()
    if draft.divides_by_alpha and options.max_error is not None:
        raise OptionError(
            "max error cannot be promised where colours are divided by their opacity: "
            "use --alpha keep or separate, or --rank"
        )
    with np.errstate(over="ignore", invalid="ignore"):  # a kernel of 1e308 has infinite bounds
        return _best_of(_variants(draft))


def _best_of(drafts: Iterable[Draft]) -> Plan:
    """The cheapest of those that hold."""
    plans, refusals = [], []
    for draft in drafts:
        try:
            plans.append(_cheapest_that_holds(draft))
        except OptionError as refusal:
            refusals.append(refusal)
    if not plans:
        raise refusals[0]
    return min(plans, key=_weighed)


def _variants(draft: Draft) -> Iterator[Draft]:
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
            yield replace(draft, steps=steps)


def _cheapest_that_holds(draft: Draft) -> Plan:
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
        if _keeps_promises(plan) and (best is None or _weighed(plan) <= _weighed(best) * CLEARLY):
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
