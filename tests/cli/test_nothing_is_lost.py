from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


def grey(path: Path, value: int) -> None:
    """Write a flat grey picture."""
    Image.new("L", (8, 8), value).save(path)


def test_a_batch_never_writes_over_an_input_it_has_not_read(run: Run, tmp_path: Path) -> None:
    """A template that names another input is refused, --overwrite or not."""
    grey(tmp_path / "1.png", 10)
    grey(tmp_path / "2.png", 20)
    done = run("apply", "2.png", "1.png", "-k", "2", "-o", "{index}.png", "--overwrite")
    assert done.returncode == 3
    assert b"2.png would be written over 1.png, which is an input too" in done.stderr
    with Image.open(tmp_path / "1.png") as image:
        assert np.asarray(image).max() == 10


def test_stats_never_replace_a_picture(run: Run, tmp_path: Path) -> None:
    """--stats that names an input or the output, or a file that exists, is refused before any work."""
    grey(tmp_path / "a.png", 10)
    (tmp_path / "old.json").write_text("old")
    common = ("apply", "a.png", "-k", "box:3", "-o", "b.png", "--stats")
    assert run(*common, "a.png").returncode == 2
    assert run(*common, "b.png").returncode == 2
    assert (
        run("apply", "a.png", "-k", "box:3", "-o", "./", "--format", "tiff", "--stats", "a.tif").returncode
        == 2
    )
    assert run(*common, "old.json").returncode == 3
    assert run(*common, "missing/s.json").returncode == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "old.json"]


def test_a_failed_run_has_its_error_in_the_report(run: Run, tmp_path: Path) -> None:
    """--json and --stats of a single input that fails hold the error, and the exit code tells too."""
    done = run("apply", "missing.png", "-k", "box:3", "-o", "b.png", "--json", "--stats", "s.json")
    assert done.returncode == 1
    (result,) = json.loads(done.stdout)["results"]
    assert result["error"]["code"] == "read"
    assert "missing.png" in result["error"]["message"]
    assert json.loads((tmp_path / "s.json").read_text())["results"] == [result]


def test_frames_are_not_lost_in_place(run: Run, tmp_path: Path) -> None:
    """A file of several frames is not replaced by its first one."""
    frames = [Image.new("RGB", (8, 8), (value, 0, 0)) for value in (10, 20, 30)]
    path = tmp_path / "a.webp"
    frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)
    before = path.read_bytes()
    done = run("apply", "a.webp", "-k", "box:3", "--in-place")
    assert done.returncode == 1
    assert b"has 3 frames" in done.stderr
    assert path.read_bytes() == before


def test_in_place_never_puts_another_format_under_the_name(run: Run, tmp_path: Path) -> None:
    """PNG bytes do not end up in a .jpg."""
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg")
    done = run("apply", "a.jpg", "-k", "box:3", "--in-place", "--format", "png")
    assert done.returncode == 2
    assert (tmp_path / "a.jpg").read_bytes().startswith(b"\xff\xd8")


def test_a_folder_that_cannot_be_made_is_named(run: Run, tmp_path: Path) -> None:
    """Where the folder's name is a file, the message says so, before any work."""
    grey(tmp_path / "a.png", 10)
    (tmp_path / "file").write_text("")
    done = run("apply", "a.png", "-k", "box:3", "-o", "file/", "--json", "-q")
    assert done.returncode == 1
    assert re.search(rb"^sepfilter: file/a\.png: .*/file is a file, not a folder$", done.stderr)
    assert done.stdout == b""


def test_grey_of_inks_is_refused(run: Run, tmp_path: Path) -> None:
    """--grey on CMYK is an error, not an option ignored."""
    Image.new("CMYK", (8, 8)).save(tmp_path / "a.jpg")
    done = run("apply", "a.jpg", "-k", "box:3", "--grey", "-o", "b.jpg")
    assert done.returncode == 1
    assert b"CMYK inks have no luma" in done.stderr


def test_hidden_colours_survive_webp(run: Run, tmp_path: Path) -> None:
    """identity to lossless WebP keeps colours under opacity 0."""
    noise = np.random.default_rng(1).integers(0, 256, (16, 16, 4), dtype=np.uint8)
    noise[:8, :, 3] = 0
    Image.fromarray(noise).save(tmp_path / "a.png")
    assert run("apply", "a.png", "-k", "identity", "-o", "b.webp").returncode == 0
    with Image.open(tmp_path / "b.webp") as image:
        assert np.array_equal(np.asarray(image), noise)
