"""What engine.py writes: its measurements as Markdown tables."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sepfilter.engine.cores import usable_cores

SLOW_ROUNDS, SLOW_ROWS = 3, 400
SMALL_SAMPLES, SMALL_FACTOR = 2_000_000, 5
TARGETS = {
    "avx512": {"G1": 1.4, "G3": 2, "G10": 3.5, "S": 1.3, "SM": 5, "D5": 3, "D15": 5, "L": 4.5, "F3": 1.4},
    "avx2": {"G1": 1.2, "G3": 1.75, "G10": 2.3, "S": 1.2, "SM": 4, "D5": 2.2, "D15": 3.4, "L": 3, "F3": 1.3},
}
METHOD = """\
All libraries alternate in one process, in an order that changes, one call each a round after a call that is
not timed (on small images one in each round), with the same taps, sepfilter with a plan made beforehand, and
sepfilter and OpenCV write to outputs allocated beforehand. Figures are nanoseconds per sample (pixel and
channel); samples are held against the rounded float64 result in 200 rows at the top and 200 at the bottom,
with the border that the library has (mirror, but libvips and Pillow's blur repeat the edge, and Pillow's
kernel leaves it as it is).

Lines marked * are of slow libraries, and of libvips on uint16: 3 rounds on the first 400 rows. Float32
results of integer images are rounded for the comparison alone, untimed. OpenCV's best is the quickest of its
lines, including recipes of several calls and those that Python cuts into strips by hand, to stay in the
cache; the ratio is given without the latter too. OpenCV always uses all the instructions that it can."""


@dataclass(frozen=True)
class Measure:
    """What one call took, in nanoseconds per sample, and how exact it was."""

    level: str
    image: str
    work: str
    title: str
    threads: int
    library: str
    call: str
    is_cropped: bool
    rounds: int
    best: float
    median: float
    differ: float
    worst: float


@dataclass(frozen=True)
class Report:
    """All that was measured, as Markdown."""

    measures: list[Measure]
    targets: dict[str, str]
    """Which level's targets each level is held against: its own name, or that of the level that ran."""

    @property
    def levels(self) -> list[str]:
        """In the order in which they ran: the highest first."""
        return list(dict.fromkeys(one.level for one in self.measures))

    @property
    def images(self) -> list[str]:
        """In the order in which they ran: the main one first."""
        return list(dict.fromkeys(one.image for one in self.measures))

    @property
    def works(self) -> dict[str, str]:
        """Names and titles of the workloads."""
        return {one.work: one.title for one in self.measures}

    def best(
        self, library: str, work: str, threads: int, image: str, level: str, *, strips: bool = True
    ) -> float | None:
        """The least time of a library's lines, with those cut into strips by hand or without."""
        wanted = (library, work, threads, image, level)
        found = [
            one.best
            for one in self.measures
            if (one.library, one.work, one.threads, one.image, one.level) == wanted
            and (strips or "strips of" not in one.call)
        ]
        return min(found, default=None)

    def ratio(self, work: str, threads: int, image: str, level: str, *, strips: bool = True) -> float | None:
        """OpenCV's best over ours."""
        ours = self.best("sepfilter", work, threads, image, level)
        return quotient(self.best("OpenCV", work, threads, image, level, strips=strips), ours)

    def summary(self) -> list[str]:
        """The ratios that the engine is held to, by level."""
        image = self.images[0]
        heads = ["workload"]
        for level in self.levels:
            heads += [f"{level}: OpenCV, ns", "sepfilter, ns", "ratio", "ratio without strips", "target"]
        rows = []
        for work, title in self.works.items():
            cells = [f"{work} {title}"]
            for level in self.levels:
                target = TARGETS.get(self.targets[level], {}).get(work)
                cells += [figure(self.best(one, work, 1, image, level), 3) for one in ("OpenCV", "sepfilter")]
                cells += [
                    held(self.ratio(work, 1, image, level, strips=one), target) for one in (True, False)
                ]
                cells.append(figure(target))
            rows.append(cells)
        text = f"Minimum times on {image}, 1 thread; a ratio below its target is in bold."
        return ["## OpenCV's best / sepfilter", "", text, "", *table(heads, rows)]

    def other_images(self) -> list[str]:
        """The same ratio for each image and number of threads, at the highest level."""
        level = self.levels[0]
        threads = sorted({one.threads for one in self.measures})
        columns = [(image, count) for image in self.images for count in threads]
        heads = ["workload", *(f"{image}, {count} thread{'s'[: count - 1]}" for image, count in columns)]
        rows = [
            [work, *(figure(self.ratio(work, count, image, level)) for image, count in columns)]
            for work in self.works
        ]
        return [f"## The same for all images, {level}", "", *table(heads, rows)]

    def threads(self) -> list[str]:
        """What the most threads gain over one, for sepfilter and OpenCV."""
        most = max(one.threads for one in self.measures)
        image = self.images[0]
        heads = ["workload", *(f"{level}: {one}" for level in self.levels for one in ("sepfilter", "OpenCV"))]
        rows = []
        for work in self.works:
            cells = [work]
            for level in self.levels:
                for library in ("sepfilter", "OpenCV"):
                    single, many = (self.best(library, work, count, image, level) for count in (1, most))
                    cells.append(figure(quotient(single, many)))
            rows.append(cells)
        title = f"## Time with 1 thread / time with {most} threads, {image}"
        return [title, "", *table(heads, rows)] if most > 1 else []

    def sample_types(self) -> list[str]:
        """What uint16 samples take against uint8 ones."""
        pairs = [(one.replace("uint16", "uint8"), one) for one in self.images if one.endswith("uint16")]
        pairs = [pair for pair in pairs if pair[0] in self.images]
        heads = ["workload", *(f"{level}, {wide}" for _, wide in pairs for level in self.levels)]
        rows = []
        for work in self.works:
            cells = [work]
            for narrow, wide in pairs:
                for level in self.levels:
                    first, second = (self.best("sepfilter", work, 1, one, level) for one in (wide, narrow))
                    cells.append(figure(quotient(first, second)))
            rows.append(cells)
        return ["## sepfilter: time for uint16 / uint8, 1 thread", "", *table(heads, rows)] if pairs else []

    def details(self) -> list[str]:
        """Every line that was measured."""
        heads = [
            "workload",
            "library",
            "call",
            "min",
            "median",
            "samples that differ",
            "by at most",
            "rounds",
        ]
        text = ["## All lines", "", "Nanoseconds per sample; differences in levels of the output.", ""]
        groups: dict[str, list[list[str]]] = {}
        for one in self.measures:
            plural = "s" if one.threads > 1 else ""
            title = f"### {one.image}, {one.level}, {one.threads} thread{plural}"
            star = " *" if one.is_cropped else ""
            cells = [one.work, one.library, one.call + star, figure(one.best, 3), figure(one.median, 3)]
            cells += [f"{100 * one.differ:.4f} %", f"{one.worst:.3g}", str(one.rounds)]
            groups.setdefault(title, []).append(cells)
        for title, rows in groups.items():
            text += [title, "", *table(heads, rows), ""]
        return text

    def sections(self) -> Iterator[str]:
        """All tables."""
        for part in (self.summary, self.other_images, self.threads, self.sample_types, self.details):
            lines = part()
            yield from lines
            if lines:
                yield ""


