"""The analysis of a kernel as JSON, schema ``sepfilter.kernel/1``."""

from __future__ import annotations

import json
from typing import Any

from sepfilter.kernels.exact import ExactFactors
from sepfilter.kernels.factorization import Factorization
from sepfilter.kernels.kernel import Kernel
from sepfilter.plans.analysis import KernelAnalysis, MethodCosts
from sepfilter.reports.figures import finite


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
    common["recommendation"] = {"method": plan.method, "reason": plan.reason}
    if analysis.image:
        common["image"] = _image(analysis)
    return common


def _kernel(
    kernel: Kernel, factors: Factorization, costs: MethodCosts, analysis: KernelAnalysis
) -> dict[str, Any]:
    """What a single kernel has."""
    return {
        "anchor": list(kernel.anchor),
        "sum": finite(kernel.sum),
        "nonzero": analysis.nonzero,
        "symmetry": analysis.symmetry,
        "rank": factors.rank,
        "exact_rank": factors.exact_rank,
        "separable": factors.is_separable,
        "singular_values": [finite(value) for value in factors.singular_values.tolist()],
        "factors": [
            {"column": column, "row": row}
            for column, row in zip(factors.columns.tolist(), factors.rows.tolist(), strict=True)
        ],
        "exact_factors": _exact(factors.exact) if factors.exact else None,
        "error_bounds": [{"rank": rank, "bound": finite(bound)} for rank, bound in analysis.bounds],
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
