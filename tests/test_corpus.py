"""Files from the test suites of other projects, through the real command: read right, or refused in one line."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest

CORPUS: Final = Path(__file__).resolve().parents[1].parent / "shared" / "corpus"

LIMIT: Final = 4
"""Exit code where a limit was exceeded."""

MOST_MEGABYTES: Final = 1000

HAS_IMAGECODECS: Final = find_spec("imagecodecs") is not None

REFUSED: Final = {
    "real/hopper.Lab.tif": "Lab colours are not filtered: convert it to RGB first",
    "tif/gradient-3c-64b.tiff": "samples of 64-bit integers are not filtered: convert it to 32 bits or to float64",
}
"""Sound images that are not read, and what they are told: filtered as they are they would come out wrong."""

_PROMISE: Final = re.compile(
    r"IMG (?:(?P<format>[A-Z0-9]+) (?P<mode>\S+) )?\((?P<shape>[\d, ]+)\) (?P<dtype>\w+)(?P<rest>.*)"
)

# Mode, as Pillow opens it -> channels as read; a palette may hold a transparent colour.
_CHANNELS: Final = {"L": {1}, "P": {3, 4}, "RGB": {3}, "RGBA": {4}, "CMYK": {4}}

# Colour type of a PNG -> channels as read, without a transparent colour.
_CHANNELS_OF_PNG: Final = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}


@dataclass(frozen=True)
class Picture:
    """A sound image as it is to be read, upright."""

    height: int
    width: int
    channels: set[int]
    dtype: str


@dataclass(frozen=True)
class Entry:
    """A line of the manifest."""

    name: str
    promise: str

    @property
    def path(self) -> Path:
        """Where the file is."""
        return CORPUS / self.name

    @property
    def picture(self) -> Picture | None:
        """What is in the file, if it is a sound image."""
        found = _PROMISE.match(self.promise)
        if found is None:
            return None
        shape = tuple(map(int, found["shape"].split(",")))
        if len(shape) == 3 and shape[2] > 4:  # planes: (C, H, W)
            shape = (*shape[1:], shape[0])
        turned = re.search(r"orient=[5-8]", found["rest"]) is not None
        height, width = shape[1::-1] if turned else shape[:2]
        if found["format"] == "PNG":
            return Picture(height, width, *samples_of_png(self.path.read_bytes()))
        channels = _CHANNELS.get(found["mode"] or "", {shape[2] if len(shape) == 3 else 1})
        if " PALETTE " in found["rest"]:
            channels = {3}
        return Picture(height, width, channels, "uint8" if found["dtype"] == "bool" else found["dtype"])


def samples_of_png(content: bytes) -> tuple[set[int], str]:
    """Channels and type, by the header: the manifest says of deep and grey ones what Pillow makes of them."""
    depth, colour_type = content[24], content[25]
    has_transparent_colour = b"tRNS" in content[: content.index(b"IDAT")]
    return {_CHANNELS_OF_PNG[colour_type] + has_transparent_colour}, "uint16" if depth == 16 else "uint8"


@dataclass(frozen=True)
class Outcome:
    """What became of a file.

    Attributes
    ----------
    status : int
        Exit code, or minus the signal.
    megabytes : int
        Most memory.
    said : str
        Standard error.
    left : set of str
        Files in the folder afterwards.
    pixels : ndarray or None
        What was written.
    """

    status: int
    megabytes: int
    said: str
    left: set[str]
    pixels: npt.NDArray[Any] | None

    def is_told_in_one_line(self, entry: Entry) -> bool:
        """True for an exit code of 1, or 4 for a limit, and one printable line that names the file."""
        line, end, rest = self.said.partition("\n")
        names_file = line.startswith(f"sepfilter: {entry.path}: ") and line.isprintable()
        exceeded = "--max-pixels" in line or "--max-memory" in line
        return names_file and (end, rest) == ("\n", "") and self.status == (LIMIT if exceeded else 1)


Filter = Callable[[Entry], Outcome]


def entries() -> list[Entry]:
    """The images of the corpus."""
    if not (CORPUS / "MANIFEST.tsv").is_file():
        return []
    with (CORPUS / "MANIFEST.tsv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    found = [Entry(line["file"], line["a correct tool must"]) for line in lines]
    return [entry for entry in found if not entry.name.endswith(".npz")]


ENTRIES: Final = entries()
SOUND: Final = [entry for entry in ENTRIES if entry.promise.startswith("IMG")]
BROKEN: Final = [entry for entry in ENTRIES if entry.promise.startswith(("ERR", "TEXT"))]
DOUBTFUL: Final = [entry for entry in ENTRIES if entry.promise.startswith("SAFE")]

pytestmark = [
    pytest.mark.skipif(not ENTRIES, reason=f"there is no corpus at {CORPUS}"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked"),
]


@pytest.fixture(scope="module")
def counts() -> Counter[str]:
    """How many files met which end."""
    return Counter()


@pytest.fixture(scope="module")
def server() -> Iterator[subprocess.Popen[str]]:
    """A process that runs commands when asked to."""
    script = Path(__file__).with_name("forked_commands.py")
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # a process with threads is not to be forked
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    ) as process:  # fmt: skip
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def filtered(server: subprocess.Popen[str], tmp_path: Path) -> Filter:
    """Run ``sepfilter apply FILE -k identity -o out.npy --quiet`` in an empty folder."""

    def run(entry: Entry) -> Outcome:
        assert server.stdin is not None
        assert server.stdout is not None
        arguments = ["apply", str(entry.path), "-k", "identity", "-o", "out.npy", "--quiet"]
        server.stdin.write(json.dumps({"arguments": arguments, "folder": str(tmp_path)}) + "\n")
        server.stdin.flush()
        answer = json.loads(server.stdout.readline())
        left = {path.name for path in tmp_path.iterdir()} - {"stderr"}
        said = (tmp_path / "stderr").read_text(encoding="utf-8")
        pixels = np.load(tmp_path / "out.npy") if left == {"out.npy"} else None
        return Outcome(answer["status"], answer["megabytes"], said, left, pixels)

    return run


def test_the_manifest_is_understood() -> None:
    """Every line is a sound, a broken or a doubtful file; the sound ones have sizes."""
    assert len(SOUND) + len(BROKEN) + len(DOUBTFUL) == len(ENTRIES)
    assert [entry.name for entry in SOUND if entry.picture is None] == []
    assert set(REFUSED) <= {entry.name for entry in SOUND}


@pytest.mark.parametrize("entry", SOUND, ids=lambda entry: entry.name)
def test_a_sound_image_keeps_shape_and_type(entry: Entry, filtered: Filter, counts: Counter[str]) -> None:
    """Nothing is said and one file is written; what is not read is told why."""
    picture, outcome = entry.picture, filtered(entry)
    assert picture is not None
    if entry.name in REFUSED:
        assert outcome.is_told_in_one_line(entry), outcome
        assert REFUSED[entry.name] in outcome.said
        assert outcome.left == set()
        counts["sound, refused for a reason"] += 1
        return
    if not HAS_IMAGECODECS and outcome.said.endswith("pip install imagecodecs\n"):
        assert outcome.is_told_in_one_line(entry), outcome
        pytest.skip("needs imagecodecs")
    assert (outcome.status, outcome.said) == (0, "")
    assert outcome.pixels is not None
    assert outcome.pixels.shape[:2] == (picture.height, picture.width)
    assert outcome.pixels[0, 0].size in picture.channels
    assert outcome.pixels.dtype.name == picture.dtype
    counts["sound, read"] += 1


@pytest.mark.parametrize("entry", BROKEN, ids=lambda entry: entry.name)
def test_a_broken_file_is_an_error(entry: Entry, filtered: Filter, counts: Counter[str]) -> None:
    """In one line with the name; nothing is written."""
    outcome = filtered(entry)
    assert outcome.is_told_in_one_line(entry), outcome
    assert outcome.left == set()
    counts["broken, an error"] += 1


@pytest.mark.parametrize("entry", DOUBTFUL, ids=lambda entry: entry.name)
def test_a_doubtful_file_is_read_or_an_error(entry: Entry, filtered: Filter, counts: Counter[str]) -> None:
    """Mostly found by fuzzers: a picture and no word, or one line and no picture, in bounded memory."""
    outcome = filtered(entry)
    assert outcome.megabytes < MOST_MEGABYTES
    if outcome.status:
        assert outcome.is_told_in_one_line(entry), outcome
        assert outcome.left == set()
    else:
        assert outcome.said == ""
        assert outcome.pixels is not None
        assert outcome.pixels.size > 0
    counts["doubtful, an error" if outcome.status else "doubtful, read"] += 1


def test_every_file_met_its_end(counts: Counter[str]) -> None:
    """None was passed over; the counts are printed, and seen with ``pytest -s``."""
    lines = [f"{count:4} {end}\n" for end, count in sorted(counts.items())]
    sys.stdout.write("\n" + "".join(lines))
    assert counts["sound, refused for a reason"] in (0, len(REFUSED))
    assert counts.total() <= len(ENTRIES)
