"""Results of `apply` as JSON, schema ``sepfilter.apply/1``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sepfilter.kernels.summary import KernelSummary
from sepfilter.plans.bank_plan import BankPlan, LayerPlan
from sepfilter.plans.operations import Operations
from sepfilter.plans.plan import Plan, Stage
from sepfilter.reports.bank_json import layers_json
from sepfilter.reports.figures import finite
from sepfilter.results import EngineInfo, Result, Verification


def apply_json(results: Sequence[Result], engine: EngineInfo) -> str:
    """The report of a run.

    Parameters
    ----------
    results : sequence of Result
        In input order.
    engine : EngineInfo
        What did the arithmetic.

    Returns
    -------
    str
        JSON text; see ``docs/schemas/apply-1.json``.
    """
    return json.dumps(_report(results, engine), indent=2, allow_nan=False)


def apply_json_line(result: Result, engine: EngineInfo) -> str:
    """The report of one input alone, on one line.

    Parameters
    ----------
    result : Result
        What happened.
    engine : EngineInfo
        What did the arithmetic.

    Returns
    -------
    str
        JSON text of the same schema, with a single result.
    """
    return json.dumps(_report([result], engine), allow_nan=False)


def _report(results: Sequence[Result], engine: EngineInfo) -> dict[str, Any]:
    """What both are made of."""
    return {
        "schema": "sepfilter.apply/1",
        "engine": asdict(engine),
        "results": [_result(result) for result in results],
    }


def _result(result: Result) -> dict[str, Any]:
    """One input."""
    plan, check = result.plan, result.verification
    return {
        "input": {**(asdict(result.input) if result.input else _unread(result.path)), "page": result.page},
        "outputs": [asdict(output) for output in result.outputs],
        "kernel": _kernel(result.kernel) if result.kernel else None,
        "bank": _bank(plan) if isinstance(plan, BankPlan) else None,
        "plan": _any_plan(plan) if plan else None,
        "operations": _operations(plan.operations) if plan else None,
        "seconds": asdict(result.seconds),
        "megapixels_per_second": finite(result.megapixels_per_second),
        "verify": _verify(check) if check else None,
        "notes": list(result.notes),
        "error": asdict(result.failure) if result.failure else None,
        "skipped": result.skipped,
    }


def _verify(check: Verification) -> dict[str, Any]:
    """What was measured, and against what."""
    return {
        "max_abs_difference": finite(check.max_abs_difference),
        "max_rounded_difference": finite(check.max_rounded_difference),
        "reference": check.reference,
    }


def _unread(path: str) -> dict[str, Any]:
    """An input of which only the name is known."""
    unknown = dict.fromkeys(("format", "height", "width", "channels", "dtype"))
    return {"path": path, **unknown}


def _kernel(kernel: KernelSummary) -> dict[str, Any]:
    """The kernel, a cascade or gradient with its components."""
    return {
        "name": kernel.name,
        "height": kernel.height,
        "width": kernel.width,
        "rank": kernel.rank,
        "exact_rank": kernel.exact_rank,
        "separable": kernel.separable,
        "components": [_kernel(component) for component in kernel.components],
    }


def _bank(plan: BankPlan) -> dict[str, Any]:
    """The bank, with its layers on this image."""
    return {"name": plan.name, "input_scale": plan.input_scale, "layers": layers_json(plan)}


def _any_plan(plan: Plan | BankPlan) -> dict[str, Any]:
    """The plan of kernels or of a bank."""
    return _bank_plan(plan) if isinstance(plan, BankPlan) else _plan(plan)


def _bank_plan(plan: BankPlan) -> dict[str, Any]:
    """The plan of a bank, with a stage for each layer."""
    first = plan.layers[0]
    return {
        "method": plan.method,
        "precision": plan.precision,
        "rank": None,
        "border": first.border,
        "padding": first.padding,
        "reason": "; ".join(f"{layer.name}: {layer.reason}" for layer in plan.layers),
        "error_bound": None,
        "arithmetic_bound": None,
        "predicted_nanoseconds_per_sample": None,
        "halo": list(plan.halo),
        "stages": [_layer_stage(layer) for layer in plan.layers],
        "alpha": "none",
        "output": asdict(plan.output),
    }


def _layer_stage(layer: LayerPlan) -> dict[str, Any]:
    """One layer of a bank as a stage."""
    return {
        "kernel": layer.name,
        "method": layer.method,
        "rank": None,
        "anchor": list(layer.pads[:2]),
        "halo": list(layer.halo),
        "error_bound": None,
        "predicted_nanoseconds_per_sample": None,
        "reason": layer.reason,
        "operations": _operations(layer.operations),
    }


def _plan(plan: Plan) -> dict[str, Any]:
    """The plan, with its stages."""
    return {
        "method": plan.method,
        "precision": plan.precision,
        "rank": plan.rank,
        "border": str(plan.border),
        "padding": plan.padding,
        "reason": plan.reason,
        "error_bound": finite(plan.error_bound),
        "arithmetic_bound": finite(plan.arithmetic_bound),
        "predicted_nanoseconds_per_sample": finite(plan.nanoseconds),
        "halo": list(plan.halo),
        "stages": [_stage(stage) for stage in plan.stages],
        "alpha": plan.alpha,
        "output": asdict(plan.output),
    }


def _stage(stage: Stage) -> dict[str, Any]:
    """One kernel of a cascade."""
    return {
        "kernel": stage.name,
        "method": stage.method,
        "rank": stage.rank,
        "anchor": list(stage.anchor),
        "halo": list(stage.halo),
        "error_bound": finite(stage.error_bound),
        "predicted_nanoseconds_per_sample": finite(stage.nanoseconds),
        "reason": stage.reason,
        "operations": _operations(stage.operations),
    }


def _operations(operations: Operations) -> dict[str, Any]:
    """The counts."""
    return {
        "multiplications": operations.multiplications,
        "executed_multiplications": operations.executed_multiplications,
        "additions": operations.additions,
        "multiplications_per_sample": operations.multiplications_per_sample,
        "direct_multiplications": operations.direct_multiplications,
        "ratio": operations.ratio,
    }
