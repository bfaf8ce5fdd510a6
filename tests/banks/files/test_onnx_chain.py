"""ONNX files: what is no layer or no chain is named, in its place."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from sepfilter.banks.files.onnx_file import entries_from_onnx

onnx = pytest.importorskip("onnx")
helper, numpy_helper = onnx.helper, onnx.numpy_helper

FEW = settings(max_examples=40, deadline=None)


def test_turning_to_channels_first_and_back_is_passed_over(graphs: ModuleType) -> None:
    """As TensorFlow's exporter does; elsewhere a Transpose cannot be run."""
    turned = ("Transpose", [], {"perm": [0, 3, 1, 2]})
    back = ("Transpose", [], {"perm": [0, 2, 3, 1]})
    constants = {"w": graphs.numbers(4, 3, 3, 3), "b": graphs.numbers(4)}
    assert len(graphs.layers_of(graphs.model(graphs.chain(turned, graphs.conv(), back), constants))) == 1
    entries = entries_from_onnx(
        graphs.model(graphs.chain(turned, graphs.conv(), ("Relu", [], {}), turned), constants), "m.onnx"
    )
    assert [entry.build is None for entry in entries] == [False, True]


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
def test_what_cannot_be_run_says_why(
    graphs: ModuleType, operator: tuple[str, list[str], dict[str, Any]], reason: str
) -> None:
    """An entry without layers, in its place."""
    constants = {
        "w": graphs.numbers(6, 3, 3, 3), "b": graphs.numbers(6), "v": graphs.numbers(6, 3, 3), "o": np.float32([1]),
        "i": np.ones((6, 3, 3, 3), np.int8),
    }  # fmt: skip
    entries = entries_from_onnx(graphs.model(graphs.chain(graphs.conv(), operator), constants), "m.onnx")
    assert [entry.build is None for entry in entries] == [False, True]
    assert re.search(reason, entries[1].what), entries[1].what
    assert entries[1].what.isprintable()


def test_a_result_that_is_used_twice_keeps_its_activation_apart(graphs: ModuleType) -> None:
    """Folding it in would change what the other branch takes."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="first"),
        helper.make_node("Relu", ["c"], ["r"], name="relu"),
        helper.make_node("Add", ["c", "r"], ["y"], name="sum"),
    ]
    entries = entries_from_onnx(graphs.model(nodes, {"w": graphs.numbers(3, 3, 1, 1)}), "m.onnx")
    assert [(entry.name, entry.build is None) for entry in entries] == [
        ("first", False), ("relu", False), ("sum", True),
    ]  # fmt: skip
    assert "two branches" in entries[2].what


def test_a_break_in_the_chain_is_an_entry(graphs: ModuleType) -> None:
    """Two convolutions of one input are neighbours, but no chain."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="first"),
        helper.make_node("Conv", ["x", "w"], ["y"], name="second"),
    ]
    entries = entries_from_onnx(graphs.model(nodes, {"w": graphs.numbers(3, 3, 1, 1)}), "m.onnx")
    assert [(entry.name, entry.build is None) for entry in entries] == [
        ("first", False), ("before second", True), ("second", False),
    ]  # fmt: skip
    assert "takes 'x', not what the layer before it makes" in entries[1].what


def test_a_result_of_the_whole_graph_is_left_as_it_is(graphs: ModuleType) -> None:
    """What is asked for is what is before the activation."""
    nodes = graphs.chain(graphs.conv(), ("Relu", [], {}))
    entries = entries_from_onnx(
        graphs.model(nodes, {"w": graphs.numbers(2, 3, 1, 1), "b": graphs.numbers(2)}, result="t1"), "m.onnx"
    )
    assert len(entries) == 2