def quotient(upper: float | None, lower: float | None) -> float | None:
    """Their quotient, where both are known."""
    return upper / lower if upper is not None and lower is not None else None


def figure(value: float | None, digits: int = 2) -> str:
    """A number in a table."""
    return "-" if value is None else f"{value:.{digits}f}"


def held(ratio: float | None, target: float | None) -> str:
    """A ratio, in bold where it misses its target."""
    missed = ratio is not None and target is not None and ratio < target
    return f"**{figure(ratio)}**" if missed else figure(ratio)


def table(heads: list[str], rows: Iterable[list[str]]) -> list[str]:
    """A Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows)]


def heading(runs: dict[str, dict[str, Any]], notes: list[str], rounds: int) -> list[str]:
    """Machine, versions, date, method and notes."""
    versions = {name: version for run in runs.values() for name, version in run["versions"].items()}
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    engines = "; ".join(f"{level}: {run['engine']}" for level, run in runs.items())
    return [
        "# The engine's speed",
        "",
        f"Written by `benchmarks/engine.py` on {time.strftime('%Y-%m-%d')}, {rounds} rounds "
        f"({SMALL_FACTOR} times as many below {SMALL_SAMPLES // 10**6} million samples).",
        "",
        f"- Machine: {cpu_model()}, {usable_cores()} cores",
        f"- Versions: Python {platform.python_version()}, {named}",
        f"- Engine by instruction set level: {engines}",
        *(f"- {note}" for note in dict.fromkeys(notes)),
        "",
        METHOD,
        "",
    ]


def cpu_facts(key: str) -> str:
    """The first entry of this name in what Linux tells of its processors."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == key), ""
    )


def cpu_model() -> str:
    """The processor, as far as it can be known."""
    return cpu_facts("model name") or platform.processor() or platform.machine()
