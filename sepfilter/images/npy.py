"""NumPy's own format as an image: any sample type, any number of channels, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from math import prod
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from sepfilter.errors import ImageReadError, LimitError, SepfilterError, UnsupportedImageError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.metadata import Metadata
from sepfilter.images.raw_rows import RawRows, RawSink, RawSource, size_of
from sepfilter.images.sink import Encoding
from sepfilter.images.source import Opening, Source

Pixels = npt.NDArray[Any]


def open_npy(file: BinaryIO, opening: Opening) -> Source:
    """Open a `.npy` array of shape (H, W) or (H, W, C).

    Rows are read as they are asked for; an array in Fortran order is read as a whole.

    Parameters
    ----------
    file : binary file
        Able to seek; closed when opening fails.
    opening : Opening
        Its only page is 0.

    Raises
    ------
    ImageReadError
        The header is broken, or claims more than the file holds.
    UnsupportedImageError
        The array is no image.
    LimitError
        It is larger than the limits.
    """
    try:
        return _open(file, opening)
    except BaseException:
        file.close()
        raise


def _open(file: BinaryIO, opening: Opening) -> Source:
    """Describe the array, and choose how it is read."""
    name = opening.name
    try:
        shape, columns_first, dtype, start = _header(file)
    except MemoryError as error:
        raise LimitError(f"{name}: its header does not fit into memory") from error
    except Exception as error:  # a header is parsed as Python, which fails in many ways
        raise ImageReadError(f"{name}: not a sound .npy array: {_one_line(error)}") from error
    spec = _spec(shape, dtype, name)
    if opening.page:
        raise ImageReadError(f"{name}: has 1 pages: there is no page {opening.page}")
    opening.limits.check(
        name, height=spec.height, width=spec.width, channels=spec.channels, sample_bytes=dtype.itemsize,
        whole=columns_first,
    )  # fmt: skip
    metadata = Metadata(format="NPY")
    if columns_first:
        turned = RawRows(file, name, start, (spec.channels, spec.width, spec.height), dtype)
        return _ColumnsFirst(spec, metadata, turned)
    return RawSource(
        spec, metadata, RawRows(file, name, start, (spec.height, spec.width, spec.channels), dtype)
    )


def _header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Shape, whether columns come first, type, and where the data begin.

    A header that claims more than the file holds is refused before memory is taken for it.
    """
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    version = np.lib.format.read_magic(file)
    if version not in readers:
        raise ValueError(f"version {version} of the format is not for arrays of numbers")
    shape, columns_first, dtype = readers[version](file)
    if dtype.hasobject:
        raise ValueError("Object arrays are programs, not numbers")
    start = file.tell()
    held = size_of(file) - start
    if any(isinstance(length, bool) or length < 0 for length in shape) or prod(shape) * dtype.itemsize > held:
        raise ValueError(f"its header claims shape {shape} of {dtype}, but {held} bytes follow")
    return shape, columns_first, dtype, start


def _spec(shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> ImageSpec:
    """The array as an image."""
    if len(shape) not in (2, 3):
        raise UnsupportedImageError(
            f"{name}: an image has 2 or 3 dimensions, (H, W) or (H, W, C); this array has shape {shape}"
        )
    try:
        return ImageSpec(shape[0], shape[1], shape[2] if len(shape) == 3 else 1, dtype)  # type: ignore[arg-type]
    except SepfilterError as error:
        raise UnsupportedImageError(f"{name}: {error}") from error


def _one_line(error: Exception) -> str:
    """The message, printable and short."""
    text = " ".join(str(error).split()) or type(error).__name__
    return "".join(character if character.isprintable() else "?" for character in text)[:200]


@dataclass(slots=True)
class _ColumnsFirst:
    """An array in Fortran order, read as a whole: the file holds its transpose, row by row."""

    spec: ImageSpec
    metadata: Metadata
    turned: RawRows
    _pixels: Pixels | None = None

    @property
    def strip_rows(self) -> int:
        """All of them."""
        return self.spec.height

    def read(self, window: Window) -> Pixels:
        """A part of the array."""
        if self._pixels is None:
            # Axes (channel, column, row): planes, of which RawRows sees a picture of `width` columns.
            whole = Window(0, 0, self.spec.channels, self.spec.width)
            self._pixels = self.turned.read(whole).transpose(2, 1, 0)
        return np.ascontiguousarray(self._pixels[window.rows, window.columns])

    def close(self) -> None:
        """Let go of the file and of the pixels."""
        self.turned.file.close()
        self._pixels = None


def open_npy_sink(file: BinaryIO, spec: ImageSpec, metadata: Metadata, encoding: Encoding) -> RawSink:  # noqa: ARG001
    """Begin a `.npy` array, in C order; a single channel as (H, W).

    Parameters
    ----------
    file : binary file
        A pipe will do.
    spec : ImageSpec
        Of the image.
    metadata, encoding
        The format has no place for either.
    """
    shape = (spec.height, spec.width) if spec.channels == 1 else (spec.height, spec.width, spec.channels)
    dtype = np.dtype(spec.dtype).newbyteorder("<")
    header = BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    )
    file.write(header.getvalue())
    return RawSink(file, dtype)
