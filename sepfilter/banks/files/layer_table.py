"""A layer as people write it in JSON and TOML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from sepfilter.banks.files.attributes import KINDS, groups_of, layer_options, shared_of
from sepfilter.banks.files.error_text import shown, told
from sepfilter.banks.files.kernel_weights import is_taps, kernel_of, matrix_of, stacked, weights_of
from sepfilter.banks.files.nested_numbers import nested_numbers
from sepfilter.banks.layer import Layer
from sepfilter.banks.layers import Conv, Depthwise, Pointwise
from sepfilter.errors import BankError
from sepfilter.kernels.arrays import FloatArray
from sepfilter.kernels.preset import nearest

_COMMON: Final = ("type", "name", "stride", "dilation", "padding", "border", "activation", "bias", "weights")
_KEYS: Final = {
    "depthwise": (*_COMMON, "kernel", "kernels", "shared"),
    "pointwise": (*_COMMON, "matrix"),
    "conv": (*_COMMON, "groups"),
}
MOST_NAME: Final = 200
"""Characters of a name that people give."""


def check_keys(table: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    """Refuse keys that nothing reads, naming the one that was meant.

    Raises
    ------
    BankError
        There is one.
    """
    for key in table:
        if key not in known:
            near = nearest(str(key)[:40], list(known)) or f": it has {', '.join(known)}"
            raise BankError(f"{what} has no {shown(key)}{near}")


def name_of(value: Any) -> str:
    """A name as text.

    Raises
    ------
    BankError
        It is empty, too long, or not printable.
    """
    if not (isinstance(value, str) and value.strip() and value.isprintable() and len(value) <= MOST_NAME):
        raise BankError(f"name: {shown(value)}: give 1 to {MOST_NAME} printable characters")
    return value


def kind_of(table: Any) -> str:
    """What type a layer says it is.

    Raises
    ------
    BankError
        It says none, or one that does not exist.
    """
    if not isinstance(table, dict):
        raise BankError(
            f'{shown(table)}: a layer is an object, as {{"type": "depthwise", "kernel": "sobel-x"}}'
        )
    kind = table.get("type")
    if kind is None:
        raise BankError(f"has no type: give one of {', '.join(KINDS)}")
    if kind not in KINDS:
        near = nearest(kind[:40], list(KINDS)) if isinstance(kind, str) else ""
        raise BankError(f"type {shown(kind)}" + (near or f": give one of {', '.join(KINDS)}"))
    return str(kind)


def layer_from_table(table: dict[str, Any], name: str, folder: Path) -> Layer:
    """Make the layer.

    Parameters
    ----------
    table : dict
        With a type; see ``docs/banks.md`` for the other keys.
    name : str
        What the layer is called.
    folder : Path
        Where names of files are looked up.

    Raises
    ------
    BankError
        A key is unknown or has a value that it cannot have, or the layer is not sound.
    """
    kind = kind_of(table)
    check_keys(table, _KEYS[kind], f"a {kind} layer")
    options: dict[str, Any] = {"name": name, **layer_options(table)}
    if kind == "depthwise":
        weights, offsets, options["shared"] = _depthwise_weights(table, folder)
    elif kind == "pointwise":
        source = _only_one(table, ("matrix", "weights"))
        read = matrix_of if source == "matrix" else weights_of
        weights, offsets = read(table[source], folder), None
    else:
        _only_one(table, ("weights",))
        with told("weights"):
            weights, offsets = weights_of(table["weights"], folder), None
        options["groups"] = groups_of(table) or 1
    bias = _bias(table, folder)
    if offsets is not None:
        bias = offsets if bias is None else _sum(bias, offsets)
    makes: dict[str, type[Layer]] = {"depthwise": Depthwise, "pointwise": Pointwise, "conv": Conv}
    return makes[kind](weights, bias, **options)


def _depthwise_weights(table: dict[str, Any], folder: Path) -> tuple[FloatArray, FloatArray | None, bool]:
    """Weights, what offsets of kernels add to the bias, and whether all channels share them."""
    source = _only_one(table, ("kernel", "kernels", "weights"))
    value = table[source]
    if source == "weights":
        with told("weights"):
            return weights_of(value, folder), None, shared_of(table.get("shared", False))
    if "shared" in table:
        raise BankError(f"shared goes with weights: {source} says by itself whether all channels share it")
    if source == "kernel":
        return *stacked([[kernel_of(value, folder)]]), True
    if not isinstance(value, list) or not value:
        raise BankError(f"kernels: {shown(value)}: give an array of kernels, one for each channel")
    channels = []
    for place, one in enumerate(value, 1):
        several = isinstance(one, list) and not is_taps(one)
        with told(f"kernels: channel {place}"):
            if several and not one:
                raise BankError("an empty array: give at least one kernel")
            channels.append([kernel_of(each, folder) for each in (one if several else [one])])
    return *stacked(channels), False


def _only_one(table: dict[str, Any], keys: tuple[str, ...]) -> str:
    """The one key of these that is given."""
    given = [key for key in keys if key in table]
    if len(given) != 1:
        raise BankError(
            f"has {' and '.join(given)}: give one of them"
            if given
            else f"has no weights: give {' or '.join(keys)}"
        )
    return given[0]


def _bias(table: dict[str, Any], folder: Path) -> FloatArray | None:
    """The bias, a row of numbers."""
    if "bias" not in table:
        return None
    with told("bias"):
        value = table["bias"]
        return weights_of(value, folder) if isinstance(value, dict) else nested_numbers(value)


def _sum(bias: FloatArray, offsets: FloatArray) -> FloatArray:
    """The bias with the offsets of kernels."""
    if bias.shape != offsets.shape:
        raise BankError(f"bias: shape {bias.shape}: give {len(offsets)} numbers, one for each output channel")
    total: FloatArray = np.add(bias, offsets)
    return total
