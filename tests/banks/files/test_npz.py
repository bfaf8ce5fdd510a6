"""`.npz` and `.npy`: what NumPy writes, and files that are not sound or made to do harm."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from sepfilter.banks.files.load import bank_from_bytes, load_bank
from sepfilter.banks.files.npz_file import bank_from_npy
from sepfilter.errors import BankError

RNG = np.random.default_rng(8)
DEPTHWISE = RNG.normal(size=(3, 2, 5, 5)).astype(np.float32)
POINTWISE = RNG.normal(size=(4, 6)).astype(np.float32)
CONV = RNG.normal(size=(8, 2, 3, 3)).astype(np.float32)


def test_attributes_of_a_npz_may_be_numbers(stored: ModuleType) -> None:
    """What numpy.savez makes of a number or a pair is taken as well."""
    bank = bank_from_bytes(stored.npz({"conv.weight": CONV, "conv.stride": (2, 1), "conv.groups": 2}), "mine")
    assert (bank.layers[0].stride, bank.layers[0].groups) == ((2, 1), 2)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint16", "int64", ">f4"])
def test_all_real_numbers_are_taken(stored: ModuleType, dtype: str) -> None:
    """They become float64 without loss."""
    weights = np.array([[1, 2], [3, 100]], dtype)
    assert bank_from_bytes(stored.npz({"pointwise": weights}), "mine").layers[0].weights.tolist() == [
        [1, 2],
        [3, 100],
    ]


def test_arrays_in_fortran_order_are_the_same(stored: ModuleType) -> None:
    """The header says which index runs fastest."""
    assert np.array_equal(
        bank_from_bytes(stored.npz({"pointwise": np.asfortranarray(POINTWISE)}), "m").layers[0].weights,
        POINTWISE,
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
    (entry,) = bank_from_npy(path, "w.npy", "w").entries
    assert (entry.name, entry.what) == ("weights", "conv, 2 -> 8 channels, 3 x 3")
    assert np.array_equal(load_bank(path, select=["weights"]).layers[0].weights, CONV)
    np.save(path, np.ones(3))
    with pytest.raises(BankError, match=r"shape \(3,\): weights have 2 or 4 dimensions"):
        load_bank(path)


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
        (zipped({"name.npy": claiming("()", "<U0")}), "'name': not a sound array .* have no bytes"),
        (
            zipped({"conv.npy": claiming("(1, 1)", data=bytes(4))}, zipfile.ZIP_BZIP2),
            "packed in an unusual way",
        ),
        (zipped({"a\nb.npy": claiming("(2, 1)", data=bytes(4))}), r"'a.+nb': not a sound array"),
        (zipped({"conv.npy": b""}), "not a sound array"),
        (zipped({"readme.txt": b""}), "a ZIP archive without arrays"),
        (zipped({}), "holds nothing, and no layer"),
        (zipped({"conv.npy": claiming("(1, 1)", data=bytes(4))})[:-30], "not a sound .npz"),
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


def test_a_pickle_in_a_npz_is_not_run(stored: ModuleType, tmp_path: Path) -> None:
    """Objects in an archive or a .npy are refused without unpickling them."""
    trap = np.array([[Trap(tmp_path / "trapped")]], dtype=object)
    np.save(tmp_path / "a.npy", trap, allow_pickle=True)
    for content in (stored.npz({"conv": trap}), (tmp_path / "a.npy").read_bytes()):
        with pytest.raises(BankError, match="holds Python objects, a pickle: loading it would run code"):
            bank_from_bytes(content, "mine")
    assert not (tmp_path / "trapped").exists()
