"""NumPy's own format as an image: any sample type, any number of channels, nothing else."""

from __future__ import annotations

from functools import partial
from io import BytesIO
from math import prod
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from sepfilter.errors import SepfilterError, UnsupportedImageError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.decoding import DecodedSource, closed_on_failure, decoding, no_page
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
    name = opening.name
    with closed_on_failure(file), decoding(name):
        shape, columns_first, dtype, start = _header(file, name)
        spec = _spec(shape, dtype, name)
        if opening.page:
            raise no_page(name, opening.page, 1)
        opening.limits.check_image(name, spec, whole=columns_first)
    metadata = Metadata(format="NPY")
    if columns_first:
        return DecodedSource(
            file, name, spec, metadata, partial(_columns_first, file, name, start, spec, dtype)
        )
    rows = RawRows(file, name, start, (spec.height, spec.width, spec.channels), dtype)
    return RawSource(spec, metadata, rows)


def _columns_first(file: BinaryIO, name: str, start: int, spec: ImageSpec, dtype: np.dtype[Any]) -> Pixels:
    """All pixels of an array in Fortran order: the file holds its transpose, row by row."""
    # Axes (channel, column, row): planes, of which RawRows sees a picture of `width` columns.
    turned = RawRows(file, name, start, (spec.channels, spec.width, spec.height), dtype)
    planes = turned.read(Window(0, 0, spec.channels, spec.width))
    return np.ascontiguousarray(planes.transpose(2, 1, 0))


def _header(file: BinaryIO, name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
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
        raise UnsupportedImageError(f"{name}: object arrays are programs, not numbers: store plain numbers")
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
