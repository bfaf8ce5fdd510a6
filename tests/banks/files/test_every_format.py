"""One bank in every format: the same layers, and the same results to the bit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from sepfilter.banks.bank import Bank
from sepfilter.banks.files.load import load_bank
from sepfilter.banks.files.save import save_bank
from sepfilter.banks.layers import Depthwise, Pointwise

RANDOM: Final = np.random.default_rng(8)
KERNELS: Final = RANDOM.normal(size=(3, 2, 5, 5)).astype(np.float32)
MIXING: Final = RANDOM.normal(size=(7, 6)).astype(np.float32)
BIAS: Final = RANDOM.normal(size=7).astype(np.float32)
BANK: Final = Bank([
    Depthwise(KERNELS, stride=2, padding="same", name="d"),
    Pointwise(MIXING, BIAS, activation="relu6", name="p"),
])  # fmt: skip
IMAGE: Final = RANDOM.random((20, 17, 3), np.float32)


def save_toml(path: Path) -> None:
    """By hand, as text."""
    lines = []
    for kind, weights, rest in (
        ("depthwise", KERNELS, 'stride = 2\npadding = "same"'),
        ("pointwise", MIXING, f'activation = "relu6"\nbias = {BIAS.tolist()}'),
    ):
        lines.append(f'[[layers]]\ntype = "{kind}"\nweights = {json.dumps(weights.tolist())}\n{rest}\n')
    path.write_text("\n".join(lines))


def save_onnx(path: Path) -> None:
    """As an exporter writes it: padding in numbers, for the size of this image."""
    onnx = pytest.importorskip("onnx")
    from onnx import helper, numpy_helper

    pads = BANK.layers[0].pads(*IMAGE.shape[:2])
    nodes = [
        helper.make_node("Conv", ["x", "d"], ["a"], strides=[2, 2], pads=list(pads), group=3),
        helper.make_node("Conv", ["a", "p", "b"], ["c"]),
        helper.make_node("Clip", ["c", "low", "high"], ["y"]),
    ]
    arrays = {
        "d": KERNELS.reshape(6, 1, 5, 5), "p": MIXING[..., np.newaxis, np.newaxis], "b": BIAS,
        "low": np.float32(0), "high": np.float32(6),
    }  # fmt: skip
    values = [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()]
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, channels, None, None])
        for name, channels in (("x", 3), ("y", 7))
    ]
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:], values)), path)


def save_keras(path: Path) -> None:
    """A SeparableConv2D in a whole model of Keras 2: its configuration beside the weights."""
    h5py = pytest.importorskip("h5py")
    settings = {
        "name": "s", "filters": 7, "kernel_size": [5, 5], "strides": [2, 2], "padding": "same",
        "data_format": "channels_last", "dilation_rate": [1, 1], "depth_multiplier": 2, "activation": "relu6",
        "use_bias": True, "batch_input_shape": [None, None, None, 3],
    }  # fmt: skip
    model = {
        "class_name": "Sequential",
        "config": {"name": "m", "layers": [{"class_name": "SeparableConv2D", "config": settings}]},
    }
    arrays = {
        "s/depthwise_kernel:0": KERNELS.transpose(2, 3, 0, 1),
        "s/pointwise_kernel:0": MIXING.T[np.newaxis, np.newaxis],
        "s/bias:0": BIAS,
    }
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(model)
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = np.array([b"s"])
        group = weights.create_group("s")
        group.attrs["weight_names"] = np.array([name.encode() for name in arrays])
        for name, array in arrays.items():
            group[name] = array


WRITERS: Final[dict[str, Callable[[Path], None]]] = {
    "bank.json": lambda path: save_bank(BANK, path),
    "bank.npz": lambda path: save_bank(BANK, path),
    "bank.safetensors": lambda path: save_bank(BANK, path),
    "bank.toml": save_toml,
    "bank.onnx": save_onnx,
    "bank.h5": save_keras,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_bank_makes_the_same_from_every_format(tmp_path: Path, name: str) -> None:
    """Not one bit is another."""
    WRITERS[name](tmp_path / name)
    assert load_bank(tmp_path / name)(IMAGE).tobytes() == BANK(IMAGE).tobytes()


def test_bfloat16_is_widened(tmp_path: Path) -> None:
    """Weights that bfloat16 holds come back as they were."""
    pytest.importorskip("safetensors")
    import struct

    weights = RANDOM.integers(-8, 8, (4, 3)).astype(np.float32) / 4
    halves = (weights.view(np.uint32) >> 16).astype(np.uint16)
    header = json.dumps(
        {"pointwise.weight": {"dtype": "BF16", "shape": [4, 3], "data_offsets": [0, halves.nbytes]}}
    ).encode()
    content = struct.pack("<Q", len(header)) + header + halves.tobytes()
    (tmp_path / "b.safetensors").write_bytes(content)
    found = load_bank(tmp_path / "b.safetensors")(IMAGE)
    np.testing.assert_allclose(found, Bank([Pointwise(weights)])(IMAGE), rtol=0, atol=1e-6)
