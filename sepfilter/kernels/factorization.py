"""Separating a kernel: its rank, and the columns and rows whose outer products add up to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import hypot
from typing import Final

import numpy as np
import numpy.typing as npt

from sepfilter.errors import KernelError
from sepfilter.kernels.arrays import ComparesArrays, FloatArray, read_only
from sepfilter.kernels.exact import ExactFactors, factorize_exactly
from sepfilter.kernels.kernel import AnyKernel, DenseTaps, FactoredTaps, Kernel
from sepfilter.kernels.notation import as_kernel

LARGEST_EXACT_INTEGER: Final = 2**53
"""Integer factors beyond this are not exact in float64, so that they are of no use to compute with."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Taps left out by an approximation, as what bounds its error.

    Attributes
    ----------
    positive, negative : float
        The sum of the positive taps, and of the negative ones without their sign.
    """

    positive: float
    negative: float

    @classmethod
    def of(cls, taps: FloatArray) -> Lost:
        """Sum up the taps E = kernel - kept terms."""
        with np.errstate(over="ignore"):
            return cls(float(taps[taps > 0].sum()), float(-taps[taps < 0].sum()))

    @property
    def bound(self) -> float:
        """Largest output error for samples from 0 to 1.

        Attained by the image that is white where the lost taps have one sign, black elsewhere.
        """
        return max(self.positive, self.negative)

    def scaled(self, exponent: int) -> Lost:
        """Multiply by a power of two."""
        return Lost(*np.ldexp([self.positive, self.negative], exponent).tolist())


@dataclass(frozen=True, slots=True, eq=False)
class Factorization(ComparesArrays):
    """A kernel as a sum of outer products of a column and a row.

    Attributes
    ----------
    columns : ndarray
        Shape (R, kh), float64: one column factor a row of the array.
    rows : ndarray
        Shape (R, kw), float64.
    singular_values : ndarray
        Shape (min(kh, kw),) or, for a kernel known as factors, (1,); descending, float64.
    rank : int
        How many singular values exceed `tolerance` times the largest.
    tolerance : float
        Relative to the largest singular value.
    exact : ExactFactors or None
        The same as integers over one denominator, where the kernel is rational and the integers do
        not grow too long.
    lost : tuple of Lost
        For r = 0 ... rank: the taps that the first r terms of the singular value decomposition
        leave out.
    """

    columns: FloatArray
    rows: FloatArray
    singular_values: FloatArray
    rank: int
    tolerance: float
    exact: ExactFactors | None
    lost: tuple[Lost, ...]

    @property
    def exact_rank(self) -> int | None:
        """The rank over the rationals, or None where it is not known."""
        return None if self.exact is None else len(self.exact.terms)

    @property
    def is_separable(self) -> bool:
        """True for rank 1, or 0: one outer product is the whole kernel."""
        return self.rank <= 1

    @property
    def integers(self) -> ExactFactors | None:
        """The exact factors where float64 holds them all exactly, else None."""
        if self.exact is None or self.rank == 0 or self.exact_rank != self.rank:
            return None
        largest = max((abs(tap) for term in self.exact.terms for tap in (*term.column, *term.row)), default=0)
        small = max(largest, self.exact.denominator) <= LARGEST_EXACT_INTEGER
        return self.exact if small else None


@dataclass(frozen=True, slots=True)
class FactorizedKernel:
    """A kernel or gradient with what factorizing it found, so that it is done once.

    Attributes
    ----------
    kernel : Kernel or Gradient
        The kernel.
    factors : tuple of Factorization
        One for each of its components.
    """

    kernel: AnyKernel
    factors: tuple[Factorization, ...]

    @classmethod
    def of(cls, kernel: AnyKernel) -> FactorizedKernel:
        """Factorize every component."""
        return cls(kernel, tuple(factorize(component) for component in kernel.components))

    @property
    def gain(self) -> float:
        """``sum |taps|``, of a gradient the root of both squared."""
        return hypot(*(found.lost[0].positive + found.lost[0].negative for found in self.factors))


def factorize(
    kernel: Kernel | str | npt.ArrayLike,
    *,
    tolerance: float | None = None,
    rank: int | None = None,
) -> Factorization:
    """Find the rank of a kernel and the factors that separate it.

    The singular value decomposition gives rank and factors: K = sum_r s_r u_r v_r'. Both vectors of
    a term share its singular value, and their signs make smoothing factors positive. A kernel of
    rational taps gets its exact factors as well, and these stand in `columns` and `rows` where
    they have the same number of terms: Sobel gives [1 2 1] and [-1 0 1].

    Parameters
    ----------
    kernel : Kernel, str or array-like
        Shape (kh, kw), or anything that `parse_kernel` takes.
    tolerance : float, optional
        Singular values of at most `tolerance` times the largest count as 0. The default,
        ``max(kh, kw) * 2**-52``, is what rounding the taps to float64 can cause.
    rank : int, optional
        Keep this many terms of the decomposition at most, from 0 to min(kh, kw).

    Returns
    -------
    Factorization

    Raises
    ------
    KernelError
        The rank asked for is out of range, or the kernel is a gradient, which is two.

    Examples
    --------
    >>> found = factorize("sobel-x")
    >>> found.rank, found.columns.tolist(), found.rows.tolist()
    (1, [[1.0, 2.0, 1.0]], [[-1.0, 0.0, 1.0]])
    """
    chosen = as_kernel(kernel)
    if not isinstance(chosen, Kernel):
        raise KernelError(
            f"{chosen.name}: a gradient is two kernels: factorize {chosen.x.name} and {chosen.y.name}"
        )
    height, width = chosen.height, chosen.width
    if rank is not None and not 0 <= rank <= min(height, width):
        raise KernelError(
            f"{chosen.name}: rank {rank} is out of range: a kernel of {height} x {width} taps has "
            f"rank 0 to {min(height, width)}"
        )
    if tolerance is None:
        tolerance = max(height, width) * float(np.finfo(np.float64).eps)
    if isinstance(chosen.form, FactoredTaps):
        return _of_factors(chosen.form, tolerance, rank)
    return _of_taps(chosen.form, tolerance, rank)


def _of_factors(form: FactoredTaps, tolerance: float, keep: int | None) -> Factorization:
    """A kernel known to be an outer product is rank 1, or 0 where a factor is all zero."""
    rank = int(np.any(form.column) and np.any(form.row))
    kept = rank if keep is None else min(rank, keep)
    columns, rows = Lost.of(form.column), Lost.of(form.row)
    whole = Lost(
        columns.positive * rows.positive + columns.negative * rows.negative,
        columns.positive * rows.negative + columns.negative * rows.positive,
    )
    return Factorization(
        columns=read_only(form.column[np.newaxis][:kept]),
        rows=read_only(form.row[np.newaxis][:kept]),
        singular_values=read_only([_norm(form.column) * _norm(form.row)]),
        rank=rank,
        tolerance=tolerance,
        exact=form.exact,
        lost=(whole, Lost(0.0, 0.0))[: rank + 1],
    )


def _of_taps(form: DenseTaps, tolerance: float, keep: int | None) -> Factorization:
    """Singular value decomposition of the taps, scaled by a power of two against overflow."""
    exponent = int(np.frexp(np.abs(form.values).max())[1])
    taps = np.ldexp(form.values, -exponent)
    left, values, right = np.linalg.svd(taps, full_matrices=False)
    rank = int(np.count_nonzero(values > tolerance * values[0]))
    columns, rows = _balanced(left.T, values, right)
    kept = rank if keep is None else min(rank, keep)
    with np.errstate(over="ignore"):
        found = Factorization(
            columns=read_only(np.ldexp(columns[:kept], exponent // 2)),
            rows=read_only(np.ldexp(rows[:kept], exponent - exponent // 2)),
            singular_values=read_only(np.ldexp(values, exponent)),
            rank=rank,
            tolerance=tolerance,
            exact=factorize_exactly(form.exact) if form.exact else None,
            lost=tuple(lost.scaled(exponent) for lost in _lost(taps, columns[:rank], rows[:rank])),
        )
    integers = found.integers
    if integers is None or kept < rank:
        return found
    return replace(
        found,
        columns=integers.columns,
        rows=read_only(integers.rows / integers.denominator),
    )


def _lost(taps: FloatArray, columns: FloatArray, rows: FloatArray) -> Iterator[Lost]:
    """What is left out by the first 0, 1, 2, ... terms."""
    rest = taps.copy()
    yield Lost.of(rest)
    for column, row in zip(columns, rows, strict=True):
        rest -= np.outer(column, row)
        yield Lost.of(rest)


def _balanced(left: FloatArray, values: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Share each singular value between its vectors, and make smoothing vectors positive."""
    root = np.sqrt(values)[:, np.newaxis]
    columns, rows = left * root, right * root
    # A smoothing factor is told by its clear sum; a difference (sum about 0) takes what sign is left.
    decisive = np.where(
        np.abs(columns.sum(axis=1)) >= np.abs(rows.sum(axis=1)),
        columns.sum(axis=1),
        rows.sum(axis=1),
    )
    sign = np.where(decisive < 0, -1.0, 1.0)[:, np.newaxis]
    return columns * sign, rows * sign


def _norm(vector: FloatArray) -> float:
    """Euclidean length without overflow on the way."""
    largest = float(np.abs(vector).max())
    return largest * float(np.linalg.norm(vector / largest)) if largest else 0.0
