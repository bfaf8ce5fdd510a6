"""The HDF5 and zip containers of Keras: opened, listed and read without trust in what they promise."""

from __future__ import annotations

import io
import json
import math
import zipfile
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, takewhile
from pathlib import Path
from typing import Any, Final

import numpy as np

from sepfilter.banks.files.bfloat16 import widened
from sepfilter.banks.files.error_text import missing_library, printable, said_by
from sepfilter.banks.files.keras_heaps import check_heaps
from sepfilter.banks.files.onnx_keras_graph import MOST_NUMBERS
from sepfilter.errors import BankError
from sepfilter.kernels.arrays import FloatArray

MOST_CONFIG_BYTES: Final = 2**25
MOST_OBJECTS: Final = 100_000
MOST_DEPTH: Final = 32

_MOST_RATIO: Final = 100
"""How far weights may be packed: trained ones to a half, those that are all zeros a thousandfold."""

_SPARE: Final = 2**20


class Container:
    """An open file of weights, with the configuration of the model where it has one.

    Attributes
    ----------
    name : str
        What errors call it.
    config : dict or None
        The model as Keras writes it: ``class_name`` and ``config``.
    arrays : dict of str to h5py.Dataset
        By path; what links lead to elsewhere is left out.
    file : h5py.File
        Open as long as this is.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        try:
            import h5py  # type: ignore[import-untyped]
        except ImportError:
            raise missing_library(name, "h5py", "keras") from None
        text: str | None = None
        source: Any = path
        if zipfile.is_zipfile(path):
            text, source = _unpacked(path, name)
        try:
            check_heaps(source.getvalue() if isinstance(source, io.BytesIO) else path, name)
            self.file = h5py.File(source, "r")
            self.arrays: dict[str, Any] = {}
            self._groups: dict[str, list[str]] = {}
            self._seen = 0
            self._list(self.file, "", 0)
            self._paths = sorted(self.arrays)
            text = text or self.text_attribute("", "model_config")
        except BankError:
            raise
        except Exception as error:  # damaged HDF5 fails in many ways
            raise BankError(f"{name}: not a sound Keras file (HDF5), or cut off: {said_by(error)}") from None
        self.config = None if text is None else _parsed(text, name)

    def text_attribute(self, group: str, name: str) -> str | None:
        """A text that a group has, or None."""
        found = self._attribute(group, name)
        if isinstance(found, bytes):
            return found.decode("utf-8", "replace")
        return found if isinstance(found, str) else None

    def names_attribute(self, group: str, name: str) -> list[str] | None:
        """A list of names that a group has, or None; a long one is in pieces, each with its number."""
        whole = self._attribute(group, name)
        numbered = (self._attribute(group, f"{name}{place}") for place in count())
        pieces = list(takewhile(lambda piece: piece is not None, numbered)) if whole is None else [whole]
        names = [one for piece in pieces for one in np.asarray(piece).ravel().tolist()]
        if not pieces or len(names) > MOST_OBJECTS:
            return None
        return [one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in names]

    def has(self, group: str) -> bool:
        """True for a group that is there."""
        return group in self._groups

    def children(self, group: str) -> list[str]:
        """Names of the groups in one, in the order of numbers in them."""
        return sorted(self._groups.get(group, ()), key=_in_order)

    def below(self, prefix: str) -> list[str]:
        """Paths of the arrays in groups whose path begins with this, which ends in a slash."""
        first = bisect_left(self._paths, prefix)
        return self._paths[first : bisect_left(self._paths, prefix[:-1] + chr(ord("/") + 1))]

    def read(self, path: str) -> FloatArray:
        """The numbers of an array.

        Raises
        ------
        BankError
            It is not of real numbers, too large, or damaged.
        """
        self.shape(path)
        array = self.arrays[path]
        with self._reading(path), np.errstate(invalid="ignore"):  # NaN may be of a kind that signals
            numbers = np.asarray(array[()])
            if _is_bfloat16(array):
                numbers = widened(numbers.view("<u2"))
            return numbers.astype(np.float64)

    def shape(self, path: str) -> tuple[int, ...]:
        """The shape of an array that can be read.

        Raises
        ------
        BankError
            It is not of real numbers, or larger than weights are.
        """
        with self._reading(path):
            return self._sound_shape(path)

    @contextmanager
    def _reading(self, where: str) -> Iterator[None]:
        """Say where the file is damaged; HDF5 tells it in many ways."""
        try:
            yield
        except BankError:
            raise
        except Exception as error:
            raise BankError(f"{self.name}: {printable(where)!r} cannot be read: {said_by(error)}") from None

    def _sound_shape(self, path: str) -> tuple[int, ...]:
        """The shape of an array, if all of it is in the file."""
        array = self.arrays[path]
        where = f"{self.name}: {printable(path)!r}"
        shape: tuple[int, ...] = array.shape or ()
        if array.dtype.kind != "f" and not _is_bfloat16(array):
            raise BankError(f"{where} is of type {array.dtype}: weights are real numbers")
        if len(shape) > 8 or math.prod(shape) > MOST_NUMBERS:
            raise BankError(f"{where} has {math.prod(shape):,} numbers: at most {MOST_NUMBERS:,} are read")
        size = math.prod(shape) * array.dtype.itemsize
        stored = array.id.get_storage_size()
        chunk = math.prod(array.chunks or ()) * array.dtype.itemsize
        if (
            array.is_virtual
            or array.external
            or stored * _MOST_RATIO + _SPARE < size
            or chunk > size + _SPARE
        ):
            raise BankError(f"{where} is not in the file as a whole: {stored:,} bytes are there for {size:,}")
        if array.chunks is None and stored < size:
            raise BankError(f"{where} is cut off: {stored:,} bytes are there for {size:,}")
        return shape

    def _attribute(self, group: str, name: str) -> Any:
        """An attribute of a group, or None."""
        if group and not self.has(group):
            return None
        with self._reading(group or "/"):
            found = self.file[group] if group else self.file
            if name not in found.attrs:
                return None
            if found.attrs.get_id(name).get_storage_size() > MOST_CONFIG_BYTES:
                raise BankError(f"{self.name}: its attribute {name} is too large")
            return found.attrs[name]

    def _list(self, group: Any, prefix: str, depth: int) -> None:
        """Collect arrays, along hard links alone."""
        import h5py

        if depth > MOST_DEPTH:
            raise BankError(f"{self.name}: its groups are nested more than {MOST_DEPTH} deep")
        self._seen += len(group)
        if self._seen > MOST_OBJECTS:
            raise BankError(f"{self.name}: holds more than {MOST_OBJECTS:,} arrays and groups")
        inside = self._groups[prefix[:-1]] = []
        for key in group:
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                continue
            found = group[key]
            if isinstance(found, h5py.Dataset):
                self.arrays[prefix + key] = found
            elif isinstance(found, h5py.Group):
                inside.append(key)
                self._list(found, f"{prefix}{key}/", depth + 1)


def _unpacked(path: Path, name: str) -> tuple[str, io.BytesIO]:
    """Configuration and weights out of a ``.keras`` file."""
    try:
        with zipfile.ZipFile(path) as archive:
            config = _member(archive, "config.json", MOST_CONFIG_BYTES, name)
            weights = archive.getinfo("model.weights.h5")
            most = min(weights.compress_size * _MOST_RATIO + _SPARE, path.stat().st_size * _MOST_RATIO)
            content = _member(archive, "model.weights.h5", most, name)
    except KeyError as error:
        raise BankError(
            f"{name}: a zip file without {error.args[0].split(chr(39))[1]!r}: it is no .keras file"
            if "'" in str(error.args[0])
            else f"{name}: no sound .keras file"
        ) from None
    except BankError:
        raise
    except Exception as error:  # a damaged zip file fails in many ways
        raise BankError(f"{name}: not a sound .keras file (zip), or cut off: {said_by(error)}") from None
    return config.decode("utf-8", "replace"), io.BytesIO(content)


def _member(archive: zipfile.ZipFile, member: str, most: int, name: str) -> bytes:
    """A file of the archive, no larger than it may be."""
    info = archive.getinfo(member)
    if info.file_size > most:
        raise BankError(f"{name}: {member} unpacks to {info.file_size:,} bytes: that is no model")
    with archive.open(info) as file:
        return file.read(info.file_size)


def _parsed(text: str, name: str) -> dict[str, Any]:
    """The configuration."""
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BankError(f"{name}: its configuration is no sound JSON: {said_by(error)}") from None
    if not isinstance(config, dict):
        raise BankError(f"{name}: its configuration is no JSON object")
    return config


def _is_bfloat16(array: Any) -> bool:
    """True for what Keras writes as bfloat16: two bytes a number, with a note."""
    two_bytes = array.dtype.itemsize == 2 and array.dtype.kind in "Vu"
    return two_bytes and array.attrs.get("dtype") in ("bfloat16", b"bfloat16")


def _in_order(name: str) -> tuple[str, int]:
    """Keras numbers layers of a kind: conv2d, conv2d_1, ..., conv2d_10."""
    stem, _, number = name.rpartition("_")
    return (stem, int(number)) if stem and number.isdecimal() and len(number) < 9 else (name, 0)
