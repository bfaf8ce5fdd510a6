"""`.npz` and `.safetensors`: layers by the names of their arrays, and attributes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.banks.bank import Bank
from sepfilter.banks.files.load import bank_from_bytes, load_bank
from sepfilter.banks.input_scale import InputScale
from sepfilter.banks.layers import Conv, Depthwise, Pointwise
from sepfilter.errors import BankError

Write = Callable[..., bytes]

RNG = np.random.default_rng(8)
DEPTHWISE = RNG.normal(size=(3, 2, 5, 5)).astype(np.float32)
POINTWISE = RNG.normal(size=(4, 6)).astype(np.float32)
CONV = RNG.normal(size=(8, 2, 3, 3)).astype(np.float32)


def test_layers_are_found_by_name(write: Write) -> None:
    """Names end in the kind of layer, weights in order, each with its bias."""
    arrays = {
        "block.conv1.weight": CONV,
        "block.depthwise": np.ones((8, 1, 3, 3), np.float32),
        "block.pointwise.bias": np.arange(2, dtype=np.float32),
        "block.pointwise.weight": np.ones((2, 8, 1, 1), np.float32),
    }
    bank = bank_from_bytes(write(arrays, {"block.conv1.groups": "4"}), "mine")
    conv, depthwise, pointwise = bank.layers
    assert [layer.name for layer in bank.layers] == ["block.conv1", "block.depthwise", "block.pointwise"]
    assert isinstance(conv, Conv)
    assert conv.groups == 4
    assert np.array_equal(conv.weights, CONV)
    assert isinstance(depthwise, Depthwise)
    assert isinstance(pointwise, Pointwise)
    assert pointwise.bias is not None
    assert pointwise.bias.tolist() == [0, 1]


def test_attributes_stand_beside_the_weights(write: Write) -> None:
    """Stride, dilation, padding, border and activation as text; name and input scale of the bank."""
    texts = {
        "depthwise.stride": "2 1",
        "depthwise.dilation": "3",
        "depthwise.padding": "1 2 3 4",
        "depthwise.border": "constant:-1",
        "depthwise.activation": "leaky_relu:0.25",
        "name": "edges",
        "input_scale": "255",
    }
    bank = bank_from_bytes(
        write({"depthwise.weight": DEPTHWISE, "pointwise.weight": POINTWISE}, texts), "mine"
    )
    layer = bank.layers[0]
    assert (layer.stride, layer.dilation, str(layer.padding)) == ((2, 1), (3, 3), "1 2 3 4")
    assert (str(layer.border), str(layer.activation)) == ("constant:-1", "leaky_relu:0.25")
    assert (bank.name, bank.input_scale) == ("edges", InputScale(255.0))


def test_batch_normalization_cannot_be_run(write: Write) -> None:
    """A file with layers that are none is refused unless others are selected."""
    content = write(
        {"0.weight": CONV, "1.weight": np.ones(8), "1.bias": np.ones(8), "1.running_mean": np.ones(8)}
    )
    with pytest.raises(BankError, match=r"mine: cannot run '1' \(a normalization.*give --select: there is 0"):
        bank_from_bytes(content, "mine")
    assert bank_from_bytes(content, "mine", select=["0"]).layers[0].name == "0"


def test_files_are_read_as_their_content_is(write: Write, tmp_path: Path) -> None:
    """From a path or from bytes, whatever the suffix."""
    content = write({"depthwise.weight": DEPTHWISE})
    path = tmp_path / "b.bin"
    path.write_bytes(content)
    assert load_bank(path).layers == bank_from_bytes(content, "m").layers


@pytest.mark.parametrize(
    ("arrays", "texts", "message"),
    [
        ({}, {}, "holds nothing, and no layer|no .npz|holds no"),
        ({"w": POINTWISE}, {}, "holds w, and no layer: call weights X.weight"),
        ({"a.bias": POINTWISE}, {}, "'a.bias' has no weights beside it"),
        ({"conv": CONV, "conv.weight": CONV}, {}, "both conv and conv.weight"),
        (
            {"a.weight": CONV},
            {"a.strides": "2"},
            "'a.strides': a layer has no 'strides': did you mean stride",
        ),
        ({"abc.weight": CONV}, {"abd.stride": "2"}, "'abd.stride' belongs to no weights: did you mean abc"),
        ({"a.weight": CONV}, {"a.stride": "two"}, "layer 'a': stride: 'two': give whole numbers"),
        ({"a.weight": CONV}, {"a.stride": "-1"}, "layer 'a': stride: '-1': give whole numbers"),
        ({"a.weight": CONV}, {"a.type": "konv"}, "layer 'a': type 'konv': did you mean conv"),
        (
            {"a.weight": CONV},
            {"a.type": "pointwise"},
            "layer 'a': weights with 3 x 3 taps: a pointwise layer has one",
        ),
        ({"a.weight": CONV}, {"a.groups": "3"}, "layer 'a': 8 output channels in 3 groups"),
        ({"a.weight": CONV}, {"a.type": "depthwise", "a.groups": "3"}, "no depthwise layer of 3 groups"),
        (
            {"a.weight": CONV},
            {"a.shared": "yes", "a.type": "depthwise"},
            "layer 'a': shared: 'yes': give true or false",
        ),
        ({"a.weight": CONV}, {"a.padding": "9" * 4000}, "layer 'a': padding '9999"),
        ({"a.weight": CONV}, {"a.activation": "prelu:" + "x " * 4000}, "layer 'a': activation 'prelu:x"),
        ({"a.weight": CONV}, {"layout": "pytorch"}, "layout 'pytorch': use torch or keras"),
        ({"a.weight": CONV}, {"name": "a\nb"}, "name: 'a.*nb': give 1 to 200 printable"),
        ({"a.weight": CONV}, {"input_scale": "{"}, "input_scale: not valid JSON"),
        ({"a.weight": CONV, "a.bias": np.ones(3)}, {}, r"layer 'a': a bias of shape \(3,\)"),
        ({"conv.weight": np.zeros((0, 2, 3, 3))}, {}, "cannot run 'conv'"),
        ({"conv.weight": np.full((1, 2, 3, 3), np.nan)}, {}, "NaN or infinite in conv"),
        (
            {"depthwise.weight": POINTWISE},
            {"depthwise.type": "depthwise"},
            "a depthwise layer has 4 dimensions",
        ),
        ({f"{'a' * 600}.weight": CONV}, {}, "a name of 607 characters: at most 500"),
    ],
    ids=lambda value: str(value)[-30:],
)
def test_what_is_wrong_with_arrays(
    write: Write, arrays: dict[str, Any], texts: dict[str, str], message: str
) -> None:
    """The error is one line that names the file, and the layer where there is one."""
    with pytest.raises(BankError, match=f"^mine: .*({message})") as caught:
        bank_from_bytes(write(arrays, texts), "mine", layout=None if "layout" in texts else "torch")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", ["a\x1b[2J", "a\nb", "\u202eb"])
def test_a_name_that_is_not_printable_is_refused(write: Write, name: str) -> None:
    """It would reach the terminal in every report; the error shows it safely."""
    with pytest.raises(BankError, match=r"^mine: layer 'a?\\.+': is no name for a layer") as caught:
        bank_from_bytes(write({f"{name}.weight": CONV}), "mine", layout="torch")
    assert str(caught.value).isprintable()


@given(st.integers(0, 2000), st.integers(0, 255), st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_damaged_file_is_a_bank_or_an_error(
    stored: ModuleType, place: int, value: int, is_npz: bool
) -> None:
    """One byte changed anywhere, or a file cut there, never gives another exception."""
    content = (stored.npz if is_npz else stored.safetensors)(
        {"depthwise.weight": DEPTHWISE[:, :1], "pointwise": POINTWISE[:, :3]}, {"depthwise.stride": "2"}
    )
    damaged = bytearray(content)
    damaged[place % len(damaged)] = value
    for one in (bytes(damaged), content[: place % len(content)]):
        try:
            found: Bank | str = bank_from_bytes(one, "mine", allow_nonfinite=True)
        except BankError as error:
            found = str(error)
        assert isinstance(found, Bank) or found.isprintable()
