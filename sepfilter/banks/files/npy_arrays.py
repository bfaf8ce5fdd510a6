"""Arrays as NumPy stores them, read without unpickling and without trust in what a header promises."""

from __future__ import annotations

import io
import math
import warnings
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy_format

from sepfilter.banks.files.error_text import one_line
from sepfilter.errors import BankError
from sepfilter.values import value

Array = npt.NDArray[Any]

_MAGIC: Final = b"\x93NUMPY"
_MOST_HEADER: Final = 2**14


@value
class NpyHeader:
    """What the header of an array says.

    Attributes
    ----------
    shape : tuple of int
        Of the array.
    fortran : bool
        True where the first index runs fastest.
    dtype : numpy.dtype
        Of its items; never of Python objects.
    start : int
        Bytes before the items.
    """

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    start: int

    @property
    def promised(self) -> int:
        """Bytes of the items."""
        return math.prod(self.shape) * self.dtype.itemsize


def is_npy(content: bytes) -> bool:
    """True for the bytes of a ``.npy`` file."""
    return content.startswith(_MAGIC)


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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # headers written by Python 2 are read alike
            version = npy_format.read_magic(head)
            if version not in ((1, 0), (2, 0)):
                raise ValueError(f"its format is of version {version[0]}.{version[1]}, not 1.0 or 2.0")
            read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
            shape, fortran, dtype = read(head)
    except Exception as error:  # a header is parsed as Python, which fails in many ways
        raise BankError(one_line(f"{name}: not a sound array of NumPy's: {error}")) from None
    if dtype.hasobject:
        raise BankError(
            f"{name}: holds Python objects, a pickle: loading it would run code in it. Save arrays "
            "of numbers, with numpy.savez, where they were made"
        )
    found = NpyHeader(shape, fortran, dtype, head.tell())
    if min(shape, default=0) < 0 or found.promised + found.start != length:
        raise BankError(
            one_line(
                f"{name}: not a sound array of NumPy's: its header promises shape {shape} of {dtype}, "
                f"{found.promised:,} bytes, but {length - found.start:,} follow"
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
    items: Array = np.frombuffer(content, header.dtype, math.prod(header.shape))
    items = items.reshape(header.shape, order="F" if header.fortran else "C")
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
