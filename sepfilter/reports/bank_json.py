"""Filter banks as JSON: the layers of a plan, and schema ``sepfilter.bank/1``."""

from __future__ import annotations

import json
from typing import Any

from sepfilter.plans.bank_plan import BankPlan, LayerPlan


def bank_json(plan: BankPlan) -> str:
    """The analysis of a bank on an image.

    Parameters
    ----------
    plan : BankPlan
        Its shapes and counts.

    Returns
    -------
    str
        JSON text; see ``docs/schemas/bank-1.json``.
    """
    spec = plan.spec
    report = {
        "schema": "sepfilter.bank/1",
        "name": plan.name,
        "image": {"height": spec.height, "width": spec.width, "channels": spec.channels},
        "input_scale": plan.input_scale,
        "layers": layers_json(plan),
        "totals": {
            "multiplications": plan.direct_multiplications,
            "chosen_multiplications": plan.multiplications,
            "executed_multiplications": plan.executed_multiplications,
            "additions": plan.additions,
            "parameters": plan.parameters,
        },
        "ordinary_convolution": {
            "multiplications": plan.ordinary_multiplications,
            "parameters": plan.ordinary_parameters,
        },
        "ratio": plan.ratio,
    }
    return json.dumps(report, indent=2, allow_nan=False)


def layers_json(plan: BankPlan) -> list[dict[str, Any]]:
    """What each layer makes of its input, and what that costs.

    Parameters
    ----------
    plan : BankPlan
        Of the bank.
    """
    return [_layer(layer) for layer in plan.layers]


def _layer(layer: LayerPlan) -> dict[str, Any]:
    """One layer; `multiplications` are the textbook's, every tap of every kernel."""
    return {
        "name": layer.name,
        "kind": layer.kind,
        "input": _shape(layer.input),
        "output": _shape(layer.output),
        "kernel": list(layer.kernel),
        "stride": list(layer.stride),
        "dilation": list(layer.dilation),
        "padding": layer.padding,
        "pads": list(layer.pads),
        "border": layer.border,
        "activation": layer.activation,
        "method": layer.method,
        "ranks": [{"rank": rank, "kernels": kernels} for rank, kernels in layer.ranks],
        "separated": layer.separated,
        "reason": layer.reason,
        "multiplications": layer.direct_multiplications,
        "chosen_multiplications": layer.multiplications,
        "executed_multiplications": layer.operations.executed_multiplications,
        "additions": layer.additions,
        "parameters": layer.parameters,
    }


def _shape(shape: tuple[int, int, int]) -> dict[str, int]:
    """Height, width and channels by name."""
    return dict(zip(("height", "width", "channels"), shape, strict=True))
