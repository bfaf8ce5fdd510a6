"""Many images in one call, as a process of its own: what is said, in which order, and with which exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five pictures in two folders, and a broken one among them."""
    for name in ("a.png", "b.jpg", "sub/a.png", "sub/c.tif", "sub/deep/d.bmp"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (len(name), 50, 99)).save(path)
    (tmp_path / "in" / "broken.png").write_bytes(b"no picture")
    return tmp_path


def files(folder: Path) -> list[str]:
    """What there is, hidden or not."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def errors(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    """Lines of standard error."""
    return done.stderr.decode().splitlines()


def test_a_folder_is_filtered_and_the_broken_file_told(run: Run, folder: Path) -> None:
    """Its structure is kept, a line for each image, a summary at the end, exit code 1."""
    done = run("apply", "in", "--recursive", "-k", "box:3", "-o", "out/", "--jobs", "3")
    assert done.returncode == 1
    assert done.stdout == b""
    assert files(folder / "out") == ["a.png", "b.jpg", "sub/a.png", "sub/c.tif", "sub/deep/d.bmp"]
    lines = errors(done)
    assert [line.partition(" ")[0] for line in lines[:2]] == ["in/a.png", "in/b.jpg"]
    assert lines[2] == "sepfilter: in/broken.png: is not an image of a format that can be read"
    assert lines[3].startswith("in/sub/a.png -> out/sub/a.png: separable, exact, 0.0")
    assert lines[-1] == "6 images: 5 done, 1 failed"
    assert len(lines) == 7


def test_a_second_run_skips_what_is_there(run: Run, folder: Path) -> None:
    """--skip-existing goes on where a run broke off; without it nothing is written, exit code 3."""
    (folder / "in" / "broken.png").unlink()
    (folder / "out" / "sub").mkdir(parents=True)
    (folder / "out" / "sub" / "a.png").write_bytes(b"old")
    refused = run("apply", "in", "-r", "-k", "box:3", "-o", "out/")
    assert refused.returncode == 3
    assert errors(refused) == [
        "sepfilter: out/sub/a.png: exists already: give --overwrite to replace it, or another name"
    ]
    assert files(folder / "out") == ["sub/a.png"]
    done = run("apply", "in", "-r", "-k", "box:3", "-o", "out/", "--skip-existing")
    assert done.returncode == 0
    assert "in/sub/a.png (skipped: its output exists)" in errors(done)
    assert errors(done)[-1] == "5 images: 4 done, 1 skipped, whose outputs exist"
    assert (folder / "out" / "sub" / "a.png").read_bytes() == b"old"


def test_images_of_one_name_collide(run: Run, folder: Path) -> None:
    """A template that does not tell them apart: both are named, exit code 3, nothing written."""
    done = run("apply", "in", "-r", "-k", "box:3", "-o", "{stem}.png")
    assert done.returncode == 3
    assert errors(done) == [
        "sepfilter: in/a.png and in/sub/a.png would both write a.png: "
        "choose a template that tells them apart, as 'out/{index}-{stem}.png'"
    ]
    assert "a.png" not in files(folder)


@pytest.mark.parametrize(("nul", "end"), [(True, b"\0"), (False, b"\n")])
def test_names_come_from_standard_input(run: Run, folder: Path, nul: bool, end: bytes) -> None:
    """As `find` prints them, with -print0 or without, after those that are arguments."""
    names = [b"in/a.png", b"in/sub/deep/d.bmp"]
    option = ("-0",) if nul else ()
    done = run(
        "apply", "in/b.jpg", "--files-from", "-", *option, "-k", "box:3", "-o", "{index}.png",
        stdin=b"".join(name + end for name in names),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [line.split(" ")[0] for line in errors(done)[:3]] == ["in/b.jpg", "in/a.png", "in/sub/deep/d.bmp"]
    assert {"1.png", "2.png", "3.png"} <= set(files(folder))


def test_names_come_from_a_file(run: Run, folder: Path) -> None:
    """One a line; the report has them in that order."""
    (folder / "list.txt").write_bytes(b"in/sub/c.tif\r\nin/a.png\r\n")
    done = run("apply", "--files-from", "list.txt", "-k", "box:3", "-o", "out/", "--json", "-q")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [result["input"]["path"] for result in report["results"]] == ["in/sub/c.tif", "in/a.png"]
    assert errors(done) == []


def test_fail_fast_says_what_is_left(run: Run, folder: Path) -> None:
    """The summary counts what was not begun; exit code 1."""
    done = run("apply", "in", "-r", "-k", "box:3", "-o", "out/", "--fail-fast", "--jobs", "1")
    assert done.returncode == 1
    assert files(folder / "out") == ["a.png", "b.jpg"]
    assert errors(done)[-1] == "6 images: 2 done, 1 failed, 3 not begun"


def test_quiet_says_only_what_went_wrong(run: Run, folder: Path) -> None:
    """No lines for images that are done, no summary."""
    done = run("apply", "in", "-r", "-k", "box:3", "-o", "out/", "-q")
    assert done.returncode == 1
    assert errors(done) == ["sepfilter: in/broken.png: is not an image of a format that can be read"]


def test_an_error_of_one_among_others_names_its_file(run: Run, folder: Path) -> None:
    """Even where the message alone is about options; and it is one line, whatever the name holds."""
    np.save(folder / "float\n.npy", np.zeros((8, 8), np.float32))
    done = run("apply", "in/a.png", "float\n.npy", "-k", "box:3", "-o", "out/", "--precision", "exact", "-q")
    assert done.returncode == 1
    (line,) = errors(done)
    assert line.startswith("sepfilter: float\\x0a.npy: precision exact")


@contextmanager
def waiting(folder: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A run over a picture, and over a pipe that nobody writes to yet, where it stops."""
    os.mkfifo(folder / "pipe.png")
    command = [
        sys.executable,
        "-m",
        "sepfilter",
        "apply",
        "in/a.png",
        "pipe.png",
        "-k",
        "box:3",
        "-o",
        "out/",
    ]
    with subprocess.Popen(
        [*command, "--json-lines", *options], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_lines_of_json_come_as_images_are_done(folder: Path, jobs: str) -> None:
    """The first one is there while the second image is still being waited for."""
    with waiting(folder, "--jobs", jobs) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert process.poll() is None
        (folder / "pipe.png").write_bytes(b"no picture")  # whoever opens it waits for a reader
        rest, _ = process.communicate(timeout=30)
    assert first["results"][0]["outputs"][0]["path"] == "out/a.png"
    assert json.loads(rest)["results"][0]["error"]["code"] == "read"
    assert process.returncode == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names")
@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_ends_a_batch_between_images(
    folder: Path, number: signal.Signals, code: int, word: str
) -> None:
    """What is done stays, nothing else is left, and one line says why."""
    with waiting(folder, "--jobs", "1", "-q") as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.3)  # until it waits: a signal just before that would have to wait too
        process.send_signal(number)
        rest, message = process.communicate(timeout=30)
    assert process.returncode == code
    assert rest == b""
    assert message.decode() == f"sepfilter: {word}\n"
    assert files(folder / "out") == ["a.png"]


def test_quiet_warnings_name_their_input(run: Run, folder: Path) -> None:
    """Of several inputs each warning says which it is about; of a single one it does not."""
    inputs = ("in/a.png", "in/sub/a.png", "in/sub/c.tif")
    lines = errors(run("apply", *inputs, "-k", "3", "-o", "{stem}-{index}.png", "--quiet"))
    assert [line.partition(" 33.3% of")[0] for line in lines] == [f"{name}: warning:" for name in inputs]
    (line,) = errors(run("apply", "in/a.png", "-k", "3", "-o", "b.png", "--quiet"))
    assert line.startswith("warning: 33.3% of the samples were clipped")
