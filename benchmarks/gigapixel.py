"""A gigapixel through the command: peak memory and time of a tiled TIFF, to TIFF and to PNG.

    python benchmarks/gigapixel.py [--side 32768] [--threads 1 2] [--folder /tmp]

The picture is made here, tile by tile: smooth structures and noise, so that it compresses like a photograph.
Memory is the process's own (ru_maxrss).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tifffile

TILE: Final = 512
FORMATS: Final = ("tiff", "png")


def tiles(side: int) -> Iterator[npt.NDArray[Any]]:
    """The tiles of the picture, row by row."""
    noise = np.random.default_rng(1).integers(-6, 7, (TILE, TILE, 3), dtype=np.int16)
    y, x = np.mgrid[:TILE, :TILE]
    for top in range(0, side, TILE):
        for left in range(0, side, TILE):
            waves = np.sin((y + top) / 97) + np.cos((x + left) / 61) + np.sin((x + y + top + left) / 23)
            grey = (127 + 35 * waves).astype(np.int16)
            yield np.clip(grey[..., np.newaxis] + noise, 0, 255).astype(np.uint8)


def make(path: Path, side: int) -> None:
    """Write the picture: deflate, tiled."""
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        writer.write(
            tiles(side), shape=(side, side, 3), dtype="uint8", tile=(TILE, TILE), photometric="rgb",
            compression="zlib", compressionargs={"level": 1}, predictor=True,
        )  # fmt: skip


def run(source: Path, target: Path, threads: int) -> tuple[float, float, int]:
    """Filter it: seconds of wall and of processor, and the peak of memory in bytes."""
    command = [
        sys.executable, "-m", "sepfilter", "apply", str(source), "-k", "gaussian:3", "-o", str(target),
        "--overwrite", "--threads", str(threads), "--quiet",
    ]  # fmt: skip
    before = perf_counter()
    process = os.posix_spawn(sys.executable, command, os.environ)
    _, status, usage = os.wait4(process, 0)
    if status:
        sys.exit(f"sepfilter ended with status {status}")
    return perf_counter() - before, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def main() -> None:
    """Make, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--side", type=int, default=32768, help="pixels, a multiple of 512")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--folder", help="where there is room for some gigabytes")
    options = parser.parse_args()
    with TemporaryDirectory(dir=options.folder) as name:
        source = Path(name, "source.tif")
        make(source, options.side)
        pixels = options.side**2
        print(
            f"{pixels / 1e6:,.0f} megapixels RGB, {source.stat().st_size / 1e6:,.0f} MB of tiled deflate TIFF"
        )
        print("| to | threads | wall, s | CPU, s | peak memory, MB | megapixels/s | output, MB |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for suffix in FORMATS:
            for threads in options.threads:
                target = Path(name, f"target.{suffix}")
                wall, cpu, peak = run(source, target, threads)
                print(
                    f"| {suffix} | {threads} | {wall:.1f} | {cpu:.1f} | {peak / 1e6:.0f} "
                    f"| {pixels / wall / 1e6:.1f} | {target.stat().st_size / 1e6:,.0f} |"
                )
                target.unlink()


if __name__ == "__main__":
    main()
