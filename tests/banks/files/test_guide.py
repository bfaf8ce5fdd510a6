"""What the guide to bank files says is so."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from sepfilter.banks.activation import ACTIVATIONS
from sepfilter.banks.files import layer_table, stored_arrays, text_banks
from sepfilter.banks.files.load import bank_from_bytes

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "banks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ["toml", "json"])
def test_the_examples_are_one_bank(language: str) -> None:
    """TOML and JSON of the guide load, and are the same."""
    found = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    toml = re.search(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    assert toml is not None
    bank = bank_from_bytes(found[1].encode(), "guide")
    assert bank == bank_from_bytes(toml[1].encode(), "guide")
    read = json.loads if language == "json" else tomllib.loads
    assert bank.name == read(found[1])["name"]


def test_all_keys_and_attributes_are_in_it() -> None:
    """Those of layers in code font."""
    keys = {key for keys in layer_table._KEYS.values() for key in keys}
    for key in (*keys, *ACTIVATIONS[1:]):
        assert re.search(rf'`"?{key}[`":]|`"{key}', GUIDE), key
    for key in text_banks._KEYS:
        assert key in GUIDE
    for attribute in stored_arrays.OF_A_LAYER:
        assert f"`X.{attribute}`" in GUIDE


def test_limits_are_those_of_the_code() -> None:
    """Numbers in the guide are the program's."""
    assert f"{text_banks.MOST_JSON // 2**20} MiB of\nJSON" in GUIDE
    assert f"{text_banks.MOST_PARTS:,} arrays, objects and keys" in GUIDE
    assert f"{text_banks.MOST_TOML // 2**20} MiB of TOML; {text_banks.MOST_LAYERS:,} layers" in GUIDE
