"""Holding a result against the direct sum in double precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.engine.execute import as_planned, run
from sepfilter.engine.filtering import plan_strips
from sepfilter.engine.held import HeldRows
from sepfilter.engine.planning import planned
from sepfilter.engine.rows import filtered_rows
from sepfilter.geometry import Window
from sepfilter.kernels.factorization import FactorizedKernel
from sepfilter.kernels.kernel import FactoredTaps
from sepfilter.plans.options import Options
from sepfilter.plans.plan import Plan
from sepfilter.results import Verification

Samples = npt.NDArray[Any]

MOST_TAPS: Final = 4096


def verify(
    plan: Plan,
    cascade: Sequence[FactorizedKernel],
    options: Options,
    image: Samples,
    filtered: Samples,
    *,
    part: Window | None = None,
    threads: int | None = None,
) -> Verification:
    """Measure how far a result is from the direct sum in double precision.

    Known factors whose product has more than `MOST_TAPS` taps are summed up in two passes instead, in double
    as well.

    Parameters
    ----------
    plan : Plan
        What was done.
    cascade, options
        What it was planned from.
    image, filtered : ndarray
        What went in and what came out, shape (H, W, C).
    part : Window, optional
        What of the result `filtered` is, where that is not all.
    threads : int, optional
        As in `execute`.
    """
    method = "separable" if _is_beyond_direct(cascade) else "direct"
    direct = replace(options, method=method, precision="double", rank=None, max_error=None)
    direct = replace(direct, dtype=plan.output.dtype)
    reference = planned(cascade, plan.spec, direct)
    with np.errstate(over="ignore", invalid="ignore"):
        unrounded = _unrounded(plan, reference, as_planned(plan, image))
        true = run(reference, image, threads=threads).pixels
        part = part or Window.whole(plan.output_spec)
        rounded = largest_difference(filtered, true[part.rows, part.columns])
    return Verification(unrounded, rounded, method)


def _is_beyond_direct(cascade: Sequence[FactorizedKernel]) -> bool:
    """True for known factors whose product has so many taps that summing them all up would take hours."""
    factored = all(isinstance(part.form, FactoredTaps) for one in cascade for part in one.kernel.components)
    return factored and max(one.kernel.height * one.kernel.width for one in cascade) > MOST_TAPS


def _unrounded(plan: Plan, reference: Plan, pixels: Samples) -> float:
    """The largest difference before the output map, strip by strip."""
    held = HeldRows.whole(pixels)
    ours, true = filtered_rows(plan, held), filtered_rows(reference, held)
    return max(largest_difference(ours.read(*strip), true.read(*strip)) for strip in plan_strips(plan))


def largest_difference(first: Samples, second: Samples) -> float:
    """The largest absolute difference; infinite where only one of two samples is finite."""
    difference = np.abs(first.astype(np.float64) - second)
    finite = np.isfinite(first)
    if not np.array_equal(finite, np.isfinite(second)):
        return inf
    return float(difference.max(where=finite, initial=0.0))
