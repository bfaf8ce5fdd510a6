"""Choosing layers of a larger file, and lists of what there is."""

from __future__ import annotations

import json

import pytest

from sepfilter.banks.files.entry import Entry
from sepfilter.banks.files.load import bank_from_bytes
from sepfilter.banks.files.selection import selected_places
from sepfilter.errors import BankError

NAMES = ("stem", "block.1.conv", "block.1.norm", "block.10.conv", "head/a", "head/b")
ENTRIES = [Entry(name, "batch normalization", None if "norm" in name else tuple) for name in NAMES]


@pytest.mark.parametrize(
    ("select", "places"),
    [
        (["stem"], [0]),
        (["head/b", "stem"], [5, 0]),
        (["head"], [4, 5]),
        (["block.1.conv", "block.10"], [1, 3]),
        (["stem", "stem"], [0, 0]),
        (["stem.weight"], [0]),
    ],
)
def test_names_and_what_stands_before_them(select: list[str], places: list[int]) -> None:
    """In the order given; under a common beginning in the order of the file."""
    assert selected_places(ENTRIES, select) == places


@pytest.mark.parametrize(
    ("select", "message"),
    [
        (
            [],
            r"cannot run 'block.1.norm' \(batch normalization\): give --select: there is stem, block.1.conv, block.10",
        ),
        (["block.1"], "cannot run 'block.1.norm'"),
        (["hea"], "has no layer 'hea'.* there is stem, block.1.conv, block.10.conv, head/a, head/b"),
        (["stam"], r"has no layer 'stam': did you mean stem\? there is"),
        (["bl"], "has no layer 'bl'"),
        ([""], "has no layer ''"),
        (["x" * 10_000], "has no layer 'xxx"),
    ],
)
def test_what_cannot_be_selected(select: list[str], message: str) -> None:
    """The error names what was meant, and what there is."""
    with pytest.raises(BankError, match=f"^{message}") as caught:
        selected_places(ENTRIES, select)
    assert len(str(caught.value)) < 400


def test_a_name_of_several_layers_is_no_choice() -> None:
    """They can be run together, and not selected."""
    with pytest.raises(BankError, match="'a' is the name of 2 layers"):
        selected_places([Entry("a", "", tuple)] * 2, ["a"])


def test_long_lists_are_cut() -> None:
    """A thousand layers are not an error message."""
    entries = [Entry(f"layer{place}" + "\n" * 100, "", tuple) for place in range(1000)]
    with pytest.raises(BankError, match=r"layer11.* and 988 more") as caught:
        selected_places(entries, ["zzz"])
    assert str(caught.value).isprintable()


def test_layers_of_json_are_selected_by_name_or_kind() -> None:
    """A layer without a name is called as reports call it; it keeps that name in a smaller bank."""
    layers = [
        {"type": "depthwise", "kernel": "box:3"},
        {"type": "pointwise", "name": "mix", "matrix": [[1, 0]]},
        {"type": "depthwise", "kernel": "box:5"},
    ]
    content = json.dumps({"layers": layers}).encode()
    with pytest.raises(BankError, match=r"there is depthwise 1, mix, depthwise 3$"):
        bank_from_bytes(content, "mine", select=["other"])
    bank = bank_from_bytes(content, "mine", select=["depthwise 3", "mix"])
    assert [layer.name for layer in bank.layers] == ["depthwise 3", "mix"]
    assert bank.layers[0].kernel == (5, 5)


def test_a_broken_layer_that_is_not_selected_does_no_harm() -> None:
    """Only what runs is read."""
    layers = [{"type": "depthwise", "kernel": "box:3"}, {"type": "pointwise", "matrix": "x"}]
    content = json.dumps({"layers": layers}).encode()
    assert len(bank_from_bytes(content, "mine", select=["depthwise"]).layers) == 1
