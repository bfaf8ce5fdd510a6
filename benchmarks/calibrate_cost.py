"""Measure the constants of the cost model, and how far it is off.

python benchmarks/calibrate_cost.py

Prints what belongs into sepfilter/plans/speeds.py, for the engine that SEPFILTER_ENGINE and SEPFILTER_ISA
choose: minimum of several runs of one thread on a 3-channel image, fitted by least squares of the relative
error with constants that are not negative.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from sepfilter.engine.block import Block
from sepfilter.engine.engines import Engine, current_engine
from sepfilter.engine.fft import Transforms
from sepfilter.engine.finishing import finish
from sepfilter.engine.held import HeldRows
from sepfilter.engine.rows import ArrayRows, FilteredRows
from sepfilter.engine.running_sums import box_sums
from sepfilter.kernels.coarse import coarse_factor
from sepfilter.kernels.shapes import gaussian_taps
from sepfilter.plans.border import Border
from sepfilter.plans.cost import CACHED_POINTS
from sepfilter.plans.operations import count
from sepfilter.plans.output_map import OutputMap
from sepfilter.plans.passes import AnyPass, BoxPass, CoarsePass, DirectPass, FFTPass, SeparablePass
from sepfilter.plans.plan import Stage
from sepfilter.plans.precision import Arithmetic

ROWS = {
    "int16": ("uint8", Arithmetic("exact", "int16", "float32")),
    "int32": ("uint8", Arithmetic("fast", "int32", "float32")),
    "uint16": ("uint8", Arithmetic("fast", "uint16", "float32")),
    "float32": ("float32", Arithmetic("float", "float32", "float32")),
    "float32 partial": ("uint16", Arithmetic("float", "float32", "float32")),
    "float64": ("uint16", Arithmetic("double", "float64", "float64")),
}
"""Kinds of arithmetic, each with samples that it is for."""

Samples = npt.NDArray[Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=600, help="rows and columns of the image")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--largest", type=int, default=101, help="taps a side of the largest kernel")
    asked = parser.parse_args()
    engine = current_engine()
    print(f"# {engine.name} {engine.isa or ''}, Python {platform.python_version()}, NumPy {np.__version__}")
    for name, (dtype, arithmetic) in ROWS.items():
        image = _image(dtype, asked.side)
        for method, make in (("direct", _direct), ("separable", _separable)):
            facts, times = [], []
            for one in make(arithmetic, asked.largest):
                facts.append([1.0, *_facts(one)])
                times.append(_measured(engine, one, image, arithmetic, asked.runs))
            _report(f"{method:<10}{name:<16}", np.array(facts), np.array(times))
    _calibrate_transforms(engine, asked.runs)
    _calibrate_running_sums(engine, asked.runs)
    _calibrate_spreading(engine, asked.runs)


def _calibrate_running_sums(engine: Engine, runs: int) -> None:
    """Boxes on images of several widths."""
    facts, times = [], []
    for side in (64, 256, 1000, 2000):
        image = _image("uint8", side)
        for box in (11, 51, 101):
            one = BoxPass(SeparablePass(np.ones((1, box)), np.ones((1, box)), box * box))
            facts.append([1.0, 1 / (side * image.shape[2])])
            times.append(_best(runs, image.size, partial(_sum_up, engine, one, image)))
    _report("running sums", np.array(facts), np.array(times))


def _sum_up(engine: Engine, one: BoxPass, image: Samples) -> None:
    """A box by running sums."""
    stage, out = replace(_stage(one), is_exact=True), np.empty_like(image)
    sums = box_sums(stage, one, Block(image))
    finish(stage, sums, engine, OutputMap(1.0, 0.0, "clip", "uint8"), out)


def _calibrate_spreading(engine: Engine, runs: int) -> None:
    """Spreading alone: a grid that is worked out already."""
    found = []
    for side in (600, 1500):
        image = _image("uint8", side)
        for sigma, step in ((20, 4), (50, 8), (50, 12)):
            factor = coarse_factor(gaussian_taps(sigma, 4 * sigma), step, 2)
            taps = gaussian_taps(sigma, 4 * sigma)[np.newaxis]
            one = CoarsePass(SeparablePass(taps, taps), factor, factor)
            stage = _stage(one)
            rows = FilteredRows.of(ArrayRows(HeldRows.whole(image)), stage, ROWS["float32"][1], engine)
            out, output = np.empty_like(image), OutputMap(1.0, 0.0, "clip", "uint8")
            rows.write(0, side, output, out)
            found.append(_best(runs, image.size, partial(rows.write, 0, side, output, out)))
    print(f"spreading: a sample takes {np.median(found):.3g}, from {min(found):.3g} to {max(found):.3g}")


def _calibrate_transforms(engine: Engine, runs: int) -> None:
    """Blocks of many sizes on images of many sizes; then lines, given what blocks and samples take."""
    facts, times = [], []
    for side, kernel in ((500, 3), (500, 31), (900, 3), (900, 31), (64, 9), (200, 31)):
        image = _image("uint8", side)
        for block in (64, 128, 256, 512, 1024):
            if kernel + kernel // 2 < block <= 2 * (side + kernel):
                one = FFTPass(DirectPass(np.ones((kernel, kernel))), (block, block))
                facts.append(_facts_of_transforms(one, side))
                times.append(_transformed(engine, one, image, runs))
    _, growth, block, sample = _report("transforms", np.array(facts), np.array(times))
    found = []
    for kernel, length in ((101, 512), (201, 1024), (401, 2048)):
        for shape, size in (((kernel, 1), (length, 16)), ((1, kernel), (16, length))):
            one = FFTPass(DirectPass(np.ones(shape)), size)
            points, doublings, blocks, samples = _facts_of_transforms(one, 900)
            spent = _transformed(engine, one, _image("uint8", 900), runs)
            found.append((spent - growth * doublings - block * blocks - sample * samples) / points)
    print(f"lines: a point takes {np.median(found):.3g}, from {min(found):.3g} to {max(found):.3g}")


def _facts_of_transforms(one: FFTPass, side: int) -> list[float]:
    """Points, points times doublings, and blocks a sample, for a square image of three channels."""
    rows, columns = one.step
    blocks = (3 * -(-side // rows) * -(-side // columns) + 0.5) / (3 * side**2)
    points = one.block[0] * one.block[1]
    return [blocks * points, blocks * points * max(np.log2(points / CACHED_POINTS), 0.0), blocks, 1.0]


def _image(dtype: str, side: int) -> Samples:
    """Noise of three channels."""
    noise = np.random.default_rng(0).random((side, side, 3))
    return noise.astype(dtype) if dtype == "float32" else (noise * np.iinfo(dtype).max).astype(dtype)


def _direct(arithmetic: Arithmetic, largest: int) -> Iterator[AnyPass]:
    """Square kernels of all taps."""
    for side in (3, 5, 7, 11, 15, 21, 31):
        if side <= largest // 3:
            yield DirectPass(np.ones((side, side)), *_endings(arithmetic))


def _separable(arithmetic: Arithmetic, largest: int) -> Iterator[AnyPass]:
    """One to eight terms of all taps."""
    for side in (3, 5, 9, 15, 25, 49, 101):
        for terms in (1,) if arithmetic.accumulator == "uint16" else (1, 2, 4, 8):
            if side <= largest:
                factors = np.ones((terms, side))
                shifts = np.full(terms, 6.0) if arithmetic.accumulator == "int32" else None
                denominator, correction = _endings(arithmetic)
                yield SeparablePass(factors, factors, denominator, shifts, correction)


def _endings(arithmetic: Arithmetic) -> tuple[float, float]:
    """Denominator and correction, as plans have them."""
    return (256.0, 0.5) if arithmetic.accumulator == "uint16" else (1.0, 0.0)


def _facts(one: AnyPass) -> list[float]:
    """What the time depends on."""
    if isinstance(one, SeparablePass):
        return [float(one.columns.size + one.rows.size), float(one.terms)]
    return [float(one.height * one.width)]


def _stage(one: AnyPass) -> Stage:
    """The stage of one pass."""
    anchor = (one.height // 2, one.width // 2)
    return Stage("k", (one,), anchor, 0.0, Border(), "same", count([one], 1), 0.0, False, "")


def _measured(engine: Engine, one: AnyPass, image: Samples, arithmetic: Arithmetic, runs: int) -> float:
    """Nanoseconds a sample, the best of the runs."""
    stage, out, output = _stage(one), np.empty_like(image), OutputMap(1.0, 0.0, "clip", image.dtype.name)
    block = Block(image)
    return _best(runs, image.size, partial(engine.filter_block, stage, block, arithmetic, output, out))


def _transformed(engine: Engine, one: FFTPass, image: Samples, runs: int) -> float:
    """The same by transforms."""
    stage, out, output = _stage(one), np.empty_like(image), OutputMap(1.0, 0.0, "clip", image.dtype.name)

    def run() -> None:
        finish(stage, Transforms.of(stage, engine).sums(Block(image)), engine, output, out)

    return _best(runs, image.size, run)


def _best(runs: int, samples: int, run: Callable[[], object]) -> float:
    """Nanoseconds a sample, the best of the runs."""
    best = np.inf
    for _ in range(runs):
        before = perf_counter()
        run()
        best = min(best, perf_counter() - before)
    return float(best / samples * 1e9)


def _report(
    name: str, facts: npt.NDArray[np.float64], times: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Fit, print the constants, and how far they are off."""
    constants, _ = nnls(facts / times[:, np.newaxis], np.ones(len(times)))
    off = np.abs(facts @ constants / times - 1)
    figures = ", ".join(f"{constant:.4g}" for constant in constants)
    print(f"{name}({figures})  # off by {np.median(off):.0%} in the middle, {off.max():.0%} at most")
    return np.asarray(constants)


if __name__ == "__main__":
    main()
