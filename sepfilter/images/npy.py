"""NumPy's own format as an image: any sample type, any number of channels, nothing else."""

from __future__ import annotations

from io import SEEK_END
from math import prod
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from sepfilter.errors import ImageReadError, SepfilterError, UnsupportedImageError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.metadata import Metadata

Pixels = npt.NDArray[Any]


class NpySource:
    """A `.npy` array of shape (H, W) or (H, W, C)."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.metadata = Metadata(format="NPY")
        try:
            with file:
                _check_header(file)
                pixels = np.load(file, allow_pickle=False)
        except MemoryError as error:
            raise ImageReadError(f"{name}: its header claims more than memory can hold") from error
        except Exception as error:  # a header is parsed as Python, which fails in many ways
            reason = " ".join(str(error).split())[:200]
            raise ImageReadError(f"{name}: not a sound .npy array: {reason}") from error
        try:
            self.spec = ImageSpec.of(pixels)
        except SepfilterError as error:
            raise UnsupportedImageError(f"{name}: {error}") from error
        self._pixels: Pixels = pixels[..., np.newaxis] if pixels.ndim == 2 else pixels

    def close(self) -> None:
        """Nothing is open any more."""

    def read(self, window: Window) -> Pixels:
        """A view of the part, in the machine's byte order."""
        part = self._pixels[window.rows, window.columns]
        return part.astype(self.spec.dtype, copy=False)


def _check_header(file: BinaryIO) -> None:
    """Refuse a header that claims more than the file holds, before memory is taken for it."""
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    version = np.lib.format.read_magic(file)
    if version not in readers:
        raise ValueError(f"version {version} of the format is not for arrays of numbers")
    shape, _, dtype = readers[version](file)
    start = file.tell()
    held = file.seek(0, SEEK_END) - start
    if min(shape, default=0) < 0 or prod(shape) * dtype.itemsize > held:
        raise ValueError(f"its header claims shape {shape} of {dtype}, but {held} bytes follow")
    file.seek(0)


def write_npy(file: BinaryIO, pixels: Pixels) -> None:
    """Write an array; a single channel as (H, W)."""
    np.save(file, pixels[..., 0] if pixels.shape[2] == 1 else pixels, allow_pickle=False)
