"""Speed and exactness of the engine beside OpenCV, libvips, SciPy, scikit-image, Pillow and DIPlib.

Every instruction set level that the machine has runs in a process of its own. Run it with the
interpreter that sepfilter is installed for, together with those of the libraries that are of interest
(opencv-python-headless, pyvips[binary], scikit-image, diplib); what is missing is left out and noted.

    python benchmarks/engine.py [--quick] [--runs 9] [--workloads G1,G3] [--sizes 512x512x3]
                                [--isa avx2,baseline] [--libraries sepfilter,OpenCV] [--output FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine_report import (
    SLOW_ROUNDS,
    SLOW_ROWS,
    SMALL_FACTOR,
    SMALL_SAMPLES,
    Measure,
    Report,
    cpu_facts,
    heading,
)

from sepfilter.engine.cores import usable_cores

if TYPE_CHECKING:
    from engine_peers import Entry, Libraries
    from engine_work import Array, Check, Workload

WORKLOADS = "G1,G3,G10,S,SM,D5,D15,L,F3"
SIZES = "4000x3000x3,512x512x3,4000x3000x1,4000x3000x3:uint16"
QUICK_SIZES = "1000x750x3,1000x750x3:uint16"
LIBRARIES = "sepfilter,OpenCV,libvips,SciPy,scikit-image,Pillow,DIPlib"
SLOW = ("SciPy", "scikit-image", "Pillow", "DIPlib")
SINGLE_THREADED = ("SciPy", "scikit-image", "Pillow")
UNWANTED_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "SEPFILTER_ISA")
NEEDED_FLAGS: dict[str, set[str]] = {
    "avx512": {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni", "avx2", "fma"},
    "avx2": {"avx2", "fma"},
    "baseline": set(),
}


@dataclass
class Line:
    """One call while it is being measured."""

    library: str
    entry: Entry
    samples: int
    is_cropped: bool
    deviation: tuple[float, float]
    rounds: int
    times: list[float]


# The worker: one instruction set level


def measure_all(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure all that is asked for in this process."""
    from engine_peers import Libraries
    from engine_work import make_image, make_workloads

    from sepfilter.engine.info import engine_info

    libraries = Libraries(arguments.libraries.split(","))
    measures: list[Measure] = []
    notes: list[str] = []
    workloads = make_workloads()
    for size in arguments.sizes.split(","):
        shape, samples = parse_size(size)
        image = make_image(*shape, samples)
        for name in arguments.workloads.split(","):
            work = workloads[name]
            if work.samples and samples != "uint8":
                continue  # F3 is the same beside any other type
            print(f"{arguments.worker_level}: {size} {name}", file=sys.stderr, flush=True)
            source = image.astype(work.samples) if work.samples else image
            for line, threads in measure_workload(work, source, libraries, arguments, notes):
                measures.append(as_measure(line, arguments.worker_level, size, work, threads))
    info = engine_info()
    return {
        "engine": f"{info.name}, {info.isa or 'no level of its own'}",
        "isa": info.isa,
        "versions": libraries.versions,
        "missing": libraries.missing,
        "notes": notes,
        "measures": [asdict(one) for one in measures],
    }


def parse_size(text: str) -> tuple[tuple[int, int, int], str]:
    """Read WIDTHxHEIGHTxCHANNELS[:TYPE] as (height, width, channels) and type."""
    shape, _, samples = text.partition(":")
    width, height, channels = map(int, shape.split("x"))
    return (height, width, channels), samples or "uint8"


def image_name(size: str) -> str:
    """How tables call an image."""
    shape, samples = parse_size(size)
    return f"{shape[1]}x{shape[0]}x{shape[2]} {samples}"


def measure_workload(
    work: Workload, image: Array, libraries: Libraries, arguments: argparse.Namespace, notes: list[str]
) -> Iterator[tuple[Line, int]]:
    """Alternate all calls of a workload, for each number of threads."""
    checks: dict[int, Check] = {}
    is_small = image.size < SMALL_SAMPLES
    for threads in arguments.threads:
        libraries.set_threads(threads)
        lines: list[Line] = []
        for library in libraries:
            if threads > 1 and library in SINGLE_THREADED:
                continue
            slow = is_slow(library, image)
            is_cropped = slow and not is_small
            rounds = arguments.runs * (SMALL_FACTOR if is_small else 1)
            rounds = min(rounds, SLOW_ROUNDS) if slow else rounds
            source = image[:SLOW_ROWS] if is_cropped else image
            try:
                for entry, deviation in prepared(library, work, source, threads, checks):
                    lines.append(Line(library, entry, source.size, is_cropped, deviation, rounds, []))
            except Exception as error:  # whatever a peer may raise must not end the others' run
                print(f"{library}, {work.name}: {error}", file=sys.stderr)
                notes.append(f"{library} failed at {work.name} on {image.dtype}: {type(error).__name__}.")
        alternate(lines)
        yield from ((line, threads) for line in lines)


def is_slow(library: str, image: Array) -> bool:
    """True for what would take minutes on large images."""
    return library in SLOW or (library == "libvips" and image.dtype == "uint16")


