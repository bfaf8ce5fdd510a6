"""Running a plan on pixels: strips over threads, with identical results however they are cut."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from sepfilter.engine.cores import usable_cores
from sepfilter.engine.engines import current_engine
from sepfilter.engine.mapping import Losses
from sepfilter.engine.rows import Rows, filtered_rows
from sepfilter.errors import LimitError, OptionError, ShapeError
from sepfilter.geometry import ImageSpec
from sepfilter.plans.plan import Plan

Samples = npt.NDArray[Any]
T = TypeVar("T")

STRIP_SAMPLES: Final = 3_000_000
"""Output samples of a strip. benchmarks/footprint.py: fewer repeat more context rows, more cost memory."""


IN_PLACE_FACTOR: Final = 4
"""How many times as many a strip has where its pixels are not copied first."""


LEAST_NANOSECONDS: Final = 300_000
"""Predicted work for a thread: handing it less costs more than it saves, see benchmarks/engine.py."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What a run made: the pixels, and what their type could not hold."""

    pixels: Samples
    losses: Losses


def execute(plan: Plan, image: Samples, *, threads: int | None = None, out: Samples | None = None) -> Samples:
    """Filter an image as planned.

    Parameters
    ----------
    plan : Plan
        From `make_plan`, for an image of this shape and type.
    image : ndarray
        Shape (H, W) or (H, W, C), any strides; not changed.
    threads : int, optional
        At most this many threads, by default as many as there are usable cores. The result does
        not depend on it.
    out : ndarray, optional
        Written to instead of a new array: of the output's shape and type, sharing no memory with
        the image.

    Returns
    -------
    ndarray
        Shape and type of ``plan.output_spec``, with as many dimensions as the image; `out` itself
        where it was given.

    Raises
    ------
    ShapeError
        Image or `out` is not what the plan was made for.

    Examples
    --------
    >>> from sepfilter.engine.planning import make_plan
    >>> image = np.array([[0, 0, 9], [0, 0, 9], [0, 0, 9]], np.uint8)
    >>> plan = make_plan("sobel-x", ImageSpec.of(image), border="nearest")
    >>> execute(plan, image).tolist()
    [[0, 36, 36], [0, 36, 36], [0, 36, 36]]
    """
    return run(plan, image, threads=threads, out=out).pixels


def run(plan: Plan, image: Samples, *, threads: int | None = None, out: Samples | None = None) -> Execution:
    """`execute`, with the count of samples that the output type could not hold."""
    image = np.asarray(image)
    pixels = as_planned(plan, image)
    target = _output(plan, image, out)
    view = target[..., np.newaxis] if target.ndim == 2 else target
    if plan.is_copy:
        view[...] = pixels
        return Execution(target, Losses())
    workers = _workers(threads)
    strips = plan_strips(plan, workers)
    filtered = filtered_rows(plan, pixels)
    output = plan.output
    if output.range == "stretch":
        output = output.stretched(*_limits(plan, filtered, strips, workers))

    def finish(strip: tuple[int, int]) -> Losses:
        return filtered.write(*strip, output, view[slice(*strip)])

    return Execution(target, reduce(add, _in_threads(finish, strips, workers), Losses()))


def prepare() -> None:
    """Load what the passes need, so that the first image's time is not the import's."""
    current_engine().prepare()


def plan_strips(plan: Plan, workers: int = 1) -> list[tuple[int, int]]:
    """Cut the output's rows into strips, as many for each worker that has enough to do.

    A strip repeats the context rows of its neighbours: it is at least four times as high as those, unless
    results are made by transforms, of which it is a number of rows, or spread from a coarse grid. Where
    pixels are copied on the way its size limits the memory.
    """
    spec = plan.output_spec
    top, bottom, _, _ = plan.halo
    step = max(stage.grid_rows for stage in plan.stages)
    in_place = current_engine().reads_in_place and len(plan.stages) == 1 and plan.stages[0].is_by_taps
    samples = STRIP_SAMPLES * (IN_PLACE_FACTOR if in_place else 1)
    busy = max(min(workers, int(plan.total_nanoseconds // LEAST_NANOSECONDS)), 1)
    most = max(samples // (spec.width * spec.channels), 1)
    rounds = -(-spec.height // (most * busy))
    repeats = step == 1 and plan.stages[-1].method != "coarse"
    rows = max(-(-spec.height // (rounds * busy)), 4 * (top + bottom) if repeats else 1)
    rows = -(-rows // step) * step
    return [(first, min(first + rows, spec.height)) for first in range(0, spec.height, rows)]


def as_planned(plan: Plan, image: Samples) -> Samples:
    """The image as (H, W, C), if it is what the plan was made for."""
    spec = plan.spec
    pixels = image[..., np.newaxis] if image.ndim == 2 else image
    if pixels.shape != (spec.height, spec.width, spec.channels) or image.dtype != spec.dtype:
        found = ImageSpec.of(image, alpha=spec.alpha)  # it may be in the other byte order
        if found != spec:
            raise ShapeError(
                f"the plan is for {_words(spec)}, but this image is {_words(found)}: make a new plan"
            )
    return pixels


def _words(spec: ImageSpec) -> str:
    """A spec in an error message."""
    return f"{spec.height} x {spec.width} x {spec.channels} {spec.dtype}"


def _output(plan: Plan, image: Samples, out: Samples | None) -> Samples:
    """The array to write to."""
    spec = plan.output_spec
    shape = (spec.height, spec.width, spec.channels)[: image.ndim]
    if out is None:
        return np.empty(shape, spec.dtype)
    if not isinstance(out, np.ndarray):
        raise ShapeError(f"out is a {type(out).__name__}: pass a NumPy array of shape {shape} {spec.dtype}")
    if out.shape != shape or out.dtype != np.dtype(spec.dtype):
        raise ShapeError(
            f"out is {out.shape} {out.dtype}, but the result is {shape} {spec.dtype}: "
            "pass an array of that shape and type"
        )
    if not out.flags.writeable:
        raise ShapeError("out is read-only: pass an array that can be written to")
    if np.shares_memory(out, image):
        raise ShapeError("out shares memory with the image: pass another array")
    return out


def _workers(threads: int | None) -> int:
    """How many threads may be used."""
    if threads is None:
        return usable_cores()
    if not isinstance(threads, (int, np.integer)) or threads < 1:
        raise OptionError(f"threads {threads!r}: it must be a whole number, at least 1")
    return int(threads)


def _in_threads(work: Callable[[tuple[int, int]], T], strips: list[tuple[int, int]], workers: int) -> list[T]:
    """Work on every strip, results in order; an interruption does not wait for those not begun."""

    def quietly(strip: tuple[int, int]) -> T:
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
    with ThreadPoolExecutor(min(workers, len(strips))) as pool:
        try:
            return list(pool.map(quietly, strips))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _limits(plan: Plan, filtered: Rows, strips: list[tuple[int, int]], workers: int) -> tuple[float, float]:
    """The smallest and the largest finite value of the filtered colours."""

    def limits(strip: tuple[int, int]) -> tuple[float, float]:
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

    found = _in_threads(limits, strips, workers)
    low, high = min(low for low, _ in found), max(high for _, high in found)
    return (low, high) if low <= high else (0.0, 0.0)
