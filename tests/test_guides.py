"""The guides: every command shown in docs/ in a block of its own runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
GUIDES = {name: (PROJECT / "docs" / name).read_text(encoding="utf-8") for name in ("banks.md", "kernels.md")}
BLOCKS = [
    pytest.param(block, id=f"{name}-{place}")
    for name, text in sorted(GUIDES.items())
    for place, block in enumerate(re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL), 1)
]


@pytest.mark.parametrize("block", BLOCKS)
def test_the_commands_of_a_guide_work(tmp_path: Path, block: str) -> None:
    """The commands of a block run one after the other, and write the files that they name."""
    (tmp_path / "sample_images").symlink_to(PROJECT / "sample_images")
    tool = f"sepfilter() {{ '{sys.executable}' -m sepfilter \"$@\"; }}; set -euo pipefail\n"
    done = subprocess.run(["bash", "-c", tool + block], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    for output in re.findall(r" -o ([\w./-]+\.\w+)", block):
        assert (tmp_path / output).stat().st_size > 0


def test_the_guide_prints_what_it_says() -> None:
    """The ImageMagick string quoted is the one that is written."""
    done = subprocess.run(
        [sys.executable, "-m", "sepfilter", "convert-kernel", "sobel-x", "-o", "-", "--to", "imagemagick"],
        capture_output=True,
        check=True,
        text=True,
    )
    assert f"prints `{done.stdout.strip()}`" in GUIDES["kernels.md"]
