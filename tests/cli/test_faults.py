"""Real runs killed at random moments, and on full disks: the old file or the new one is there, whole.

SEPFILTER_FAULTS=1000 makes that many kills, half as many full disks by a limit to the size of files,
and a quarter by a small file system, where one may be mounted; ``pytest -s`` shows the tally.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sepfilter.temporary_file import open_nameless

resource = pytest.importorskip("resource")

SEED = 20_240
ROUNDS = int(os.environ.get("SEPFILTER_FAULTS", "12"))
PLACES = ("in place", "replaced", "new")
FORMATS = ("png", "jpg", "bmp", "tif", "npy", "webp")
OLD = b"what stood there before"

# The second program has no files without a name, as on systems that know none.
PROGRAMS = {
    "nameless": ("-m", "sepfilter"),
    "named": (
        "-c",
        "from sepfilter import temporary_file; temporary_file.open_nameless = lambda _: None; "
        "from sepfilter.cli.main import main; main()",
    ),
}
# A file size limit would cut compiled modules short as well: none are written.
ENVIRONMENT = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True)
class Sample:
    """A picture in one format, and what a run makes of it."""

    name: str
    picture: bytes
    expected: bytes


@dataclass(frozen=True)
class Case:
    """A folder ready for one run, and what stands at the output."""

    sample: Sample
    folder: Path
    target: Path
    arguments: tuple[str, ...]
    old: bytes | None

    @classmethod
    def prepare(cls, sample: Sample, folder: Path, place: str) -> Case:
        """Put the picture there, and an older output where one is to be replaced."""
        (folder / sample.name).write_bytes(sample.picture)
        common = ("apply", sample.name, "-k", "box:3", "-q")
        if place == "in place":
            target = folder / sample.name
            return cls(sample, folder, target, (*common, "--in-place"), sample.picture)
        target = folder / f"out{Path(sample.name).suffix}"
        if place == "new":
            return cls(sample, folder, target, (*common, "-o", target.name), None)
        target.write_bytes(OLD)
        return cls(sample, folder, target, (*common, "-o", target.name, "--overwrite"), OLD)

    def start(self, program: str = "nameless", room: int | None = None) -> subprocess.Popen[bytes]:
        """Begin the run, with a limit to the size of files if one is given."""
        limit = None if room is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        return subprocess.Popen(
            [sys.executable, *PROGRAMS[program], *self.arguments],
            cwd=self.folder,
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=limit,  # noqa: PLW1509  (no thread of this process holds a lock then)
        )

    def check(self, tally: Counter[str]) -> str:
        """What is at the output, "old" or "new"; other files and mixtures are counted, and are failures."""
        there = {path.name for path in self.folder.iterdir()}
        content = self.target.read_bytes() if self.target.exists() else None
        state = {self.old: "old", self.sample.expected: "new"}.get(content, "lost")
        strangers = there - {self.sample.name, self.target.name}
        tally[f"outputs {state}"] += 1
        tally["files left"] += len(strangers)
        kept = self.target.name == self.sample.name or (
            (self.folder / self.sample.name).read_bytes() == self.sample.picture
        )
        assert kept, "the input changed"
        assert state != "lost", f"{self.target}: neither the old file nor the new one"
        assert not strangers
        return state


def noise(path: Path) -> None:
    """Write a picture that takes the encoders a while."""
    pixels = np.random.default_rng(SEED).integers(0, 256, (800, 800, 3), dtype=np.uint8)
    if path.suffix == ".npy":
        np.save(path, pixels)
    else:
        Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Sample]:
    """Samples by their format, each run once undisturbed."""
    known: dict[str, Sample] = {}

    def made(suffix: str) -> Sample:
        if suffix not in known:
            folder = tmp_path_factory.mktemp(suffix)
            noise(folder / f"a.{suffix}")
            draft = Sample(f"a.{suffix}", (folder / f"a.{suffix}").read_bytes(), b"")
            case = Case.prepare(draft, folder, "new")
            undisturbed(case)
            known[suffix] = Sample(draft.name, draft.picture, case.target.read_bytes())
        return known[suffix]

    return made


def undisturbed(case: Case) -> float:
    """Let a run come to its end, and say after how many seconds it did."""
    begin = time.perf_counter()
    process = case.start()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return time.perf_counter() - begin


@pytest.fixture(scope="module")
def seconds(sample: Callable[[str], Sample], tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long a run takes that nothing disturbs, once the system knows its files."""
    folders = (tmp_path_factory.mktemp("timing") for _ in range(2))
    return min(undisturbed(Case.prepare(sample("png"), folder, "new")) for folder in folders)


@pytest.fixture(scope="module")
def tally() -> Iterator[Counter[str]]:
    """What was tried and what came of it, shown at the end."""
    counter: Counter[str] = Counter({"outputs lost": 0, "files left": 0})
    yield counter
    counts = ", ".join(f"{name} {count}" for name, count in sorted(counter.items()))
    sys.stdout.write(f"\nfaults with seed {SEED}: {counts}\n")


