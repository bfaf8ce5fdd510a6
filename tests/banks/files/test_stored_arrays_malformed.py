"""`.npz` and `.safetensors`: files that are not sound, or made to do harm."""

from __future__ import annotations

import io
import json
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.banks.bank import Bank
from sepfilter.banks.files.load import bank_from_bytes, list_entries, load_bank
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
@pytest.mark.parametrize(
    ("arrays", "texts", "message"),
    [
        ({}, {}, "holds nothing, and no layer|no .npz|holds no"),
        ({"w": POINTWISE}, {}, "holds w, and no layer: call weights X.weight"),
        ({"a.bias": POINTWISE}, {}, "'a.bias' has no weights beside it"),
        ({"conv": CONV, "conv.weight": CONV}, {}, "both conv and conv.weight"),
        (
            {"a.weight": CONV},
            {"a.strides": "2"},
            "'a.strides': a layer has no 'strides': did you mean stride",
        ),
        ({"abc.weight": CONV}, {"abd.stride": "2"}, "'abd.stride' belongs to no weights: did you mean abc"),
        ({"a.weight": CONV}, {"a.stride": "two"}, "layer 'a': stride: 'two': give whole numbers"),
        ({"a.weight": CONV}, {"a.stride": "-1"}, "layer 'a': stride: '-1': give whole numbers"),
        ({"a.weight": CONV}, {"a.type": "konv"}, "layer 'a': type 'konv': did you mean conv"),
        (
            {"a.weight": CONV},
            {"a.type": "pointwise"},
            "layer 'a': weights with 3 x 3 taps: a pointwise layer has one",
        ),
        ({"a.weight": CONV}, {"a.groups": "3"}, "layer 'a': 8 output channels in 3 groups"),
        ({"a.weight": CONV}, {"a.type": "depthwise", "a.groups": "3"}, "no depthwise layer of 3 groups"),
        (
            {"a.weight": CONV},
            {"a.shared": "yes", "a.type": "depthwise"},
            "layer 'a': shared: 'yes': give true or false",
        ),
        ({"a.weight": CONV}, {"a.padding": "9" * 4000}, "layer 'a': padding '9999"),
        ({"a.weight": CONV}, {"a.activation": "prelu:" + "x " * 4000}, "layer 'a': activation 'prelu:x"),
        ({"a.weight": CONV}, {"layout": "pytorch"}, "layout 'pytorch': use torch or keras"),
        ({"a.weight": CONV}, {"name": "a\nb"}, "name: 'a.*nb': give 1 to 200 printable"),
        ({"a.weight": CONV}, {"input_scale": "{"}, "input_scale: not valid JSON"),
        ({"a.weight": CONV, "a.bias": np.ones(3)}, {}, r"layer 'a': a bias of shape \(3,\)"),
        ({"conv.weight": np.zeros((0, 2, 3, 3))}, {}, "cannot run 'conv'"),
        ({"conv.weight": np.full((1, 2, 3, 3), np.nan)}, {}, "NaN or infinite in conv"),
        (
            {"depthwise.weight": POINTWISE},
            {"depthwise.type": "depthwise"},
            "a depthwise layer has 4 dimensions",
        ),
        ({f"{'a' * 600}.weight": CONV}, {}, "a name of 607 characters: at most 500"),
    ],
    ids=lambda value: str(value)[-30:],
)
def test_what_is_wrong_with_arrays(
    write: Write, arrays: dict[str, Any], texts: dict[str, str], message: str
) -> None:
    """The error is one line that names the file, and the layer where there is one."""
    with pytest.raises(BankError, match=f"^mine: .*({message})") as caught:
        bank_from_bytes(write(arrays, texts), "mine", layout=None if "layout" in texts else "torch")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def claiming(shape: str, dtype: str = "<f4", data: bytes = b"") -> bytes:
    """A .npy file whose header says what it likes."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header + b"\n" + data


def zipped(members: dict[str, bytes], packing: int = zipfile.ZIP_STORED) -> bytes:
    """An archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            zipped({"conv.npy": claiming("(9, 9, 9, 9)")}),
            r"mine: 'conv': not a sound array .* promises shape \(9, 9, 9, 9\)",
        ),
        (zipped({"conv.npy": claiming("(1000000, 1000000, 9, 9)")}), "promises shape"),
        (zipped({"conv.npy": claiming("(-1, -4)", data=bytes(16))}), "promises shape"),
        (zipped({"conv.npy": claiming("(1, 1)", data=bytes(16))}), "4 bytes, but 16 follow"),
        (
            zipped({"conv.npy": claiming("(1, 1)", "|O", bytes(8))}),
            "holds Python objects, a pickle: loading it would run",
        ),
        (zipped({"conv.npy": claiming("(1, 1)", "<c8", bytes(8))}), "cannot run 'conv'"),
        (zipped({"conv.npy": claiming("(1, 1)", "<M8[s]", bytes(8))}), "cannot run 'conv'"),
        (zipped({"conv.npy": claiming("__import__('os')")}), "not a sound array"),
        (zipped({"conv.npy": b"\x80\x04."}), "'conv': not a sound array"),
        (
            zipped({"conv.npy": b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b" " * 2**24}, zipfile.ZIP_DEFLATED),
            "not a sound array",
        ),
        (zipped({"name.npy": claiming("()", "<U100000000")}), "'name': not a sound array"),
        (
            zipped({"conv.npy": claiming("(1, 1)", data=bytes(4))}, zipfile.ZIP_BZIP2),
            "packed in an unusual way",
        ),
        (zipped({"a\nb.npy": claiming("(2, 1)", data=bytes(4))}), r"'a.+nb': not a sound array"),
        (zipped({"conv.npy": b""}), "not a sound array"),
        (zipped({"readme.txt": b""}), "a ZIP archive without arrays"),
        (zipped({}), "holds nothing, and no layer"),
        (npz({"conv": CONV})[:-30], "not a sound .npz"),
        (b"PK\x03\x04" + bytes(50), "not a sound .npz"),
    ],
    ids=lambda value: str(value)[-30:],
)
def test_a_malformed_npz_is_refused(content: bytes, message: str) -> None:
    """Quickly, in one line, and with little memory."""
    tracemalloc.start()
    start = time.perf_counter()
    with pytest.raises(BankError, match=f"^mine: |{message}") as caught:
        bank_from_bytes(content, "mine")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.perf_counter() - start < 2
    assert peak < 2**22 + 3 * len(content)
    assert str(caught.value).isprintable()
    with pytest.raises(BankError, match=message):
        bank_from_bytes(content, "mine")


