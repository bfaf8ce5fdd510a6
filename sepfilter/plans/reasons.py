"""Saying in words why a kernel is run as it is, with what was compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sepfilter.plans.choice import Choice
from sepfilter.plans.operations import separable_multiplications
from sepfilter.plans.passes import BoxPass, DirectPass, FFTPass
from sepfilter.plans.runs import Estimate, Run


def reason(ways: Sequence[Sequence[Estimate]], chosen: Sequence[Run]) -> str:
    """The reason for what was chosen, once where both derivatives of a gradient share it.

    Parameters
    ----------
    ways : sequence of sequence of Estimate
        For each component what could have been chosen.
    chosen : sequence of Run
        What was.
    """
    reasons = dict.fromkeys(_reason(found, run) for found, run in zip(ways, chosen, strict=True))
    if len(chosen) > 1 and len(reasons) == 1:
        return f"both derivatives: {next(iter(reasons))}"
    return ", ".join(reasons)


def _reason(found: Sequence[Estimate], chosen: Run) -> str:
    """Why this run of one kernel."""
    choice = chosen.choice
    if choice.is_approximation:
        return f"{choice.asked}: off by at most {choice.error_bound:.4g}"
    if choice.asked:
        return f"{choice.asked}: {_count(chosen)}"
    if choice.factors.rank == 0:
        return "all taps are 0, and so is every result"
    words = f"rank {choice.factors.rank}, {_separability(chosen)}"
    others = [one for one in found if one is not chosen.estimate]
    if not others or (choice.method, choice.terms) == ("separable", 1):
        return words
    compared = ", ".join(f"{_name(one.choice)} {one.nanoseconds:.3g}" for one in others)
    return f"{words}; predicted {chosen.estimate.nanoseconds:.3g} ns a sample, {compared}"


def _separability(chosen: Run) -> str:
    """What the rank means for the kernel, and what is multiplied."""
    choice = chosen.choice
    if choice.factors.rank > 1:
        return f"not separable: {_count(chosen)}"
    if choice.method == "direct":
        height, width = choice.kernel.height, choice.kernel.width
        return (
            f"but two 1-D passes would take {height + width} multiplications a sample, "
            f"one direct pass {height * width}"
        )
    return f"separable: {_count(chosen)}"


def _count(run: Run) -> str:
    """What is multiplied."""
    one, kernel, rank = run.one, run.choice.kernel, run.choice.factors.rank
    direct = kernel.height * kernel.width
    if isinstance(one, FFTPass):
        return f"Fourier transforms of {one.block[0]} x {one.block[1]} points"
    if isinstance(one, BoxPass):
        return f"running sums, 4 additions a sample for any size, not {direct} multiplications"
    if isinstance(one, DirectPass):
        words = f"one 2-D pass of {direct} multiplications a sample"
        nonzero = int(np.count_nonzero(one.taps))
        return words + (f", {nonzero} without zeros" if nonzero < direct else "")
    return _count_of_terms(run.choice, rank, direct)


def _count_of_terms(choice: Choice, rank: int, direct: int) -> str:
    """The same of separable terms."""
    one, kernel = choice.factors, choice.kernel
    separable = separable_multiplications(kernel.height, kernel.width, rank)
    if rank == 1:
        words = f"two 1-D passes take {kernel.height} + {kernel.width} = {separable} multiplications a sample"
        return f"{words}, not {direct}" if separable < direct else f"{words}, direct {direct}"
    nonzero = int(np.count_nonzero(one.columns) + np.count_nonzero(one.rows))
    words = f"{rank} terms of {kernel.height} + {kernel.width} multiplications a sample make {separable}"
    without = f" ({nonzero} without zeros)" if nonzero < separable else ""
    return f"{words}{without}, direct {direct}"


def _name(choice: Choice) -> str:
    """What another way is called."""
    if choice.method == "separable":
        return f"{choice.terms} separable terms" if choice.terms != 1 else "two 1-D passes"
    return {"direct": "direct", "fft": "FFT", "box": "running sums", "coarse": "coarser grid"}[choice.method]
