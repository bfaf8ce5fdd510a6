"""Banks that people write, in JSON and TOML: every key and value."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sepfilter.banks.activation import Activation
from sepfilter.banks.bank import Bank
from sepfilter.banks.files.load import bank_from_bytes, load_bank
from sepfilter.banks.input_scale import InputScale
from sepfilter.banks.layer import Layer
from sepfilter.banks.layers import Conv, Depthwise, Pointwise
from sepfilter.banks.padding import Padding
from sepfilter.errors import BankError
from sepfilter.plans.border import Border

SOBEL_X = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
SOBEL_Y = [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]


def bank_of(*layers: dict[str, Any], **more: Any) -> Bank:
    """The bank of layers in JSON."""
    return bank_from_bytes(json.dumps({"layers": list(layers), **more}).encode(), "mine")


def layer_of(**table: Any) -> Layer:
    """The layer of an object in JSON."""
    return bank_of(table).layers[0]


@pytest.mark.parametrize(
    ("toml", "table", "layer"),
    [
        (
            'kernels = ["sobel-x", [[0, 0.5, 0], [0, 1_0.5, 0], [0, 0, 0]]]',
            {"kernels": [SOBEL_X, [[0, 0.5, 0], [0, 10.5, 0], [0, 0, 0]]]},
            Depthwise([[SOBEL_X], [[[0, 0.5, 0], [0, 10.5, 0], [0, 0, 0]]]]),
        ),
        ('kernel = "1 2 1"', {"kernel": [1, 2, 1]}, Depthwise([[[[1, 2, 1]]]], shared=True)),
        (
            'matrix = "1/4 1/2 1/4; 1 0 0"\nbias = [0.5, -1]',
            {"matrix": [["1/4", 0.5, 0.25], [1, 0, 0]], "bias": [0.5, -1]},
            Pointwise([[0.25, 0.5, 0.25], [1, 0, 0]], [0.5, -1]),
        ),
        (
            'matrix = "1 2"\nstride = [2, 1]\nborder = "constant:-0.5"',
            {"matrix": [[1, 2]], "stride": "2 1", "border": "constant:-0.5"},
            Pointwise([[1, 2]], stride=(2, 1), border=Border("constant", -0.5)),
        ),
        (
            'matrix = "1; 2"\npadding = "same"\nactivation = { prelu = [0.1, 0.2] }',
            {"matrix": [[1], [2]], "padding": "same", "activation": "prelu:0.1 0.2"},
            Pointwise([[1], [2]], padding=Padding("same"), activation=Activation("prelu", (0.1, 0.2))),
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_toml_and_json_are_the_same_layer(toml: str, table: dict[str, Any], layer: Layer) -> None:
    """Both formats have one structure."""
    lines = f"[[layers]]\ntype = '{layer.kind}'\nname = 'a'\n{toml}".encode()
    wanted = (replace(layer, name="a"),)
    assert bank_from_bytes(lines, "mine", ".toml").layers == wanted
    assert bank_of({"type": layer.kind, "name": "a", **table}).layers == wanted


def test_toml_and_json_are_the_same_bank() -> None:
    """Its name and input scale stand before the layers."""
    lines = b'name = "edges"\ninput_scale = "1"\n[[layers]]\ntype = "pointwise"\nmatrix = "1 2"'
    bank = bank_from_bytes(lines, "mine", ".toml")
    assert bank == bank_of({"type": "pointwise", "matrix": [[1, 2]]}, name="edges", input_scale=1)
    assert (bank.name, bank.input_scale) == ("edges", InputScale(1.0))


def test_the_file_names_the_bank_unless_it_says_a_name(tmp_path: Path) -> None:
    """Reports call it by the stem."""
    path = tmp_path / "blur.json"
    path.write_text('{"layers": [{"type": "depthwise", "kernel": "box:3"}]}')
    assert load_bank(path).name == "blur"


def test_one_kernel_is_for_all_channels() -> None:
    """A layer with a single kernel takes any number of channels."""
    layer = layer_of(type="depthwise", kernel="sobel-x")
    assert isinstance(layer, Depthwise)
    assert layer.shared
    assert layer.weights.shape == (1, 1, 3, 3)


def test_kernels_in_kernels_are_a_multiplier() -> None:
    """Each channel has as many kernels as its list, in their order."""
    layer = layer_of(type="depthwise", kernels=[["sobel-x", "sobel-y"], ["sobel-y", SOBEL_X]])
    assert layer.weights.tolist() == [[SOBEL_X, SOBEL_Y], [SOBEL_Y, SOBEL_X]]


def test_rows_of_numbers_are_one_kernel() -> None:
    """A list of numbers is a kernel of one row, and lists of numbers are its rows."""
    layer = layer_of(type="depthwise", kernels=[[1, 2, 1], [[1], [2], [1]]])
    assert layer.weights.shape == (2, 1, 3, 3)
    assert layer.weights[0, 0].tolist() == [[0, 0, 0], [1, 2, 1], [0, 0, 0]]
    assert layer.weights[1, 0].tolist() == [[0, 1, 0], [0, 2, 0], [0, 1, 0]]


@pytest.mark.parametrize(
    ("size", "other"), [((3, 3), (5, 5)), ((2, 2), (3, 3)), ((3, 1), (4, 2)), ((1, 6), (5, 1))]
)
def test_kernels_of_other_sizes_share_their_anchor(size: tuple[int, int], other: tuple[int, int]) -> None:
    """The tap on the output pixel, (kh // 2, kw // 2), is the same one in all of them."""
    small, large = np.zeros(size), np.ones(other)
    small[size[0] // 2, size[1] // 2] = 7
    weights = layer_of(type="depthwise", kernels=[small.tolist(), large.tolist()]).weights
    height, width = weights.shape[2:]
    assert (height, width) == tuple(np.maximum(size, other))
    assert weights[0, 0, height // 2, width // 2] == 7
    assert weights[1].sum() == large.size


def test_an_offset_is_added_to_the_bias() -> None:
    """A kernel's own offset comes after its sum, as a bias does."""
    kernel = {"kernel": [[1, 1]], "scale": 2, "offset": 3}
    layer = layer_of(type="depthwise", kernels=[kernel, "identity"], bias=[10, 20])
    assert layer.bias is not None
    assert layer.bias.tolist() == [13, 20]
    assert layer.weights[0, 0].sum() == 1


def test_files_lie_beside_the_bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names in a bank file are looked up in its folder, not where the command runs."""
    folder = tmp_path / "banks"
    folder.mkdir()
    (folder / "k.csv").write_text("1,2,1\n")
    (folder / "m.txt").write_text("1 2\n3 4\n")
    np.save(folder / "w.npy", np.arange(12.0).reshape(2, 2, 1, 3).astype(np.float16))
    (folder / "b.json").write_text(
        json.dumps(
            {
                "layers": [
                    {"type": "depthwise", "kernels": [{"file": "k.csv"}, "k.csv"]},
                    {"type": "pointwise", "matrix": {"file": "m.txt"}},
                    {"type": "conv", "weights": {"file": "w.npy"}},
                ]
            }
        )
    )
    monkeypatch.chdir(tmp_path)
    depthwise, pointwise, conv = load_bank("banks/b.json").layers
    assert depthwise.weights.tolist() == [[[[1, 2, 1]]], [[[1, 2, 1]]]]
    assert pointwise.weights.tolist() == [[1, 2], [3, 4]]
    assert conv.weights.ravel().tolist() == list(range(12))


def test_weights_are_in_the_layers_own_order() -> None:
    """The array of each kind is taken as the layer has it."""
    weights = np.arange(16.0).reshape(4, 1, 2, 2)
    layer = layer_of(type="conv", weights=weights.tolist(), groups=2, dilation=3, padding=[1, 2, 3, 4])
    assert isinstance(layer, Conv)
    assert np.array_equal(layer.weights, weights)
    assert (layer.groups, layer.dilation, str(layer.padding)) == (2, (3, 3), "1 2 3 4")
    shared = layer_of(type="depthwise", weights=[[[[1, 2]], [[3, 4]]]], shared=True)
    assert shared.input_channels is None
    assert isinstance(layer_of(type="pointwise", weights=[[1, 2]]), Pointwise)


@pytest.mark.parametrize(
    ("given", "scale"),
    [
        (255, InputScale(255.0)),
        ("1", InputScale(1.0)),
        ("0.5,0.25/2", InputScale(1.0, (0.5, 0.25), (2.0,))),
        ({"white": 255, "mean": [1, 2], "deviation": 3}, InputScale(255.0, (1.0, 2.0), (3.0,))),
        ({"white": None, "mean": [1, 2]}, InputScale(None, (1.0, 2.0))),
    ],
)
def test_input_scales(given: object, scale: InputScale) -> None:
    """Numbers, text, and an object for what text cannot say."""
    assert bank_of({"type": "pointwise", "matrix": [[1, 1]]}, input_scale=given).input_scale == scale


def test_nonfinite_weights_are_taken_if_asked_for() -> None:
    """JSON as Python writes it has NaN; the error names the layer."""
    content = b'{"layers": [{"type": "pointwise", "name": "mix", "weights": [[NaN, 1]]}]}'
    with pytest.raises(
        BankError, match=r"^mine: weights that are NaN or infinite in mix: .*--allow-nonfinite"
    ):
        bank_from_bytes(content, "mine")
    assert np.isnan(bank_from_bytes(content, "mine", allow_nonfinite=True).layers[0].weights[0, 0])


def test_long_matrices_in_toml_are_no_keys() -> None:
    """Dots of numbers in text are not those of a key."""
    row = "0.5 " * 300
    for text in (f'"{row}"', f'"""\n{row}\n{row}"""', f"[[{'0.5, ' * 300}]]"):
        content = f"[[layers]]\ntype = 'pointwise'\nmatrix = {text}".encode()
        assert bank_from_bytes(content, "mine", ".toml").input_channels == 300
