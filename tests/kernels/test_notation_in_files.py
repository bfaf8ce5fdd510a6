"""A KERNEL that stands in a file: names of files are looked up in a folder, not where the command runs."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from sepfilter.errors import KernelError
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.notation import parse_kernel


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a kernel in it, beside an empty one in which the program runs."""
    (tmp_path / "else" / "where").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "else" / "where")
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels" / "k.csv").write_text("1,2,1\n")
    return tmp_path / "kernels"


@pytest.mark.parametrize("text", ["k.csv", "@k.csv", "./k.csv", "../kernels/k.csv"])
def test_files_are_looked_up_in_the_folder(folder: Path, text: str) -> None:
    """In all ways in which a file may be given; without the folder there is none."""
    found = parse_kernel(text, folder=folder)
    assert isinstance(found, Kernel)
    assert found.taps.tolist() == [[1, 2, 1]]
    with pytest.raises(KernelError):
        parse_kernel(text)


@pytest.mark.parametrize("text", ["gaussian:1", "1 2 1", "[[1, 2, 1]]"])
def test_what_is_no_file_means_the_same(folder: Path, text: str) -> None:
    """Presets and text."""
    assert parse_kernel(text, folder=folder) == parse_kernel(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@other.csv", "{folder}/other.csv: there is no such file"),
        ("./other.csv", "{folder}/other.csv: there is no such file"),
        ("@/dev/zero", "/dev/zero: there is no such file"),
        ("other", "'other': no kernel or file of that name: files are looked up in {folder}"),
        ("sobelx", "'sobelx': no kernel or file of that name: did you mean sobel-x"),
        ("k\0.csv", "no kernel or file of that name"),
    ],
)
def test_what_is_missing_is_named_with_its_folder(folder: Path, text: str, message: str) -> None:
    """Devices are no files: a bank or kernel from elsewhere may name any."""
    with pytest.raises(KernelError, match=re.escape(message.format(folder=folder))):
        parse_kernel(text, folder=folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize("text", ["pipe", "@pipe"])
def test_a_pipe_is_not_waited_for(folder: Path, text: str) -> None:
    """Nobody may ever write into it."""
    os.mkfifo(folder / "pipe")
    with pytest.raises(KernelError):
        parse_kernel(text, folder=folder)
