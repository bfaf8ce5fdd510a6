"""Files of several pages or frames: one is read, or each becomes an output of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from PIL import Image

from sepfilter import errors
from sepfilter.images.files import read_image, write_image
from sepfilter.images.paths.inputs import Input
from sepfilter.kernels.presets import named_kernel
from sepfilter.pipeline import Batch, pages, run_job
from sepfilter.reports.apply_json import apply_json
from sepfilter.reports.apply_text import apply_line
from sepfilter.results import EngineInfo

Array = npt.NDArray[Any]

EVERY = {"page": "all"}


def stack(path: str, *pictures: Array) -> None:
    """A TIFF file of grey pages."""
    with tifffile.TiffWriter(path) as file:
        for picture in pictures:
            file.write(picture, photometric="minisblack", contiguous=False)


def animation(path: str, *levels: int, **options: Any) -> None:
    """An animation of flat greys, or pictures in one file."""
    frames = [Image.new("RGB", (8, 6), (level,) * 3) for level in levels]
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)


def names(folder: str) -> list[str]:
    """What there is, hidden or not."""
    return sorted(path.name for path in Path(folder).iterdir())


def one_page(path: str) -> None:
    """A file of whatever format for one picture of one row."""
    formats: dict[str, Callable[[], object]] = {
        "a.pam": lambda: Path(path).write_bytes(b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 255\nENDHDR\n\5"),
        "a.npy": lambda: np.save(path, np.ones((1, 3), np.uint8)),
        "a.pfm": lambda: Path(path).write_bytes(b"Pf\n1 1\n-1\n" + bytes(4)),
    }
    formats.get(path, lambda: Image.new("L", (3, 1)).save(path))()


def test_every_page_becomes_an_output(asked: ModuleType, here: Path) -> None:
    """In order, each as if it were alone, with nothing to note."""
    pictures = [asked.picture(7 + seed, 9, seed=seed) for seed in range(3)]
    stack("a.tif", *pictures)
    results = asked.results("a.tif", to="out/", reading=EVERY)
    assert sorted(asked.contents(here)) == ["a.tif", "out/a-1.tif", "out/a-2.tif", "out/a-3.tif"]
    for page, (picture, result) in enumerate(zip(pictures, results, strict=True), 1):
        assert np.array_equal(read_image(f"out/a-{page}.tif")[0], asked.blurred(picture))
        assert (result.path, result.page, result.label) == ("a.tif", page, f"a.tif[{page}]")
        assert (result.notes, result.failure) == ((), None)


@pytest.mark.parametrize(
    ("name", "options", "tolerance"),
    [("a.gif", {}, 0), ("a.webp", {"lossless": True}, 0), ("a.png", {}, 0), ("a.mpo", {}, 2)],
)
def test_frames_are_pages(
    asked: ModuleType, here: Path, name: str, options: dict[str, Any], tolerance: int
) -> None:
    """Of animations, and the pictures of a multi-picture file."""
    animation(name, 10, 100, 200, **options)
    identity = named_kernel("identity")
    results = asked.results(name, to="{page}.npy", kernel=identity, reading=EVERY)
    assert [result.outputs[0].path for result in results] == ["1.npy", "2.npy", "3.npy"]
    for page, level in enumerate((10, 100, 200), 1):
        colours = np.load(f"{page}.npy")[..., :3].astype(int)
        assert np.abs(colours - level).max() <= tolerance
    assert not any(result.notes for result in results)


def test_files_of_one_page_are_called_as_before(asked: ModuleType, here: Path) -> None:
    """Among others that have several; what cannot be opened is one, and fails in its turn."""
    write_image("a.png", asked.picture(5, 6))
    stack("b.tif", asked.picture(5, 6), asked.picture(5, 6))
    Path("broken.tif").write_bytes(b"II*\0")
    results = asked.results("a.png", "b.tif", "broken.tif", "no.png", to="out/", reading=EVERY)
    assert [result.label for result in results] == ["a.png", "b.tif[1]", "b.tif[2]", "broken.tif", "no.png"]
    assert [result.failure is None for result in results] == [True, True, True, False, False]
    assert names("out") == ["a.png", "b-1.tif", "b-2.tif"]


def test_pages_are_counted_before_anything_is_written(asked: ModuleType, here: Path) -> None:
    """So that a batch knows where each goes, and what is in the way."""
    stack("a.tif", asked.picture(5, 6), asked.picture(5, 6))
    job = asked.job("a.tif", to="out/", reading=EVERY)
    batch = Batch.of(job)
    assert batch.inputs == (Input("a.tif", "a.tif", 1, 2), Input("a.tif", "a.tif", 2, 2))
    Path("out").mkdir()
    Path("out/a-2.tif").write_bytes(b"old")
    with pytest.raises(errors.OutputExistsError, match=r"^out/a-2\.tif: exists already"):
        Batch.of(job)
    assert names("out") == ["a-2.tif"]


@pytest.mark.parametrize("where", [{"to": "b.tif"}, {"to": None, "writing": {"in_place": True}}])
def test_one_output_cannot_take_several_pages(asked: ModuleType, here: Path, where: dict[str, Any]) -> None:
    """Nothing is written, and the input stays."""
    stack("a.tif", asked.picture(5, 6), asked.picture(5, 6))
    before = asked.contents(here)
    with pytest.raises(errors.OptionError, match=r"a folder|give -o"):
        asked.results("a.tif", reading=EVERY, **where)
    assert asked.contents(here) == before


def test_a_single_page_goes_anywhere(asked: ModuleType, here: Path) -> None:
    """To one file, and in place."""
    write_image("a.png", asked.picture(5, 6))
    assert asked.result("a.png", to="b.png", reading=EVERY).notes == ()
    asked.result("a.png", to=None, reading=EVERY, writing={"in_place": True})
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


@pytest.mark.parametrize("count", [1, 2])
def test_of_a_stream_there_is_only_one_page(asked: ModuleType, here: Path, count: int) -> None:
    """It cannot be opened again, and is told from a file of one page when it has been read."""
    stack("a.tif", *[asked.picture(5, 6)] * count)
    stdin = BytesIO(Path("a.tif").read_bytes())
    results = run_job(asked.job("-", to="b.png", reading=EVERY), stdin=stdin)
    if count == 1:
        assert [result.label for result in results] == ["-"]
        return
    with pytest.raises(errors.UnsupportedImageError, match=r"^stdin: has 2 pages, and a stream .*--page N$"):
        list(results)
    assert sorted(asked.contents(here)) == ["a.tif"]


def test_too_many_pages_run_into_a_limit(
    asked: ModuleType, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file fails, others do not; a page of it can still be read."""
    stack("a.tif", *[asked.picture(5, 6)] * 4)
    write_image("b.png", asked.picture(5, 6))
    monkeypatch.setattr(pages, "MOST_PAGES", 3)
    first, second = asked.results("a.tif", "b.png", to="out/", reading=EVERY)
    assert (first.failure.code, second.failure) == ("limit", None)
    assert first.failure.message.startswith("a.tif: has more than 3 pages")
    assert "--page N" in first.failure.message
    assert asked.result("a.tif", to="c.png", reading={"page": 4}).failure is None