def test_a_zip_bomb_is_not_unpacked() -> None:
    """Weights are never 256 MiB of zeros; the header alone is read."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("conv.npy", "w") as member,
    ):
        member.write(claiming("(16, 4096, 32, 32)"))
        for _ in range(256):
            member.write(bytes(2**20))
    tracemalloc.start()
    with pytest.raises(BankError, match=r"'conv': 268,435,5.. bytes are packed into .*, as no weights are"):
        bank_from_bytes(file.getvalue(), "mine")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**23


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_in_an_archive_is_refused() -> None:
    """One of them would be lost."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for _ in range(2):
            archive.writestr("conv.npy", claiming("(1, 1)", data=bytes(4)))
    with pytest.raises(BankError, match="mine: holds a name twice"):
        bank_from_bytes(file.getvalue(), "mine")


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.target,))


def test_a_pickle_in_a_npz_is_not_run(tmp_path: Path) -> None:
    """Objects in an archive or a .npy are refused without unpickling them."""
    trap = np.array([[Trap(tmp_path / "trapped")]], dtype=object)
    np.save(tmp_path / "a.npy", trap, allow_pickle=True)
    for content in (npz({"conv": trap}), (tmp_path / "a.npy").read_bytes()):
        with pytest.raises(BankError, match="holds Python objects, a pickle: loading it would run code"):
            bank_from_bytes(content, "mine")
    assert not (tmp_path / "trapped").exists()


WEIGHT = "conv.weight"


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


def test_a_file_that_was_cut_after_it_was_opened(tmp_path: Path) -> None:
    """Entries read the file when they are built."""
    path = tmp_path / "b.safetensors"
    path.write_bytes(safetensors({"conv.weight": CONV}))
    (entry,) = list_entries(path)
    path.write_bytes(path.read_bytes()[:-8])
    assert entry.build is not None
    with pytest.raises(BankError, match="the file was cut"):
        entry.build()
    path.unlink()
    with pytest.raises(BankError, match=r"b\.safetensors"):
        entry.build()


@given(st.integers(0, 2000), st.integers(0, 255), st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_damaged_file_is_a_bank_or_an_error(place: int, value: int, is_npz: bool) -> None:
    """One byte changed anywhere, or a file cut there, never gives another exception."""
    content = (npz if is_npz else safetensors)(
        {"depthwise.weight": DEPTHWISE[:, :1], "pointwise": POINTWISE[:, :3]}, {"depthwise.stride": "2"}
    )
    damaged = bytearray(content)
    damaged[place % len(damaged)] = value
    for one in (bytes(damaged), content[: place % len(content)]):
        try:
            found: Bank | str = bank_from_bytes(one, "mine", allow_nonfinite=True)
        except BankError as error:
            found = str(error)
        assert isinstance(found, Bank) or found.isprintable()
