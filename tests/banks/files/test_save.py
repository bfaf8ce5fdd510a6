"""Banks written and read back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from sepfilter.banks.activation import Activation
from sepfilter.banks.bank import Bank
from sepfilter.banks.files.load import load_bank
from sepfilter.banks.files.save import save_bank
from sepfilter.banks.input_scale import InputScale
from sepfilter.banks.layer import Layer
from sepfilter.banks.layers import Conv, Depthwise, Pointwise
from sepfilter.banks.padding import Padding
from sepfilter.errors import BankError, OutputExistsError
from sepfilter.plans.border import Border

SUFFIXES = (".json", ".npz", ".safetensors")
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(0.001, 1e6)
NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=8)


@st.composite
def layers(draw: st.DrawFn, channels: int) -> Layer:
    """A layer of any kind for so many channels, with everything that a layer may say."""
    kernel = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    outputs = draw(st.integers(1, 3)) * channels
    groups = draw(st.sampled_from([1, channels]))
    shapes: dict[type[Layer], tuple[int, ...]] = {
        Depthwise: (channels, outputs // channels, *kernel),
        Pointwise: (outputs, channels),
        Conv: (outputs, channels // groups, *kernel),
    }
    kind = draw(st.sampled_from(list(shapes)))
    options: dict[str, Any] = {"groups": groups} if kind is Conv else {}
    pairs = st.tuples(st.integers(1, 9), st.integers(1, 9))
    alphas = draw(st.lists(FLOATS, min_size=outputs, max_size=outputs))
    choice = st.sampled_from(["none", "relu", "relu6", "softmax", "hard_swish", "leaky_relu"]).map(Activation)
    return kind(
        draw(npst.arrays(np.float32, shapes[kind], elements=FLOATS)),
        draw(st.none() | npst.arrays(np.float32, outputs, elements=FLOATS)),
        stride=draw(pairs),
        dilation=draw(pairs),
        padding=draw(
            st.sampled_from([None, Padding("same"), Padding("same-lower"), Padding("explicit", (0, 1, 2, 3))])
        ),
        border=draw(
            st.none() | st.just(Border("wrap")) | FLOATS.map(lambda number: Border("constant", number))
        ),
        activation=draw(choice | st.just(Activation("prelu", tuple(alphas)))),
        name=draw(st.just("") | NAMES),
        **options,
    )


@st.composite
def banks(draw: st.DrawFn) -> Bank:
    """One to three layers that chain."""
    found: list[Layer] = []
    for _ in range(draw(st.integers(1, 3))):
        found.append(draw(layers((found[-1].output_channels or 1) if found else draw(st.integers(1, 3)))))
    numbers = st.lists(FLOATS, min_size=1, max_size=3).map(tuple)
    scale = st.builds(
        InputScale, st.none() | POSITIVE | st.just(1.0), numbers, st.lists(POSITIVE, min_size=1).map(tuple)
    )
    return Bank(tuple(found), draw(NAMES), draw(st.just(InputScale()) | POSITIVE.map(InputScale) | scale))


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(bank=banks())
@settings(max_examples=60, deadline=None)
def test_a_bank_comes_back_whole(suffix: str, bank: Bank, tmp_path_factory: pytest.TempPathFactory) -> None:
    """All that its layers say, names and input scale included."""
    path = tmp_path_factory.mktemp("banks") / f"bank{suffix}"
    save_bank(bank, path)
    assert load_bank(path) == bank


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_kernels_for_any_number_of_channels_come_back(suffix: str, tmp_path: Path) -> None:
    """They stay shared, with their multiplier."""
    bank = Bank((Depthwise(np.arange(18.0).reshape(1, 2, 3, 3), [1, 2], shared=True),))
    save_bank(bank, tmp_path / f"b{suffix}")
    assert load_bank(tmp_path / f"b{suffix}") == bank


def test_json_keeps_float64(tmp_path: Path) -> None:
    """The others keep what float32 holds."""
    bank = Bank((Pointwise([[0.1, 1e-300]]),))
    save_bank(bank, tmp_path / "b.json")
    assert load_bank(tmp_path / "b.json") == bank
    save_bank(bank, tmp_path / "b.npz")
    assert load_bank(tmp_path / "b.npz").layers[0].weights.tolist() == [[float(np.float32(0.1)), 0.0]]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nonfinite_weights_come_back(suffix: str, tmp_path: Path) -> None:
    """A bank that was taken with them is written with them."""
    bank = Bank((Pointwise([[np.nan, np.inf, -np.inf]]),))
    path = tmp_path / f"b{suffix}"
    save_bank(bank, path)
    assert np.array_equal(
        load_bank(path, allow_nonfinite=True).layers[0].weights, bank.layers[0].weights, equal_nan=True
    )
    with pytest.raises(BankError, match="NaN or infinite"):
        load_bank(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "names", [("a", "a"), ("layer 2", "a\\b"), ("layer 2", "layer 2"), ("x", "x.stride"), ("block/1", "..")]
)
def test_odd_names_come_back(suffix: str, names: tuple[str, str], tmp_path: Path) -> None:
    """Two layers of one name, or names that look like paths or attributes."""
    bank = Bank(
        tuple(Pointwise(np.eye(2) * place, stride=2, name=name) for place, name in enumerate(names, 1))
    )
    save_bank(bank, tmp_path / f"b{suffix}")
    assert load_bank(tmp_path / f"b{suffix}") == bank


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_names_that_no_file_may_have_are_changed(suffix: str, tmp_path: Path) -> None:
    """A bank file is always one that can be read."""
    bank = Bank((Pointwise([[1.0]], name="abc" + "d" * 500),), name="\n")
    save_bank(bank, tmp_path / f"b{suffix}")
    back = load_bank(tmp_path / f"b{suffix}")
    assert back.name == "?"
    assert back.layers[0].name.startswith("abcddd")
    assert back.layers == (replace(bank.layers[0], name=back.layers[0].name),)


def test_a_square_bank_is_not_ambiguous(tmp_path: Path) -> None:
    """What we write says its layout."""
    bank = Bank((Conv(np.arange(81.0).reshape(3, 3, 3, 3)),))
    save_bank(bank, tmp_path / "b.npz")
    assert load_bank(tmp_path / "b.npz") == bank
    with pytest.raises(BankError, match="says itself that its layout is torch: leave out --layout keras"):
        load_bank(tmp_path / "b.npz", layout="keras")


def test_files_are_not_replaced_unless_asked(tmp_path: Path) -> None:
    """The old one stays as it was."""
    path = tmp_path / "b.json"
    path.write_text("mine")
    bank = Bank((Pointwise([[1.0]]),))
    with pytest.raises(OutputExistsError):
        save_bank(bank, path)
    assert path.read_text() == "mine"
    save_bank(bank, path, overwrite=True)
    assert load_bank(path, select=["pointwise"]).layers == bank.layers


def test_other_formats_are_not_written(tmp_path: Path) -> None:
    """The error lists those that are."""
    with pytest.raises(BankError, match=r"b.onnx: a bank is written as .json, .npz, .safetensors"):
        save_bank(Bank((Pointwise([[1.0]]),)), tmp_path / "b.onnx")


def test_json_that_could_not_be_read_is_not_written(tmp_path: Path) -> None:
    """Its limit is the reader's."""
    bank = Bank((Depthwise(np.zeros((3, 1, 2000, 2000))),))
    with pytest.raises(
        BankError, match=r"12,000,000 numbers make a JSON file of more than 32 MiB: save it as .npz"
    ):
        save_bank(bank, tmp_path / "b.json")
    many = Bank((Conv(np.zeros((1024, 600, 1, 1))),))
    with pytest.raises(
        BankError, match=r"b.json: more than 1,048,576 arrays, objects and keys: keep such weights"
    ):
        save_bank(many, tmp_path / "b.json")