@pytest.mark.parametrize("name", ["many.pgm", "many.pam", "many.tif", "many.png"])
def test_backends_count_as_far_as_the_limit(asked: ModuleType, here: Path, name: str) -> None:
    """Files that claim to have one more page than are read with `all`."""
    count = pages.MOST_PAGES + 1
    header = b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 255\nENDHDR\n"
    if name == "many.tif":
        Path(name).write_bytes(_chain(count))
    elif name == "many.png":
        animation(name, 1, 2)
        content = Path(name).read_bytes()
        Path(name).write_bytes(_with_frames(content, count))
    else:
        Path(name).write_bytes((b"P5 1 1 255\n\5" if name == "many.pgm" else header + b"\5") * count)
    with pytest.raises(errors.LimitError, match="has more than 10,000 pages"):
        asked.result(name, to="b.png", reading=EVERY)


def _chain(count: int) -> bytes:
    """A TIFF file of so many pages, which share one pixel, at 8."""
    tags = ((256, 1), (257, 1), (258, 8), (259, 1), (262, 1), (273, 8), (278, 1), (279, 1))
    entries = b"".join(
        tag.to_bytes(2, "little") + b"\3\0\1\0\0\0" + value.to_bytes(4, "little") for tag, value in tags
    )
    size = 2 + len(entries) + 4
    directories = [
        len(tags).to_bytes(2, "little") + entries + (10 + size * number).to_bytes(4, "little")
        for number in range(1, count)
    ]
    last = len(tags).to_bytes(2, "little") + entries + bytes(4)
    return b"II*\0" + (10).to_bytes(4, "little") + b"\5\0" + b"".join(directories) + last


