"""`.safetensors`: names, order and types, and files that are not sound."""

from __future__ import annotations

import json
import struct
import tracemalloc
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.banks.files.load import bank_from_bytes, load_bank
from sepfilter.banks.files.safetensors_file import bank_from_safetensors
from sepfilter.errors import BankError

RNG = np.random.default_rng(8)
DEPTHWISE = RNG.normal(size=(3, 2, 5, 5)).astype(np.float32)
POINTWISE = RNG.normal(size=(4, 6)).astype(np.float32)
CONV = RNG.normal(size=(8, 2, 3, 3)).astype(np.float32)
WEIGHT = "conv.weight"


def raw_safetensors(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    """A .safetensors file whose header says what it likes."""
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, Any]:
    """What a header says of a tensor."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def test_a_state_dict_is_told_by_its_shapes(stored: ModuleType) -> None:
    """Names as PyTorch numbers them say no kind, and a part called conv further up says none either."""
    arrays = {
        "features.0.0.weight": RNG.normal(size=(16, 3, 3, 3)),
        "features.1.conv.0.0.weight": RNG.normal(size=(16, 1, 3, 3)),
        "features.1.conv.1.weight": RNG.normal(size=(8, 16, 1, 1)),
        "classifier.1.weight": RNG.normal(size=(5, 8)),
        "classifier.1.bias": RNG.normal(size=5),
    }
    bank = bank_from_bytes(stored.safetensors(arrays), "mine", select=["features", "classifier"])
    assert [layer.kind for layer in bank.layers] == ["conv", "depthwise", "pointwise", "pointwise"]
    assert bank.layers[1].channel_groups == 16


def test_numbers_in_names_are_sorted_as_numbers(stored: ModuleType) -> None:
    """The safetensors package writes names sorted as text, 10 before 2."""
    arrays = {f"layer.{place}.pointwise.weight": np.full((1, 1), place) for place in (10, 9, 2)}
    bank = bank_from_bytes(stored.safetensors(arrays), "mine")
    assert [layer.weights.item() for layer in bank.layers] == [2, 9, 10]


def test_an_order_that_is_not_sorted_is_kept() -> None:
    """Another program may have written the layers in the order in which they run."""
    header = {
        f"{name}.weight": tensor("U8", [1, 1], place, place + 1) for place, name in enumerate(("z", "a", "m"))
    }
    bank = bank_from_bytes(raw_safetensors(header, b"\1\2\3"), "mine")
    assert [layer.weights.item() for layer in bank.layers] == [1, 2, 3]


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=4, max_size=4))
@settings(max_examples=30, deadline=None)
def test_bfloat16_is_widened(numbers: list[float]) -> None:
    """Its 16 bits are the upper half of a float32."""
    upper = np.array(numbers, np.float32).view(np.uint32) & 0xFFFF0000
    data = (upper >> 16).astype("<u2").tobytes()
    content = raw_safetensors({"pointwise.weight": tensor("BF16", [2, 2], 0, 8)}, data)
    weights = bank_from_bytes(content, "mine").layers[0].weights
    assert weights.ravel().tolist() == upper.view(np.float32).tolist()


def test_entries_are_listed_without_reading_them(stored: ModuleType, tmp_path: Path) -> None:
    """A list of a large file takes little memory."""
    path = tmp_path / "b.safetensors"
    path.write_bytes(
        stored.safetensors({f"conv{place}": np.zeros((512, 64, 5, 5), np.float32) for place in range(4)})
    )
    bank_from_safetensors(path, "b", "b")
    tracemalloc.start()
    entries = bank_from_safetensors(path, "b", "b").entries
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [entry.what for entry in entries] == ["conv, 64 -> 512 channels, 5 x 5"] * 4
    assert peak < 2**20


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            raw_safetensors({}, length=2**62),
            "says its header is 4,611,686,018,427,387,904 bytes long, but 2 follow",
        ),
        (raw_safetensors({}, length=3), "says its header is 3 bytes long, but 2 follow"),
        (raw_safetensors("{" + " " * 2**24 + "}"), "its header is larger than 16 MiB"),
        (raw_safetensors("{"), "its header: not valid JSON"),
        (raw_safetensors('{"a":' + "[" * 5000), "nested more than 100 deep"),
        (raw_safetensors('{"a": 1, "a": 2}'), "'a' is given twice"),
        (raw_safetensors({WEIGHT: 1}), "'conv.weight': not a sound .*says no shape, type and place"),
        (raw_safetensors({WEIGHT: tensor("F32", [1, -1], 0, 0)}), "says no shape"),
        (raw_safetensors({WEIGHT: tensor("F32", [2**62] * 33, 0, 0)}), "says no shape"),
        (
            raw_safetensors({WEIGHT: tensor("F32", [9] * 4, 0, 26244)}),
            "says it lies at bytes 0 to 26,244, but there are 0",
        ),
        (
            raw_safetensors({WEIGHT: tensor("F32", [9] * 4, 0, 4)}, bytes(4)),
            "takes 26,244 bytes, but it has 4",
        ),
        (
            raw_safetensors({WEIGHT: tensor("F32", [10**17] * 4, 0, 4)}, bytes(4)),
            "takes .* bytes, but it has 4",
        ),
        (raw_safetensors({WEIGHT: tensor("F32", [1, 1], 4, 0)}, bytes(4)), "says it lies at bytes 4 to 0"),
        (raw_safetensors({WEIGHT: tensor("F32", [1, 1], 0, 4)}, bytes(8)), "not a sound .safetensors file"),
        (raw_safetensors({WEIGHT: tensor("F8_E4M3", [1, 1], 0, 1)}, bytes(1)), "cannot run 'conv'"),
        (raw_safetensors({WEIGHT: tensor("WHAT", [1, 1], 0, 1)}, bytes(1)), "not a sound .safetensors file"),
        (raw_safetensors({"__metadata__": {"a": 1}}), "not made of text|not a sound"),
        (raw_safetensors({"__metadata__": []}), "its metadata is not made of text"),
        (
            raw_safetensors({"a\x00\nb.weight": tensor("F32", [1], 0, 4)}, bytes(4)),
            r"cannot run 'a\\x00\\nb'",
        ),
        (raw_safetensors({}), "holds nothing, and no layer"),
        (struct.pack("<Q", 3) + b"{\xff}", "its header is no UTF-8"),
    ],
    ids=lambda value: str(value)[-30:],
)
def test_a_malformed_safetensors_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    """From bytes and from a file, in one line, before anything is allocated."""
    path = tmp_path / "b.safetensors"
    path.write_bytes(content)
    for load in (lambda: bank_from_bytes(content, str(path)), lambda: load_bank(path)):
        with pytest.raises(BankError, match=message) as caught:
            load()
        assert str(caught.value).startswith(f"{path}: ")
        assert str(caught.value).isprintable()


def test_a_file_that_was_cut_after_it_was_opened(stored: ModuleType, tmp_path: Path) -> None:
    """Entries read the file when they are built."""
    path = tmp_path / "b.safetensors"
    path.write_bytes(stored.safetensors({"conv.weight": CONV}))
    (entry,) = bank_from_safetensors(path, str(path), "b").entries
    path.write_bytes(path.read_bytes()[:-8])
    assert entry.build is not None
    with pytest.raises(BankError, match="the file was cut"):
        entry.build()
    path.unlink()
    with pytest.raises(BankError, match=r"b\.safetensors"):
        entry.build()
