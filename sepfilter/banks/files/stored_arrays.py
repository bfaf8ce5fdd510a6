"""Layers by the names of their arrays: ``.npz`` and ``.safetensors``.

X.weight, X.bias                  of the layer X, as in PyTorch's state dicts
X                                 the same as X.weight, where the last part of X says a kind of layer
X.stride, X.padding, ...          its attributes, as text (`attributes`)
X.type, X.name, X.shared          its kind, where neither name nor shape says it; what it is called; ``true``
                                  for a depthwise kernel of all channels
name, input_scale, layout         of the whole bank
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from sepfilter.banks.files.attributes import (
    ATTRIBUTES,
    KINDS,
    groups_of,
    input_scale_of,
    layer_options,
    shared_of,
)
from sepfilter.banks.files.bank_file import BankFile
from sepfilter.banks.files.entry import Entry
from sepfilter.banks.files.error_text import listed, shown, told
from sepfilter.banks.files.layer_table import name_of
from sepfilter.banks.files.layouts import LAYOUTS, Array, arranged, kind_by_shape, torch_shape
from sepfilter.banks.input_scale import AS_THEY_ARE
from sepfilter.banks.layer import Layer
from sepfilter.banks.layers import Conv, Depthwise, Pointwise
from sepfilter.errors import BankError
from sepfilter.kernels.preset import nearest
from sepfilter.values import value

OF_A_LAYER: Final = (*ATTRIBUTES, "type", "name", "shared")
MOST_ARRAYS: Final = 65_536
_MOST_NAME: Final = 500
_TRUTHS: Final[Mapping[str, Any]] = {"true": True, "false": False}


@value
class StoredArray:
    """An array of a file that is not read yet.

    Attributes
    ----------
    name : str
        As the file has it.
    shape : tuple of int
        As its header says.
    read : callable or None
        Returns it, float32 or float64; None where it is not made of real numbers.
    """

    name: str
    shape: tuple[int, ...]
    read: Callable[[], Array] | None


@value
class _Part:
    """What a file has for one layer."""

    name: str
    weight: StoredArray
    bias: StoredArray | None
    texts: Mapping[str, str]


def bank_of_arrays(
    arrays: Sequence[StoredArray], texts: Mapping[str, str], path: str, title: str
) -> BankFile:
    """Find the layers among arrays.

    Parameters
    ----------
    arrays : sequence of StoredArray
        In the order in which layers run.
    texts : mapping of str to str
        Attributes.
    path : str
        How errors call the file.
    title : str
        The bank's name unless it says one.

    Raises
    ------
    BankError
        There is no layer, or an attribute belongs to none.
    """
    with told(path):
        parts = _parts(arrays, texts)
        if not parts:
            raise BankError(
                f"holds {listed([one.name for one in arrays])}, and no layer: "
                "call weights X.weight, or depthwise, pointwise, conv, and their biases X.bias"
            )
        layout = texts.get("layout")
        if layout not in (None, *LAYOUTS):
            raise BankError(f"layout {shown(layout)}: use {' or '.join(LAYOUTS)}")
        return BankFile(
            path,
            name_of(texts["name"]) if "name" in texts else title,
            {
                one: tuple(_entry(part, one, path) for part in parts)
                for one in LAYOUTS
                if layout in (None, one)
            },
            input_scale_of(texts["input_scale"]) if "input_scale" in texts else AS_THEY_ARE,
            frozenset(part.name for part in parts if "groups" not in part.texts),
            tuple(part.weight.shape for part in parts),
        )


def _parts(arrays: Sequence[StoredArray], texts: Mapping[str, str]) -> list[_Part]:
    """Arrays and attributes, put together layer by layer."""
    by_name = {one.name: one for one in arrays}
    if len(by_name) < len(arrays) or len(arrays) > MOST_ARRAYS:
        raise BankError(f"holds a name twice, or more than {MOST_ARRAYS:,} arrays")
    if long := next((name for name in (*by_name, *texts) if len(name) > _MOST_NAME), None):
        raise BankError(f"{shown(long)}: a name of {len(long):,} characters: at most {_MOST_NAME} are taken")
    weights: dict[str, StoredArray] = {}
    for name, array in by_name.items():
        layer = name.removesuffix(".weight")
        if layer == name and (name.endswith(".bias") or _kind_by_name(name) is None):
            continue
        if layer in weights:
            raise BankError(f"both {layer} and {layer}.weight: keep one of them")
        weights[layer] = array
    for name in by_name:
        if name.endswith(".bias") and name.removesuffix(".bias") not in weights:
            raise BankError(
                f"{shown(name)} has no weights beside it: they are called {name[:-5][:80]}.weight"
            )
    attributes = _attributes(texts, weights)
    return [
        _Part(layer, array, by_name.get(f"{layer}.bias"), attributes.get(layer, {}))
        for layer, array in weights.items()
    ]


def _attributes(texts: Mapping[str, str], layers: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Attributes by layer; one that belongs to none, or that no layer has, may be misspelt."""
    found: dict[str, dict[str, str]] = {}
    for key, text in texts.items():
        layer, _, attribute = key.rpartition(".")
        if layer in layers:
            if attribute not in OF_A_LAYER:
                near = nearest(attribute, list(OF_A_LAYER)) or f": it has {', '.join(OF_A_LAYER)}"
                raise BankError(f"{shown(key)}: a layer has no {shown(attribute)}{near}")
            found.setdefault(layer, {})[attribute] = text
        elif layer and attribute in ATTRIBUTES:
            raise BankError(f"{shown(key)} belongs to no weights{nearest(layer, list(layers)[:1000])}")
    return found


