"""How the rank of a kernel was found, and where exact and numerical factors differ."""

from __future__ import annotations

from sepfilter.kernels.exact import MAX_SIDE, ExactFactors
from sepfilter.kernels.factorization import Factorization
from sepfilter.kernels.kernel import FactoredTaps, Kernel
from sepfilter.reports.figures import counted


def rank_source(kernel: Kernel, factors: Factorization) -> str:
    """Where the rank comes from: ``definition``, ``elimination``, or ``svd`` alone.

    Parameters
    ----------
    kernel, factors : Kernel, Factorization
        What was factorized.

    Examples
    --------
    >>> from sepfilter.kernels.factorization import factorize
    >>> from sepfilter.kernels.presets import named_kernel
    >>> [rank_source(named_kernel(name), factorize(name)) for name in ("sobel-x", "disk:5", "log:4")]
    ['definition', 'elimination', 'svd']
    """
    if isinstance(kernel.form, FactoredTaps):
        return "definition"
    return "svd" if factors.exact is None else "elimination"


def rank_text(kernel: Kernel, factors: Factorization) -> str:
    """The rank, how it was found, and what speaks for another one.

    Parameters
    ----------
    kernel, factors : Kernel, Factorization
        What was factorized.
    """
    source = rank_source(kernel, factors)
    if source == "definition":
        return f"{factors.rank}, by definition: the kernel is given as one column x one row"
    if source == "svd":
        words = f"{factors.rank}, by singular values (SVD) only: {_why_not_exact(kernel)}"
    elif factors.exact_rank == factors.rank:
        words = f"{factors.rank}, found exactly (fraction-free elimination), and SVD agrees"
    else:
        words = (
            f"{factors.rank} by singular values (SVD), {factors.exact_rank} exactly (fraction-free "
            "elimination): the difference is below what float64 can tell"
        )
    close = factors.nearly
    return words if close is None else f"{words}; but {close.rank} {nearness(close.largest)}"


def nearness(largest: float) -> str:
    """How close a lower rank comes.

    Parameters
    ----------
    largest : float
        The largest tap that it loses.
    """
    return f"within {largest:.2g} a tap"


def are_rounded_digits(kernel: Kernel, largest: float) -> bool:
    """True where what a lower rank loses is no more than the last digit of decimal taps.

    Parameters
    ----------
    kernel : Kernel
        The kernel.
    largest : float
        The largest tap that it loses.
    """
    exact = kernel.form.exact
    if exact is None or isinstance(exact, ExactFactors):
        return False
    return exact.denominator > 1 and largest * exact.denominator <= 1


def why_exact_factors_do_not_run(factors: Factorization) -> str:
    """Nothing where they do, or where there are none.

    Parameters
    ----------
    factors : Factorization
        Of a kernel.
    """
    if factors.exact is None or factors.rank == 0 or factors.integers is not None:
        return ""
    if factors.exact_rank != factors.rank:
        return f"{counted(len(factors.exact.terms), 'term')}, more than the numerical rank"
    return "integers beyond 2^53, which float64 cannot hold"


def _why_not_exact(kernel: Kernel) -> str:
    """Why there are no exact factors."""
    if kernel.form.exact is not None:
        return "exact integers would grow too long"
    if max(kernel.height, kernel.width) > MAX_SIDE:
        return f"more than {MAX_SIDE} taps a side are not eliminated exactly"
    return "the taps are floats, not fractions"
