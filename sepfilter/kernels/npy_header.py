"""The header of a ``.npy`` array, read without unpickling and without trust in what it promises."""

from __future__ import annotations

import math
import warnings
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy_format

from sepfilter.values import value

_MAGIC: Final = b"\x93NUMPY"


@value
class NpyHeader:
    """What the header of an array says.

    Attributes
    ----------
    shape : tuple of int
        Of the array; may be negative.
    fortran : bool
        True where the first index runs fastest.
    dtype : numpy.dtype
        Of its items; may be that of Python objects.
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

    def fits(self, length: int) -> bool:
        """True where a file of so many bytes has the items that are promised, and nothing else."""
        return min(self.shape, default=0) >= 0 and self.start + self.promised == length

    def array(self, items: bytes | memoryview) -> npt.NDArray[Any]:
        """The array of these bytes, which are as many as promised; nothing is copied."""
        found: npt.NDArray[Any] = np.frombuffer(items, self.dtype, math.prod(self.shape))
        return found.reshape(self.shape, order="F" if self.fortran else "C")


def is_npy(content: bytes) -> bool:
    """True for the bytes of a ``.npy`` file."""
    return content.startswith(_MAGIC)


def read_npy_header(stream: BinaryIO) -> NpyHeader:
    """Read what stands before the items of an array.

    Parameters
    ----------
    stream : file object
        At the beginning of the array's file; afterwards at its items.

    Raises
    ------
    ValueError
        It is no header, or one of another version than 1.0 and 2.0.

    Examples
    --------
    >>> import io
    >>> file = io.BytesIO()
    >>> np.save(file, np.zeros((2, 3), np.float32))
    >>> _ = file.seek(0)
    >>> header = read_npy_header(file)
    >>> header.shape, header.promised, header.fits(len(file.getvalue()))
    ((2, 3), 24, True)
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # headers written by Python 2 are read alike
            version = npy_format.read_magic(stream)
            if version not in ((1, 0), (2, 0)):
                raise ValueError(f"its format is of version {version[0]}.{version[1]}, not 1.0 or 2.0")
            read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
            shape, fortran, dtype = read(stream)
    except Exception as error:  # a header is parsed as Python, which fails in many ways
        raise ValueError(str(error)) from None
    return NpyHeader(shape, fortran, dtype, stream.tell())
