"""Arrays as NumPy stores them, read without unpickling and without trust in what a header promises."""

from __future__ import annotations

import io
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from sepfilter.banks.files.error_text import one_line
from sepfilter.errors import BankError
from sepfilter.kernels.npy_header import NpyHeader, read_npy_header

Array = npt.NDArray[Any]

_MOST_HEADER: Final = 2**14


def header_of(stream: BinaryIO | Any, length: int, name: str) -> NpyHeader:
    """Read the header of an array.

    Parameters
    ----------
    stream : file object
        At the beginning of the array's file; some of it is read.
    length : int
        Bytes of that file.
    name : str
        How errors call it.

    Raises
    ------
    BankError
        It is not sound, promises more or fewer bytes than there are, or holds Python objects.
    """
    head = io.BytesIO(stream.read(_MOST_HEADER))
    try:
        found = read_npy_header(head)
    except ValueError as error:
        raise BankError(one_line(f"{name}: not a sound array of NumPy's: {error}")) from None
    if found.dtype.hasobject:
        raise BankError(
            f"{name}: holds Python objects, a pickle: loading it would run code in it. Save arrays "
            "of numbers, with numpy.savez, where they were made"
        )
    if not found.dtype.itemsize:
        raise BankError(f"{name}: not a sound array of NumPy's: its items, {found.dtype}, have no bytes")
    if not found.fits(length):
        raise BankError(
            one_line(
                f"{name}: not a sound array of NumPy's: its header promises shape {found.shape} of "
                f"{found.dtype}, {found.promised:,} bytes, but {length - found.start:,} follow"
            )
        )
    return found


def items_of(content: bytes, header: NpyHeader, name: str) -> Array:
    """The array whose items these bytes are: float32 or float64 where they are numbers, else as they are.

    Raises
    ------
    BankError
        They are neither real numbers nor text, or fewer than promised.
    """
    if len(content) != header.promised:
        raise BankError(f"{name}: ends after {len(content):,} of {header.promised:,} bytes: it is damaged")
    items = header.array(content)
    return items if header.dtype.kind in "US" else as_floats(items, name)


def as_floats(items: Array, name: str) -> Array:
    """Numbers as float32 where that holds all that their type can, else as float64.

    Raises
    ------
    BankError
        They are no real numbers.
    """
    if items.dtype.kind not in "iuf":
        raise BankError(f"{name}: holds {items.dtype}: weights are real numbers")
    with np.errstate(over="ignore"):
        return items.astype(np.float32 if items.dtype.name in ("float16", "float32") else np.float64)


def array_of_npy(content: bytes, name: str) -> Array:
    """Read an array of numbers from the bytes of a ``.npy`` file.

    Raises
    ------
    BankError
        It is not sound, or not made of real numbers.
    """
    header = header_of(io.BytesIO(content), len(content), name)
    return items_of(content[header.start :], header, name)
