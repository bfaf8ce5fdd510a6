from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if line]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """An empty folder with the sample images in it."""
    (tmp_path / "sample_images").symlink_to(PROJECT / "sample_images")
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_works(elsewhere: Path, command: str) -> None:
    """Every command shown does what it says: exit 0, and the file that it names is there."""
    tool = f"sepfilter() {{ '{sys.executable}' -m sepfilter \"$@\"; }}; set -o pipefail; "
    done = subprocess.run(["bash", "-c", tool + command], cwd=elsewhere, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    for output in re.findall(r" -o ([\w./-]+\.\w+)", command):
        assert (elsewhere / output).stat().st_size > 0


def test_the_python_example_works(elsewhere: Path) -> None:
    """The Python block runs, and prints the separable plan and the ranks."""
    (example,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=elsewhere, capture_output=True, text=True, check=True
    )
    assert "separable" in done.stdout
    assert "4 4" in done.stdout


def test_the_readme_has_the_two_lines_that_need_nothing_but_python() -> None:
    """Both pasted lines make their own virtual environment."""
    lines = [line for block in blocks("bash") for line in block.splitlines()]
    assert len(lines) == 2
    assert all(line.startswith("python3 -m venv .venv && ") for line in lines)
