"""ONNX files: the layers in them make what the graphs make, and what is no layer is named."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.banks.activation import Activation
from sepfilter.banks.files.entry import Entry
from sepfilter.banks.files.onnx_file import entries_from_onnx
from sepfilter.banks.layer import Layer
from sepfilter.banks.layers import Conv, Depthwise, Pointwise
from sepfilter.banks.padding import VALID, Padding

onnx = pytest.importorskip("onnx")
helper, numpy_helper = onnx.helper, onnx.numpy_helper

FEW = settings(max_examples=40, deadline=None)
RANDOM = np.random.default_rng(8)


@pytest.fixture(scope="session")
def reference(module_at: Callable[[Path], ModuleType]) -> ModuleType:
    """Layers by their definition."""
    return module_at(Path(__file__).parents[1] / "reference.py")


def numbers(*shape: int) -> np.ndarray:
    """Random float32."""
    return RANDOM.normal(size=shape).astype(np.float32)


def model(
    nodes: Sequence[Any],
    constants: dict[str, Any],
    *,
    channels: int = 3,
    result: str = "y",
    opset: int = 17,
) -> bytes:
    """The bytes of a model from ``x`` to a result."""
    tensors = [
        one if isinstance(one, onnx.TensorProto) else numpy_helper.from_array(np.asarray(one), name)
        for name, one in constants.items()
    ]
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, channels, None, None])],
        [helper.make_tensor_value_info(result, onnx.TensorProto.FLOAT, None)],
        tensors,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return made.SerializeToString()


def chain(*operators: tuple[str, list[str], dict[str, Any]]) -> list[Any]:
    """Nodes one after the other, from ``x`` to ``y``; each with its constant inputs and attributes."""
    nodes, last = [], "x"
    for place, (kind, constants, attributes) in enumerate(operators, 1):
        made = "y" if place == len(operators) else f"t{place}"
        nodes.append(helper.make_node(kind, [last, *constants], [made], name=f"{kind} {place}", **attributes))
        last = made
    return nodes


def conv(**attributes: Any) -> tuple[str, list[str], dict[str, Any]]:
    """A Conv of ``w`` and ``b``."""
    return "Conv", ["w", "b"], attributes


def layers_of(content: bytes) -> list[Layer]:
    """All layers of a model that can be run as a whole."""
    layers: list[Layer] = []
    for entry in entries_from_onnx(content, "m.onnx"):
        assert entry.build, entry.what
        layers += entry.build()
    return layers


def evaluated(content: bytes, image: np.ndarray) -> np.ndarray:
    """What ONNX's own evaluator makes of an image with channels last."""
    evaluator = pytest.importorskip("onnx.reference").ReferenceEvaluator(onnx.load_model_from_string(content))
    (made,) = evaluator.run(None, {"x": image.transpose(2, 0, 1)[np.newaxis]})
    return made[0].transpose(1, 2, 0)


def check(
    reference: ModuleType, content: bytes, channels: int = 3, size: tuple[int, int] = (9, 8)
) -> list[Layer]:
    """Hold the layers against ONNX's own evaluator."""
    image, layers = numbers(*size, channels) * 3, layers_of(content)
    made = reference.run_all_naively(layers, image)
    np.testing.assert_allclose(made, evaluated(content, image), rtol=1e-4, atol=1e-5)
    return layers


def entry_of(content: bytes) -> Entry:
    """The only entry."""
    (entry,) = entries_from_onnx(content, "m.onnx")
    return entry


@given(st.data())
@FEW
def test_a_convolution_of_any_kind_makes_what_onnx_makes(reference: ModuleType, data: st.DataObject) -> None:
    """Groups, multipliers, strides, dilations and pads together."""
    groups, inputs, outputs = (data.draw(st.integers(1, 3)) for _ in range(3))
    pair, pads = st.lists(st.integers(1, 2), min_size=2, max_size=2), st.integers(0, 2)
    kernel = [data.draw(st.integers(1, 3)) for _ in range(2)]
    content = model(
        chain(
            conv(
                group=groups,
                strides=data.draw(pair),
                dilations=data.draw(pair),
                pads=data.draw(st.lists(pads, min_size=4, max_size=4)),
            )
        ),
        {"w": numbers(groups * outputs, inputs, *kernel), "b": numbers(groups * outputs)},
        channels=groups * inputs,
    )
    check(reference, content, groups * inputs)


