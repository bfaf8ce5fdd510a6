"""A plan at work on the rows of an image that are in memory: strips over threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import add
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from sepfilter.engine.cores import usable_cores
from sepfilter.engine.engines import current_engine
from sepfilter.engine.held import HeldRows
from sepfilter.engine.mapping import Losses
from sepfilter.engine.rows import ResultRows, Rows, filtered_rows
from sepfilter.errors import LimitError, OptionError
from sepfilter.plans.output_map import OutputMap
from sepfilter.plans.plan import Plan
from sepfilter.values import value

Samples = npt.NDArray[Any]
Strip = tuple[int, int]
T = TypeVar("T")

STRIP_SAMPLES: Final = 3_000_000
"""Output samples of a strip. benchmarks/footprint.py: fewer repeat more context rows, more cost memory."""

IN_PLACE_FACTOR: Final = 4
"""How many times as many a strip has where its pixels are not copied first."""

LEAST_NANOSECONDS: Final = 300_000
"""Predicted work for a thread: handing it less costs more than it saves, see benchmarks/engine.py."""


@value
class Filtering:
    """A filtered image, of which rows are made where the held rows reach: see `rows_behind`.

    Attributes
    ----------
    plan : Plan
        How.
    held : HeldRows
        What is filtered.
    rows : ResultRows
        The result, row by row.
    output : OutputMap
        The plan's; stretched to what the image has, where that was asked for.
    workers : int
        Threads.
    """

    plan: Plan
    held: HeldRows
    rows: ResultRows
    output: OutputMap
    workers: int

    @classmethod
    def of(cls, plan: Plan, held: HeldRows, workers: int) -> Filtering:
        """Make ready; a range that is stretched is measured first, on all rows."""
        rows, output = filtered_rows(plan, held), plan.output
        if output.range == "stretch" and not plan.is_copy:
            output = output.stretched(*_limits(plan, rows, workers))
        return cls(plan, held, rows, output, workers)

    def write(self, strips: Sequence[Strip], out: Samples) -> Losses:
        """Filter strips that follow one another into an array of their height, shape (h, W, C)."""
        top, bottom = strips[0][0], strips[-1][1]
        if self.plan.is_copy:
            out[...] = self.held.pixels[top - self.held.top : bottom - self.held.top]
            return Losses()

        def write(strip: Strip) -> Losses:
            first, last = strip
            return self.rows.write(first, last, self.output, out[first - top : last - top])

        return reduce(add, in_threads(write, strips, self.workers), Losses())


def plan_strips(plan: Plan, workers: int = 1, most: int | None = None) -> list[Strip]:
    """Cut the output's rows into strips, as many for each worker that has enough to do.

    A strip repeats the context rows of its neighbours: it is at least four times as high as those, unless
    results are made by transforms, of which it is a number of rows, or spread from a coarse grid. Where
    pixels are copied on the way its size limits the memory.

    Parameters
    ----------
    plan : Plan
        What is done.
    workers : int
        Threads.
    most : int, optional
        Output samples of a strip, where memory is to be limited further.
    """
    spec = plan.output_spec
    top, bottom, _, _ = plan.halo
    step = max(stage.grid_rows for stage in plan.stages)
    samples = STRIP_SAMPLES * (IN_PLACE_FACTOR if _runs_in_place(plan) else 1)
    samples = samples if most is None else min(samples, most)
    busy = max(min(workers, int(plan.total_nanoseconds // LEAST_NANOSECONDS)), 1)
    most_rows = max(samples // (spec.width * spec.channels), 1)
    rounds = -(-spec.height // (most_rows * busy))
    repeats = step == 1 and plan.stages[-1].method != "coarse"
    rows = max(-(-spec.height // (rounds * busy)), 4 * (top + bottom) if repeats else 1)
    rows = -(-rows // step) * step
    return [(first, min(first + rows, spec.height)) for first in range(0, spec.height, rows)]


def _runs_in_place(plan: Plan) -> bool:
    """True where the engine reads the image's own pixels."""
    return current_engine().reads_in_place and len(plan.stages) == 1 and plan.stages[0].is_by_taps


def allowed_threads(threads: int | None) -> int:
    """How many threads may be used.

    Raises
    ------
    OptionError
        Not a whole number, at least 1.
    """
    if threads is None:
        return usable_cores()
    if not isinstance(threads, (int, np.integer)) or threads < 1:
        raise OptionError(f"threads {threads!r}: it must be a whole number, at least 1")
    return int(threads)


def in_threads(work: Callable[[Strip], T], strips: Sequence[Strip], workers: int) -> list[T]:
    """Work on every strip, results in order; an interruption does not wait for those not begun."""

    def quietly(strip: Strip) -> T:
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # infinities are counted, not warned about
                return work(strip)
        except MemoryError as error:
            raise LimitError(
                "there is not enough memory for a kernel of this size on an image of this size: "
                "use a smaller kernel or image, or fewer threads"
            ) from error

    if min(workers, len(strips)) <= 1:
        return list(map(quietly, strips))
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(workers, len(strips))) as pool:
        try:
            return list(pool.map(quietly, strips))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _limits(plan: Plan, filtered: Rows, workers: int) -> tuple[float, float]:
    """The smallest and the largest finite value of the filtered colours."""

    def limits(strip: Strip) -> tuple[float, float]:
        values = filtered.read(*strip)
        if plan.filters_opacity_apart:
            values = values[..., :-1]
        finite = np.isfinite(values)
        if not finite.any():
            return np.inf, -np.inf
        return (
            float(values.min(where=finite, initial=np.inf)),
            float(values.max(where=finite, initial=-np.inf)),
        )

    found = in_threads(limits, plan_strips(plan, workers), workers)
    low, high = min(low for low, _ in found), max(high for _, high in found)
    return (low, high) if low <= high else (0.0, 0.0)
