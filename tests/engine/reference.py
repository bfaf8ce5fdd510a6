"""What filters ought to make, worked out the slow and obvious way, and what to try them on.

Nothing here imports the package. Numbers keep their type: float64 arrays give float64 results, object
arrays of ints and Fractions exact ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import isqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

Array = npt.NDArray[Any]

BORDERS = ("reflect", "mirror", "nearest", "wrap", "constant")
INTEGER_TYPES = ("uint8", "uint16", "int16")


def stand_in(position: int, length: int, border: str) -> int | None:
    """The position inside that stands for any position, from one period written out; None is V."""
    inside = list(range(length))
    if border == "constant":
        return position if position in inside else None
    if border == "nearest":
        return min(max(position, 0), length - 1)
    period = {"wrap": inside, "reflect": inside + inside[::-1], "mirror": inside + inside[-2:0:-1]}[border]
    return period[position % len(period)]


def correlate(
    image: Array,
    taps: Array,
    *,
    anchor: tuple[int, int] | None = None,
    border: str = "reflect",
    value: Any = 0,
    padding: str = "same",
) -> Array:
    """``out[y, x] = sum taps[i, j] * in[y + i - ay, x + j - ax]`` for (H, W) or (H, W, C)."""
    height, width = image.shape[:2]
    rows, columns = taps.shape
    ay, ax = anchor or (rows // 2, columns // 2)
    if padding == "valid":
        ys, xs = range(ay, height - rows + 1 + ay), range(ax, width - columns + 1 + ax)
    else:
        ys, xs = range(height), range(width)
    out = np.zeros((len(ys), len(xs), *image.shape[2:]), dtype=np.result_type(image, taps))
    for i, j in product(range(rows), range(columns)):
        from_y = [stand_in(y + i - ay, height, border) for y in ys]
        from_x = [stand_in(x + j - ax, width, border) for x in xs]
        shifted = image[[y or 0 for y in from_y]][:, [x or 0 for x in from_x]].astype(out.dtype)
        shifted[[y is None for y in from_y]] = value
        shifted[:, [x is None for x in from_x]] = value
        out = out + shifted * taps[i, j]
    return out


def exactly(values: Any) -> Array:
    """An array as Python ints and Fractions, for exact arithmetic."""
    array = np.asarray(values)
    exact = np.empty(array.shape, dtype=object)
    for at in np.ndindex(array.shape):
        number = array[at].item() if isinstance(array[at], np.generic) else array[at]
        exact[at] = Fraction(number)
    return exact


def rounded(values: Array, dtype: str) -> Array:
    """Round half to even, then saturate."""
    info = np.iinfo(dtype)
    out = np.empty(values.shape, dtype)
    for at in np.ndindex(values.shape):
        out[at] = min(max(round(values[at]), int(info.min)), int(info.max))
    return out


def rounded_root(square: int) -> int:
    """The whole number nearest to the square root of a whole number; there are no ties."""
    root = isqrt(square)
    return root + (square > root * root + root)


def distance_from_tie(values: Array) -> Array:
    """How far numbers lie from the nearest k + 1/2."""
    return np.abs(values - np.floor(values) - 0.5)


def extreme_image(taps: Array, dtype: str, margin: int = 2) -> Array:
    """Black and white after the sign of the taps, so that the pixel in the middle is extreme.

    The middle is ``margin + shape // 2``; the image goes on around it in grey.
    """
    info = np.iinfo(dtype)
    image = np.full([side + 2 * margin for side in taps.shape], info.max // 2, dtype)
    inside = tuple(slice(margin, margin + side) for side in taps.shape)
    image[inside] = np.where(taps > 0, info.max, info.min)
    return image


@dataclass(frozen=True)
class Case:
    """A kernel and how it is laid on the image."""

    taps: Array
    anchor: tuple[int, int]
    border: str
    value: int

    @property
    def option(self) -> str:
        """The border as an option."""
        return f"constant:{self.value}" if self.border == "constant" else self.border


@st.composite
def images(draw: st.DrawFn, dtype: str = "uint8", largest: int = 8, channels: int | None = None) -> Array:
    """Small images, 1 x 1, 1 x N and N x 1 among them: noise, black and white, or flat."""
    height, width = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    shape = (height, width) if channels is None else (height, width, channels)
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if dtype.startswith("float"):
        return noise.uniform(0, 1, shape).astype(dtype)
    info = np.iinfo(dtype)
    kind = draw(st.sampled_from(["noise", "extremes", "flat"]))
    if kind == "flat":
        return np.full(shape, draw(st.integers(int(info.min), int(info.max))), dtype)
    if kind == "extremes":
        return noise.choice(np.array([info.min, info.max], dtype), shape)
    return noise.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


@st.composite
def layouts(draw: st.DrawFn, taps: Array) -> Case:
    """Any anchor and any border for these taps; the constant may lie outside the range of samples."""
    anchor = draw(st.integers(0, taps.shape[0] - 1)), draw(st.integers(0, taps.shape[1] - 1))
    return Case(taps, anchor, draw(st.sampled_from(BORDERS)), draw(st.integers(-300, 600)))


@st.composite
def integer_cases(draw: st.DrawFn, largest: int = 5, bound: int = 9) -> Case:
    """Kernels of small integers, even and odd, separable and not."""
    height, width = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        column, row = noise.integers(-3, 4, height), noise.integers(-3, 4, width)
        return draw(layouts(np.outer(column, row)))
    return draw(layouts(noise.integers(-bound, bound + 1, (height, width))))


@st.composite
def float_cases(draw: st.DrawFn, largest: int = 5, rank: int | None = None, scale: float = 1.0) -> Case:
    """Kernels of real taps of a given rank, or of any, with ``sum |taps|`` equal to `scale`."""
    height, width = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    terms = rank or draw(st.integers(1, largest))
    taps = noise.normal(size=(height, terms)) @ noise.normal(size=(terms, width))
    return draw(layouts(taps * (scale / np.abs(taps).sum())))
