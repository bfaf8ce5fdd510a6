"""Keras weights without a model, and files that are damaged or made to do harm."""

from __future__ import annotations

import json
import struct
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sepfilter.banks.files.keras_file import entries_from_keras
from sepfilter.errors import BankError

h5py = pytest.importorskip("h5py")

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def several(keras: ModuleType) -> list[Any]:
    """A layer of each kind, in an order that is not the alphabet's."""
    return [
        keras.Made("SeparableConv2D", "sep", {
            "depthwise_kernel": keras.numbers(3, 3, 3, 2), "pointwise_kernel": keras.numbers(1, 1, 6, 4),
            "bias": keras.numbers(4),
        }),
        keras.Made("DepthwiseConv2D", "dw", {"depthwise_kernel": keras.numbers(3, 3, 4, 1), "bias": keras.numbers(4)}),
        keras.Made("Conv2D", "a", {"kernel": keras.numbers(2, 3, 4, 5), "bias": keras.numbers(5)}),
        keras.Made("Conv2D", "pw", {"kernel": keras.numbers(1, 1, 5, 2)}),
    ]  # fmt: skip


WANTED = [
    ("sep/depthwise", "depthwise"),
    ("sep/pointwise", "pointwise"),
    ("dw", "depthwise"),
    ("a", "conv"),
    ("pw", "pointwise"),
]


def one_array(path: Path, **settings: Any) -> Path:
    """A file of weights with one array, made as `Group.create_dataset` takes it."""
    with h5py.File(path, "w") as file:
        file["layers/conv2d/vars"] = file.create_group("own")
        file["layers/conv2d/vars"].create_dataset("0", **settings)
    return path


def read(path: Path) -> None:
    """Read a file and build whatever it holds."""
    for entry in entries_from_keras(path, "m"):
        assert entry.name.isprintable()
        assert entry.what.isprintable()
        if entry.build:
            entry.build()


def test_weights_by_name_are_a_chain_in_their_order(
    keras: ModuleType, several: list[Any], tmp_path: Path
) -> None:
    """Keras 2 keeps the order of layers; strides are 1, and padding is not said."""
    entries = entries_from_keras(keras.write_weights_keras2(tmp_path / "m.weights.h5", several), "m")
    layers = [layer for entry in entries if entry.build for layer in entry.build()]
    assert [(layer.name, layer.kind) for layer in layers] == WANTED
    assert all(layer.padding is None and layer.border is None for layer in layers)
    assert "padding not said" in entries[0].what


@pytest.mark.parametrize("says_names", [True, False])
def test_numbered_weights_have_no_order(
    keras: ModuleType, several: list[Any], tmp_path: Path, says_names: bool
) -> None:
    """Keras 3 sorts layers by class: an entry says so, and all of them can be selected."""
    path = keras.write_weights_keras3(tmp_path / "m.weights.h5", several, says_names=says_names)
    order, *entries = entries_from_keras(path, "m")
    assert (order.name, order.build) == ("order", None)
    layers = [layer for entry in entries if entry.build for layer in entry.build()]
    assert sorted(layer.kind for layer in layers) == sorted(kind for _, kind in WANTED)
    if says_names:
        assert sorted((layer.name, layer.kind) for layer in layers) == sorted(WANTED)
    by_kind = {layer.kind: layer for layer in layers}
    assert np.array_equal(by_kind["conv"].weights, several[2].arrays["kernel"].transpose(3, 2, 0, 1))


def test_what_shapes_do_not_tell_is_an_error(tmp_path: Path) -> None:
    """(3, 3, 8, 1) without a bias is depthwise or makes one channel."""
    path = one_array(tmp_path / "m.h5", data=np.ones((3, 3, 8, 1), np.float32))
    (entry,) = entries_from_keras(path, "m")
    assert entry.build is None
    assert "is depthwise, or makes one channel of 8: save the whole model" in entry.what


