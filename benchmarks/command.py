"""The whole command beside other tools: start, decode, blur with gaussian:3, encode, each as a process.

Run it with the interpreter that sepfilter is installed for; POSIX only. Tools that are not on PATH, and
libraries that the peers' interpreter does not have (opencv-python-headless, Pillow), are left out and noted.

    python benchmarks/command.py [--rounds 7] [--threads 1] [--jobs png-12mp jpeg-12mp]
                                 [--tools sepfilter OpenCV] [--peer-python PATH] [--output FILE]
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import platform
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import command_inputs as inputs
from command_inputs import ENCODINGS, JOBS, Builder, Deviation, Job, Tool
from engine_report import cpu_model, figure, held, quotient, table

from sepfilter.engine.cores import usable_cores

LIBRARIES = ("numpy", "scipy", "pillow", "imagecodecs", "tifffile", "isal", "click")
METHOD = """\
Each figure is of a whole process: what the shell waits for, processor seconds of user and system (median),
and the most memory of any run (less than this script's own, some 25 MB, cannot be seen). Tools take turns,
each once a round, in an order that moves on by one with each round, after one run that is not timed. Outputs
are removed, and files flushed, before each run.

Errors are against a blur in float64 with a kernel out to four sigma, not rounded (so a correctly rounded
result is up to 0.5 off), in levels of the output, 16 pixels and more from the edges, where tools differ in
what they take to lie beyond. JPEG quality is 90 with halved chroma (ffmpeg has a scale of its own), WebP's
80, and deflate TIFFs have the horizontal predictor (ffmpeg has none); all else is each tool's own choice.

OpenCV's kernel has 25 taps, as sepfilter's and the reference's. vips cuts its kernel off where it falls
below 0.2 of its peak, and computes in whole numbers: its defaults. Pillow's blur is several box blurs,
ffmpeg's a recursive filter, run 6 times, the most that it offers. Pillow always works with one thread. A
batch is one process for sepfilter, the scripts and ffmpeg, and for the others one a picture."""


# Tools


def find_tools(names: list[str], peer_python: str) -> list[Tool]:
    """Those of the tools that are there."""
    peer = [str(Path(shutil.which(peer_python) or peer_python).absolute())]
    im = next(filter(shutil.which, ("magick", "convert-im6.q16", "convert")), "convert")
    known: dict[str, tuple[list[str], list[str], Builder]] = {
        "sepfilter": ([sys.executable, "-m", "sepfilter"], ["-m", "sepfilter", "--version"], inputs.own),
        "OpenCV": (peer, ["-c", "import cv2; print(cv2.__version__)"], inputs.script(inputs.OPENCV_SCRIPT)),
        "Pillow": (peer, ["-c", "import PIL; print(PIL.__version__)"], inputs.script(inputs.PILLOW_SCRIPT)),
        "vips": (["vips"], ["--version"], inputs.looped(inputs.vips)),
        "ImageMagick": ([im], ["-version"], inputs.looped(inputs.magick)),
        "GraphicsMagick": (["gm", "convert"], ["version"], inputs.looped(inputs.magick)),
        "ffmpeg": (["ffmpeg"], ["-version"], inputs.ffmpeg),
    }
    found = []
    for name in names:
        program, question, builder = known[name]
        if version := version_of([program[0], *question]):
            found.append(Tool(name, program, version, builder))
    return found


def version_of(command: list[str]) -> str | None:
    """The first version in what a program says of itself; None where it does not run."""
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    version = re.search(r"\d+(\.\d+)+(-\d+)?", said)
    return version[0] if version else "of unknown version"


# Runs


class Failure(Exception):  # noqa: N818
    """A tool did not do what it was asked for."""


@dataclass(frozen=True)
class Usage:
    """Wall seconds, processor seconds and peak resident megabytes of one process."""

    wall: float
    cpu: float
    peak: float


@dataclass(frozen=True)
class Outcome:
    """What a tool made of a job: its timed runs, or why it failed."""

    tool: str
    usages: list[Usage]
    megabytes: float
    deviation: Deviation | None
    failure: str | None

    @property
    def median(self) -> float | None:
        """Wall seconds."""
        return None if self.failure else statistics.median(one.wall for one in self.usages)


def measure(job: Job, tools: list[Tool], folder: Path, arguments: argparse.Namespace) -> list[Outcome]:
    """Run every tool once to see what it writes, then all in turns."""
    size = aside(inputs.make_inputs, job, folder / job.name)
    print(f"{job.title}: {size:.1f} MB of input", file=sys.stderr, flush=True)
    commands = {tool.name: tool.command(job, arguments.threads) for tool in tools}
    usages: dict[str, list[Usage]] = {name: [] for name in commands}
    failures: dict[str, str] = {}
    sizes: dict[str, float] = {}
    for name, command in commands.items():
        with noted(failures, name):
            run(command, folder)
            sizes[name] = kept(job, folder, folder / "kept" / name)
    outputs = {name: folder / "kept" / name for name in sizes}
    found = (
        {} if job.coding in ("jpeg", "webp") else aside(inputs.deviations, job, folder / job.name, outputs)
    )
    failures |= {name: one for name, one in found.items() if isinstance(one, str)}
    shutil.rmtree(folder / "kept", ignore_errors=True)
    for number in range(arguments.rounds):
        names = [name for name in commands if name not in failures]
        start = number % max(len(names), 1)
        for name in names[start:] + names[:start]:
            with noted(failures, name):
                usages[name].append(run(commands[name], folder))
    return [
        Outcome(name, usages[name], sizes.get(name, 0), found.get(name), failures.get(name))
        for name in commands
    ]


def aside(function: Callable[..., Any], *arguments: object) -> Any:
    """Call it in a process of its own: a tool's peak counts what its parent held when it was started."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


@contextmanager
def noted(failures: dict[str, str], name: str) -> Iterator[None]:
    """A tool that fails leaves the others alone."""
    try:
        yield
    except Failure as failure:
        failures[name] = str(failure)


def run(command: list[str], folder: Path) -> Usage:
    """Run a command to its end, with nothing left from earlier ones."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    (folder / "out").mkdir()
    os.sync()
    with (folder / "errors.txt").open("w+") as errors:
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stderr=errors, **streams)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        said = errors.read().strip().splitlines() or [f"exit code {process.returncode}"]
    if process.returncode:
        raise Failure(re.sub(r"(?<![\w.])/(\S+/)+", "", said[-1]))  # folders say nothing elsewhere
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / unit)


def kept(job: Job, folder: Path, shelf: Path) -> float:
    """Set outputs aside to be compared, and return their size in megabytes."""
    missing = [file for file in job.files if not (folder / "out" / file).exists()]
    if missing:
        raise Failure(f"wrote no {missing[0]}")
    shelf.parent.mkdir(exist_ok=True)
    (folder / "out").rename(shelf)
    return sum((shelf / file).stat().st_size for file in job.files) / 1e6


# The report


def summary(results: dict[Job, list[Outcome]]) -> list[str]:
    """The ratios that the command is held to."""
    rows = []
    for job, outcomes in results.items():
        medians = {one.tool: one.median for one in outcomes}
        cells = [job.title]
        for tool, target in (("OpenCV", job.opencv_target), ("vips", job.vips_target)):
            cells += [held(quotient(medians.get(tool), medians.get("sepfilter")), target), figure(target, 1)]
        rows.append(cells)
    return table(["job", "OpenCV script / sepfilter", "target", "vips / sepfilter", "target"], rows)


def details(outcomes: list[Outcome]) -> list[str]:
    """All tools on one job, the quickest first."""
    ours = next((one.median for one in outcomes if one.tool == "sepfilter"), None)
    rows = []
    for one in sorted(outcomes, key=lambda one: one.median or math.inf):
        if one.failure:
            rows.append([one.tool, f"failed: {one.failure}".replace("|", "/"), *["-"] * 7])
            continue
        worst, mean = one.deviation or (None, None)
        cells = [min(run.wall for run in one.usages), one.median]
        cells += [statistics.median(run.cpu for run in one.usages)]
        rows.append([one.tool, *(figure(cell, 3) for cell in cells)])
        rows[-1] += [f"{max(run.peak for run in one.usages):.0f}", figure(one.megabytes, 3)]
        rows[-1] += [figure(worst), figure(mean, 3), figure(quotient(one.median, ours))]
    heads = ["tool", "wall min, s", "wall median, s", "CPU, s", "peak, MB", "output, MB"]
    return table([*heads, "largest error", "mean error", "tool / sepfilter"], rows)


def report(results: dict[Job, list[Outcome]], tools: list[Tool], arguments: argparse.Namespace) -> str:
    """Everything as Markdown."""
    versions = {one.name.lower(): one.version for one in metadata.distributions()}
    libraries = [f"{name} {versions[name]}" for name in LIBRARIES if name in versions]
    missing = [name for name in arguments.tools if name not in {one.name for one in tools}]
    threads = f"{arguments.threads} thread{'s'[: arguments.threads - 1]}"
    lines = ["# The whole command", ""]
    lines += [
        f"Written by `benchmarks/command.py` on {time.strftime('%Y-%m-%d')}, {arguments.rounds} rounds."
    ]
    lines += ["", f"- Machine: {cpu_model()}, {usable_cores()} cores, of which tools may use {threads}"]
    lines += [f"- Python {platform.python_version()}, {', '.join(libraries)}"]
    lines += [f"- Tools: {', '.join(f'{one.name} {one.version}' for one in tools)}"]
    lines += [f"- Not found, and left out: {', '.join(missing)}"] if missing else []
    lines += ["", METHOD, "", "## Medians against ours", "", "A ratio below its target is in bold.", ""]
    lines += summary(results)
    for job, outcomes in results.items():
        lines += ["", f"## {job.title}", "", *details(outcomes)]
    job = next(iter(results))
    lines += ["", f"## Commands: {job.title}", "", "```sh"]
    for tool in tools:
        first, *rest = tool.command(job, arguments.threads)
        lines.append(shlex.join([Path(first).name, *rest]))
    return "\n".join([*lines, "```", ""])


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    jobs, tools = [job.name for job in JOBS], list(ENCODINGS)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1, help="for all tools that can have several")
    parser.add_argument("--jobs", nargs="+", choices=jobs, default=jobs, metavar="JOB", help=", ".join(jobs))
    parser.add_argument(
        "--tools", nargs="+", choices=tools, default=tools, metavar="TOOL", help=", ".join(tools)
    )
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has cv2 and Pillow")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "command.md")
    return parser.parse_args()


def main() -> None:
    """Measure every job, and write the report."""
    arguments = parse_arguments()
    tools = find_tools(arguments.tools, arguments.peer_python)
    results: dict[Job, list[Outcome]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for job in (job for job in JOBS if job.name in arguments.jobs):
            results[job] = measure(job, tools, Path(folder), arguments)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(report(results, tools, arguments))
    print(f"written: {arguments.output}")


if __name__ == "__main__":
    main()
