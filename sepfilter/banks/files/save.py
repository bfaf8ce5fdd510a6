"""Writing a bank: JSON to read and edit, ``.npz`` and ``.safetensors`` for many weights."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.banks.bank import Bank
from sepfilter.banks.files.attributes import attribute_texts, input_scale_text
from sepfilter.banks.files.error_text import missing_library, printable, told
from sepfilter.banks.files.layer_table import MOST_NAME
from sepfilter.banks.files.text_banks import MOST_JSON, check_parts
from sepfilter.banks.layer import Layer
from sepfilter.banks.layers import Pointwise
from sepfilter.errors import BankError
from sepfilter.safe_write import replacing

SAVED: Final = (".json", ".npz", ".safetensors")


def save_bank(bank: Bank, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a bank so that `load_bank` gives it back.

    Parameters
    ----------
    bank : Bank
        With all that its layers say; a padding or border that a layer leaves to the bank is left out.
    path : str or Path
        A ``.json``, which keeps float64, or a ``.npz`` or ``.safetensors``, which keep float32.
    overwrite : bool
        Replace a file that exists.

    Raises
    ------
    BankError
        The suffix is none of those, or the JSON would be too large.
    OutputExistsError, ImageWriteError
        As `sepfilter.safe_write.replacing` has it.

    Examples
    --------
    >>> import tempfile
    >>> from sepfilter.banks.files.load import load_bank
    >>> bank = Bank([Pointwise([[0.25, 0.5, 0.25]], activation="relu")], name="grey")
    >>> path = Path(tempfile.mkdtemp()) / "grey.npz"
    >>> save_bank(bank, path)
    >>> load_bank(path) == bank
    True
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SAVED:
        raise BankError(f"{path}: a bank is written as {', '.join(SAVED)}: give one of these suffixes")
    write = {".json": _json, ".npz": _npz, ".safetensors": _safetensors}[suffix]
    content = write(bank, str(path))
    with replacing(path, overwrite=overwrite) as file:
        file.write(content)


def _json(bank: Bank, path: str) -> bytes:
    """The bank as an object, a layer each line."""
    numbers = sum(layer.parameters for layer in bank.layers)
    too_large = BankError(
        f"{path}: {numbers:,} numbers make a JSON file of more than {MOST_JSON // 2**20} MiB: save it as .npz"
    )
    if numbers * 3 > MOST_JSON:
        raise too_large
    members = [f'"name": {json.dumps(_printable(bank.name))}']
    scale = input_scale_text(bank.input_scale)
    if scale is not None:
        members.append(f'"input_scale": {json.dumps(scale)}')
    layers = ",\n".join(f"    {json.dumps(_table(layer))}" for layer in bank.layers)
    members.append(f'"layers": [\n{layers}\n  ]')
    inside = ",\n".join(f"  {member}" for member in members)
    content = f"{{\n{inside}\n}}\n".encode()
    if len(content) > MOST_JSON:
        raise too_large
    with told(path):
        check_parts(content)
    return content


def _table(layer: Layer) -> dict[str, Any]:
    """A layer as an object."""
    table: dict[str, Any] = {"type": layer.kind, "name": _printable(layer.name), **attribute_texts(layer)}
    if "shared" in table:
        table["shared"] = True
    table["matrix" if isinstance(layer, Pointwise) else "weights"] = layer.weights.tolist()
    if layer.bias is not None:
        table["bias"] = layer.bias.tolist()
    return table


def _npz(bank: Bank, _: str) -> bytes:
    """The bank as arrays and texts."""
    arrays, texts = _arrays(bank)
    every: dict[str, npt.NDArray[Any]] = {**arrays, **{key: np.array(text) for key, text in texts.items()}}
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **every)
    return file.getvalue()


def _safetensors(bank: Bank, path: str) -> bytes:
    """The bank as tensors, with the rest in the metadata."""
    try:
        from safetensors.numpy import save
    except ImportError:
        raise missing_library(path, "safetensors", "safetensors") from None
    arrays, texts = _arrays(bank)
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return bytes(save(contiguous, metadata={**texts, "layers": "\n".join(arrays)}))


def _arrays(bank: Bank) -> tuple[dict[str, npt.NDArray[np.float32]], dict[str, str]]:
    """Weights and biases by name, in order, and everything else as text."""
    arrays: dict[str, npt.NDArray[np.float32]] = {}
    texts = {"name": _printable(bank.name), "layout": "torch"}
    scale = input_scale_text(bank.input_scale)
    if scale is not None:
        texts["input_scale"] = scale
    for place, layer in enumerate(bank.layers, 1):
        key = _printable(layer.name)
        if f"{key}.weight" in arrays or "\\" in key:  # which archives may take for a folder
            own, key = key, f"layer {place}"
            while f"{key}.weight" in arrays:
                key += " again"
            texts[f"{key}.name"] = own
        arrays[f"{key}.weight"] = layer.weights.astype(np.float32)
        if layer.bias is not None:
            arrays[f"{key}.bias"] = layer.bias.astype(np.float32)
        said = {"type": layer.kind, **attribute_texts(layer)}
        texts.update({f"{key}.{name}": text for name, text in said.items()})
    return arrays, texts


def _printable(name: str) -> str:
    """A name that a bank file can hold."""
    return printable(name, MOST_NAME).strip() or "layer"
