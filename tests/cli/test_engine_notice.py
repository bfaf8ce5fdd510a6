"""The line that says how to get the compiled engine: at a terminal, once."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = (
    "import sys; sys.modules['sepfilter.engine._native'] = None; from sepfilter.cli.main import main; main()"
)


def without_choice(**variables: str) -> dict[str, str]:
    """The environment, without what chooses an engine."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith("SEPFILTER_")}
    return {**clean, **variables}


def at_a_terminal(arguments: list[str], folder: Path, **variables: str) -> str:
    """What a run without the extension prints to its terminal."""
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=folder,
        env=without_choice(**{"XDG_CACHE_HOME": str(folder / "cache"), **variables}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        timeout=60,
        check=True,
    )
    os.close(theirs)
    text = os.read(ours, 100_000).decode()
    os.close(ours)
    return text


@pytest.fixture
def arguments(samples: Path) -> list[str]:
    """A run that explains only."""
    return ["apply", str(samples / "camera.png"), "-k", "sobel-x", "--explain"]


def test_it_is_said_on_the_first_run_only(arguments: list[str], tmp_path: Path) -> None:
    """The second run at a terminal is silent about it."""
    assert "the compiled engine was not built" in at_a_terminal(arguments, tmp_path)
    assert "the compiled engine was not built" not in at_a_terminal(arguments, tmp_path)


def test_it_is_said_each_time_where_nothing_can_be_remembered(arguments: list[str], tmp_path: Path) -> None:
    """A cache folder that cannot be written is no error."""
    (tmp_path / "file").write_bytes(b"")
    for _ in range(2):
        text = at_a_terminal(arguments, tmp_path, XDG_CACHE_HOME=str(tmp_path / "file"))
        assert "the compiled engine was not built" in text


def test_who_asked_for_scipy_is_not_told(arguments: list[str], tmp_path: Path) -> None:
    """--quiet silences it too."""
    assert "not built" not in at_a_terminal([*arguments, "--quiet"], tmp_path)


def test_nothing_is_said_into_a_pipe(arguments: list[str], tmp_path: Path) -> None:
    """Only people at a terminal are told."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=tmp_path,
        env=without_choice(),
        capture_output=True,
        check=True,
    )
    assert b"not built" not in done.stderr
