"""Depthwise 5x5 + pointwise layers beside PyTorch on the processor, and beside ordinary 5x5 in both.

python benchmarks/banks.py [--output benchmarks/results/banks.md]

wants sepfilter and torch==2.13.0. Inputs are float32 of 3 channels, zeros around them, 512 and 2048 pixels
a side; outputs have 64 and 256 channels. In one process every way is called once a round, in turns, in an
order that changes, after a round that is not timed; each call but one way's makes its output anew, and lets
go of it outside of the time: for large ones clearing new memory is most of what takes time. Before each
there is a pause, in which threads of the one before stop waiting for work. Then each way runs once in a
process of its own, whose peak memory is compared with that after its imports.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import Any

import numpy as np

SIZES, CHANNELS, SIDE = (512, 2048), (64, 256), 5
WAYS = (
    "bank",
    "bank, given",
    "torch",
    "torch, channels last",
    "ordinary",
    "torch ordinary",
    "torch ordinary, channels last",
)
LABELS = {
    "bank": "sepfilter, depthwise + pointwise",
    "bank, given": "the same, into an array that is given",
    "torch": "PyTorch, groups conv + 1x1 conv",
    "torch, channels last": "the same, channels last",
    "ordinary": "sepfilter, ordinary 5x5",
    "torch ordinary": "PyTorch, ordinary 5x5",
    "torch ordinary, channels last": "the same, channels last",
}
PAUSE = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--memory-of", nargs=3, metavar=("WAY", "SIZE", "CHANNELS"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.memory_of:
        way, size, channels = asked.memory_of
        print(json.dumps(peak(way, int(size), int(channels), asked.threads)))
        return
    lines = []
    for size in SIZES:
        for channels in CHANNELS:
            lines += case(size, channels, asked.rounds, asked.threads)
    if asked.output:
        asked.output.write_text("\n".join([heading(asked.rounds, asked.threads), *lines]) + "\n")


def case(size: int, channels: int, rounds: int, threads: int) -> list[str]:
    """All ways on one size, as lines of a table, which are printed too."""
    calls = {way: call_of(way, size, channels, threads) for way in WAYS}
    off = max(agreement(calls["bank"], calls["torch"]), agreement(calls["ordinary"], calls["torch ordinary"]))
    times: dict[str, list[float]] = {way: [] for way in WAYS}
    for turn in range(rounds + 1):
        order = [*WAYS[turn % len(WAYS) :], *WAYS[: turn % len(WAYS)]]
        for way in order:
            sleep(PAUSE)
            before = perf_counter()
            made = calls[way]()
            taken = perf_counter() - before
            del made
            if turn:
                times[way].append(taken)
    best = {way: min(measured) for way, measured in times.items()}
    theirs = min(best["torch"], best["torch, channels last"])
    usual = best["torch ordinary"]
    ordinary = min(usual, best["torch ordinary, channels last"])
    lines = [
        "", f"## 3 -> {channels} at {size} x {size}", "",
        f"PyTorch's quicker way takes {theirs / best['bank']:.2f} times as long, its ordinary convolution "
        f"{ordinary / best['bank']:.2f} times, {usual / best['bank']:.2f} in its usual format; "
        f"with an array given {theirs / best['bank, given']:.2f} and {ordinary / best['bank, given']:.2f}. "
        f"Results differ by at most {off:.2g} of their largest.", "",
        "| way | least, ms | median, ms | peak memory, MB | beyond the output, MB |",
        "| --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for way in WAYS:
        used = memory(way, size, channels, threads)
        beyond = used - (0 if way == "bank, given" else size * size * channels * 4)
        lines.append(
            f"| {LABELS[way]} | {best[way] * 1e3:.1f} | {median(times[way]) * 1e3:.1f} | {used / 1e6:,.0f} | "
            f"{beyond / 1e6:,.0f} |"
        )
    print("\n".join(lines), flush=True)
    return lines


def call_of(way: str, size: int, channels: int, threads: int) -> Callable[[], Any]:
    """What runs a way on its input."""
    random = np.random.default_rng(0)
    image = random.random((size, size, 3), np.float32)
    kernels = random.normal(size=(3, 1, SIDE, SIDE))
    mixing = random.normal(size=(channels, 3))
    ordinary = random.normal(size=(channels, 3, SIDE, SIDE))
    if not way.startswith("torch"):
        from sepfilter import Bank, Conv, Depthwise, Pointwise

        layers = (
            [Depthwise(kernels, padding="same"), Pointwise(mixing)]
            if way.startswith("bank")
            else [Conv(ordinary, padding="same")]
        )
        bank = Bank(layers)
        out = np.ones((size, size, channels), np.float32) if way == "bank, given" else None
        return lambda: bank(image, threads=threads, out=out)
    import torch
    from torch.nn.functional import conv2d

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    form = torch.channels_last if "channels last" in way else torch.contiguous_format
    samples, depthwise, pointwise, full = (
        torch.from_numpy(np.ascontiguousarray(array, np.float32)).contiguous(memory_format=form)
        for array in (
            image.transpose(2, 0, 1)[np.newaxis],
            kernels,
            mixing[..., np.newaxis, np.newaxis],
            ordinary,
        )
    )
    if "ordinary" in way:
        return lambda: conv2d(samples, full, padding=SIDE // 2)
    return lambda: conv2d(conv2d(samples, depthwise, padding=SIDE // 2, groups=3), pointwise)


def agreement(ours: Callable[[], Any], theirs: Callable[[], Any]) -> float:
    """The largest difference of two results, in shares of the largest value."""
    one, other = ours(), theirs()[0]
    off = largest = 0.0
    for channel in range(0, one.shape[2], 16):
        expected = other[channel].numpy()
        off = max(off, float(np.abs(one[..., channel] - expected).max()))
        largest = max(largest, float(np.abs(expected).max()))
    return off / largest


def memory(way: str, size: int, channels: int, threads: int) -> int:
    """Bytes that a call takes at most, in a process of its own."""
    words = ["--threads", str(threads), "--memory-of", way, str(size), str(channels)]
    done = subprocess.run([sys.executable, __file__, *words], check=True, capture_output=True)
    found: int = json.loads(done.stdout)
    return found


def peak(way: str, size: int, channels: int, threads: int) -> int:
    """How much the peak of this process grows by a call; a small one before it loads what is needed."""
    call_of(way, 16, channels, threads)()
    call = call_of(way, size, channels, threads)
    before = high_water()
    made = call()
    after = high_water()
    del made
    return after - before


def high_water() -> int:
    """The most memory that this process has had; not that of the one which started it, as rusage has it."""
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def heading(rounds: int, threads: int) -> str:
    """What was measured, on what."""
    import torch

    from sepfilter.engine.engines import current_engine

    engine = current_engine()
    return (
        f"# Depthwise + pointwise layers\n\n5 x 5, float32, zeros around, {threads} threads, {rounds} "
        f"rounds in turns, a new output for each call; engine {engine.name} ({engine.isa}), "
        f"PyTorch {torch.__version__}, Python {platform.python_version()}, {machine()}. Memory is what "
        "a call adds to a process that has loaded everything. `benchmarks/banks.py` wrote this."
    )


def machine() -> str:
    """The processor."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return platform.machine()
    names = [
        line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line
    ]
    return f"{len(names)} cores of {names[0]}" if names else platform.machine()


if __name__ == "__main__":
    main()
