"""What the choice of `--method auto` is worth: its time against the best of the forced methods.

python benchmarks/auto_method.py [--largest 4096] [--output benchmarks/results/auto_method.md]

One thread, 8-bit grey images (some 16-bit and float ones), methods alternating, minimum of the runs. A method
whose predicted time is more than `--beyond` times the least is not run. Where auto's plan is that of a forced
method, it has that one's time: the ratio then says how far the choice is from the best, not how noisy the
machine is.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

import sepfilter
from sepfilter.engine.engines import current_engine
from sepfilter.kernels.factorization import FactorizedKernel
from sepfilter.kernels.notation import as_kernel
from sepfilter.plans.options import Options
from sepfilter.plans.plan import Plan
from sepfilter.plans.planner import plan_cascade

METHODS = ("direct", "separable", "fft")
KERNELS = (
    "box:3", "binomial:5", "gaussian:1", "gaussian:3", "gaussian:8", "gaussian:12", "box:31", "laplacian",
    "log:1", "log:4", "log:10", "disk:2", "disk:5", "disk:10", "disk:15", "disk:30", "disk:50",
    "motion:15,45", "motion:61,20", "emboss", "gabor:3,30", "gabor:8,30", "unsharp:2", "dog:4",
)  # fmt: skip
RANDOM = (3, 5, 9, 15, 21, 31, 51, 101)
SIDES = (64, 256, 1024, 4096)


@dataclass
class Case:
    """One kernel on one image."""

    name: str
    kernel: FactorizedKernel
    side: int
    dtype: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=4096, help="rows and columns of the largest image")
    parser.add_argument("--seconds", type=float, default=0.5, help="for the runs of each method, at least 3")
    parser.add_argument("--beyond", type=float, default=8.0)
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    lines, ratios = [], []
    for case in cases(asked.largest):
        row, ratio = measured(case, asked.seconds, asked.beyond)
        lines.append(row)
        ratios.append(ratio)
        print(row, flush=True)
    worst = np.array(ratios)
    engine = current_engine()
    summary = (
        f"{len(worst)} pairs of kernel and image on the {engine.name} engine ({engine.isa or 'SciPy'}), one "
        f"thread, Python {platform.python_version()}: auto within 15 % of the best forced method in "
        f"{(worst <= 1.15).mean():.1%}, worst ratio {worst.max():.2f}, median {np.median(worst):.2f}"
    )
    print(summary)
    if asked.output:
        head = (
            "| kernel | rank | image | direct | separable | fft | auto took | ratio |\n" + "| --- " * 8 + "|"
        )
        text = (
            f"# What the choice of a method is worth\n\n{summary}.\n\nNanoseconds a sample, minimum of "
            "the runs; in brackets what was predicted. `benchmarks/auto_method.py` wrote this.\n\n"
        )
        asked.output.write_text(text + "\n".join([head, *lines]) + "\n")


def cases(largest: int) -> Iterator[Case]:
    """Every kernel on images of every size; some of them with other samples."""
    noise = np.random.default_rng(0)
    named: list[tuple[str, Any]] = [(name, name) for name in KERNELS]
    named += [(f"random {side} x {side}", noise.normal(size=(side, side))) for side in RANDOM]
    for name, kernel in named:
        factorized = FactorizedKernel.of(as_kernel(kernel))
        for side in SIDES:
            if side <= largest:
                yield Case(name, factorized, side, "uint8")
    for dtype in ("uint16", "float32"):
        for name, kernel in (named[index] for index in (1, 3, 9, 14, 20, 27, 29)):
            yield Case(name, FactorizedKernel.of(as_kernel(kernel)), 1024, dtype)


def measured(case: Case, seconds: float, beyond: float) -> tuple[str, float]:
    """A line of the table, and auto's time over the best."""
    image = image_of(case)
    spec, speed = sepfilter.ImageSpec.of(image), current_engine().speed
    plans = {
        method: plan_cascade([case.kernel], spec, Options(method=method), speed)
        for method in ("auto", *METHODS)
    }
    least = min(plan.nanoseconds for plan in plans.values())
    run = {name: plan for name, plan in plans.items() if plan.nanoseconds <= beyond * least}
    same = next((name for name in METHODS if passes(plans[name]) == passes(plans["auto"])), None)
    if same:
        del run["auto"]
    times = timed(run, image, seconds)
    best = min(time for name, time in times.items() if name != "auto")
    ratio = times[same or "auto"] / best
    took = same or f"{plans['auto'].method}, {plans['auto'].precision}: {times['auto']:.2f}"
    cells = [
        f"{times[name]:.2f} ({plans[name].nanoseconds:.2f})"
        if name in times
        else f"- ({plans[name].nanoseconds:.3g})"
        for name in METHODS
    ]
    size = f"{case.side} x {case.side} {case.dtype}"
    rank = case.kernel.factors[0].rank
    return f"| {case.name} | {rank} | {size} | {' | '.join(cells)} | {took} | {ratio:.2f} |", ratio


def passes(plan: Plan) -> tuple[object, ...]:
    """What decides how a plan runs."""
    return plan.arithmetic, *(stage.passes for stage in plan.stages)


def image_of(case: Case) -> npt.NDArray[Any]:
    """Noise of the case's size and type."""
    noise = np.random.default_rng(1)
    shape = (case.side, case.side)
    if case.dtype == "float32":
        return noise.random(shape, dtype=np.float32)
    return noise.integers(0, np.iinfo(case.dtype).max, shape, dtype=case.dtype)


def timed(plans: dict[str, Plan], image: npt.NDArray[Any], seconds: float) -> dict[str, float]:
    """Nanoseconds a sample of each plan: the least of runs that take turns."""
    times = dict.fromkeys(plans, np.inf)
    out = {name: np.empty_like(image) for name in plans}
    spent, rounds = 0.0, 0
    while rounds < 3 or (spent < seconds * len(plans) and rounds < 200):
        for name, plan in plans.items():
            before = perf_counter()
            sepfilter.execute(plan, image, threads=1, out=out[name])
            taken = perf_counter() - before
            times[name] = min(times[name], taken / image.size * 1e9)
            spent += taken
        rounds += 1
    return times


if __name__ == "__main__":
    main()