def test_bfloat16_is_widened(tmp_path: Path) -> None:
    """Keras writes two bytes a number, and a note that says what they are."""
    halves = (np.random.default_rng(1).normal(size=(2, 2, 3, 4)).astype("<f4").view("<u4") >> 16).astype(
        "<u2"
    )
    path = one_array(tmp_path / "m.h5", data=halves.view("V2"))
    with h5py.File(path, "r+") as file:
        file["layers/conv2d/vars/0"].attrs["dtype"] = "bfloat16"
    (entry,) = entries_from_keras(path, "m")
    assert entry.build
    (layer,) = entry.build()
    assert np.array_equal(layer.weights, (halves.astype("<u4") << 16).view("<f4").transpose(3, 2, 0, 1))


def test_links_are_not_followed(keras: ModuleType, tmp_path: Path) -> None:
    """Soft and external ones lead elsewhere; what is behind them is not there."""
    whole = keras.write_weights_keras2(
        tmp_path / "secret.h5", [keras.Made("Conv2D", "c", {"kernel": keras.numbers(1, 1, 2, 2)})]
    )
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file["layers/a/vars/0"] = h5py.ExternalLink(str(whole), "/c/c/kernel:0")
        file["layers/b/vars/0"] = h5py.SoftLink("/layers/a/vars/0")
        file["layers/c"] = h5py.SoftLink("/layers")
    with pytest.raises(BankError, match="has no layers with weights"):
        read(path)


def test_groups_in_a_circle_end(tmp_path: Path) -> None:
    """A group that holds itself is nested without end."""
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file["layers/a"] = file.create_group("layers")
    with pytest.raises(BankError, match="nested more than 32 deep"):
        read(path)


@pytest.mark.parametrize(
    "settings",
    [
        {"shape": (2**16, 2**16, 4, 4), "dtype": "f4", "chunks": (64, 64, 4, 4)},
        {"shape": (2**10, 2**10, 4, 4), "dtype": "f4", "chunks": (64, 64, 4, 4), "compression": "gzip"},
        {"shape": (3, 3, 4, 4), "dtype": "f4"},
        {"shape": (3, 3, 4, 4), "dtype": "f4", "external": [("elsewhere.bin", 0, 576)]},
        {"data": np.ones((2, 2, 2, 2), np.int8)},
        {"data": np.ones((2, 2, 2, 2), np.complex64)},
        {"data": "text"},
        {"data": np.zeros((0, 3, 2, 2), np.float32)},
        {"data": h5py.Empty("f4")},
    ],
    ids=str,
)
def test_arrays_that_are_not_there_are_refused(tmp_path: Path, settings: dict[str, Any]) -> None:
    """Told from what the file holds, before anything is allocated."""
    path = one_array(tmp_path / "m.h5", **settings)
    tracemalloc.start()
    (entry,) = entries_from_keras(path, "m")
    assert entry.build is None
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()
    assert entry.what.startswith("cannot be run: ")


@pytest.mark.parametrize(
    "content", [b"", b"\x89HDF\r\n\x1a\n", b"PK\3\4", b"\x89HDF\r\n\x1a\n" + b"\xff" * 4000, b"x" * 99]
)
def test_what_is_no_keras_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """Nothing, other files, and the beginning of one."""
    path = tmp_path / "m.h5"
    path.write_bytes(content)
    with pytest.raises(BankError, match=r"^m: not a sound Keras file"):
        read(path)


