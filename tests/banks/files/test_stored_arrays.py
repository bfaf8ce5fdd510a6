"""`.npz` and `.safetensors`: layers by the names of their arrays, and attributes."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.banks.files.load import bank_from_bytes, list_entries, load_bank
from sepfilter.banks.input_scale import InputScale
from sepfilter.banks.layers import Conv, Depthwise, Pointwise
from sepfilter.errors import BankError

Write = Callable[[dict[str, Any], dict[str, str]], bytes]

RNG = np.random.default_rng(8)
DEPTHWISE = RNG.normal(size=(3, 2, 5, 5)).astype(np.float32)
POINTWISE = RNG.normal(size=(4, 6)).astype(np.float32)
CONV = RNG.normal(size=(8, 2, 3, 3)).astype(np.float32)


def npz(arrays: dict[str, Any], texts: dict[str, str] | None = None) -> bytes:
    """The bytes of a .npz file."""
    file = io.BytesIO()
    every = {name: np.asarray(one) for name, one in (arrays | (texts or {})).items()}
    np.savez(file, **every)
    return file.getvalue()


def safetensors(arrays: dict[str, Any], texts: dict[str, str] | None = None) -> bytes:
    """The bytes of a .safetensors file."""
    from safetensors.numpy import save

    return save({name: np.ascontiguousarray(one) for name, one in arrays.items()}, metadata=texts or None)


def raw_safetensors(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    """A .safetensors file whose header says what it likes."""
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, Any]:
    """What a header says of a tensor."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


BOTH = pytest.mark.parametrize("write", [npz, safetensors])


@BOTH
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


@BOTH
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


def test_attributes_of_a_npz_may_be_numbers() -> None:
    """What numpy.savez makes of a number or a pair is taken as well."""
    bank = bank_from_bytes(npz({"conv.weight": CONV, "conv.stride": (2, 1), "conv.groups": 2}), "mine")
    assert (bank.layers[0].stride, bank.layers[0].groups) == ((2, 1), 2)


def test_a_state_dict_is_told_by_its_shapes() -> None:
    """Names as PyTorch numbers them say no kind, and a part called conv further up says none either."""
    arrays = {
        "features.0.0.weight": RNG.normal(size=(16, 3, 3, 3)),
        "features.1.conv.0.0.weight": RNG.normal(size=(16, 1, 3, 3)),
        "features.1.conv.1.weight": RNG.normal(size=(8, 16, 1, 1)),
        "classifier.1.weight": RNG.normal(size=(5, 8)),
        "classifier.1.bias": RNG.normal(size=5),
    }
    bank = bank_from_bytes(safetensors(arrays), "mine", select=["features", "classifier"])
    assert [layer.kind for layer in bank.layers] == ["conv", "depthwise", "pointwise", "pointwise"]
    assert bank.layers[1].channel_groups == 16


def test_numbers_in_names_are_sorted_as_numbers() -> None:
    """The safetensors package writes names sorted as text, 10 before 2."""
    arrays = {f"layer.{place}.pointwise.weight": np.full((1, 1), place) for place in (10, 9, 2)}
    bank = bank_from_bytes(safetensors(arrays), "mine")
    assert [layer.weights.item() for layer in bank.layers] == [2, 9, 10]


def test_an_order_that_is_not_sorted_is_kept() -> None:
    """Another program may have written the layers in the order in which they run."""
    header = {
        f"{name}.weight": tensor("U8", [1, 1], place, place + 1) for place, name in enumerate(("z", "a", "m"))
    }
    bank = bank_from_bytes(raw_safetensors(header, b"\1\2\3"), "mine")
    assert [layer.weights.item() for layer in bank.layers] == [1, 2, 3]


def test_batch_normalization_cannot_be_run() -> None:
    """A file with layers that are none is refused unless others are selected."""
    content = npz(
        {"0.weight": CONV, "1.weight": np.ones(8), "1.bias": np.ones(8), "1.running_mean": np.ones(8)}
    )
    with pytest.raises(BankError, match=r"mine: cannot run '1' \(a normalization.*give --select: there is 0"):
        bank_from_bytes(content, "mine")
    assert bank_from_bytes(content, "mine", select=["0"]).layers[0].name == "0"


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint16", "int64", ">f4"])
def test_all_real_numbers_are_taken(dtype: str) -> None:
    """They become float64 without loss."""
    weights = np.array([[1, 2], [3, 100]], dtype)
    assert bank_from_bytes(npz({"pointwise": weights}), "mine").layers[0].weights.tolist() == [
        [1, 2],
        [3, 100],
    ]


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=4, max_size=4))
@settings(max_examples=30, deadline=None)
def test_bfloat16_is_widened(numbers: list[float]) -> None:
    """Its 16 bits are the upper half of a float32."""
    upper = np.array(numbers, np.float32).view(np.uint32) & 0xFFFF0000
    data = (upper >> 16).astype("<u2").tobytes()
    content = raw_safetensors({"pointwise.weight": tensor("BF16", [2, 2], 0, 8)}, data)
    weights = bank_from_bytes(content, "mine").layers[0].weights
    assert weights.ravel().tolist() == upper.view(np.float32).tolist()


def test_arrays_in_fortran_order_are_the_same() -> None:
    """The header says which index runs fastest."""
    assert np.array_equal(
        bank_from_bytes(npz({"pointwise": np.asfortranarray(POINTWISE)}), "m").layers[0].weights, POINTWISE
    )


def test_a_compressed_npz_is_read(tmp_path: Path) -> None:
    """As numpy.savez_compressed writes it."""
    path = tmp_path / "b.npz"
    np.savez_compressed(path, depthwise=DEPTHWISE)
    assert np.array_equal(load_bank(path).layers[0].weights, DEPTHWISE)


def test_a_npy_is_one_layer_called_weights(tmp_path: Path) -> None:
    """For decompose: the weights of an ordinary convolution alone."""
    path = tmp_path / "w.npy"
    np.save(path, CONV)
    (entry,) = list_entries(path)
    assert (entry.name, entry.what) == ("weights", "conv, 2 -> 8 channels, 3 x 3")
    assert np.array_equal(load_bank(path, select=["weights"]).layers[0].weights, CONV)
    np.save(path, np.ones(3))
    with pytest.raises(BankError, match=r"shape \(3,\): weights have 2 or 4 dimensions"):
        load_bank(path)


def test_files_are_read_as_their_content_is(tmp_path: Path) -> None:
    """From a path or from bytes, whatever the suffix."""
    for write in (npz, safetensors):
        content = write({"depthwise.weight": DEPTHWISE})
        path = tmp_path / f"{write.__name__}.bin"
        path.write_bytes(content)
        assert load_bank(path).layers == bank_from_bytes(content, "m").layers


def test_entries_are_listed_without_reading_them(tmp_path: Path) -> None:
    """A list of a large file takes little memory."""
    path = tmp_path / "b.safetensors"
    path.write_bytes(
        safetensors({f"conv{place}": np.zeros((512, 64, 5, 5), np.float32) for place in range(4)})
    )
    list_entries(path)
    tracemalloc.start()
    entries = list_entries(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [entry.what for entry in entries] == ["conv, 64 -> 512 channels, 5 x 5"] * 4
    assert peak < 2**20
