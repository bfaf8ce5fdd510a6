"""`sepfilter analyze-kernel` as a process of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


def test_the_first_lines_answer(run: Run) -> None:
    """Separable, into what, and what that saves; nothing on standard error."""
    done = run("analyze-kernel", "sobel-x")
    assert done.stdout.decode().splitlines()[:2] == [
        "sobel-x: 3 x 3, separable (rank 1): column [1 2 1] x row [-1 0 1]",
        "Two 1-D passes take 6 multiplications a sample instead of 9, 1.5 times fewer",
    ]
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("kernel", ["0 0; 0 0", "5e-324 0; 0 5e-324", "1e308 1e308; 1e308 1e308"])
def test_degenerate_kernels_are_ordinary_input(run: Run, kernel: str) -> None:
    """All-zero, denormal and huge taps are analysed without a warning, and without NaN."""
    done = run("analyze-kernel", kernel)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"nan" not in done.stdout.lower()


def test_the_recommendation_is_for_the_image_given(run: Run) -> None:
    """--image sets it, in the text and in the JSON."""
    shown = run("analyze-kernel", "disk:5", "--image", "640x480").stdout.decode()
    assert "for 640 x 480 x 1, uint8" in shown
    report = json.loads(run("analyze-kernel", "disk:5", "--image", "640x480", "--json").stdout)
    assert report["recommendation"]["image"]["width"] == report["image"]["width"] == 640


def test_a_kernel_in_a_file_keeps_its_offset_and_anchor(run: Run, tmp_path: Path) -> None:
    """Both are reported, and the file's name is the kernel's."""
    (tmp_path / "k.json").write_text('{"kernel": [[1, 2], [3, 4]], "offset": 10, "anchor": [0, 0]}')
    report = json.loads(run("analyze-kernel", "k.json", "--json").stdout)
    assert (report["name"], report["offset"], report["anchor"]) == ("k.json", 10, [0, 0])
