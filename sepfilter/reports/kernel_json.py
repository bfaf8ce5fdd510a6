"""The analysis of a kernel as JSON, schema ``sepfilter.kernel/1``."""

from __future__ import annotations

import json
from typing import Any

from sepfilter.geometry import ImageSpec
from sepfilter.kernels.exact import ExactFactors
from sepfilter.kernels.factorization import Factorization
from sepfilter.kernels.kernel import Kernel
from sepfilter.plans.analysis import KernelAnalysis, MethodCosts, Nearly
from sepfilter.plans.operations import separable_multiplications
from sepfilter.reports.figures import finite
from sepfilter.reports.kernel_rank import rank_source


def kernel_json(analysis: KernelAnalysis) -> str:
    """The report of `analyze-kernel`.

    Parameters
    ----------
    analysis : KernelAnalysis
        Of a kernel, or of a gradient with its components.

    Returns
    -------
    str
        JSON text; see ``docs/schemas/kernel-1.json``.
    """
    report = {"schema": "sepfilter.kernel/1", **_analysis(analysis)}
    return json.dumps(report, indent=2, allow_nan=False)


def _analysis(analysis: KernelAnalysis) -> dict[str, Any]:
    """A kernel, or a gradient."""
    kernel, factors, costs = analysis.kernel, analysis.factors, analysis.costs
    common: dict[str, Any] = {"name": kernel.name, "height": kernel.height, "width": kernel.width}
    if isinstance(kernel, Kernel) and factors and costs:
        common |= _kernel(kernel, factors, costs, analysis)
    else:
        common["components"] = [_analysis(component) for component in analysis.components]
    plan = analysis.plan
    common["recommendation"] = {
        "method": plan.method,
        "reason": plan.reason,
        "precision": plan.precision,
        "nanoseconds": plan.nanoseconds,
        "engine": analysis.engine,
        "image": _size(plan.spec),
    }
    if analysis.image:
        common["image"] = _image(analysis)
    return common


def _size(spec: ImageSpec) -> dict[str, Any]:
    """The image that the recommendation is for."""
    return {"width": spec.width, "height": spec.height, "channels": spec.channels, "dtype": spec.dtype}


def _nearly(close: Nearly | None) -> dict[str, Any] | None:
    """A lower rank that is nearly enough; its error in 8-bit levels."""
    if close is None:
        return None
    return {
        "rank": close.rank,
        "largest": finite(close.largest),
        "bound": finite(close.bound),
        "nanoseconds": close.nanoseconds,
    }


def _within_half(kernel: Kernel, analysis: KernelAnalysis) -> dict[str, Any] | None:
    """The lowest rank that errs by half a level at most, and its multiplications a sample."""
    if analysis.within_half is None:
        return None
    rank, bound = analysis.within_half
    count = separable_multiplications(kernel.height, kernel.width, rank)
    return {"rank": rank, "bound": bound, "multiplications": count}


def _kernel(
    kernel: Kernel, factors: Factorization, costs: MethodCosts, analysis: KernelAnalysis
) -> dict[str, Any]:
    """What a single kernel has."""
    return {
        "anchor": list(kernel.anchor),
        "offset": kernel.offset,
        "sum": finite(kernel.sum),
        "nonzero": analysis.nonzero,
        "symmetry": analysis.symmetry,
        "rank": factors.rank,
        "exact_rank": factors.exact_rank,
        "rank_source": rank_source(kernel, factors),
        "nearly": _nearly(analysis.nearly),
        "separable": factors.is_separable,
        "singular_values": [finite(value) for value in factors.singular_values.tolist()],
        "factors": [
            {"column": column, "row": row}
            for column, row in zip(factors.columns.tolist(), factors.rows.tolist(), strict=True)
        ],
        "exact_factors": _exact(factors.exact) if factors.exact else None,
        "error_bounds": [{"rank": rank, "bound": finite(bound)} for rank, bound in analysis.bounds],
        "within_half_level": _within_half(kernel, analysis),
        "predicted": {
            method: {"nanoseconds": one.nanoseconds, "precision": one.precision}
            for method, one in costs.predicted.items()
        },
        "operations": {
            "direct": costs.direct,
            "nonzero": costs.nonzero,
            "separable": costs.separable,
            "separable_nonzero": costs.separable_nonzero,
            "fft": costs.fft,
        },
    }


def _exact(factors: ExactFactors) -> dict[str, Any]:
    """Exact factors; integers as strings, since they may be longer than JSON readers take."""
    return {
        "denominator": str(factors.denominator),
        "terms": [
            {"column": list(map(str, term.column)), "row": list(map(str, term.row))} for term in factors.terms
        ],
    }


def _image(analysis: KernelAnalysis) -> dict[str, Any]:
    """What the recommended way takes on the image given."""
    spec, counts = analysis.plan.spec, analysis.plan.operations
    return {
        "width": spec.width,
        "height": spec.height,
        "channels": spec.channels,
        "multiplications": counts.multiplications,
        "direct_multiplications": counts.direct_multiplications,
    }
