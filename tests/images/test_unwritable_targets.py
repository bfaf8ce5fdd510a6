"""Outputs that could not be written, found before anything is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from sepfilter.errors import ImageWriteError
from sepfilter.images.paths.inputs import Input
from sepfilter.images.paths.targets import Target, resolve_targets


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def resolved(*inputs: str | Input, to: str | None, **options: Any) -> list[Target]:
    """The targets of inputs, which were named one by one if they are not told otherwise."""
    chosen = [one if isinstance(one, Input) else Input.given(one) for one in inputs]
    return resolve_targets(chosen, to, **options)


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of folders that cannot be written, whoever runs the tests."""
    names: list[str] = []
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name not in names and allowed(path, mode))
    return names


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("output", ["missing/out.png", "missing/{stem}.png"])
def test_a_missing_folder_is_an_error_for_files(output: str) -> None:
    """A folder is only made where OUTPUT is one."""
    with pytest.raises(ImageWriteError, match=r": the folder missing does not exist: create it first"):
        resolved("a.png", to=output)


def test_a_folder_in_the_place_of_a_file_is_an_error(here: Path) -> None:
    """Even when overwriting."""
    (here / "a.png").mkdir()
    with pytest.raises(ImageWriteError, match=r"^a\.png: is a folder"):
        resolved("x/a.png", to="{stem}.png", overwrite=True)


@pytest.mark.parametrize("to", ["closed/", "closed/deep/er/", "closed/{name}", "closed/a.png"])
def test_a_folder_that_cannot_be_written_is_found_before_anything_is(
    here: Path, closed: list[str], to: str
) -> None:
    """The nearest that exists decides about those that have to be made."""
    closed.append("closed")
    (here / "closed").mkdir()
    with pytest.raises(
        ImageWriteError, match=r"a\.png: cannot be written: the folder .*closed is not writable"
    ):
        resolved("in/a.png", to=to)


def test_the_folder_behind_a_link_decides(here: Path, closed: list[str]) -> None:
    """Links are followed, so the file is written there."""
    closed.append("closed")
    (here / "closed").mkdir()
    (here / "a.png").symlink_to("closed/a.png")
    with pytest.raises(ImageWriteError, match=r"^a\.png: cannot be written: the folder .*closed is not"):
        resolved("in/a.png", to="{name}")


def test_in_place_the_folder_must_be_writable(here: Path, closed: list[str]) -> None:
    """The result is made beside the input."""
    closed.append("closed")
    (here / "closed").mkdir()
    (here / "closed" / "a.png").touch()
    with pytest.raises(ImageWriteError, match="is not writable"):
        resolved("closed/a.png", to=None, in_place=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_permissions_are_those_of_the_disk(here: Path) -> None:
    """A folder of mode 555."""
    (here / "out").mkdir(mode=0o555)
    with pytest.raises(ImageWriteError, match="is not writable"):
        resolved("a.png", to="out/")


def test_a_read_only_file_can_be_replaced(here: Path) -> None:
    """It is the folder that must allow it."""
    (here / "a.png").touch(mode=0o444)
    assert len(resolved("in/a.png", to="./", overwrite=True)) == 1


def test_a_folder_below_a_file_cannot_be_made(here: Path) -> None:
    """The file is named."""
    (here / "out").touch()
    with pytest.raises(
        ImageWriteError, match=r"^out/x/a\.png: cannot be written: .*out is a file, not a folder"
    ):
        resolved("a.png", to="out/x/")


def test_a_link_to_a_missing_folder_is_an_error(here: Path) -> None:
    """The folder that is missing is named, not the link's."""
    (here / "a.png").symlink_to("gone/a.png")
    with pytest.raises(ImageWriteError, match=r"^a\.png: the folder .*gone does not exist: create it first"):
        resolved("in/a.png", to="./")


def test_a_loop_of_links_is_an_error(here: Path) -> None:
    """With the system's reason."""
    (here / "a.png").symlink_to("a.png")
    with pytest.raises(ImageWriteError, match=r"^a\.png: cannot be written: "):
        resolved("in/a.png", to="./")


def test_a_device_needs_no_overwriting() -> None:
    """What is written there is gone anyway."""
    (target,) = resolved("a.png", to="/dev/null", output_format="png")
    assert (target.path, target.folder_to_make) == ("/dev/null", None)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("to", ["./", "new/", "new/" + "ä" * 128 + "/", "{stem}-edges.tiff"])
def test_a_name_that_is_too_long_is_refused(to: str) -> None:
    """Of a file or of a folder that has to be made; counted in bytes."""
    with pytest.raises(
        ImageWriteError, match=r": cannot be written: the name is too long.*: choose a shorter"
    ):
        resolved("ä" * 126 + ".gi", to=to)


@pytest.mark.usefixtures("here")
def test_a_path_that_is_too_long_is_refused() -> None:
    """Even where every name in it is short enough."""
    with pytest.raises(ImageWriteError, match="the name is too long: choose a shorter one"):
        resolved("a.png", to="x/" * 4000)


@pytest.mark.usefixtures("here")
def test_a_name_with_a_nul_is_refused() -> None:
    """Printed so that it can be seen."""
    with pytest.raises(ImageWriteError, match=r"^'out\\x00\.png': is no name for a file"):
        resolved("a.png", to="out\0.png")
