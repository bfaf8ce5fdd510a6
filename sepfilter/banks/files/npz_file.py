"""Banks in NumPy's ``.npz`` and ``.npy``: arrays by name, and the array of a file alone."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final

from sepfilter.banks.files.attributes import ATTRIBUTES
from sepfilter.banks.files.bank_file import BankFile
from sepfilter.banks.files.error_text import shown, told
from sepfilter.banks.files.npy_arrays import Array, array_of_npy, header_of, items_of
from sepfilter.banks.files.source import MOST_BYTES, Source, length_of, opened, read_up_to
from sepfilter.banks.files.stored_arrays import MOST_ARRAYS, StoredArray, bank_of_arrays
from sepfilter.errors import BankError
from sepfilter.kernels.npy_header import NpyHeader

_PACKINGS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MOST_TEXT: Final = 2**20
_SMALL: Final = 64 * 2**20
_MOST_PACKED: Final = 100
"""Times that a large array may be smaller in the archive: weights are never 64 MiB of zeros."""


def bank_from_npz(source: Source, path: str, title: str) -> BankFile:
    """Find the layers in a ``.npz`` file.

    Parameters
    ----------
    source : Path or bytes
        The file or its content; it stays open as long as the entries are there.
    path : str
        How errors call it.
    title : str
        The bank's name unless it says one.

    Raises
    ------
    BankError
        The file is not sound, holds Python objects, or no layer.
    """
    with told(path):
        with _sound():
            archive = zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)
        members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
        if len(members) > MOST_ARRAYS or len({info.filename for info in members}) < len(members):
            raise BankError(f"holds a name twice, or more than {MOST_ARRAYS:,} arrays")
        arrays, texts = _members(archive, members)
    return bank_of_arrays(arrays, texts, path, title)


def bank_from_npy(source: Source, path: str, title: str, kind: str | None = None) -> BankFile:
    """Take the array of a ``.npy`` file as the weights of one layer, called ``weights``.

    Raises
    ------
    BankError
        The file is not sound, or its array has neither 2 nor 4 dimensions.
    """
    with opened(source) as file:
        header = header_of(file, length_of(source), path)
    if len(header.shape) not in (2, 4):
        raise BankError(
            f"{path}: an array of shape {header.shape}: weights have 2 or 4 dimensions; "
            "save several arrays by name with numpy.savez"
        )
    array = StoredArray("weights.weight", header.shape, partial(_read_npy, source, path))
    return bank_of_arrays(
        [array], {} if kind is None else {"weights.type": kind, "weights.name": title}, path, title
    )


def _members(
    archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo]
) -> tuple[list[StoredArray], dict[str, str]]:
    """Arrays that are not read yet, and attributes."""
    arrays, texts = [], {}
    unpacked: dict[str, int] = {}
    for info in members:
        name = info.filename.removesuffix(".npy")
        where = shown(name)
        header = _header(archive, info, where)
        read = partial(_array, archive, info, header, unpacked)
        if header.dtype.kind in "US" and header.shape == ():
            texts[name] = _text(archive, info, header, where)
        elif name.rpartition(".")[2] in ATTRIBUTES and header.promised <= _MOST_TEXT:
            texts[name] = " ".join(f"{one:.17g}" for one in read().ravel().tolist())
        else:
            arrays.append(StoredArray(name, header.shape, read if header.dtype.kind in "iuf" else None))
    return arrays, texts


def _read_npy(source: Source, path: str) -> Array:
    """The array of a file alone."""
    return array_of_npy(read_up_to(source, MOST_BYTES, path, "no weights are that large"), path)


@contextmanager
def _sound() -> Iterator[None]:
    """Make what zipfile raises ours."""
    try:
        yield
    except BankError:
        raise
    except Exception as error:  # zipfile raises many kinds for archives that are not sound
        raise BankError(f"not a sound .npz file: {error}") from None


def _header(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> NpyHeader:
    """The header of a member, held against what the archive says of it."""
    if info.compress_type not in _PACKINGS:
        raise BankError(f"{where}: packed in an unusual way: save it again with numpy.savez")
    if info.file_size > max(_SMALL, _MOST_PACKED * info.compress_size):
        raise BankError(
            f"{where}: {info.file_size:,} bytes are packed into {info.compress_size:,}, as no weights are: "
            "save it again with numpy.savez"
        )
    with _sound(), archive.open(info) as file:
        return header_of(file, info.file_size, where)


def _text(archive: zipfile.ZipFile, info: zipfile.ZipInfo, header: NpyHeader, where: str) -> str:
    """An array of one text."""
    if header.promised > _MOST_TEXT:
        raise BankError(f"{where}: a text of {header.promised:,} bytes: attributes are short")
    text = items_of(_items(archive, info, header), header, where).item()
    if isinstance(text, bytes):
        try:
            return text.decode()
        except UnicodeDecodeError:
            raise BankError(f"{where}: {shown(repr(text))} is no UTF-8 text") from None
    return str(text)


def _items(archive: zipfile.ZipFile, info: zipfile.ZipInfo, header: NpyHeader) -> bytes:
    """The items of a member, no more of them than promised."""
    with _sound(), archive.open(info) as file:
        file.read(header.start)
        return file.read(header.promised)


def _array(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, header: NpyHeader, unpacked: dict[str, int]
) -> Array:
    """The array of a member; `unpacked` is what was read of the file by name."""
    where = shown(info.filename.removesuffix(".npy"))
    unpacked[where] = header.promised
    if sum(unpacked.values()) > MOST_BYTES:
        raise BankError(
            f"{where}: with it more than {MOST_BYTES // 2**30} GiB would be unpacked: select fewer layers"
        )
    return items_of(_items(archive, info, header), header, where)
