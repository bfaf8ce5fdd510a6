"""Reading a bank from a file in any of its formats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sepfilter.banks.bank import Bank
from sepfilter.banks.files.bank_file import BankFile
from sepfilter.banks.files.entry import Entry
from sepfilter.banks.files.error_text import listed, one_line, told
from sepfilter.banks.files.file_type import file_type
from sepfilter.banks.files.layout_choice import bank_of_entries
from sepfilter.banks.files.selection import selected_places
from sepfilter.banks.files.source import MOST_BYTES, Source, read_up_to, source_of
from sepfilter.errors import BankError


def load_bank(
    path: str | Path,
    *,
    select: Sequence[str] = (),
    layout: str | None = None,
    allow_nonfinite: bool = False,
    array_kind: str | None = None,
) -> Bank:
    """Read a filter bank from a file.

    Parameters
    ----------
    path : str or Path
        A ``.json``, ``.toml``, ``.npz``, ``.npy``, ``.safetensors``, ``.onnx``, ``.keras`` or Keras' ``.h5``;
        told by its content first.
    select : sequence of str
        Names of layers, in the order in which they shall run; what stands before a ``.`` or ``/`` in names
        stands for all of them. Unless given, all layers in the order of the file.
    layout : {'torch', 'keras'}, optional
        Of weights in ``.npz``, ``.npy`` and ``.safetensors``, where their shapes do not tell it.
    allow_nonfinite : bool
        Take weights that are NaN or infinite.
    array_kind : {'depthwise', 'pointwise', 'conv'}, optional
        What the array of a ``.npy`` is; unless given, its shape tells.

    Returns
    -------
    Bank

    Raises
    ------
    BankError
        The file cannot be read, is malformed or a pickle, needs a package that is not installed, or its
        layers do not fit one another.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "edges.toml"
    >>> _ = path.write_text('''
    ... [[layers]]
    ... type = "depthwise"
    ... kernels = ["sobel-x", "sobel-y", "laplacian"]
    ... [[layers]]
    ... type = "pointwise"
    ... matrix = "0.3 0.6 0.1; 1 0 0"
    ... ''')
    >>> bank = load_bank(path)
    >>> bank.name, bank.input_channels, bank.output_channels
    ('edges', 3, 2)
    """
    file = _opened(path, array_kind)
    return _chosen(file, select, layout, allow_nonfinite=allow_nonfinite)


def bank_from_bytes(
    content: bytes,
    name: str,
    suffix: str = "",
    *,
    select: Sequence[str] = (),
    layout: str | None = None,
    allow_nonfinite: bool = False,
    array_kind: str | None = None,
) -> Bank:
    """Read a filter bank from the content of a file, as standard input has it.

    Parameters
    ----------
    content : bytes
        Of any format but Keras', which needs a file.
    name : str
        How errors and reports call it.
    suffix : str
        Of the file's name, if it had one.
    select, layout, allow_nonfinite, array_kind
        As in `load_bank`.

    Raises
    ------
    BankError
        As in `load_bank`.

    Examples
    --------
    >>> bank_from_bytes(b'{"layers": [{"type": "depthwise", "kernel": "box:3"}]}', "stdin").layers[0].kernel
    (3, 3)
    """
    file = _read(content, one_line(name), suffix.lower(), Path(), one_line(name)[:200], array_kind)
    return _chosen(file, select, layout, allow_nonfinite=allow_nonfinite)


def _opened(path: str | Path, array_kind: str | None = None) -> BankFile:
    """The file, read as far as its entries need."""
    path = Path(path)
    source = source_of(path)
    stem = one_line(path.stem)[:200].strip() or "bank"
    return _read(source, one_line(str(path)), path.suffix.lower(), path.parent, stem, array_kind)


def _chosen(file: BankFile, select: Sequence[str], layout: str | None, *, allow_nonfinite: bool) -> Bank:
    """The bank of the chosen entries."""
    with told(file.path):
        bank = bank_of_entries(file, selected_places(file.entries, select), layout)
        odd = bank.nonfinite_layers
        if odd and not allow_nonfinite:
            raise BankError(
                f"weights that are NaN or infinite in {listed(odd)}: the training or the conversion failed; "
                "give --allow-nonfinite to take them"
            )
    return bank


def _read(  # noqa: PLR0917
    source: Source, name: str, suffix: str, folder: Path, title: str, array_kind: str | None = None
) -> BankFile:
    """Hand the file to the reader of its format."""
    kind = file_type(source, name, suffix)
    if kind in ("json", "toml"):
        from sepfilter.banks.files import text_banks

        most, read = (
            (text_banks.MOST_JSON, text_banks.bank_from_json)
            if kind == "json"
            else (text_banks.MOST_TOML, text_banks.bank_from_toml)
        )
        content = read_up_to(source, most, name, "keep such weights in .npz or .safetensors")
        return read(content, name, folder, title)
    if kind == "npz":
        from sepfilter.banks.files.npz_file import bank_from_npz

        return bank_from_npz(source, name, title)
    if kind == "npy":
        from sepfilter.banks.files.npz_file import bank_from_npy

        return bank_from_npy(source, name, title, array_kind)
    if kind == "safetensors":
        from sepfilter.banks.files.safetensors_file import bank_from_safetensors

        return bank_from_safetensors(source, name, title)
    with told(name):
        return BankFile(name, title, {"": _entries_of_framework(kind, source, name)})


def _entries_of_framework(kind: str, source: Source, name: str) -> tuple[Entry, ...]:
    """The entries of an ONNX or Keras file."""
    if kind == "onnx":
        from sepfilter.banks.files.onnx_file import entries_from_onnx

        advice = "weights of that size are kept in .safetensors"
        return entries_from_onnx(read_up_to(source, MOST_BYTES, name, advice), name)
    from sepfilter.banks.files.keras_file import entries_from_keras

    if isinstance(source, bytes):
        raise BankError("Keras' files are not read from standard input or a pipe: give the file's name")
    return entries_from_keras(source, name)
