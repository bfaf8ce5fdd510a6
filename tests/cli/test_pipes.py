"""Images through pipes: every format, both ways, and what happens when the other end is not there."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from sepfilter.images.formats import OUTPUT_FORMATS
from sepfilter.kernels.presets import named_kernel
from sepfilter.pipeline import run_job
from sepfilter.plans.options import Options
from sepfilter.results import Job, Writing

Array = npt.NDArray[Any]

COMMAND = f"{sys.executable} -m sepfilter apply"
IDENTITY = (named_kernel("identity"),)


def picture(*shape: int) -> Array:
    """A smooth picture, which JPEG keeps too."""
    rows, columns = np.indices(shape[:2])
    grey = (rows + 2 * columns) % 200
    return (grey if len(shape) == 2 else np.stack([grey, grey // 2, 200 - grey], -1)).astype(np.uint8)


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Run a line of bash that ends with the exit code of its first command."""
    return subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, timeout=60, check=False)


def through(job: Job, content: bytes) -> bytes:
    """What a job makes of bytes: it reads them from a pipe, and writes to one."""
    ours, stdin = os.pipe()
    stdout, theirs = os.pipe()
    came: list[bytes] = []

    def feed() -> None:
        with os.fdopen(stdin, "wb") as file:
            file.write(content)

    def drain() -> None:
        with os.fdopen(stdout, "rb") as file:
            came.append(file.read())

    others = [Thread(target=feed), Thread(target=drain)]
    for other in others:
        other.start()
    source: BinaryIO
    with os.fdopen(ours, "rb") as source, os.fdopen(theirs, "wb") as target:
        (result,) = run_job(job, stdin=source, stdout=target)
    for other in others:
        other.join()
    assert result.failure is None
    return came[0]


@pytest.mark.parametrize("name", [one.name for one in OUTPUT_FORMATS])
@pytest.mark.parametrize("shape", [(60, 70), (60, 70, 3)], ids=["grey", "colours"])
def test_every_format_goes_out_and_comes_back(name: str, shape: tuple[int, ...]) -> None:
    """Through pipes, which cannot seek, on both sides."""
    buffer = BytesIO()
    Image.fromarray(picture(*shape)).save(buffer, "PNG")
    options = Options(dtype="float32") if name == "pfm" else Options()
    out = Job(("-",), "-", IDENTITY, options, writing=Writing(format=name), threads=2)
    back = Job(("-",), "-", IDENTITY, Options(dtype="uint8"), writing=Writing(format="npy"))
    encoded = through(out, buffer.getvalue())
    pixels = np.load(BytesIO(through(back, encoded))).astype(int)
    if len(shape) == 2 and pixels.ndim == 3:  # a format without grey
        pixels = pixels[..., 0]
    assert np.abs(pixels - picture(*shape)).max() <= {"jpeg": 12, "avif": 12}.get(name, 0)


def test_large_images_go_through_by_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipe holds less than a band of them."""
    monkeypatch.setattr("sepfilter.pipeline.flow.BAND_SAMPLES", 100_000)
    buffer = BytesIO()
    np.save(buffer, np.resize(picture(997, 100), (4000, 300)))
    job = Job(("-",), "-", IDENTITY, writing=Writing(format="png"), threads=2)
    with Image.open(BytesIO(through(job, buffer.getvalue()))) as image:
        assert np.array_equal(np.asarray(image), np.resize(picture(997, 100), (4000, 300)))


def test_commands_in_a_pipe(tmp_path: Path) -> None:
    """As people write it: what one puts out the next takes."""
    Image.fromarray(picture(40, 50)).save(tmp_path / "a.png")
    done = shell(
        f"cat a.png | {COMMAND} - -k identity -o - --format tiff -q"
        f" | {COMMAND} - -k identity -o - --format ppm -q | cat > b.ppm",
        tmp_path,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    with Image.open(tmp_path / "b.ppm") as image:
        assert np.array_equal(np.asarray(image), picture(40, 50))


@pytest.mark.parametrize("name", ["png", "jpeg"])
def test_a_reader_that_has_enough_ends_it_quietly(tmp_path: Path, name: str) -> None:
    """Exit code 141, as other programs, and not a word."""
    noise = np.random.default_rng(0).integers(0, 256, (800, 900), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    script = f"{COMMAND} a.png -k box:3 -o - --format {name} -q | head -c 10 | wc -c; exit ${{PIPESTATUS[0]}}"
    done = shell(script, tmp_path)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (141, b"10", b"")


@pytest.mark.parametrize("report", ["--json", "--json-lines"])
def test_a_reader_of_reports_that_has_enough_ends_it_quietly(tmp_path: Path, report: str) -> None:
    """The same for reports."""
    Image.fromarray(picture(9, 9)).save(tmp_path / "a.png")
    script = f"{COMMAND} a.png -k box:3 -o b.png {report} -q | exec true; exit ${{PIPESTATUS[0]}}"
    done = shell(script, tmp_path)
    assert done.stderr == b""
    assert done.returncode == 141


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ("-o - --format png >&-", 2, "-o -: there is no standard output: give a file"),
        ("-o b.png --json -q >&-", 2, "--json: standard output is closed: use --stats FILE for the report"),
        ("-o b.png -q >&-", 0, None),
        ("-o - --format png -q >/dev/full", 1, "standard output cannot be written: No space left on device"),
        ("-o b.png --json -q >/dev/full", 1, "standard output cannot be written: No space left on device"),
    ],
)
def test_a_standard_output_that_is_closed_or_full_is_told(
    tmp_path: Path, options: str, code: int, message: str | None
) -> None:
    """In one line, and only where it is needed."""
    Image.fromarray(picture(9, 9)).save(tmp_path / "a.png")
    done = shell(f"{COMMAND} a.png -k box:3 {options}", tmp_path)
    assert done.stderr.decode() == ("" if message is None else f"sepfilter: {message}\n")
    assert done.returncode == code
    assert (tmp_path / "b.png").exists() == ("b.png" in options and code != 2)


@pytest.mark.parametrize("arguments", ["- -k box:3", "a.png -k -", "--files-from - -k box:3"])
def test_a_standard_input_that_is_closed_is_told(tmp_path: Path, arguments: str) -> None:
    """In one line, whatever was to be read from it."""
    Image.fromarray(picture(9, 9)).save(tmp_path / "a.png")
    done = shell(f"{COMMAND} {arguments} -o b.png <&-", tmp_path)
    assert done.stderr == b"sepfilter: -: there is no standard input: give a file\n"
    assert done.returncode == 2
    assert not (tmp_path / "b.png").exists()


def test_an_image_never_goes_to_a_terminal(tmp_path: Path) -> None:
    """It is refused, with what to do instead; reports may go there."""
    Image.fromarray(picture(9, 9)).save(tmp_path / "a.png")
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [*COMMAND.split(), "a.png", "-k", "box:3", "-o", "-", "--format", "png"],
        cwd=tmp_path, stdout=theirs, stderr=subprocess.PIPE, check=False, timeout=60,
    )  # fmt: skip
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert done.stderr == b"sepfilter: -o -: standard output is a terminal: redirect it, or name a file\n"
