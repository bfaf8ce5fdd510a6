"""Banks that people write: JSON and TOML of the same structure.

bank  = {"name": text, "input_scale": text or number, "layers": [layer, ...]}
layer = {"type": "depthwise" | "pointwise" | "conv", ...}                       see `layer_table`
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, Final

from sepfilter.banks.files.attributes import input_scale_of
from sepfilter.banks.files.bank_file import BankFile
from sepfilter.banks.files.entry import Entry
from sepfilter.banks.files.error_text import told
from sepfilter.banks.files.layer_table import check_keys, kind_of, layer_from_table, name_of
from sepfilter.banks.input_scale import AS_THEY_ARE
from sepfilter.banks.layer import Layer
from sepfilter.errors import BankError
from sepfilter.kernels.json_text import load_json

MOST_JSON: Final = 32 * 2**20
MOST_TOML: Final = 4 * 2**20
"""Python's reader of TOML takes a second for each MiB of numbers."""
MOST_PARTS: Final = 2**20
"""Arrays, objects and keys of JSON: the same bytes in numbers take a tenth of the memory."""
MOST_LAYERS: Final = 10_000

_MOST_DOTS: Final = 100
_TOML_TEXTS: Final = re.compile(r"""\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|"[^"\n]*"|'[^'\n]*'""")
_TOML_SIGNS: Final = re.compile(r"[,=\[\]{}\n]")

_KEYS: Final = ("name", "input_scale", "layers")


def bank_from_json(content: bytes, name: str, folder: Path, title: str) -> BankFile:
    """Read a bank from JSON.

    Parameters
    ----------
    content : bytes
        The whole file.
    name : str
        How errors call it.
    folder : Path
        Where files that it names are looked up.
    title : str
        The bank's name unless it says one.

    Raises
    ------
    BankError
        It is no JSON, or no bank.

    Examples
    --------
    >>> text = b'{"layers": [{"type": "pointwise", "matrix": [[1, 0], [0, 1]]}]}'
    >>> [entry.name for entry in bank_from_json(text, "b.json", Path(), "b").readings[""]]
    ['pointwise']
    """
    with told(name):
        check_parts(content)
        return _bank_file(load_json(_decoded(content), name), name, folder, title)


def bank_from_toml(content: bytes, name: str, folder: Path, title: str) -> BankFile:
    """Read a bank from TOML; the same as `bank_from_json` else."""
    import tomllib

    with told(name):
        try:
            text = _decoded(content)
            if any(part.count(".") > _MOST_DOTS for part in _TOML_SIGNS.split(_TOML_TEXTS.sub("", text))):
                raise BankError(f"a key of more than {_MOST_DOTS} parts: which Python reads very slowly")
            value = tomllib.loads(text, parse_float=lambda number: number.replace("_", ""))
        except ValueError as error:  # also of whole numbers with thousands of digits
            if isinstance(error, BankError):
                raise
            raise BankError(f"not valid TOML: {error}") from None
        return _bank_file(value, name, folder, title)


def check_parts(content: bytes) -> None:
    """Refuse JSON that would take far more memory than numbers do.

    Raises
    ------
    BankError
        It has more than `MOST_PARTS` arrays, objects and keys.
    """
    if sum(content.count(sign) for sign in (b"[", b"{", b":")) > MOST_PARTS:
        raise BankError(
            f"more than {MOST_PARTS:,} arrays, objects and keys: keep such weights in .npz or .safetensors"
        )


def _decoded(content: bytes) -> str:
    """The text."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BankError(f"byte {error.start} is no UTF-8 text: save it as UTF-8") from None


def _bank_file(value: Any, name: str, folder: Path, title: str) -> BankFile:
    """The bank that an object describes; its layers are made when they are asked for."""
    if not isinstance(value, dict):
        raise BankError('a bank is an object: {"layers": [...]}')
    check_keys(value, _KEYS, "a bank")
    tables = value.get("layers")
    if not isinstance(tables, list) or not tables:
        raise BankError("has no layers: give an array of them, as layers = [...]")
    if len(tables) > MOST_LAYERS:
        raise BankError(f"{len(tables):,} layers: at most {MOST_LAYERS:,} are taken")
    kinds = []
    for place, table in enumerate(tables, 1):
        with told(f"{name}: layer {place}"):
            kinds.append(kind_of(table))
    number = Counter(kinds)
    entries = []
    for place, (table, kind) in enumerate(zip(tables, kinds, strict=True), 1):
        usual = kind if number[kind] == 1 else f"{kind} {place}"
        with told(f"{name}: layer {place}"):
            called = name_of(table["name"]) if "name" in table else usual
        entries.append(Entry(called, kind, partial(_built, table, called, folder, name)))
    return BankFile(
        name,
        name_of(value["name"]) if "name" in value else title,
        {"": tuple(entries)},
        input_scale_of(value["input_scale"]) if "input_scale" in value else AS_THEY_ARE,
    )


def _built(table: dict[str, Any], called: str, folder: Path, name: str) -> tuple[Layer, ...]:
    """The layer of an object."""
    with told(name), told(f"layer {called!r}"):
        return (layer_from_table(table, called, folder),)