def _with_frames(content: bytes, count: int) -> bytes:
    """An animated PNG that claims to have so many."""
    start = content.index(b"acTL")
    body = b"acTL" + count.to_bytes(4, "big") + bytes(4)
    return content[:start] + body + crc32(body).to_bytes(4, "big") + content[start + 16 :]


def test_a_page_that_fails_is_named(asked: ModuleType, here: Path) -> None:
    """And does not keep the others from being written."""
    stack("a.tif", asked.picture(5, 6), asked.picture(5, 6, seed=1))
    content = Path("a.tif").read_bytes()
    assert content.endswith(asked.picture(5, 6, seed=1).tobytes())
    Path("a.tif").write_bytes(content[:-9])
    first, second = asked.results("a.tif", to="out/", reading=EVERY)
    assert first.failure is None
    assert second.failure.message.startswith("a.tif[2]: ")
    assert names("out") == ["a-1.tif"]


@pytest.mark.parametrize(
    "name", ["a.png", "a.jpg", "a.webp", "a.tif", "a.gif", "a.pgm", "a.pam", "a.pfm", "a.npy", "a.bmp"]
)
def test_pages_that_are_not_there_count_from_one(asked: ModuleType, here: Path, name: str) -> None:
    """The message has the number that was asked for."""
    one_page(name)
    with pytest.raises(errors.ImageReadError) as caught:
        asked.result(name, to="b.png", reading={"page": 2})
    assert str(caught.value) == f"{name}: has 1 page: there is no page 2"


@pytest.mark.parametrize("name", ["a.png", "a.mpo", "a.webp", "a.tif", "a.gif", "a.pgm"])
def test_so_do_pages_behind_the_last(asked: ModuleType, here: Path, name: str) -> None:
    """Of files with several."""
    if name == "a.pgm":
        Path(name).write_bytes(b"P5 1 1 255\n\5" * 3)
    else:
        animation(name, 10, 100, 200)
    with pytest.raises(errors.ImageReadError) as caught:
        asked.result(name, to="b.png", reading={"page": 7})
    assert str(caught.value) == f"{name}: has 3 pages: there is no page 7"


def test_reports_say_which_page(asked: ModuleType, here: Path) -> None:
    """Lines in brackets where there are several, JSON always, failures too."""
    stack("a.tif", asked.picture(5, 6), asked.picture(5, 6))
    every = asked.results("a.tif", to="out/", reading=EVERY)
    chosen = asked.result("a.tif", to="b.png", reading={"page": 2})
    (failed, _) = asked.results("no.tif", "a.tif", to="{index}.png", reading={"page": 2})
    assert [apply_line(result).partition(":")[0] for result in (*every, chosen)] == [
        "a.tif[1] -> out/a-1.tif",
        "a.tif[2] -> out/a-2.tif",
        "a.tif -> b.png",
    ]
    report = json.loads(apply_json([*every, chosen, failed], EngineInfo("numpy", None, 1)))
    assert [result["input"]["page"] for result in report["results"]] == [1, 2, 2, 2]
    assert [result["input"]["path"] for result in report["results"]] == ["a.tif"] * 3 + ["no.tif"]


def test_pages_are_explained_one_by_one(asked: ModuleType, here: Path) -> None:
    """Without an output, and without anything written."""
    stack("a.tif", asked.picture(5, 6), asked.picture(7, 8))
    results = asked.results("a.tif", to=None, explain=True, reading=EVERY)
    assert [(result.input.height, result.plan is not None) for result in results] == [(5, True), (7, True)]
    assert sorted(asked.contents(here)) == ["a.tif"]
