"""Banks in ``.safetensors``: tensors by name, attributes in the metadata.

The file is an 8-byte length, a JSON header of that length, and the tensors' bytes. The header is read here
to hold it against the file before anything is allocated; the safetensors package then judges it too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import partial
from itertools import groupby
from typing import Any, Final

import numpy as np

from sepfilter.banks.files.bank_file import BankFile
from sepfilter.banks.files.bfloat16 import widened
from sepfilter.banks.files.error_text import missing_library, shown, told
from sepfilter.banks.files.npy_arrays import Array, as_floats
from sepfilter.banks.files.source import MOST_BYTES, Source, length_of, opened
from sepfilter.banks.files.stored_arrays import StoredArray, bank_of_arrays
from sepfilter.errors import BankError
from sepfilter.kernels.json_text import load_json

MOST_HEADER: Final = 16 * 2**20

_DTYPES: Final = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
    "I8": "|i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1",
}  # fmt: skip
_UNSOUND: Final = "not a sound .safetensors file"
_WHOLE: Final = re.compile(r"\d{1,18}", re.ASCII)
_MOST_DIMENSIONS: Final = 32


def bank_from_safetensors(source: Source, path: str, title: str) -> BankFile:
    """Find the layers in a ``.safetensors`` file.

    Parameters
    ----------
    source : Path or bytes
        The file or its content; it is opened again when weights are read.
    path : str
        How errors call it.
    title : str
        The bank's name unless it says one.

    Raises
    ------
    BankError
        The file is not sound, holds no layer, or the safetensors package is not installed.
    """
    with told(path):
        header, start = _header(source)
        texts = header.pop("__metadata__", {})
        if not isinstance(texts, dict) or not all(isinstance(one, str) for one in texts.values()):
            raise BankError("its metadata is not made of text")
        found = {name: _tensor(source, name, said, start, length_of(source)) for name, said in header.items()}
        _check_by_library(source, path)
        names = _in_order(header, texts.pop("layers", None))
    return bank_of_arrays([found[name] for name in names], texts, path, title)


def _header(source: Source) -> tuple[dict[str, Any], int]:
    """The header, and where the tensors' bytes begin."""
    there = length_of(source) - 8
    with opened(source) as file:
        length = int.from_bytes(file.read(8), "little")
        if length > there:
            raise BankError(
                f"{_UNSOUND}: says its header is {length:,} bytes long, but {max(there, 0):,} follow"
            )
        if length > MOST_HEADER:
            raise BankError(f"its header is larger than {MOST_HEADER // 2**20} MiB: no weights need that")
        content = file.read(length)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise BankError(f"{_UNSOUND}: its header is no UTF-8 text") from None
    header = load_json(text, f"{_UNSOUND}: its header")
    if not isinstance(header, dict):
        raise BankError(f"{_UNSOUND}: its header is no object")
    return header, 8 + length


def _tensor(source: Source, name: str, said: Any, start: int, length: int) -> StoredArray:
    """A tensor whose header fits the file."""
    said = said if isinstance(said, dict) else {}
    shape, offsets = _extents(said.get("shape")), _extents(said.get("data_offsets"))
    dtype = said.get("dtype")
    if shape is None or offsets is None or len(offsets) != 2 or not isinstance(dtype, str):
        raise BankError(f"{shown(name)}: {_UNSOUND}: says no shape, type and place")
    begin, end = offsets
    if not begin <= end <= length - start:
        raise BankError(
            f"{shown(name)}: {_UNSOUND}: says it lies at bytes {begin:,} to {end:,}, but there are "
            f"{length - start:,}"
        )
    if dtype not in _DTYPES:
        return StoredArray(name, shape, None)
    promised = math.prod(shape) * np.dtype(_DTYPES[dtype]).itemsize
    if promised != end - begin:
        raise BankError(
            f"{shown(name)}: {_UNSOUND}: shape {shape} of {dtype} takes {promised:,} bytes, but it has "
            f"{end - begin:,}"
        )
    return StoredArray(name, shape, partial(_read, source, name, dtype, shape, start + begin))


def _extents(value: Any) -> tuple[int, ...] | None:
    """A list of whole numbers, None where it is none."""
    if not isinstance(value, list) or len(value) > _MOST_DIMENSIONS:
        return None
    if not all(isinstance(one, str) and _WHOLE.fullmatch(one) for one in value):
        return None
    return tuple(map(int, value))


def _read(source: Source, name: str, dtype: str, shape: tuple[int, ...], place: int) -> Array:
    """The tensor, from the file opened anew."""
    promised = math.prod(shape) * np.dtype(_DTYPES[dtype]).itemsize
    if promised > MOST_BYTES:
        raise BankError(f"{shown(name)}: larger than {MOST_BYTES // 2**30} GiB: no layer is that large")
    with opened(source) as file:
        file.seek(place)
        content = file.read(promised)
    if len(content) < promised:
        raise BankError(f"{shown(name)}: ends after {len(content):,} of {promised:,} bytes: the file was cut")
    if dtype == "BF16":
        return widened(np.frombuffer(content, _DTYPES[dtype])).reshape(shape)
    return as_floats(np.frombuffer(content, _DTYPES[dtype]).reshape(shape), shown(name))


def _check_by_library(source: Source, path: str) -> None:
    """Let the safetensors package judge the header."""
    try:
        from safetensors import SafetensorError, deserialize, safe_open
    except ImportError:
        raise missing_library(path, "safetensors", "safetensors") from None
    try:
        if isinstance(source, bytes):
            deserialize(source)  # type: ignore[no-untyped-call]
        else:
            with safe_open(source, framework="numpy"):
                pass
    except (SafetensorError, OSError, ValueError) as error:
        raise BankError(f"{_UNSOUND}: {error}") from None


def _in_order(header: Mapping[str, Any], said: str | None) -> list[str]:
    """Names of tensors in the order in which the layers run.

    The safetensors package writes tensors sorted by type and name, which loses it: we say it in the
    metadata, and in others' files so sorted, numbers in names are put in order as numbers (``features.2``
    before ``features.10``).
    """
    if said is not None:
        places = {name: place for place, name in enumerate(said.split("\n"))}
        return sorted(header, key=lambda name: places.get(name, len(places)))
    runs = [list(run) for _, run in groupby(header, key=lambda name: str(header[name]["dtype"]))]
    is_sorted = len(runs) == len({str(one["dtype"]) for one in header.values()}) and all(
        run == sorted(run) for run in runs
    )
    return sorted(header, key=_natural) if is_sorted else list(header)


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that sorts numbers in a name as numbers."""
    return [
        (int(part), "") if part.isdecimal() and len(part) < 10 and part.isascii() else (-1, part)
        for part in re.split(r"(\d+)", name)
    ]
