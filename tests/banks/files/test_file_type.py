"""Which format a file is in, pickles, and packages that are missing."""

from __future__ import annotations

import io
import os
import pickle
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from sepfilter.banks.bank import Bank
from sepfilter.banks.files.file_type import file_type
from sepfilter.banks.files.load import bank_from_bytes, load_bank
from sepfilter.banks.files.save import save_bank
from sepfilter.banks.layers import Pointwise
from sepfilter.errors import BankError

BANK = Bank((Pointwise([[1.0, 2.0]]),))


def zipped(*names: str) -> bytes:
    """An archive of empty files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "suffix", "expected"),
    [
        (b' {"layers": []}', "", "json"),
        (b'\xef\xbb\xbf{"layers": []}', "", "json"),
        (b'        {"layers": []}', "", "json"),
        (b"[1]", "", "json"),
        (b"[[layers]]\n", "", "toml"),
        (b"# edges\n\nname = 'a'", "", "toml"),
        (b"anything", ".toml", "toml"),
        (b"anything", ".json", "json"),
        (zipped("a.npy"), ".bin", "npz"),
        (zipped(), "", "npz"),
        (zipped("config.json", "model.weights.h5"), "", "keras"),
        (b"\x93NUMPY", ".txt", "npy"),
        (b"\x89HDF\r\n\x1a\n", ".h5", "keras"),
        (bytes(512) + b"\x89HDF\r\n\x1a\n", "", "keras"),
        (b"\x02\0\0\0\0\0\0\0{}", "", "safetensors"),
        (b"\x02\0\0\0\0\0\0\0{}", ".pt", "safetensors"),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f{}", "", "safetensors"),
        (b"\x02\0\0", ".safetensors", "safetensors"),
        (b"\x80\x02\0\0\0\0\0\0{", "", "safetensors"),
        (b"\x08\x07\x12\x07pytorch", "", "onnx"),
        (b"\x08\x07\x12\x07pytorch", ".onnx", "onnx"),
    ],
)
def test_content_tells_the_format_before_the_suffix(content: bytes, suffix: str, expected: str) -> None:
    """A suffix decides only where the content could be anything."""
    assert file_type(content, "mine", suffix) == expected


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        *((pickle.dumps({"a": 1}, protocol), "") for protocol in (2, 3, 4, 5)),
        (pickle.dumps({"a": 1}, 0), ".pkl"),
        (zipped("archive/data.pkl", "archive/data/0"), ".pt"),
        (zipped("archive/constants.pkl"), ".pth"),
        (b"what", ".ckpt"),
        (b"what", ".pth"),
    ],
)
def test_pickles_are_refused(content: bytes, suffix: str) -> None:
    """With the reason, and what to do where the weights were made."""
    with pytest.raises(
        BankError, match=r"mine: a pickle.* would run code in it.*safetensors.torch.save_file\(model"
    ):
        bank_from_bytes(content, "mine", suffix)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "mine: is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "no bank file: it is none of .json, .toml"),
        (b"1 2 1", "no bank file: .*kernels without a bank go to --depthwise"),
        (b"GIF89a\0\0", "no bank file"),
        (bytes(100), "no bank file"),
        (zipped("a.txt"), "a ZIP archive without arrays"),
        (b"PK\x03\x04", "not a sound .npz or .keras file"),
    ],
)
def test_other_files_are_refused(content: bytes, message: str) -> None:
    """The error lists the formats that are read."""
    with pytest.raises(BankError, match=message) as caught:
        bank_from_bytes(content, "mine")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.json", "none.json: the bank file cannot be read: No such file"),
        ("", ": a folder: name the file"),
        ("a\0b", "cannot be read: "),
        ("a\nb", r"a\?b: the bank file cannot be read"),
        ("n" * 5000, "cannot be read: File name too long"),
    ],
)
def test_files_that_cannot_be_opened(name: str, message: str, tmp_path: Path) -> None:
    """The error is one line with the system's reason."""
    with pytest.raises(BankError, match=message) as caught:
        load_bank(tmp_path / name)
    assert str(caught.value).isprintable()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize("suffix", [".json", ".npz", ".safetensors"])
def test_a_pipe_is_read_once(suffix: str, tmp_path: Path) -> None:
    """As a shell makes one of <(command)."""
    save_bank(BANK, tmp_path / f"b{suffix}")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = (tmp_path / f"b{suffix}").read_bytes()
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    assert load_bank(pipe).layers == BANK.layers
    writer.join()


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no endless device")
def test_a_device_is_no_bank() -> None:
    """Some of them never end."""
    with pytest.raises(BankError, match="/dev/zero: a device, not a file or a pipe"):
        load_bank("/dev/zero")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the line that installs it, for reading and for writing."""
    save_bank(BANK, tmp_path / "b.safetensors")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(
        BankError, match=r"needs the safetensors package: pip install 'sepfilter\[safetensors\]'"
    ):
        load_bank(tmp_path / "b.safetensors")
    with pytest.raises(BankError, match=r"pip install 'sepfilter\[safetensors\]'"):
        save_bank(BANK, tmp_path / "c.safetensors")


@pytest.mark.parametrize(
    ("library", "extra", "content"),
    [("onnx", "onnx", b"\x08\x07\x12\x07pytorch"), ("h5py", "keras", b"\x89HDF\r\n\x1a\n")],
)
def test_a_missing_package_of_a_framework_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, extra: str, content: bytes
) -> None:
    """In the same words."""
    path = tmp_path / "model"
    path.write_bytes(content)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(
        BankError, match=rf"^{path}: .* needs the {library} package: pip install 'sepfilter\[{extra}\]'$"
    ):
        load_bank(path)


def test_keras_files_need_a_name() -> None:
    """Their library seeks in the file."""
    with pytest.raises(BankError, match="mine: Keras' files are not read from standard input"):
        bank_from_bytes(b"\x89HDF\r\n\x1a\n", "mine")


def test_text_that_is_too_large_is_refused(tmp_path: Path) -> None:
    """Weights of that size belong into another format."""
    path = tmp_path / "b.json"
    with path.open("wb") as file:
        file.write(b"{" + b" " * 5000)
        file.truncate(33 * 2**20)
    with pytest.raises(
        BankError, match=r"b.json: larger than 32 MiB: keep such weights in .npz or .safetensors"
    ):
        load_bank(path)