@pytest.mark.parametrize(
    ("shape", "attributes", "kind"),
    [
        ((6, 1, 3, 3), {"group": 3}, Depthwise),
        ((6, 1, 1, 1), {"group": 3}, Depthwise),
        ((6, 3, 1, 1), {"strides": [2, 1]}, Pointwise),
        ((6, 3, 1, 1), {"auto_pad": "SAME_UPPER"}, Pointwise),
        ((6, 3, 1, 1), {"pads": [1, 0, 0, 0]}, Conv),
        ((6, 3, 3, 3), {}, Conv),
    ],
)
def test_the_kind_follows_from_groups_and_shape(
    shape: tuple[int, ...], attributes: dict[str, Any], kind: type
) -> None:
    """As many groups as channels are depthwise; 1 x 1 without padding is pointwise."""
    (layer,) = layers_of(model(chain(conv(**attributes)), {"w": numbers(*shape), "b": numbers(6)}))
    assert type(layer) is kind
    assert layer.stride == tuple(attributes.get("strides", (1, 1)))


@pytest.mark.parametrize(
    ("attributes", "padding"),
    [
        ({}, VALID),
        ({"auto_pad": "VALID"}, VALID),
        ({"auto_pad": "SAME_UPPER"}, Padding("same")),
        ({"auto_pad": "SAME_LOWER"}, Padding("same-lower")),
        ({"auto_pad": "NOTSET", "pads": [1, 2, 3, 4]}, Padding("explicit", (1, 2, 3, 4))),
    ],
)
def test_padding_by_rule_and_by_amounts(attributes: dict[str, Any], padding: Padding) -> None:
    """The amounts of ONNX are top, left, bottom, right."""
    (layer,) = layers_of(model(chain(conv(**attributes)), {"w": numbers(6, 3, 3, 3), "b": numbers(6)}))
    assert layer.padding == padding
    assert str(layer.border) == "constant:0"


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
    reference: ModuleType,
    operator: tuple[str, list[str], dict[str, Any]],
    constants: dict[str, np.ndarray],
    activation: Activation,
) -> None:
    """A single layer is left, and it makes what the two operators make."""
    content = model(chain(conv(), operator), {"w": numbers(2, 3, 3, 2), "b": numbers(2), **constants})
    (layer,) = check(reference, content)
    assert layer.activation == activation
    assert activation.name in entry_of(content).what


def test_limits_as_attributes() -> None:
    """Files of opset 6 have the limits of Clip there."""
    nodes = chain(conv(), ("Clip", [], {"min": 0.0, "max": 6.0}))
    (layer,) = layers_of(model(nodes, {"w": numbers(2, 3, 3, 2), "b": numbers(2)}, opset=6))
    assert layer.activation == Activation("relu6")


