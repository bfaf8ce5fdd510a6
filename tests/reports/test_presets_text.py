"""The list of presets."""

from __future__ import annotations

import pytest

from sepfilter.kernels.presets import PRESETS
from sepfilter.reports.presets_text import presets_text

LIST = presets_text()


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_size_rank_and_parameters(name: str) -> None:
    """Its name and summary, an example with size and rank, and the meaning of each parameter."""
    preset = PRESETS[name]
    entry = LIST.split(f"\n{name} ")[1].split("\n            ")
    assert entry[0].strip() == preset.summary
    assert any("taps, rank" in line for line in entry)
    for parameter in preset.parameters:
        assert any(line.startswith(f"  {parameter.name}: ") for line in entry)


@pytest.mark.parametrize(
    "usage", ["gaussian:sigma[,radius]", "box[:height[,width]]", "motion[:length[,angle]]", "disk:radius"]
)
def test_usage_shows_what_may_be_left_out(usage: str) -> None:
    """Parameters in order, those with a default in brackets."""
    assert f" {usage}\n" in LIST


def test_the_list_says_how_to_read_it() -> None:
    """How values are given and what a rank is, in lines that fit."""
    assert "gaussian:3, motion:15,45" in LIST
    assert "rank 1 is separable" in LIST
    assert max(map(len, LIST.splitlines())) <= 100
