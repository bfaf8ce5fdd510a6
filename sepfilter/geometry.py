"""What planning may know of an image, and parts of it: plain values."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from sepfilter.errors import ShapeError
from sepfilter.values import value

SAMPLE_TYPES: Final = (
    "uint8", "uint16", "uint32", "int8", "int16", "int32", "float16", "float32", "float64",
)  # fmt: skip

WIDE_TYPES: Final = frozenset({"float64", "int32", "uint32"})
"""Sample types that float32 cannot hold."""


MOST_CHANNELS: Final = 4096
"""Channels of an image; `native/filter.h` has the same."""


@value
class ImageSpec:
    """Shape and sample type of an image, without its pixels.

    Parameters
    ----------
    height, width : int
        Size in pixels, at least 1.
    channels : int
        Samples per pixel, at least 1 and at most 4096; counts the alpha channel.
    dtype : dtype-like
        One of uint8, uint16, uint32, int8, int16, int32, float16, float32, float64. Kept as its name.
    alpha : bool
        True when the last channel is opacity.

    Raises
    ------
    ShapeError
        A size is below 1 or there are too many channels, the type is none of those above, or alpha is
        the only channel.

    Examples
    --------
    >>> ImageSpec(512, 512, 3, "uint8").levels
    255.0
    """

    height: int
    width: int
    channels: int
    dtype: str
    alpha: bool = False

    def __post_init__(self) -> None:
        for name in ("height", "width", "channels"):
            value = getattr(self, name)
            is_number = isinstance(value, (int, float, np.number))
            if not is_number or not float(value).is_integer() or value < 1:
                raise ShapeError(f"image {name} is {value!r}: it must be a whole number, at least 1")
            object.__setattr__(self, name, int(value))
        if self.channels > MOST_CHANNELS:
            raise ShapeError(
                f"an image of {self.channels:,} channels: at most {MOST_CHANNELS:,} are filtered"
            )
        object.__setattr__(self, "dtype", sample_type(self.dtype))
        if self.alpha and self.channels < 2:
            raise ShapeError("an image with alpha needs at least one channel of colour beside it")

    @classmethod
    def of(cls, pixels: npt.NDArray[np.generic], *, alpha: bool = False) -> ImageSpec:
        """Describe an array of shape (H, W) or (H, W, C)."""
        if pixels.ndim not in (2, 3):
            raise ShapeError(
                f"an image has 2 or 3 dimensions, (H, W) or (H, W, C); this array has shape {pixels.shape}"
            )
        channels = pixels.shape[2] if pixels.ndim == 3 else 1
        return cls(pixels.shape[0], pixels.shape[1], channels, str(pixels.dtype), alpha)

    @property
    def is_integer(self) -> bool:
        """True for integer samples."""
        return not self.dtype.startswith("float")

    @property
    def sample_bytes(self) -> int:
        """Bytes of a sample."""
        return np.dtype(self.dtype).itemsize

    @property
    def levels(self) -> float:
        """The value of full white: 255, 65535, ...; 1 for float samples."""
        return full_scale(self.dtype)


@value
class Window:
    """A rectangle of an image, in pixels: rows y to y + height, columns x to x + width."""

    y: int
    x: int
    height: int
    width: int

    @classmethod
    def whole(cls, spec: ImageSpec) -> Window:
        """All of an image."""
        return cls(0, 0, spec.height, spec.width)

    @property
    def rows(self) -> slice:
        """The rows as a slice of an array."""
        return slice(self.y, self.y + self.height)

    @property
    def columns(self) -> slice:
        """The columns as a slice of an array."""
        return slice(self.x, self.x + self.width)


def sample_type(dtype: npt.DTypeLike) -> str:
    """Return the name of a sample type, in native byte order.

    Raises
    ------
    ShapeError
        Images of this type cannot be filtered.

    Examples
    --------
    >>> sample_type(">u2")
    'uint16'
    """
    try:
        name = np.dtype(dtype).newbyteorder("=").name
    except TypeError:
        name = str(dtype)
    if name not in SAMPLE_TYPES:
        raise ShapeError(f"images of type {name} are not filtered: use one of {', '.join(SAMPLE_TYPES)}")
    return name


def full_scale(dtype: str) -> float:
    """Return the value that means full white in a sample type: the largest integer, or 1.0."""
    return 1.0 if dtype.startswith("float") else float(np.iinfo(dtype).max)
