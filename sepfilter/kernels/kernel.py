"""The kernel: taps, anchor, offset and name, as one unchangeable value."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import fsum, inf, isfinite, prod
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from sepfilter.errors import KernelError
from sepfilter.kernels.arrays import FloatArray, read_only
from sepfilter.kernels.exact import LARGEST_EXACT_INTEGER, MAX_SIDE, ExactFactors, ExactTaps
from sepfilter.values import value

MAX_TAPS_A_SIDE: Final = 4096


@value
class DenseTaps:
    """A kernel given tap by tap.

    Attributes
    ----------
    values : ndarray
        Shape (kh, kw), float64, read-only.
    exact : ExactTaps or None
        The same taps as fractions, where the source was rational.
    """

    values: FloatArray
    exact: ExactTaps | None = None


@value
class FactoredTaps:
    """A kernel known to be an outer product: the taps are never built to run it.

    Attributes
    ----------
    column, row : ndarray
        Shapes (kh,) and (kw,), float64, read-only; the taps are `outer(column, row)`.
    exact : ExactFactors or None
        The same as one integer term over a denominator, where the source was rational.
    """

    column: FloatArray
    row: FloatArray
    exact: ExactFactors | None = None


@value
class Kernel:
    """A correlation kernel: ``out[y, x] = sum taps[i, j] * in[y + i - ay, x + j - ax] + offset``.

    Parameters
    ----------
    name : str
        How reports call it.
    form : DenseTaps or FactoredTaps
        The taps, finite.
    anchor : (int, int), optional
        The tap (ay, ax) that lies on the output pixel, by default ``(kh // 2, kw // 2)``.
    offset : float
        Added to every filtered sample.

    Raises
    ------
    KernelError
        The kernel is empty, not finite or too large, or the anchor lies outside.

    See Also
    --------
    parse_kernel : makes one from text, a file or an array.

    Examples
    --------
    >>> kernel = Kernel.from_taps([[0, 1], [2, 3]])
    >>> kernel.height, kernel.width, kernel.anchor, kernel.sum
    (2, 2, (1, 1), 6.0)
    """

    name: str
    form: DenseTaps | FactoredTaps
    anchor: tuple[int, int] = (-1, -1)
    offset: float = 0.0

    def __post_init__(self) -> None:
        _check(self)
        object.__setattr__(self, "offset", float(self.offset))
        if not isfinite(self.offset):
            raise KernelError(f"{self.name}: the offset must be a finite number")
        if self.anchor == (-1, -1):
            object.__setattr__(self, "anchor", (self.height // 2, self.width // 2))
        ay, ax = self.anchor
        if not (isinstance(ay, (int, np.integer)) and isinstance(ax, (int, np.integer))):
            raise KernelError(f"{self.name}: the anchor {self.anchor} is not made of whole numbers")
        if not (0 <= ay < self.height and 0 <= ax < self.width):
            raise KernelError(
                f"{self.name}: the anchor ({ay}, {ax}) lies outside the kernel of "
                f"{self.height} rows and {self.width} columns"
            )

    @classmethod
    def from_taps(
        cls, taps: npt.ArrayLike, *, name: str = "kernel", exact: ExactTaps | None = None
    ) -> Kernel:
        """Make a kernel of an array (kh, kw), or (kw,) for a single row.

        Taps that are whole numbers are kept as exact integers too.
        """
        values = _numbers(taps, name)
        if exact is None and max(values.shape, default=0) <= MAX_SIDE and are_whole(values):
            exact = ExactTaps.of([[Fraction(tap) for tap in row] for row in values.tolist()])
        return cls(name, DenseTaps(values, exact))

    @classmethod
    def from_factors(
        cls,
        column: npt.ArrayLike,
        row: npt.ArrayLike,
        *,
        name: str = "kernel",
        exact: ExactFactors | None = None,
    ) -> Kernel:
        """Make the kernel `outer(column, row)` without building its taps."""
        return cls(name, FactoredTaps(read_only(column), read_only(row), exact))

    @property
    def components(self) -> tuple[Kernel, ...]:
        """The kernel itself, as a gradient's are its derivatives."""
        return (self,)

    @property
    def height(self) -> int:
        """Rows of taps."""
        form = self.form
        return form.column.size if isinstance(form, FactoredTaps) else form.values.shape[0]

    @property
    def width(self) -> int:
        """Columns of taps."""
        form = self.form
        return form.row.size if isinstance(form, FactoredTaps) else form.values.shape[1]

    @property
    def taps(self) -> FloatArray:
        """The taps, shape (kh, kw), float64, read-only; built anew for a factored kernel."""
        if isinstance(self.form, DenseTaps):
            return self.form.values
        return read_only(np.outer(self.form.column, self.form.row))

    @property
    def sum(self) -> float:
        """The sum of all taps: what the kernel makes of a flat area of value 1.

        Rounding of the taps is not mistaken for brightness: a sum below what float64 can tell from
        zero is 0.
        """
        form = self.form
        if isinstance(form, FactoredTaps):
            return _sum(form.column) * _sum(form.row)
        if form.exact is not None:
            return _as_float(form.exact.sum)
        return _sum(form.values.ravel())

    def flipped(self) -> Kernel:
        """Turn the kernel by 180 degrees: correlating with it is convolving with the original."""
        ay, ax = self.anchor
        form = self.form
        flipped: DenseTaps | FactoredTaps
        if isinstance(form, FactoredTaps):
            exact_factors = form.exact and form.exact.flipped()
            flipped = FactoredTaps(read_only(form.column[::-1]), read_only(form.row[::-1]), exact_factors)
        else:
            exact = form.exact and form.exact.flipped()
            flipped = DenseTaps(read_only(form.values[::-1, ::-1]), exact)
        anchor = (self.height - 1 - ay, self.width - 1 - ax)
        return replace(self, form=flipped, anchor=anchor)

    def normalized(self) -> Kernel:
        """Divide the taps by their sum, exactly where they are rational.

        Raises
        ------
        KernelError
            The taps sum to 0.
        """
        total = self.sum
        if total == 0:
            raise KernelError(
                f"{self.name}: the taps sum to 0, so they cannot be normalized to sum 1: "
                "leave out --normalize, or choose --range abs, offset or stretch"
            )
        form = self.form
        normalized: DenseTaps | FactoredTaps
        if isinstance(form, FactoredTaps):
            row = read_only(form.row / _sum(form.row))
            column = read_only(form.column / _sum(form.column))
            exact_factors = form.exact and form.exact.divided(form.exact.sum)
            normalized = FactoredTaps(column, row, exact_factors)
        else:
            exact = form.exact and form.exact.divided(form.exact.sum)
            normalized = DenseTaps(read_only(form.values / total), exact)
        return replace(self, form=normalized, name=f"{self.name} normalized")


@value
class Gradient:
    """Two derivative kernels combined as the magnitude ``sqrt(gx**2 + gy**2)`` before rounding.

    Parameters
    ----------
    name : str
        How reports call it.
    x, y : Kernel
        The derivatives along the columns and along the rows, of equal size and anchor.
    """

    name: str
    x: Kernel
    y: Kernel

    def __post_init__(self) -> None:
        if not (isinstance(self.x, Kernel) and isinstance(self.y, Kernel)):
            raise KernelError(f"{self.name}: a gradient is made of two kernels")
        shapes = {(one.height, one.width, one.anchor) for one in (self.x, self.y)}
        if len(shapes) > 1:
            raise KernelError(f"{self.name}: both derivatives need equal size and anchor")

    @property
    def components(self) -> tuple[Kernel, ...]:
        """The two derivatives."""
        return self.x, self.y

    @property
    def height(self) -> int:
        """Rows of taps."""
        return self.x.height

    @property
    def width(self) -> int:
        """Columns of taps."""
        return self.x.width

    def flipped(self) -> Gradient:
        """Turn both derivatives by 180 degrees."""
        return replace(self, x=self.x.flipped(), y=self.y.flipped())

    def normalized(self) -> Gradient:
        """Refuse: a derivative sums to 0."""
        return replace(self, x=self.x.normalized(), y=self.y.normalized())


AnyKernel: TypeAlias = Kernel | Gradient


def _numbers(taps: npt.ArrayLike, name: str) -> FloatArray:
    """Taps as a read-only float64 matrix, or the reason why they are none."""
    try:
        array = np.asarray(taps)
    except ValueError:
        raise KernelError(f"{name}: the rows have different lengths: make them equal") from None
    except OverflowError:
        raise KernelError(f"{name}: a tap must be a finite number") from None
    if array.dtype.kind == "O" and all(isinstance(tap, (int, Fraction)) for tap in array.flat):
        array = array.astype(np.float64)
    if array.dtype.kind not in "biuf":
        raise KernelError(f"{name}: taps must be real numbers, not {array.dtype}")
    if array.ndim == 1:
        array = array[np.newaxis]
    if array.ndim != 2:
        raise KernelError(f"{name}: a kernel has rows and columns; this array has shape {array.shape}")
    with np.errstate(over="ignore"):
        return read_only(array)


def _check(kernel: Kernel) -> None:
    """Refuse what no kernel can be: empty, huge, or with taps that are not finite."""
    form, name = kernel.form, kernel.name
    parts = (form.column, form.row) if isinstance(form, FactoredTaps) else (form.values,)
    if any(part.ndim != (1 if isinstance(form, FactoredTaps) else 2) for part in parts):
        raise KernelError(f"{name}: taps have two dimensions, and each of two factors has one")
    if any(part.size == 0 for part in parts):
        raise KernelError(f"{name}: the kernel is empty: give at least one tap")
    if max(kernel.height, kernel.width) > MAX_TAPS_A_SIDE:
        raise KernelError(
            f"{name}: {kernel.height} x {kernel.width} taps, but {MAX_TAPS_A_SIDE} a side is the limit"
        )
    for part in parts:
        if not np.isfinite(part).all():
            at = [int(index) + 1 for index in np.argwhere(~np.isfinite(part))[0]]
            where = f"row {at[0]}, column {at[1]}" if len(at) == 2 else f"tap {at[0]}"
            raise KernelError(f"{name}: {where}: a tap must be a finite number")
    largest = [float(np.abs(part).max()) for part in parts]
    if not isfinite(prod(largest)):
        raise KernelError(f"{name}: the product of its factors is beyond what float64 can hold")


def are_whole(values: FloatArray) -> bool:
    """True for finite whole numbers small enough to be told apart from their neighbours."""
    return bool(np.all(np.abs(values) <= LARGEST_EXACT_INTEGER) and np.all(values == np.rint(values)))


def _as_float(value: Fraction) -> float:
    """The nearest float64, infinite where the value is beyond its range."""
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf


def _sum(values: FloatArray) -> float:
    """The sum, taken as 0 where it is less than rounding can account for."""
    taps = values.tolist()
    scale = max(map(abs, taps))
    if scale == 0:
        return 0.0
    total = fsum(tap / scale for tap in taps)
    return total * scale if abs(total) > len(taps) * np.finfo(np.float64).eps else 0.0
