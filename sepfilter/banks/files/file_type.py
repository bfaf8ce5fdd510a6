"""Which format a bank file is in, told by its content first and its name second; pickles are refused."""

from __future__ import annotations

import re
import zipfile
from pathlib import PurePosixPath
from typing import Final, Literal, TypeAlias

from sepfilter.banks.files.source import Source, opened
from sepfilter.errors import BankError
from sepfilter.kernels.npy_header import is_npy

FileType: TypeAlias = Literal["json", "toml", "npz", "npy", "safetensors", "onnx", "keras"]

_HEAD: Final = 4096
_HDF5_MAGIC: Final = b"\x89HDF\r\n\x1a\n"
_HDF5_PLACES: Final = (0, 512, 1024, 2048)
_PICKLE: Final = re.compile(rb"\x80[\x02-\x05]")
_PICKLE_SUFFIXES: Final = (".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle", ".joblib", ".pth.tar")
_ONNX: Final = re.compile(rb"\x08[\x01-\x20][\x12\x1a\x22\x28\x32\x3a\x42]")
_TEXT: Final = re.compile(rb"[\t\n\r\x20-\x7e]{8}")
_TOML: Final = re.compile(r"\s*(#[^\n]*\n\s*)*(\[\[?\s*[A-Za-z_\"'][\w\s.\"'-]*\]|[A-Za-z_]\w*\s*=)")

FORMATS: Final = ".json, .toml, .npz, .safetensors, .onnx, .keras and Keras' .h5"


def file_type(source: Source, name: str, suffix: str) -> FileType:
    """Tell the format.

    Parameters
    ----------
    source : Path or bytes
        The file or its content.
    name : str
        How errors call it.
    suffix : str
        Of the file's name, in lower case; empty for standard input.

    Raises
    ------
    BankError
        It is none of the formats, or a pickle, which would run code when it is loaded.
    """
    try:
        with opened(source) as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise BankError(f"{name}: the bank file cannot be read: {error.strerror or error}") from None
    if not head:
        raise BankError(f"{name}: is empty: a bank file has at least one layer")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _type_of_zip(source, name)
    if is_npy(head):
        return "npy"
    if any(head[place:].startswith(_HDF5_MAGIC) for place in _HDF5_PLACES):
        return "keras"
    if head[4:9] == b"\0\0\0\0{":  # before pickles: the length of a header may begin as they do
        return "safetensors"
    if _PICKLE.match(head):
        raise pickled(name)
    if suffix == ".onnx":
        return "onnx"
    if suffix == ".safetensors" or (head[8:9] == b"{" and not _TEXT.match(head)):
        return "safetensors"
    return _type_of_text(head, name, suffix)


def pickled(name: str) -> BankError:
    """Why a pickle is refused, and the way out."""
    return BankError(
        f"{name}: a pickle, as torch.save and pickle.dump write them: loading it would run code in it. "
        "Save the weights where they were made: safetensors.torch.save_file(model.state_dict(), "
        "'weights.safetensors')"
    )


def _type_of_zip(source: Source, name: str) -> FileType:
    """A ``.npz``, a ``.keras``, or what PyTorch saves: all of them are ZIP archives."""
    try:
        with opened(source) as file, zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except Exception as error:  # zipfile raises many kinds for archives that are not sound
        reason = " ".join(str(error).split())[:200]
        raise BankError(f"{name}: not a sound .npz or .keras file: {reason}") from None
    leaves = {PurePosixPath(one).name for one in names}
    if "data.pkl" in leaves or any(one.endswith((".pkl", ".pickle")) for one in leaves):
        raise pickled(name)
    if "config.json" in names or "model.weights.h5" in names:
        return "keras"
    if any(one.endswith(".npy") for one in names) or not names:
        return "npz"
    raise BankError(f"{name}: a ZIP archive without arrays or layers in it: a bank is one of {FORMATS}")


def _type_of_text(head: bytes, name: str, suffix: str) -> FileType:
    """JSON or TOML; ONNX without its suffix; else what to say of it."""
    if _ONNX.match(head):
        return "onnx"
    text = head.decode("utf-8-sig", errors="ignore")
    if b"\0" not in head:
        if suffix == ".toml" or (suffix != ".json" and _TOML.match(text)):
            return "toml"
        if suffix == ".json" or text.lstrip().startswith(("{", "[")):
            return "json"
    if suffix in _PICKLE_SUFFIXES:
        raise pickled(name)
    raise BankError(
        f"{name}: no bank file: it is none of {FORMATS}; kernels without a bank go to --depthwise and "
        "--pointwise"
    )