def _kind_by_name(name: str) -> str | None:
    """The kind of layer that the last part of a name says."""
    last = re.split(r"[./]", name)[-1].lower()
    return next((kind for kind in KINDS if kind in last), None)


def _entry(part: _Part, layout: str, path: str) -> Entry:
    """The entry of a layer in one layout."""
    shape = part.weight.shape
    if part.weight.read is None or len(shape) not in (2, 4) or 0 in shape:
        what = "a normalization or the like" if len(shape) == 1 else "no layer that is known"
        return Entry(part.name, f"{what}: weights of shape {shape}", None)
    kind = _kind(part, layout)
    return Entry(part.name, _words(shape, kind, layout), partial(_built, part, layout, path))


def _kind(part: _Part, layout: str) -> str:
    """What a layer is: as its type says, its name, or its shape."""
    said = part.texts.get("type") or (None if len(part.weight.shape) == 2 else _kind_by_name(part.name))
    return said or kind_by_shape(part.weight.shape, layout)


def _words(shape: tuple[int, ...], kind: str, layout: str) -> str:
    """A layer in words."""
    outputs, inputs, *kernel = torch_shape(shape, layout)
    size = f", {kernel[0]} x {kernel[1]}" if kernel else ""
    if kind == "depthwise":
        channels, multiplier = (inputs, outputs) if layout == "keras" else (outputs, inputs)
        return f"depthwise, {channels} channels{f' x {multiplier}' if multiplier > 1 else ''}{size}"
    return f"{kind}, {inputs} -> {outputs} channels{'' if kind == 'pointwise' else size}"


def _built(part: _Part, layout: str, path: str) -> tuple[Layer, ...]:
    """The layer of one entry."""
    with told(path), told(f"layer {part.name!r}"):
        kind = _kind(part, layout)
        if kind not in KINDS:
            near = nearest(kind[:40], list(KINDS)) or f": give one of {', '.join(KINDS)}"
            raise BankError(f"type {shown(kind)}{near}")
        groups = groups_of(part.texts)
        options = layer_options(part.texts)
        options["name"] = name_of(part.texts["name"]) if "name" in part.texts else part.name
        if part.weight.read is None or (part.bias is not None and part.bias.read is None):
            raise BankError("its bias is not made of real numbers")
        weights = arranged(part.weight.read(), kind, layout, groups)
        bias = part.bias.read() if part.bias is not None and part.bias.read is not None else None
        if kind == "depthwise":
            said = part.texts.get("shared", "false")
            options["shared"] = shared_of(_TRUTHS.get(said, said))
            return (Depthwise(weights, bias, **options),)
        if kind == "conv":
            return (Conv(weights, bias, **options, groups=groups or 1),)
        return (Pointwise(weights, bias, **options),)