@pytest.mark.parametrize("size", [0, 8, 2**64 - 16])
def test_texts_that_never_end_are_refused(keras: ModuleType, tmp_path: Path, size: int) -> None:
    """HDF5 itself would look for the next one for ever."""
    made = keras.Made("Conv2D", "c", {"kernel": keras.numbers(1, 1, 2, 2), "bias": keras.numbers(2)})
    path = keras.write_whole_h5(tmp_path / "m.h5", [made], 3)
    content = bytearray(path.read_bytes())
    first = content.index(b"GCOL") + 16
    content[first : first + 16] = struct.pack("<HHIQ", int(size > 8), 0, 0, size)
    path.write_bytes(content)
    with pytest.raises(BankError, match=r"its texts at byte .* are damaged"):
        read(path)


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    """A member that unpacks to far more than it is packed in."""
    path = tmp_path / "m.keras"
    for member in ("config.json", "model.weights.h5"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for one in {"config.json", "model.weights.h5"} - {member}:
                archive.writestr(one, "{}")
            archive.writestr(member, b"\0" * (40 << 20))
        tracemalloc.start()
        with pytest.raises(BankError, match=f"{member} unpacks to 41,943,040 bytes: that is no model"):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 2**22
        tracemalloc.stop()


@pytest.mark.parametrize("members", [[], ["config.json"], ["model.weights.h5"]])
def test_other_zip_files_are_refused(tmp_path: Path, members: list[str]) -> None:
    """A file that is called like a model, and has not what one has."""
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other", "")
        for member in members:
            archive.writestr(member, "{}")
    with pytest.raises(BankError, match=r"a zip file without '(config.json|model.weights.h5)'"):
        read(path)


@pytest.mark.parametrize(
    "config",
    [
        "[" * 100_000,
        "[]",
        '{"class_name": "Sequential", "config": {"layers": [{}]}}',
        '{"class_name": "Sequential", "config": {"layers": [{"config": {"name": 3}}]}}',
        '{"class_name": "Sequential", "config": {"layers": [{"class_name": [], "config": {"name": "a"}}]}}',
        '{"class_name": "Sequential", "config": {"layers": [{"config": []}]}}',
        '{"class_name": "Functional", "config": {"layers": [{"name": "a", "class_name": "Conv2D", "config": 5}]}}',
        json.dumps(
            {
                "class_name": "Sequential",
                "config": {"layers": [{"class_name": "ReLU", "config": {"name": "a"}}] * 2},
            }
        ),
    ],
    ids=range(8),
)
def test_configurations_of_another_form_are_refused(keras: ModuleType, tmp_path: Path, config: str) -> None:
    """Nested without end, of other types, with names missing or twice."""
    path = keras.write_weights_keras2(tmp_path / "m.h5", [])
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = config
    with pytest.raises(BankError, match=r"^m: ") as error:
        read(path)
    assert str(error.value).isprintable()


def test_models_in_models_end(keras: ModuleType, tmp_path: Path) -> None:
    """A configuration that is nested deeper than any model."""
    config: dict[str, Any] = {"class_name": "ReLU", "config": {"name": "r"}}
    for place in range(60):
        config = {"class_name": "Sequential", "config": {"name": f"m{place}", "layers": [config]}}
    path = keras.write_weights_keras2(tmp_path / "m.h5", [])
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(BankError, match="models are nested more than"):
        read(path)


def test_names_are_fit_for_a_terminal(keras: ModuleType, tmp_path: Path) -> None:
    """Line breaks and escape characters in names are gone."""
    made = keras.Made("Conv2D", "a\n\x1b[1m", {"kernel": keras.numbers(1, 1, 2, 2), "bias": keras.numbers(2)})
    (entry,) = entries_from_keras(keras.write_keras(tmp_path / "m.keras", [made]), "m")
    assert entry.name == "a??[1m"


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@given(data=st.data())
@FEW
def test_a_damaged_file_is_refused_or_read(
    keras: ModuleType, tmp_path: Path, suffix: str, data: st.DataObject
) -> None:
    """Cut off anywhere, or with a byte that is wrong."""
    layers = [
        keras.Made("Conv2D", "c", {"kernel": keras.numbers(1, 1, 2, 2), "bias": keras.numbers(2)}),
        keras.Made("ReLU", "r", {}, {"max_value": 6}),
    ]
    path = tmp_path / f"m.{suffix}"
    if suffix == "h5":
        keras.write_whole_h5(path, layers, 3)
    else:
        keras.write_keras(path, layers)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.sampled_from([len(content), place]))])
    with suppress(BankError):
        read(path)