def test_a_hard_swish_in_two_operators(reference: ModuleType) -> None:
    """x * hard_sigmoid(x) with a slope of 1/6, as older exporters write it."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="c"),
        helper.make_node("HardSigmoid", ["c"], ["g"], alpha=1 / 6),
        helper.make_node("Mul", ["g", "c"], ["y"]),
    ]
    (layer,) = check(reference, model(nodes, {"w": numbers(2, 3, 1, 1)}, opset=13))
    assert layer.activation == Activation("hard_swish")
    nodes[1] = helper.make_node("HardSigmoid", ["c"], ["g"])
    entries = entries_from_onnx(model(nodes, {"w": numbers(2, 3, 1, 1)}, opset=13), "m.onnx")
    assert [entry.build is None for entry in entries] == [False, True, True]


def test_normalization_is_folded_in(reference: ModuleType) -> None:
    """Batch normalization after a convolution, dropout and constants for channels between, one layer in the end."""
    nodes = chain(
        conv(group=3),
        ("BatchNormalization", ["g", "be", "m", "v"], {"epsilon": 0.25}),
        ("Dropout", [], {}),
        ("Mul", ["f"], {}),
        ("Sub", ["o"], {}),
        ("Identity", [], {}),
        ("Relu", [], {}),
    )
    constants = {name: numbers(6) for name in ("b", "g", "be", "m")} | {"v": abs(numbers(6))}
    content = model(
        nodes, {"w": numbers(6, 1, 2, 3), **constants, "f": numbers(6, 1, 1), "o": np.float32([0.5])}
    )
    (layer,) = check(reference, content)
    assert isinstance(layer, Depthwise)
    assert "batch normalization 'BatchNormalization 2' folded in" in entry_of(content).what


def test_what_follows_an_activation_is_a_layer_of_one_tap(reference: ModuleType) -> None:
    """Normalization after an activation, scaling before everything, and a second activation."""
    nodes = chain(
        ("Div", ["s"], {}),
        conv(),
        ("Relu", [], {}),
        ("BatchNormalization", ["b", "b", "b", "v"], {}),
        ("Tanh", [], {}),
        ("Sigmoid", [], {}),
    )
    content = model(
        nodes, {"s": np.float32(255), "w": numbers(4, 3, 3, 3), "b": numbers(4), "v": abs(numbers(4))}
    )
    layers = check(reference, content)
    assert [layer.kind for layer in layers] == ["depthwise", "conv", "depthwise", "depthwise"]


def test_zeros_put_around_become_padding(reference: ModuleType) -> None:
    """A Pad that only a convolution takes is a part of it."""
    nodes = chain(("Pad", ["p"], {}), conv(pads=[1, 0, 0, 0], strides=[2, 2]))
    amounts = np.array([0, 0, 1, 2, 0, 0, 3, 0], np.int64)
    content = model(nodes, {"p": amounts, "w": numbers(4, 3, 3, 3), "b": numbers(4)})
    (layer,) = check(reference, content)
    assert layer.padding == Padding("explicit", (2, 2, 3, 0))


def test_turning_to_channels_first_and_back_is_passed_over() -> None:
    """As TensorFlow's exporter does; elsewhere a Transpose cannot be run."""
    turned = ("Transpose", [], {"perm": [0, 3, 1, 2]})
    back = ("Transpose", [], {"perm": [0, 2, 3, 1]})
    constants = {"w": numbers(4, 3, 3, 3), "b": numbers(4)}
    assert len(layers_of(model(chain(turned, conv(), back), constants))) == 1
    entries = entries_from_onnx(model(chain(turned, conv(), ("Relu", [], {}), turned), constants), "m.onnx")
    assert [entry.build is None for entry in entries] == [False, True]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("raw", [True, False])
def test_weights_of_every_type(dtype: str, raw: bool) -> None:
    """As raw bytes and as fields, the same numbers."""
    weights = numbers(2, 3, 1, 2).astype(dtype)
    tensor = numpy_helper.from_array(weights, "w")
    if not raw:
        kind = helper.np_dtype_to_tensor_dtype(weights.dtype)
        tensor = helper.make_tensor("w", kind, weights.shape, weights.ravel())
    (layer,) = layers_of(model([helper.make_node("Conv", ["x", "w"], ["y"])], {"w": tensor}))
    assert np.array_equal(layer.weights, weights.astype(np.float64))


@pytest.mark.parametrize("raw", [True, False])
def test_bfloat16_is_widened(raw: bool) -> None:
    """The upper half of a float32."""
    halves = (numbers(2, 3, 1, 2).view("<u4") >> 16).astype("<u2")
    tensor = onnx.TensorProto(dims=halves.shape, data_type=onnx.TensorProto.BFLOAT16, name="w")
    if raw:
        tensor.raw_data = halves.tobytes()
    else:
        tensor.int32_data.extend(halves.ravel().tolist())
    (layer,) = layers_of(model([helper.make_node("Conv", ["x", "w"], ["y"])], {"w": tensor}))
    assert np.array_equal(layer.weights, (halves.astype("<u4") << 16).view("<f4"))


def test_weights_in_a_constant_node(reference: ModuleType) -> None:
    """A Constant, through an Identity, is as good as an initializer."""
    nodes = [
        helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(numbers(2, 3, 2, 2))),
        helper.make_node("Identity", ["k"], ["w"]),
        helper.make_node("Conv", ["x", "w"], ["y"]),
    ]
    check(reference, model(nodes, {}))


def test_names_are_those_of_nodes_and_never_twice() -> None:
    """The node's name, else what it makes; the second of a name has a number; line breaks are gone."""
    names = ["a", "a", "", "b\nc\0"]
    nodes = [
        helper.make_node("Conv", [f"t{place}" if place else "x", "w"], [f"t{place + 1}"], name=name)
        for place, name in enumerate(names)
    ]
    entries = entries_from_onnx(model(nodes, {"w": numbers(3, 3, 1, 1)}, result="t4"), "m.onnx")
    assert [entry.name for entry in entries] == ["a", "a:2", "t3", "b?c?"]
    assert [layer.name for entry in entries if entry.build for layer in entry.build()] == [
        "a",
        "a:2",
        "t3",
        "b?c?",
    ]


