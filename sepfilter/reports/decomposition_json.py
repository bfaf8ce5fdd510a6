"""The decompositions of convolution layers as JSON, schema ``sepfilter.decomposition/1``."""

from __future__ import annotations

import json
from typing import Any

from sepfilter.plans.decomposition_table import (
    DecomposedBank,
    Decomposition,
    DecompositionRow,
    DecompositionTable,
)
from sepfilter.reports.figures import finite


def decomposition_json(decomposed: DecomposedBank) -> str:
    """The report of `decompose`.

    Parameters
    ----------
    decomposed : DecomposedBank
        With a table for each layer that was decomposed.

    Returns
    -------
    str
        JSON text; see ``docs/schemas/decomposition-1.json``.
    """
    report = {
        "schema": "sepfilter.decomposition/1",
        "weights": decomposed.weights,
        "output": decomposed.output,
        "layers": [_layer(one) for one in decomposed.layers],
        "kept": list(decomposed.kept),
    }
    return json.dumps(report, indent=2, allow_nan=False)


def _layer(decomposition: Decomposition) -> dict[str, Any]:
    """A layer with all multipliers that it can have."""
    table = decomposition.table
    outputs, inputs, high, wide = table.shape
    return {
        "name": table.name,
        "input_channels": inputs * table.groups,
        "output_channels": outputs,
        "kernel": {"height": high, "width": wide},
        "groups": table.groups,
        "multiplications": table.multiplications,
        "parameters": table.parameters,
        "levels": table.levels,
        "stored": table.stored,
        "ranks": {"least": table.ranks[0], "greatest": table.ranks[1]},
        "exact_multiplier": table.exact_multiplier,
        "decompositions": [_row(table, row) for row in table.rows],
        "chosen": _chosen(decomposition),
    }


def _row(table: DecompositionTable, row: DecompositionRow) -> dict[str, Any]:
    """One multiplier."""
    return {
        "multiplier": row.multiplier,
        "exact": row.multiplier >= table.exact_multiplier,
        "relative_error": row.relative_error,
        "worst_case_error": finite(row.worst_case_error),
        "multiplications": row.multiplications,
        "ratio": table.ratio(row),
        "parameters": row.parameters,
    }


def _chosen(decomposition: Decomposition) -> dict[str, Any] | None:
    """The multiplier that was chosen, and whether it keeps what was asked for."""
    if decomposition.multiplier is None:
        return None
    return {
        "multiplier": decomposition.multiplier,
        "max_error": finite(decomposition.max_error),
        "within": decomposition.is_within,
    }
