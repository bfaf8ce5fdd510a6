"""What `decompose` prints: tables for people, JSON for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepfilter.banks.decomposition import decomposition_table
from sepfilter.banks.layers import Conv
from sepfilter.plans.decomposition_table import (
    DecomposedBank,
    Decomposition,
    DecompositionRow,
    DecompositionTable,
)
from sepfilter.reports.decomposition_json import decomposition_json
from sepfilter.reports.decomposition_text import decomposition_text

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs/schemas/decomposition-1.json").read_text())

EDGES = DecompositionTable(
    name="edges",
    shape=(32, 3, 3, 3),
    groups=1,
    levels=255.0,
    stored="float32",
    multiplications=864,
    parameters=896,
    ranks=(2, 3),
    rows=(
        DecompositionRow(1, 0.41234, 181.51, 123, 155),
        DecompositionRow(2, 0.1, 1234567.0, 246, 278),
        DecompositionRow(3, 3.14e-8, 1.54e-5, 369, 401),
        DecompositionRow(4, 3.14e-8, 1.54e-5, 492, 524),
    ),
)


def text(*layers: Decomposition, kept: tuple[str, ...] = ()) -> str:
    """The tables of layers."""
    return decomposition_text(DecomposedBank("w.npz", layers, kept))


def report(*layers: Decomposition, output: str | None = None) -> Any:
    """The JSON of layers, if the schema accepts it."""
    found = json.loads(decomposition_json(DecomposedBank("w.npz", layers, ("mix",), output)))
    jsonschema.validate(found, SCHEMA)
    return found


def test_the_table_has_a_line_for_each_multiplier() -> None:
    """What it is, what the numbers mean, and rows as far as they differ, the chosen one marked."""
    assert text(Decomposition(EDGES, 2)).splitlines() == [
        "edges: 3 x 3 convolution, 3 -> 32 channels",
        "  864 multiplications an output pixel, 896 parameters; ratio: how many times fewer",
        "  multiplications a row has",
        "  worst case: of an output before its activation, for inputs from 0 to 255, by factors in",
        "  float32",
        "  exact from multiplier 3 on, but for rounding to float32: no input channel has a higher rank,",
        "  and more kernels, up to 4, add nothing; channels of lower rank, from 2 on, get kernels of 0",
        "",
        "  multiplier  relative error  worst case  multiplications  ratio  parameters",
        "           1           0.412         182              123   7.02         155",
        ">          2             0.1     1230000              246   3.51         278",
        "           3        3.14e-08    1.54e-05              369   2.34         401",
        "",
        "  chosen: multiplier 2, as asked",
    ]


def test_a_table_without_a_choice_ends_with_its_rows() -> None:
    """Nothing is marked."""
    lines = text(Decomposition(EDGES)).splitlines()
    assert lines[-1].split()[0] == "3"
    assert ">" not in "".join(lines[1:])


@pytest.mark.parametrize(
    ("multiplier", "limit", "words"),
    [
        (1, 200.0, "chosen: multiplier 1, the least whose worst case is within 200"),
        (3, 1e-9, "chosen: multiplier 3: none is within 1e-09; this one is exact but for rounding, which makes 1.54e-05"),
        (4, None, "chosen: multiplier 4, as asked"),
    ],
)  # fmt: skip
def test_why_a_multiplier_was_chosen_is_said(multiplier: int, limit: float | None, words: str) -> None:
    """Because it was asked for, is within a limit, or is the exact one where none is."""
    found = text(Decomposition(EDGES, multiplier, limit))
    assert words in " ".join(found.split())
    assert f"\n>          {multiplier} " in found


def test_a_choice_that_saves_nothing_is_told() -> None:
    """Full rank from 2 channels to 2 takes more than the layer as it is."""
    table = decomposition_table(Conv(np.random.default_rng(0).normal(size=(2, 2, 3, 3)), name="a"))
    assert "it saves nothing: the layer as it is takes no more" in " ".join(
        text(Decomposition(table, 2)).split()
    )


def test_groups_are_named() -> None:
    """With all input channels, not those of a group."""
    table = decomposition_table(Conv(np.ones((4, 3, 3, 3)), groups=2, name="a"))
    assert text(Decomposition(table)).startswith("a: 3 x 3 convolution, 6 -> 4 channels in 2 groups\n")


def test_weights_of_zero_are_named() -> None:
    """Their rank is 0, and no error is left."""
    found = text(Decomposition(decomposition_table(Conv(np.zeros((4, 3, 3, 3))))))
    assert "all weights are 0: multiplier 1 is exact" in found
    assert found.splitlines()[-1].split()[:3] == ["1", "0", "0"]


def test_several_layers_have_tables_of_their_own() -> None:
    """One after the other, and what was kept after them."""
    parts = text(Decomposition(EDGES), Decomposition(EDGES), kept=("mix", "relu")).split("\n\n")
    assert len([part for part in parts if part.startswith("edges: ")]) == 2
    assert parts[-1] == "kept as they are: mix, relu"


def test_long_names_are_cut() -> None:
    """Names come from files."""
    odd = decomposition_table(Conv(np.ones((2, 2, 3, 3)), name="x" * 500))
    found = text(Decomposition(odd))
    assert max(map(len, found.splitlines())) <= 110


@given(
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3)),
    st.integers(0, 2**32 - 1),
    st.sampled_from([1e-30, 1.0, 255.0, 1e300]),
    st.one_of(st.none(), st.floats(0, 1e3)),
)
def test_every_report_follows_the_schema_and_fits(
    shape: tuple[int, int, int, int], seed: int, levels: float, limit: float | None
) -> None:
    """Lines of at most 96 letters; JSON that validates."""
    layer = Conv(np.random.default_rng(seed).normal(size=shape), name="drawn")
    table = decomposition_table(layer, levels=levels)
    one = Decomposition(table, None if limit is None else table.within(limit).multiplier, limit)
    assert max(map(len, text(one).splitlines())) <= 96
    assert len(report(one)["layers"][0]["decompositions"]) == len(table.rows)


def test_the_json_has_what_the_table_has() -> None:
    """All multipliers, those that add nothing among them; which one was chosen, and the files."""
    found = report(Decomposition(EDGES, 2, 1e7), output="out.npz")
    (layer,) = found["layers"]
    assert (found["schema"], found["weights"], found["output"], found["kept"]) == (
        "sepfilter.decomposition/1", "w.npz", "out.npz", ["mix"],
    )  # fmt: skip
    assert (layer["input_channels"], layer["output_channels"], layer["kernel"]) == (
        3, 32, {"height": 3, "width": 3},
    )  # fmt: skip
    assert [row["exact"] for row in layer["decompositions"]] == [False, False, True, True]
    assert layer["decompositions"][0] == {
        "multiplier": 1,
        "exact": False,
        "relative_error": 0.41234,
        "worst_case_error": 181.51,
        "multiplications": 123,
        "ratio": 864 / 123,
        "parameters": 155,
    }
    assert layer["chosen"] == {"multiplier": 2, "max_error": 1e7, "within": True}
    assert layer["ranks"] == {"least": 2, "greatest": 3}


def test_the_json_tells_when_no_multiplier_is_within() -> None:
    """The exact one is chosen, with its error in its row."""
    (layer,) = report(Decomposition(EDGES, 3, 1e-9))["layers"]
    assert layer["chosen"] == {"multiplier": 3, "max_error": 1e-9, "within": False}


def test_without_a_choice_the_json_has_null() -> None:
    """For the choice and for the file."""
    found = report(Decomposition(EDGES))
    assert (found["layers"][0]["chosen"], found["output"]) == (None, None)


def test_an_error_beyond_float64_is_null() -> None:
    """JSON has no word for infinity."""
    table = decomposition_table(Conv(np.eye(9).reshape(9, 1, 3, 3) * 1e30, name="a"), levels=1e300)
    (layer,) = report(Decomposition(table))["layers"]
    assert layer["decompositions"][0]["worst_case_error"] is None
    assert ">1.8e308" in text(Decomposition(table))