def prepared(
    library: str, work: Workload, image: Array, threads: int, checks: dict[int, Check]
) -> Iterator[tuple[Entry, tuple[float, float]]]:
    """The calls of a library, each made once and compared with the float64 result."""
    from engine_peers import MAKERS
    from engine_work import Check, Task

    task = Task(work, image, threads)
    check = checks.setdefault(len(image), Check(work, image))
    for entry in MAKERS[library](task):
        yield entry, check.deviation(entry.run(), entry.border, entry.gain)


def alternate(lines: list[Line]) -> None:
    """Time one call each a round, in an order that changes: what ran before leaves caches and threads busy.

    Small images fit into the caches, so there each timed call follows one of the same that is not.
    """
    order = random.Random(1)  # noqa: S311
    for number in range(max((line.rounds for line in lines), default=0)):
        for line in order.sample(lines, len(lines)):
            if number < line.rounds:
                if line.samples < SMALL_SAMPLES:
                    line.entry.run()
                started = time.perf_counter()
                line.entry.run()
                line.times.append(time.perf_counter() - started)


def as_measure(line: Line, level: str, image: str, work: Workload, threads: int) -> Measure:
    """The line's figures."""
    scale = 1e9 / line.samples
    return Measure(
        level,
        image_name(image),
        work.name,
        work.title,
        threads,
        line.library,
        line.entry.call,
        line.is_cropped,
        line.rounds,
        scale * min(line.times),
        scale * statistics.median(line.times),
        *line.deviation,
    )


# The parent: a process for each level


def machine_levels() -> list[str]:
    """Levels that the machine supports, the highest first; auto where that is not known."""
    flags = set(cpu_facts("flags").split())
    return [level for level, needed in NEEDED_FLAGS.items() if needed <= flags] if flags else ["auto"]


def run_level(level: str, options: list[str]) -> dict[str, Any] | None:
    """Measure one level in a process of its own; None where that fails."""
    environment = {key: value for key, value in os.environ.items() if key not in UNWANTED_VARIABLES}
    if level != "auto":
        environment["SEPFILTER_ISA"] = level
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "measures.json"
        command = [sys.executable, __file__, *options, "--worker", str(path), "--worker-level", level]
        if subprocess.run(command, env=environment, check=False).returncode:
            return None
        return json.loads(path.read_text())


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, help="rounds (9; 3 with --quick)")
    parser.add_argument("--workloads", default=WORKLOADS)
    parser.add_argument(
        "--sizes", help=f"WIDTHxHEIGHTxCHANNELS[:uint16], the first is the main one ({SIZES})"
    )
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--libraries", default=LIBRARIES)
    parser.add_argument("--isa", help="avx512, avx2, baseline or auto: all that the machine supports")
    parser.add_argument("--quick", action="store_true", help="small images, 3 rounds")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "engine.md")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--worker-level", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.runs = arguments.runs or (3 if arguments.quick else 9)
    arguments.sizes = arguments.sizes or (QUICK_SIZES if arguments.quick else SIZES)
    arguments.threads = [int(one) for one in arguments.threads.split(",")]
    for name, known in (("workloads", WORKLOADS), ("libraries", LIBRARIES)):
        unknown = set(getattr(arguments, name).split(",")) - set(known.split(","))
        if unknown:
            parser.error(f"--{name}: {', '.join(sorted(unknown))}: use some of {known}")
    return arguments


def main() -> None:
    """Measure every level, and write the report."""
    arguments = parse_arguments()
    if arguments.worker:
        arguments.worker.write_text(json.dumps(measure_all(arguments)))
        return
    levels = arguments.isa.split(",") if arguments.isa else machine_levels()
    options = ["--runs", str(arguments.runs), "--workloads", arguments.workloads, "--sizes", arguments.sizes]
    options += ["--threads", ",".join(map(str, arguments.threads))]
    runs: dict[str, dict[str, Any]] = {}
    notes: list[str] = []
    if max(arguments.threads) > usable_cores():
        notes.append(f"{max(arguments.threads)} threads share {usable_cores()} core(s).")
    for level in levels:
        # Levels change nothing for the peers: below the first, OpenCV alone is measured again.
        names = [one for one in arguments.libraries.split(",") if not runs or one in ("sepfilter", "OpenCV")]
        run = run_level(level, [*options, "--libraries", ",".join(names)])
        if run is None:
            notes.append(f"{level} could not be measured.")
            continue
        runs[level] = run
        notes += [f"{name} is not installed, and left out." for name in run["missing"]] + run["notes"]
        if run["isa"] != level != "auto":
            notes.append(f"Asked for {level}, the engine runs {run['engine']}.")
    if not runs:
        raise SystemExit("nothing could be measured")
    measures = [Measure(**one) for run in runs.values() for one in run["measures"]]
    report = Report(measures, {level: run["isa"] or level for level, run in runs.items()})
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join([*heading(runs, notes, arguments.runs), *report.sections()])
    arguments.output.write_text(text.rstrip() + "\n")
    print(f"written: {arguments.output}")


if __name__ == "__main__":
    main()
