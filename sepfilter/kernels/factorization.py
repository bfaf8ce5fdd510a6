"""Separating a kernel: its rank, and the columns and rows whose outer products add up to it."""

from __future__ import annotations

from dataclasses import replace
from math import hypot
from typing import Final

import numpy as np
import numpy.typing as npt

from sepfilter.errors import KernelError
from sepfilter.kernels.arrays import FloatArray, read_only
from sepfilter.kernels.exact import LARGEST_EXACT_INTEGER, ExactFactors, factorize_exactly
from sepfilter.kernels.kernel import AnyKernel, DenseTaps, FactoredTaps, Kernel
from sepfilter.kernels.low_rank import Decomposition, Lost, LowRank, decompose
from sepfilter.kernels.notation import as_kernel
from sepfilter.values import value

NEARLY: Final = 1e-4
"""Singular values below this share of the largest may be no more than rounding of the taps' digits."""


@value
class Factorization:
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
    whole, rest : Lost
        The sums of the positive and of the negative taps: of the kernel, and of the kernel less the
        terms. The latter is rounding where none of them is left out.
    decomposition : Decomposition or None
        Where it was needed: not for a kernel known as factors.
    """

    columns: FloatArray
    rows: FloatArray
    singular_values: FloatArray
    rank: int
    tolerance: float
    exact: ExactFactors | None
    whole: Lost
    rest: Lost
    decomposition: Decomposition | None = None

    def cut_off(self, rank: int) -> LowRank:
        """The kernel at a rank from 0 to its own; see `Decomposition.cut_off`.

        Examples
        --------
        >>> round(factorize("disk:5").cut_off(2).lost.bound * 255, 1)
        17.5
        """
        if self.decomposition is not None:
            return self.decomposition.cut_off(rank)
        lost = Lost(0.0, 0.0) if rank else self.whole
        largest = 0.0 if rank else float(self.rank and np.abs(self.columns).max() * np.abs(self.rows).max())
        return LowRank(self.columns[:rank], self.rows[:rank], lost, largest)

    def least_error(self, rank: int) -> float:
        """A bound from below of ``sum |lost taps|`` at a rank, without working them out."""
        return 0.0 if self.decomposition is None else self.decomposition.least_error(rank)

    @property
    def nearly(self) -> LowRank | None:
        """The kernel at a lower rank that it has but for small differences, as rounding of digits leaves.

        The lowest rank beyond which singular values are at most `NEARLY` times the largest.
        """
        rank = int(np.count_nonzero(self.singular_values > NEARLY * self.singular_values[0]))
        return self.cut_off(rank) if 0 < rank < self.rank else None

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
        return self.exact if self.exact.largest <= LARGEST_EXACT_INTEGER else None


@value
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
        return hypot(*(found.whole.total for found in self.factors))


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
        Keep this many terms of the decomposition at most, from 0 to min(kh, kw), changed so that they
        sum up to what the kernel does (`Decomposition.cut_off`).

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
    return _of_taps(chosen, chosen.form, tolerance, rank)


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
        whole=whole,
        rest=Lost(0.0, 0.0) if kept == rank else whole,
    )


def _of_taps(kernel: Kernel, form: DenseTaps, tolerance: float, keep: int | None) -> Factorization:
    """Decompose the taps; the terms are the exact ones where those are as few and manageable."""
    found = decompose(form.values, kernel.sum)
    rank = int(np.count_nonzero(found.values > tolerance * found.values[0]))
    kept = rank if keep is None else min(rank, keep)
    cut = found.cut_off(kept)
    with np.errstate(over="ignore"):
        values = np.ldexp(found.values, found.exponent)
    factors = Factorization(
        columns=cut.columns,
        rows=cut.rows,
        singular_values=read_only(values),
        rank=rank,
        tolerance=tolerance,
        exact=factorize_exactly(form.exact) if form.exact else None,
        whole=Lost.of(form.values),
        rest=cut.lost,
        decomposition=found,
    )
    integers = factors.integers
    if integers is None or kept < rank:
        return factors
    columns, rows = integers.columns, read_only(integers.rows / integers.denominator)
    return replace(factors, columns=columns, rows=rows, rest=Lost.of(form.values - columns.T @ rows))


def _norm(vector: FloatArray) -> float:
    """Euclidean length without overflow on the way."""
    largest = float(np.abs(vector).max())
    return largest * float(np.linalg.norm(vector / largest)) if largest else 0.0
