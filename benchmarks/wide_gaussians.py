"""Gaussians of growing sigma on 12 megapixels: time and worst error, exactly and with an error allowed.

python benchmarks/wide_gaussians.py [--output benchmarks/results/wide_gaussians.md]

The image is the sample photograph repeated to 4000 x 3000 RGB, 8 bits. Times are of one thread, the least of
the runs; errors are the largest difference of unrounded results to transforms in double, in levels.
"""

from __future__ import annotations

import argparse
import platform
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

import sepfilter
from sepfilter.engine.engines import current_engine

SIGMAS = (1, 3, 10, 20, 50, 100, 200)
SAMPLES = Path(__file__).parent.parent / "sample_images"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--max-error", type=float, default=0.5)
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    image = photograph(3000, 4000)
    rows = []
    for sigma in SIGMAS:
        true = unrounded(image, sigma, method="fft", precision="double")
        for allowed in (None, asked.max_error):
            plan = sepfilter.make_plan(f"gaussian:{sigma}", sepfilter.ImageSpec.of(image), max_error=allowed)
            time = best(plan, image, asked.runs)
            error = np.abs(unrounded(image, sigma, max_error=allowed) - true).max()
            way = " + ".join(stage.method for stage in plan.stages)
            rows.append(
                f"| {sigma} | {'-' if allowed is None else f'{allowed:g}'} | {way}, {plan.precision} | "
                f"{plan.nanoseconds:.2f} | {time:.2f} | {time * image.size / 1e9:.3f} | "
                f"{plan.error_bound:.3f} | {plan.arithmetic_bound:.1g} | {error:.1g} |"
            )
            print(rows[-1], flush=True)
    engine = current_engine()
    head = (
        "| sigma | max error | method | predicted ns a sample | ns a sample | seconds | error bound | "
        "arithmetic bound | measured |\n" + "| --- " * 9 + "|"
    )
    if asked.output:
        title = (
            "# Gaussians of growing sigma\n\n4000 x 3000 RGB of 8 bits, one thread, minimum of "
            f"{asked.runs} runs; {engine.name} engine ({engine.isa}), Python {platform.python_version()}. "
            "Bounds and errors in levels of 255. `benchmarks/wide_gaussians.py` wrote this.\n\n"
        )
        asked.output.write_text(title + "\n".join([head, *rows]) + "\n")


def photograph(height: int, width: int) -> npt.NDArray[np.uint8]:
    """The sample photograph, mirrored and repeated up to a size."""
    picture, _ = sepfilter.read_image(str(SAMPLES / "astronaut.jpg"))
    mirrored = np.concatenate([picture, picture[::-1]])
    whole = np.concatenate([mirrored, mirrored[:, ::-1]], axis=1)
    times = (-(-height // whole.shape[0]), -(-width // whole.shape[1]), 1)
    return np.ascontiguousarray(np.tile(whole, times)[:height, :width])


def unrounded(image: npt.NDArray[np.uint8], sigma: int, **options: Any) -> npt.NDArray[np.float32]:
    """The result before it is rounded."""
    return sepfilter.apply(image, f"gaussian:{sigma}", output_range="float", dtype="float32", **options)


def best(plan: sepfilter.Plan, image: npt.NDArray[np.uint8], runs: int) -> float:
    """Nanoseconds a sample."""
    out, least = np.empty_like(image), np.inf
    for _ in range(runs):
        before = perf_counter()
        sepfilter.execute(plan, image, threads=1, out=out)
        least = min(least, perf_counter() - before)
    return float(least / image.size * 1e9)


if __name__ == "__main__":
    main()