def wait_for_handlers(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait until the program has taken over SIGTERM; before that, signals are Python's business."""
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        time.sleep(seconds / 3)
        return
    while process.poll() is None:
        caught = [line for line in status.read_text().splitlines() if line.startswith("SigCgt")]
        if caught and int(caught[0].split()[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.002)


def moment(random: np.random.Generator, seconds: float) -> float:
    """When to strike: any time, and as often in the last part, where the file is written."""
    return float(seconds * random.uniform(*((0, 1.05) if random.random() < 0.5 else (0.6, 1.15))))


@pytest.mark.parametrize(
    ("number", "code", "words", "program", "share"),
    [
        (signal.SIGKILL, -signal.SIGKILL, b"", "nameless", 3),
        (signal.SIGTERM, 143, b"sepfilter: terminated\n", "nameless", 6),
        (signal.SIGTERM, 143, b"sepfilter: terminated\n", "named", 6),
        (signal.SIGINT, 130, b"sepfilter: interrupted\n", "nameless", 6),
        (signal.SIGINT, 130, b"sepfilter: interrupted\n", "named", 6),
    ],
)
def test_a_killed_run_loses_nothing(
    tmp_path: Path,
    sample: Callable[[str], Sample],
    tally: Counter[str],
    seconds: float,
    number: signal.Signals,
    code: int,
    words: bytes,
    program: str,
    share: int,
) -> None:
    """Whenever a signal comes, the output is the old file or the new one, and nothing else is left."""
    if number is signal.SIGKILL and not nameless_files_in(tmp_path):
        pytest.skip("without nameless files a kill leaves a temporary one")
    random = np.random.default_rng([SEED, number, len(program)])
    for index in range(max(1, ROUNDS // share)):
        (tmp_path / str(index)).mkdir()
        case = Case.prepare(sample("png"), tmp_path / str(index), PLACES[index % 3])
        begin = time.perf_counter()
        process = case.start(program)
        if number is not signal.SIGKILL:
            wait_for_handlers(process, seconds)
        time.sleep(max(0, begin + moment(random, seconds) - time.perf_counter()))
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        tally[f"{number.name} sent"] += 1
        tally[f"{number.name} came after the end"] += process.returncode == 0
        state = case.check(tally)
        # Python itself may end by the signal, at the very end or after its own code was interrupted:
        # to a shell that is the same code.
        codes, heard = {code, -number}, {words}
        if state == "new":
            codes, heard = codes | {0}, {words, b""}
        seconds *= 0.85 if process.returncode == 0 else 1.05  # other work on the machine comes and goes
        assert process.returncode in codes
        assert said in heard


def nameless_files_in(folder: Path) -> bool:
    """The file system has files without a name."""
    file = open_nameless(folder)
    if file:
        file.close()
    return file is not None


def pair(index: int) -> tuple[str, str]:
    """A format and a place; in time each format comes with each place."""
    return FORMATS[index % 6], PLACES[(index + index // 6) % 3]


def check_full(case: Case, process: subprocess.Popen[bytes], tally: Counter[str]) -> None:
    """The run failed with one line that tells why, and changed nothing."""
    _, said = process.communicate(timeout=60)
    state = case.check(tally)
    assert process.returncode == 1, said
    assert said.startswith(f"sepfilter: {case.target.name}: cannot be written: ".encode())
    assert said.count(b"\n") == 1
    assert state == "old"


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_full_disk_loses_nothing(
    tmp_path: Path, sample: Callable[[str], Sample], tally: Counter[str], program: str
) -> None:
    """Wherever the room ends, be it a byte before the end, the old file stays and the error is told."""
    random = np.random.default_rng([SEED, len(program)])
    for index in range(max(3, ROUNDS // 4)):
        suffix, place = pair(index if program == "nameless" else index + 3)
        (tmp_path / str(index)).mkdir()
        case = Case.prepare(sample(suffix), tmp_path / str(index), place)
        size = len(case.sample.expected)
        room = size - int(random.integers(1, size if random.random() < 0.3 else 9000))
        tally["full disks by a limit"] += 1
        check_full(case, case.start(program, room), tally)


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Make a small file system with so many bytes, where the user may."""
    folders: list[Path] = []

    def mount(size: int) -> Path:
        folder = tmp_path / f"disk{len(folders)}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
        if sys.platform != "linux" or os.geteuid() != 0 or subprocess.run(command, check=False).returncode:
            pytest.skip("no file system may be mounted here")
        folders.append(folder)
        return folder

    yield mount
    for folder in folders:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_file_system_loses_nothing(
    mounted: Callable[[int], Path], sample: Callable[[str], Sample], tally: Counter[str]
) -> None:
    """The same on a file system that is really full."""
    random = np.random.default_rng(SEED)
    page = os.sysconf("SC_PAGE_SIZE")
    for index in range(max(3, ROUNDS // 4)):
        suffix, place = pair(index)
        chosen = sample(suffix)
        pages_of_input = -(-len(chosen.picture) // page)
        pages_of_result = -(-len(chosen.expected) // page)
        missing = int(random.integers(1, pages_of_result if random.random() < 0.3 else 4))
        folder = mounted((pages_of_input + pages_of_result - missing) * page)
        case = Case.prepare(chosen, folder, place)
        tally["full file systems"] += 1
        check_full(case, case.start(), tally)
