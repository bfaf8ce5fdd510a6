"""ONNX files that are damaged, or made to do harm: refused in one line, in little time and memory."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.banks.files.onnx_file import entries_from_onnx
from sepfilter.errors import BankError

onnx = pytest.importorskip("onnx")
helper = onnx.helper

FEW = settings(max_examples=150, deadline=None)


def one_conv(*tensors: Any, inputs: tuple[str, ...] = ("x", "w"), **attributes: Any) -> Any:
    """A model of one Conv."""
    graph = helper.make_graph(
        [helper.make_node("Conv", list(inputs), ["y"], name="c", **attributes)],
        "graph",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3, None, None])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
        list(tensors),
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def claiming(dims: list[int], content: bytes = b"") -> Any:
    """A float32 tensor ``w`` that says what it likes of its shape."""
    return onnx.TensorProto(dims=dims, data_type=onnx.TensorProto.FLOAT, name="w", raw_data=content)


SOUND = one_conv(
    onnx.numpy_helper.from_array(np.ones((2, 3, 2, 2), np.float32), "w"),
    strides=[1, 2],
    auto_pad="SAME_UPPER",
).SerializeToString()


def read(content: bytes) -> None:
    """Read a file and build whatever it holds."""
    for entry in entries_from_onnx(content, "m.onnx"):
        assert entry.name.isprintable()
        assert entry.what.isprintable()
        if entry.build:
            entry.build()


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 64, b"GIF89a", b"\x80" * 100, SOUND[:-40], b"\x0a" * 10_000]
)
def test_what_is_no_model_is_refused(content: bytes) -> None:
    """Nothing, other files, and models that are cut off."""
    with pytest.raises(BankError, match=r"^m.onnx: not (a sound|an) ONNX file") as error:
        read(content)
    assert str(error.value).isprintable()


@given(st.integers(0, len(SOUND) - 1), st.integers(0, 255), st.integers(0, len(SOUND)))
@FEW
def test_a_damaged_byte_is_refused_or_read(place: int, byte: int, end: int) -> None:
    """Never another error than the package's own."""
    content = bytearray(SOUND)
    content[place] = byte
    for damaged in (bytes(content), bytes(content[:end])):
        with suppress(BankError):
            read(damaged)


@pytest.mark.parametrize(
    "dims", [[2**62, 2, 2, 2], [-1, 3, 2, 2], [0, 3, 2, 2], [2**13, 2**13, 2, 2], [1] * 9, [-(2**63)] * 4]
)
def test_impossible_shapes_are_no_layer(dims: list[int]) -> None:
    """They are told from the shape alone, before anything is allocated."""
    (entry,) = entries_from_onnx(one_conv(claiming(dims)).SerializeToString(), "m.onnx")
    assert entry.build is None
    assert "numbers: from 1 to" in entry.what


@pytest.mark.parametrize("content", [b"", b"\0" * 4, b"\0" * 97, b"\0" * 100])
def test_a_shape_that_the_numbers_do_not_fill_is_refused(content: bytes) -> None:
    """96 bytes are needed; the message says how many numbers are there."""
    (entry,) = entries_from_onnx(one_conv(claiming([2, 3, 2, 2], content)).SerializeToString(), "m.onnx")
    assert entry.build
    with pytest.raises(BankError, match=r"'w' of shape .* has 24 numbers, but .* are there"):
        entry.build()


def test_a_large_claim_takes_no_memory() -> None:
    """64 million numbers are promised, and four bytes are there."""
    content = one_conv(claiming([2**10, 2**10, 8, 8], b"\0" * 4)).SerializeToString()
    tracemalloc.start()
    with pytest.raises(BankError, match="are there"):
        read(content)
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_weights_in_another_file_are_refused() -> None:
    """Nothing is opened, and the message says how to make one file of them."""
    tensor = onnx.TensorProto(dims=[2, 3, 2, 2], data_type=1, name="w", data_location=1)
    tensor.external_data.add(key="location", value="../../etc/passwd")
    with pytest.raises(BankError, match=r"are in another file, which is not opened: .*onnx.save\(onnx.load"):
        read(one_conv(tensor).SerializeToString())


def test_nodes_in_a_circle_end() -> None:
    """A node that takes what it makes, and two that take each other's results."""
    graph = helper.make_graph(
        [
            helper.make_node("Relu", ["a"], ["a"]),
            helper.make_node("Tanh", ["c"], ["b"]),
            helper.make_node("Identity", ["b"], ["c"]),
            helper.make_node("HardSigmoid", ["h"], ["h"], alpha=1 / 6),
            helper.make_node("Mul", ["h", "h"], ["h"]),
            helper.make_node("Conv", [], []),
            helper.make_node("", ["", ""], [""]),
        ],
        "graph",
        [],
        [],
    )
    read(helper.make_model(graph).SerializeToString())


@pytest.mark.parametrize(
    "attributes",
    [
        {"strides": [2**62, 1]},
        {"pads": [-1, 0, 0, 0]},
        {"pads": [2**40] * 4},
        {"dilations": [5000, 1]},
        {"group": -3},
        {"group": 2**62},
        {"auto_pad": "same\n"},
        {"auto_pad": 3},
    ],
)
def test_attributes_out_of_range_are_refused(attributes: dict[str, Any]) -> None:
    """Either the entry is no layer, or building it says why."""
    tensor = onnx.numpy_helper.from_array(np.ones((2, 3, 2, 2), np.float32), "w")
    (entry,) = entries_from_onnx(one_conv(tensor, **attributes).SerializeToString(), "m.onnx")
    if entry.build:
        with pytest.raises(BankError):
            entry.build()
    assert entry.what.isprintable()


def test_many_nodes_take_time_in_proportion() -> None:
    """Twenty thousand activations in a row, and as many that take the same."""
    nodes = [helper.make_node("Relu", [f"t{place}"], [f"t{place + 1}"]) for place in range(20_000)]
    nodes += [helper.make_node("Relu", ["t0"], [f"u{place}"], name="same") for place in range(20_000)]
    graph = helper.make_graph(nodes, "graph", [], [])
    assert len(entries_from_onnx(helper.make_model(graph).SerializeToString(), "m.onnx")) >= 40_000
