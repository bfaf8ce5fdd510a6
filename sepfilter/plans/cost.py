"""What a pass is predicted to take, in nanoseconds a sample, from a few constants measured on a machine.

The model is linear. A pass tap by tap takes something for each sample (fetching, rounding, storing), for
each tap that is not 0, and for each separable term. Transforms take something for each point of a block,
for each block, and for each sample. `benchmarks/calibrate_cost.py` measures the constants and says how
far the model is off; `benchmarks/auto_method.py` says what the choices made by it are worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from sepfilter.kernels.arrays import FloatArray
from sepfilter.plans.passes import AnyPass, BoxPass, CoarsePass, DirectPass, FFTPass
from sepfilter.plans.transforms import possible_blocks
from sepfilter.values import value

Integers: TypeAlias = int | npt.NDArray[np.int64]

CACHED_POINTS: Final = 2**16
"""Points of a block that a core's cache holds."""

SPARSE: Final = 0.7
"""How much dearer a tap is among zeros: fewer results share what is loaded for it."""

MOST_OF_A_STRIP: Final = 2**23
"""Samples of a row of blocks, which are held in double, unless the kernel needs more."""

RING_BYTES: Final = 700_000
"""Rows of a tile that a core's cache holds."""

MOST_POINTS: Final = 2**21
"""Larger blocks are taken only for kernels that need them: each thread holds 24 bytes a point."""


@value
class Loops:
    """Nanoseconds of one thread: for a sample, a tap, a separable term."""

    sample: float
    tap: float
    term: float = 0.0


@value
class Transforms:
    """Nanoseconds of one thread: for a point of a block, forward and back, for a block, for a sample.

    A point takes `growth` more for each doubling of the block beyond `CACHED_POINTS`. Where the kernel is
    one row or column, lines are transformed, and a point takes `line`.
    """

    point: float
    line: float
    growth: float
    block: float
    sample: float


@value
class RunningSums:
    """Nanoseconds of one thread: for a sample, and for a row of the image."""

    sample: float
    row: float


@value
class Speed:
    """How fast an engine is.

    Attributes
    ----------
    engine : str
        Engine and instruction set.
    direct, separable : mapping
        By accumulator; ``float32 partial`` where float sums are made of partial sums.
    transforms : Transforms
        Of `numpy.fft`, and what surrounds them.
    running_sums : RunningSums
        By `numpy.cumsum`, likewise.
    spreading : float
        Nanoseconds for a sample spread from a coarse grid, and stored.
    skips_zeros : bool
        Taps of factors that are 0 cost nothing.
    ring : float
        How much dearer a column's tap becomes for each megabyte by which the rows that a kernel spans, beside
        the image, exceed `RING_BYTES`.
    """

    engine: str
    direct: Mapping[str, Loops]
    separable: Mapping[str, Loops]
    transforms: Transforms
    running_sums: RunningSums
    spreading: float
    skips_zeros: bool = True
    ring: float = 0.0


@value
class Size:
    """Rows, columns and channels of a result."""

    height: int
    width: int
    channels: int

    @property
    def samples(self) -> int:
        """How many samples it has."""
        return self.height * self.width * self.channels


def predict(one: AnyPass, size: Size, accumulator: str, speed: Speed) -> float:
    """Predict what a pass takes.

    Parameters
    ----------
    one : DirectPass, SeparablePass, FFTPass, BoxPass or CoarsePass
        The pass.
    size : Size
        Of its result.
    accumulator : str
        What sums are kept in, one of those in `speed`.
    speed : Speed
        The engine's.

    Returns
    -------
    float
        Nanoseconds a sample, of one thread.
    """
    if isinstance(one, FFTPass):
        return float(_by_transforms(one.block, (one.height, one.width), size, speed.transforms))
    if isinstance(one, BoxPass):
        return speed.running_sums.sample + speed.running_sums.row / (size.width * size.channels)
    if isinstance(one, CoarsePass):
        return _on_a_coarse_grid(one, size, accumulator, speed)
    if isinstance(one, DirectPass):
        loops = speed.direct[accumulator]
        return loops.sample + loops.tap * _counted(one.taps)
    loops = speed.separable[accumulator]
    down, along = (
        _counted(factors) if speed.skips_zeros else float(factors.size) for factors in (one.columns, one.rows)
    )
    # Columns are summed up beside the image too, as far as the rows reach.
    widened = 1 + (one.width - 1) / size.width
    held = 4e-6 * one.height * (one.width - 1) * size.channels
    widened *= 1 + speed.ring * max(held - RING_BYTES / 1e6, 0.0)
    return loops.sample + loops.tap * (down * widened + along) + loops.term * one.terms


def _counted(taps: FloatArray) -> float:
    """Taps that are not 0, each weighing more the more zeros there are between them."""
    nonzero = float(np.count_nonzero(taps))
    return nonzero * (1 + SPARSE * (1 - nonzero / max(taps.size, 1)))


def _on_a_coarse_grid(one: CoarsePass, size: Size, accumulator: str, speed: Speed) -> float:
    """Sums over the spline of all rows, beyond the edges too; then next to nothing; then spreading."""
    loops, step = speed.direct[accumulator], one.down.step
    sums = loops.sample + loops.tap * len(one.down.short)
    rows = 1 + 2 * one.down.reach / size.height
    columns = 1 + 2 * one.along.reach / size.width
    beside = (loops.sample + loops.tap * len(one.along.short)) / step * columns
    filtered = (loops.sample + loops.tap * (len(one.down.taps) + len(one.along.taps))) / step**2
    return rows * (sums + beside) + rows * columns * filtered + speed.spreading


@lru_cache(maxsize=1024)
def best_block(kernel: tuple[int, int], size: Size, costs: Transforms) -> tuple[int, int]:
    """Rows and columns of the transforms that are predicted to take the least time.

    Parameters
    ----------
    kernel : (int, int)
        Rows and columns of taps.
    size : Size
        Of the result.
    costs : Transforms
        The engine's.

    Examples
    --------
    >>> best_block((31, 31), Size(64, 64, 1), Transforms(8.4, 14.0, 0.9, 5.2e4, 6.0))
    (96, 96)
    """
    rows = np.array(possible_blocks(kernel[0], size.height))[:, np.newaxis]
    columns = np.array(possible_blocks(kernel[1], size.width))[np.newaxis]
    points, strip = rows * columns, (rows - kernel[0] + 1) * size.width * size.channels
    spent = _by_transforms((rows, columns), kernel, size, costs)
    fits = (points <= max(MOST_POINTS, points.min())) & (strip <= max(MOST_OF_A_STRIP, strip.min()))
    spent = np.where(fits, spent, np.inf)
    y, x = np.unravel_index(int(spent.argmin()), spent.shape)
    return int(rows[y, 0]), int(columns[0, x])


def _by_transforms(
    block: tuple[Integers, Integers], kernel: tuple[int, int], size: Size, costs: Transforms
) -> npt.NDArray[np.float64]:
    """Nanoseconds a sample with blocks of this size, or of each of many."""
    down = -(-size.height // (block[0] - kernel[0] + 1))
    along = -(-size.width // (block[1] - kernel[1] + 1))
    # The taps are transformed forward only, once.
    blocks = down * along * size.channels + 0.5
    points = block[0] * block[1]
    doublings = np.maximum(np.log2(points / CACHED_POINTS), 0.0)
    point = (costs.line if 1 in kernel else costs.point) + costs.growth * doublings
    return np.asarray(blocks * (point * points + costs.block) / size.samples + costs.sample)
