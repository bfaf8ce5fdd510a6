"""Files from the test suites of other projects: read right, or refused in one line."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy.typing as npt
import pytest
from PIL import Image, UnidentifiedImageError

from sepfilter.errors import SepfilterError, UnsupportedImageError
from sepfilter.images.files import read_image

CORPUS: Final = Path(__file__).resolve().parents[1].parent / "shared" / "corpus"

_PROMISE: Final = re.compile(
    r"IMG (?:(?P<format>[A-Z0-9]+) (?P<mode>\S+) )?\((?P<shape>[\d, ]+)\) (?P<dtype>\w+)(?P<rest>.*)"
)

# Sample type of the file -> sample type as read.
_READ_AS: Final = {"bool": "uint8", "int16": "int32"}

# Mode as opened -> channels as read, without and with a transparent colour.
_CHANNELS: Final = {"L": {1, 2}, "LA": {2}, "P": {3, 4}, "RGB": {3, 4}, "RGBA": {4}, "CMYK": {4}, "I;16": {1}}


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
        channels = _CHANNELS.get(found["mode"] or "", {shape[2] if len(shape) == 3 else 1})
        if "PALETTE" in found["rest"]:
            channels = {3}
        return Picture(height, width, channels, _READ_AS.get(found["dtype"], found["dtype"]), found["rest"])


@dataclass(frozen=True)
class Picture:
    """A sound image as the manifest describes it, upright."""

    height: int
    width: int
    channels: set[int]
    dtype: str
    remarks: str


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


def pixels_or_error(entry: Entry) -> npt.NDArray[Any] | SepfilterError:
    """The pixels of a file, or the error in their place."""
    try:
        return read_image(entry.path)[0]
    except SepfilterError as error:
        return error


def is_told_in_one_line(error: SepfilterError, entry: Entry) -> bool:
    """True for a message of one printable line that begins with the file's name."""
    message = str(error)
    return message.startswith(f"{entry.path}: ") and message.isprintable()


def is_deep(entry: Entry, picture: Picture) -> bool:
    """True where the file has more than 8 bits a sample, or colours that are not filtered."""
    content = entry.path.read_bytes()
    if content.startswith(b"\x89PNG"):
        return content[24] == 16  # bit depth in IHDR
    return picture.dtype != "uint8" or "CIELAB" in picture.remarks


def pillow_knows(path: Path) -> bool:
    """True where Pillow can open the file at all."""
    try:
        with Image.open(path):
            return True
    except UnidentifiedImageError:
        return False


def test_the_manifest_is_understood() -> None:
    """Every line is a sound, a broken or a doubtful file; the sound ones have sizes."""
    if not ENTRIES:
        pytest.skip(f"there is no corpus at {CORPUS}")
    assert len(SOUND) + len(BROKEN) + len(DOUBTFUL) == len(ENTRIES)
    assert [entry.name for entry in SOUND if entry.picture is None] == []


@pytest.mark.parametrize("entry", SOUND, ids=lambda entry: entry.name)
def test_a_sound_image_is_read_or_refused_for_a_reason(entry: Entry) -> None:
    """Size, channels and type are those of the picture; what is refused is deep, or unknown to Pillow."""
    picture = entry.picture
    assert picture is not None
    pixels = pixels_or_error(entry)
    if isinstance(pixels, SepfilterError):
        assert is_told_in_one_line(pixels, entry)
        unknown = entry.path.suffix in {".tif", ".tiff"} and not pillow_knows(entry.path)
        assert is_deep(entry, picture) if isinstance(pixels, UnsupportedImageError) else unknown
    else:
        assert pixels.shape[:2] == (picture.height, picture.width)
        assert (pixels.shape[2] if pixels.ndim == 3 else 1) in picture.channels
        assert pixels.dtype.name == picture.dtype


@pytest.mark.parametrize("entry", BROKEN, ids=lambda entry: entry.name)
def test_a_broken_file_is_an_error(entry: Entry) -> None:
    """One of ours, in one line, with the name."""
    with pytest.raises(SepfilterError) as caught:
        read_image(entry.path)
    assert is_told_in_one_line(caught.value, entry)


@pytest.mark.parametrize("entry", DOUBTFUL, ids=lambda entry: entry.name)
def test_a_doubtful_file_is_read_or_an_error(entry: Entry) -> None:
    """Found by fuzzers: nothing but pixels or one of our errors may come of it."""
    pixels = pixels_or_error(entry)
    if isinstance(pixels, SepfilterError):
        assert is_told_in_one_line(pixels, entry)
    else:
        assert pixels.size > 0