@pytest.mark.parametrize(
    ("operator", "reason"),
    [
        (("Gemm", ["w"], {}), "not a convolution"),
        (("MaxPool", [], {"kernel_shape": [2, 2]}), "MaxPool is no part of a bank"),
        (("Clip", ["o"], {}), "from 1 to inf: only 0 to 6 is run"),
        (("Softmax", [], {"axis": 3}), "only a softmax over channels"),
        (("ConvTranspose", ["w"], {}), "transposed"),
        (("QuantizeLinear", ["o"], {}), "quantized"),
        (("Conv", ["v"], {}), "1-D"),
        (("Conv", ["i"], {}), "ONNX type 3"),
        (("Conv", ["unknown"], {}), "no constant"),
        (("Conv", ["w"], {"group": 4}), "4 groups"),
        (("Conv", ["w"], {"strides": [0, 1]}), "strides"),
        (("Conv", ["w"], {"strides": 2}), "another type"),
        (("Conv", ["w"], {"kernel_shape": [5, 5]}), "kernel_shape"),
        (("Conv", ["w"], {"pads": [1]}), "1 pads"),
        (("Conv", ["w", "w"], {}), "bias"),
        (("PRelu", ["w"], {}), "neither one number nor one a channel"),
        (("Mul", ["x"], {}), "2 inputs that vary|two branches"),
        (("BatchNormalization", ["o", "o", "o", "o"], {"training_mode": 1}), "training mode"),
        (("Elu\n", [], {}), "Elu[?] is no part"),
    ],
)
def test_what_cannot_be_run_says_why(operator: tuple[str, list[str], dict[str, Any]], reason: str) -> None:
    """An entry without layers, in its place."""
    constants = {
        "w": numbers(6, 3, 3, 3), "b": numbers(6), "v": numbers(6, 3, 3), "o": np.float32([1]),
        "i": np.ones((6, 3, 3, 3), np.int8),
    }  # fmt: skip
    entries = entries_from_onnx(model(chain(conv(), operator), constants), "m.onnx")
    assert [entry.build is None for entry in entries] == [False, True]
    assert re.search(reason, entries[1].what), entries[1].what
    assert entries[1].what.isprintable()


def test_a_softmax_before_opset_13_is_over_all_samples() -> None:
    """Axis 1 meant that axis and all after it."""
    nodes = chain(conv(), ("Softmax", [], {"axis": 1}))
    entries = entries_from_onnx(model(nodes, {"w": numbers(2, 3, 1, 1), "b": numbers(2)}, opset=12), "m.onnx")
    assert "all that follow" in entries[1].what


def test_a_result_that_is_used_twice_keeps_its_activation_apart() -> None:
    """Folding it in would change what the other branch takes."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="first"),
        helper.make_node("Relu", ["c"], ["r"], name="relu"),
        helper.make_node("Add", ["c", "r"], ["y"], name="sum"),
    ]
    entries = entries_from_onnx(model(nodes, {"w": numbers(3, 3, 1, 1)}), "m.onnx")
    assert [(entry.name, entry.build is None) for entry in entries] == [
        ("first", False), ("relu", False), ("sum", True),
    ]  # fmt: skip
    assert "two branches" in entries[2].what


def test_a_break_in_the_chain_is_an_entry() -> None:
    """Two convolutions of one input are neighbours, but no chain."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="first"),
        helper.make_node("Conv", ["x", "w"], ["y"], name="second"),
    ]
    entries = entries_from_onnx(model(nodes, {"w": numbers(3, 3, 1, 1)}), "m.onnx")
    assert [(entry.name, entry.build is None) for entry in entries] == [
        ("first", False), ("before second", True), ("second", False),
    ]  # fmt: skip
    assert "takes 'x', not what the layer before it makes" in entries[1].what


def test_a_result_of_the_whole_graph_is_left_as_it_is() -> None:
    """What is asked for is what is before the activation."""
    nodes = chain(conv(), ("Relu", [], {}))
    entries = entries_from_onnx(
        model(nodes, {"w": numbers(2, 3, 1, 1), "b": numbers(2)}, result="t1"), "m.onnx"
    )
    assert len(entries) == 2
