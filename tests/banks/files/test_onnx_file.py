"""ONNX files: convolutions of any kind make what the graph makes; their weights and names."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.banks.files.onnx_file import entries_from_onnx
from sepfilter.banks.layers import Conv, Depthwise, Pointwise
from sepfilter.banks.padding import VALID, Padding

onnx = pytest.importorskip("onnx")
helper, numpy_helper = onnx.helper, onnx.numpy_helper

FEW = settings(max_examples=40, deadline=None)


@given(st.data())
@FEW
def test_a_convolution_of_any_kind_makes_what_onnx_makes(
    graphs: ModuleType, naive: ModuleType, data: st.DataObject
) -> None:
    """Groups, multipliers, strides, dilations and pads together."""
    groups, inputs, outputs = (data.draw(st.integers(1, 3)) for _ in range(3))
    pair, pads = st.lists(st.integers(1, 2), min_size=2, max_size=2), st.integers(0, 2)
    kernel = [data.draw(st.integers(1, 3)) for _ in range(2)]
    content = graphs.model(
        graphs.chain(
            graphs.conv(
                group=groups,
                strides=data.draw(pair),
                dilations=data.draw(pair),
                pads=data.draw(st.lists(pads, min_size=4, max_size=4)),
            )
        ),
        {"w": graphs.numbers(groups * outputs, inputs, *kernel), "b": graphs.numbers(groups * outputs)},
        channels=groups * inputs,
    )
    graphs.check(naive, content, groups * inputs)


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
    graphs: ModuleType, shape: tuple[int, ...], attributes: dict[str, Any], kind: type
) -> None:
    """As many groups as channels are depthwise; 1 x 1 without padding is pointwise."""
    (layer,) = graphs.layers_of(
        graphs.model(
            graphs.chain(graphs.conv(**attributes)), {"w": graphs.numbers(*shape), "b": graphs.numbers(6)}
        )
    )
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
def test_padding_by_rule_and_by_amounts(
    graphs: ModuleType, attributes: dict[str, Any], padding: Padding
) -> None:
    """The amounts of ONNX are top, left, bottom, right."""
    (layer,) = graphs.layers_of(
        graphs.model(
            graphs.chain(graphs.conv(**attributes)), {"w": graphs.numbers(6, 3, 3, 3), "b": graphs.numbers(6)}
        )
    )
    assert layer.padding == padding
    assert str(layer.border) == "constant:0"


def test_zeros_put_around_become_padding(graphs: ModuleType, naive: ModuleType) -> None:
    """A Pad that only a convolution takes is a part of it."""
    nodes = graphs.chain(("Pad", ["p"], {}), graphs.conv(pads=[1, 0, 0, 0], strides=[2, 2]))
    amounts = np.array([0, 0, 1, 2, 0, 0, 3, 0], np.int64)
    content = graphs.model(nodes, {"p": amounts, "w": graphs.numbers(4, 3, 3, 3), "b": graphs.numbers(4)})
    (layer,) = graphs.check(naive, content)
    assert layer.padding == Padding("explicit", (2, 2, 3, 0))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("raw", [True, False])
def test_weights_of_every_type(graphs: ModuleType, dtype: str, raw: bool) -> None:
    """As raw bytes and as fields, the same numbers."""
    weights = graphs.numbers(2, 3, 1, 2).astype(dtype)
    tensor = numpy_helper.from_array(weights, "w")
    if not raw:
        kind = helper.np_dtype_to_tensor_dtype(weights.dtype)
        tensor = helper.make_tensor("w", kind, weights.shape, weights.ravel())
    (layer,) = graphs.layers_of(graphs.model([helper.make_node("Conv", ["x", "w"], ["y"])], {"w": tensor}))
    assert np.array_equal(layer.weights, weights.astype(np.float64))


@pytest.mark.parametrize("raw", [True, False])
def test_bfloat16_is_widened(graphs: ModuleType, raw: bool) -> None:
    """The upper half of a float32."""
    halves = (graphs.numbers(2, 3, 1, 2).view("<u4") >> 16).astype("<u2")
    tensor = onnx.TensorProto(dims=halves.shape, data_type=onnx.TensorProto.BFLOAT16, name="w")
    if raw:
        tensor.raw_data = halves.tobytes()
    else:
        tensor.int32_data.extend(halves.ravel().tolist())
    (layer,) = graphs.layers_of(graphs.model([helper.make_node("Conv", ["x", "w"], ["y"])], {"w": tensor}))
    assert np.array_equal(layer.weights, (halves.astype("<u4") << 16).view("<f4"))


def test_weights_in_a_constant_node(graphs: ModuleType, naive: ModuleType) -> None:
    """A Constant, through an Identity, is as good as an initializer."""
    nodes = [
        helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(graphs.numbers(2, 3, 2, 2))),
        helper.make_node("Identity", ["k"], ["w"]),
        helper.make_node("Conv", ["x", "w"], ["y"]),
    ]
    graphs.check(naive, graphs.model(nodes, {}))


def test_names_are_those_of_nodes_and_never_twice(graphs: ModuleType) -> None:
    """The node's name, else what it makes; the second of a name has a number; line breaks are gone."""
    names = ["a", "a", "", "b\nc\0"]
    nodes = [
        helper.make_node("Conv", [f"t{place}" if place else "x", "w"], [f"t{place + 1}"], name=name)
        for place, name in enumerate(names)
    ]
    entries = entries_from_onnx(graphs.model(nodes, {"w": graphs.numbers(3, 3, 1, 1)}, result="t4"), "m.onnx")
    assert [entry.name for entry in entries] == ["a", "a:2", "t3", "b?c?"]
    assert [layer.name for entry in entries if entry.build for layer in entry.build()] == [
        "a",
        "a:2",
        "t3",
        "b?c?",
    ]
