"""Start-up time of `--help`, and peak memory of gaussian:3 on 12 megapixels of 8-bit RGB.

Each figure is of a whole process, as the operating system accounts for it. Run it with the interpreter
that sepfilter is installed for; POSIX only.

    python benchmarks/footprint.py [--runs 9] [--image photo.png]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

WIDTH, HEIGHT = 4000, 3000
HELP_LIMIT_MS = 150
MEMORY_LIMIT_MB = 450


@dataclass(frozen=True)
class Usage:
    """CPU seconds, wall seconds and peak resident megabytes of one process."""

    cpu: float
    wall: float
    peak: float


def usage_of(arguments: list[str]) -> Usage:
    """Run a command to its end and return what it used."""
    started = os.times().elapsed
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)}: exit code {process.returncode}")
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return Usage(used.ru_utime + used.ru_stime, os.times().elapsed - started, used.ru_maxrss / unit)


def make_photo(path: Path) -> None:
    """Write smooth structure with noise, which compresses about like a photograph."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(12)
    coarse = random.integers(0, 256, (HEIGHT // 40, WIDTH // 40, 3), dtype=np.uint8)
    smooth = Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    noise = random.normal(0, 3, (HEIGHT, WIDTH, 1)).astype(np.float32)
    noisy = np.asarray(smooth) + noise
    Image.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8)).save(path, compress_level=1)


def show(label: str, values: list[float], unit: str, limit: float | None = None) -> None:
    """Print minimum and median, and the limit where there is one."""
    low, middle = min(values), statistics.median(values)
    bound = f"   (limit {limit:g})" if limit else ""
    print(f"{label:<44} min {low:7.1f}  median {middle:7.1f} {unit}{bound}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--image", type=Path)
    arguments = parser.parse_args()
    command = [sys.executable, "-m", "sepfilter"]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")

    helps = [usage_of([*command, "--help"]) for _ in range(arguments.runs)]
    show("sepfilter --help, CPU", [1e3 * one.cpu for one in helps], "ms", HELP_LIMIT_MS)

    with tempfile.TemporaryDirectory() as folder:
        photo = arguments.image or Path(folder) / "photo.png"
        if not arguments.image:
            # In a process of its own: a child's peak counts what its parent held when it was forked.
            maker = multiprocessing.get_context("spawn").Process(target=make_photo, args=(photo,))
            maker.start()
            maker.join()
        apply = [*command, "apply", str(photo), "-k", "gaussian:3", "-o", f"{folder}/out.png", "--overwrite"]
        for threads in ("1", "2"):
            runs = [usage_of([*apply, "--threads", threads]) for _ in range(max(arguments.runs // 3, 3))]
            label = f"12 MP RGB PNG, gaussian:3, {threads} thread(s)"
            show(f"{label}, peak", [one.peak for one in runs], "MB", MEMORY_LIMIT_MB)
            show(f"{label}, wall", [one.wall for one in runs], "s")


if __name__ == "__main__":
    main()
