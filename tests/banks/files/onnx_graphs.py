"""ONNX models for tests, and what ONNX's own evaluator makes of an image."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from sepfilter.banks.files.entry import Entry
from sepfilter.banks.files.onnx_file import entries_from_onnx
from sepfilter.banks.layer import Layer

onnx = pytest.importorskip("onnx")
helper, numpy_helper = onnx.helper, onnx.numpy_helper

RANDOM = np.random.default_rng(8)


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
    naive: ModuleType, content: bytes, channels: int = 3, size: tuple[int, int] = (9, 8)
) -> list[Layer]:
    """Hold the layers against ONNX's own evaluator."""
    image, layers = numbers(*size, channels) * 3, layers_of(content)
    made = naive.run_all_naively(layers, image)
    np.testing.assert_allclose(made, evaluated(content, image), rtol=1e-4, atol=1e-5)
    return layers


def entry_of(content: bytes) -> Entry:
    """The only entry."""
    (entry,) = entries_from_onnx(content, "m.onnx")
    return entry
