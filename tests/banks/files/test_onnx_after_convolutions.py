"""ONNX files: activations, normalization and constants become parts of the layers before them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from sepfilter.banks.activation import Activation
from sepfilter.banks.files.onnx_file import entries_from_onnx
from sepfilter.banks.layers import Depthwise

onnx = pytest.importorskip("onnx")
helper, numpy_helper = onnx.helper, onnx.numpy_helper

FEW = settings(max_examples=40, deadline=None)


@pytest.mark.parametrize(
    ("operator", "constants", "activation"),
    [
        (("Relu", [], {}), {}, Activation("relu")),
        (("LeakyRelu", [], {}), {}, Activation("leaky_relu", (0.01,))),
        (("LeakyRelu", [], {"alpha": 0.5}), {}, Activation("leaky_relu", (0.5,))),
        (("PRelu", ["s"], {}), {"s": np.float32([[[0.5]], [[0.25]]])}, Activation("prelu", (0.5, 0.25))),
        (("PRelu", ["s"], {}), {"s": np.float32(0.5)}, Activation("prelu", (0.5,))),
        (("Sigmoid", [], {}), {}, Activation("sigmoid")),
        (("Tanh", [], {}), {}, Activation("tanh")),
        (("Softmax", [], {"axis": 1}), {}, Activation("softmax")),
        (("Softmax", [], {"axis": -3}), {}, Activation("softmax")),
        (("HardSwish", [], {}), {}, Activation("hard_swish")),
        (("Clip", ["l", "h"], {}), {"l": np.float32(0), "h": np.float32(6)}, Activation("relu6")),
        (("Clip", ["l"], {}), {"l": np.float32(0)}, Activation("relu")),
    ],
)
def test_the_activation_becomes_a_part_of_the_layer(
    graphs: ModuleType,
    naive: ModuleType,
    operator: tuple[str, list[str], dict[str, Any]],
    constants: dict[str, np.ndarray],
    activation: Activation,
) -> None:
    """A single layer is left, and it makes what the two operators make."""
    content = graphs.model(
        graphs.chain(graphs.conv(), operator),
        {"w": graphs.numbers(2, 3, 3, 2), "b": graphs.numbers(2), **constants},
    )
    (layer,) = graphs.check(naive, content)
    assert layer.activation == activation
    assert activation.name in graphs.entry_of(content).what


def test_limits_as_attributes(graphs: ModuleType) -> None:
    """Files of opset 6 have the limits of Clip there."""
    nodes = graphs.chain(graphs.conv(), ("Clip", [], {"min": 0.0, "max": 6.0}))
    (layer,) = graphs.layers_of(
        graphs.model(nodes, {"w": graphs.numbers(2, 3, 3, 2), "b": graphs.numbers(2)}, opset=6)
    )
    assert layer.activation == Activation("relu6")


def test_a_hard_swish_in_two_operators(graphs: ModuleType, naive: ModuleType) -> None:
    """x * hard_sigmoid(x) with a slope of 1/6, as older exporters write it."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="c"),
        helper.make_node("HardSigmoid", ["c"], ["g"], alpha=1 / 6),
        helper.make_node("Mul", ["g", "c"], ["y"]),
    ]
    (layer,) = graphs.check(naive, graphs.model(nodes, {"w": graphs.numbers(2, 3, 1, 1)}, opset=13))
    assert layer.activation == Activation("hard_swish")
    nodes[1] = helper.make_node("HardSigmoid", ["c"], ["g"])
    entries = entries_from_onnx(graphs.model(nodes, {"w": graphs.numbers(2, 3, 1, 1)}, opset=13), "m.onnx")
    assert [entry.build is None for entry in entries] == [False, True, True]


def test_normalization_is_folded_in(graphs: ModuleType, naive: ModuleType) -> None:
    """Batch normalization after a convolution, dropout and constants for channels between, one layer in the end."""
    nodes = graphs.chain(
        graphs.conv(group=3),
        ("BatchNormalization", ["g", "be", "m", "v"], {"epsilon": 0.25}),
        ("Dropout", [], {}),
        ("Mul", ["f"], {}),
        ("Sub", ["o"], {}),
        ("Identity", [], {}),
        ("Relu", [], {}),
    )
    constants = {name: graphs.numbers(6) for name in ("b", "g", "be", "m")} | {"v": abs(graphs.numbers(6))}
    content = graphs.model(
        nodes,
        {"w": graphs.numbers(6, 1, 2, 3), **constants, "f": graphs.numbers(6, 1, 1), "o": np.float32([0.5])},
    )
    (layer,) = graphs.check(naive, content)
    assert isinstance(layer, Depthwise)
    assert "batch normalization 'BatchNormalization 2' folded in" in graphs.entry_of(content).what


def test_what_follows_an_activation_is_a_layer_of_one_tap(graphs: ModuleType, naive: ModuleType) -> None:
    """Normalization after an activation, scaling before everything, and a second activation."""
    nodes = graphs.chain(
        ("Div", ["s"], {}),
        graphs.conv(),
        ("Relu", [], {}),
        ("BatchNormalization", ["b", "b", "b", "v"], {}),
        ("Tanh", [], {}),
        ("Sigmoid", [], {}),
    )
    content = graphs.model(
        nodes,
        {
            "s": np.float32(255),
            "w": graphs.numbers(4, 3, 3, 3),
            "b": graphs.numbers(4),
            "v": abs(graphs.numbers(4)),
        },
    )
    layers = graphs.check(naive, content)
    assert [layer.kind for layer in layers] == ["depthwise", "conv", "depthwise", "depthwise"]


def test_a_softmax_before_opset_13_is_over_all_samples(graphs: ModuleType) -> None:
    """Axis 1 meant that axis and all after it."""
    nodes = graphs.chain(graphs.conv(), ("Softmax", [], {"axis": 1}))
    entries = entries_from_onnx(
        graphs.model(nodes, {"w": graphs.numbers(2, 3, 1, 1), "b": graphs.numbers(2)}, opset=12), "m.onnx"
    )
    assert "all that follow" in entries[1].what
