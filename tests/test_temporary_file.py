"""Files without a name until they are complete, and what stands in for them where there are none."""

from __future__ import annotations

import os
import stat
import sys
from errno import EPERM
from io import UnsupportedOperation
from pathlib import Path

import pytest

from sepfilter import temporary_file
from sepfilter.temporary_file import Times, open_nameless, written_apart

needs_posix = pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="files without a name")
needs_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="gives files away")


@pytest.fixture(autouse=True, params=["nameless", "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything holds both for files without a name and where the system has none."""
    if request.param == "named":
        monkeypatch.setattr(temporary_file, "open_nameless", lambda _: None)
    return str(request.param)


def write(target: Path, *, overwrite: bool = False, times: Times | None = None) -> None:
    """Write a file in one go."""
    with written_apart(target, overwrite=overwrite, times=times) as file:
        file.write(b"new")


def names(folder: Path) -> list[str]:
    """Everything in a folder, hidden files too."""
    return sorted(entry.name for entry in folder.iterdir())


def open_nameless_works(folder: Path) -> bool:
    """The file system has files without a name."""
    file = open_nameless(folder)
    if file:
        file.close()
    return file is not None


def refuse(*_: object, **__: object) -> None:
    """What a file system without hard links says, or one that lets nobody give files away."""
    raise OSError(EPERM, "Operation not permitted")


def test_an_unfinished_file_has_no_name(tmp_path: Path, way: str) -> None:
    """Until the block ends the folder is as it was, so that a killed process leaves nothing behind."""
    if way == "named" or not open_nameless_works(tmp_path):
        pytest.skip("files have names from the start")
    (tmp_path / "old.png").write_bytes(b"old")
    with written_apart(tmp_path / "old.png", overwrite=True) as file:
        file.write(b"x" * 10**6)
        assert names(tmp_path) == ["old.png"]
    assert names(tmp_path) == ["old.png"]


@needs_linux
def test_some_file_systems_have_named_files_only() -> None:
    """Where a file without a name cannot be made, there is none, and no error."""
    assert open_nameless(Path("/proc")) is None


@needs_linux
def test_without_proc_files_have_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that could not be named later is not begun."""
    monkeypatch.setattr(temporary_file, "_shown_as", lambda _: "/nowhere/fd/3")
    assert open_nameless(tmp_path) is None
    write(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"new"
    assert names(tmp_path) == ["a.png"]


def test_a_file_made_meanwhile_is_replaced_on_request(tmp_path: Path) -> None:
    """With `overwrite` the last one to end wins."""
    target = tmp_path / "a.png"
    with written_apart(target, overwrite=True) as file:
        file.write(b"ours")
        target.write_bytes(b"theirs")
    assert target.read_bytes() == b"ours"
    assert names(tmp_path) == ["a.png"]


def test_hard_links_are_not_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Named files are written where a file can have one name only, and replace nothing unasked either."""
    if way == "nameless":
        pytest.skip("files without a name are named by linking")
    monkeypatch.setattr(os, "link", refuse)
    write(tmp_path / "a.png")
    with pytest.raises(FileExistsError), written_apart(tmp_path / "b.png", overwrite=False):
        (tmp_path / "b.png").write_bytes(b"theirs")
    assert (tmp_path / "a.png").read_bytes() == b"new"
    assert (tmp_path / "b.png").read_bytes() == b"theirs"
    assert names(tmp_path) == ["a.png", "b.png"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, OSError])
def test_an_exception_at_the_last_moment_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    """Even when the new file has a name beside the old one, an interrupt removes it."""

    def interrupted(*_: object) -> None:
        raise error

    target = tmp_path / "a.png"
    target.write_bytes(b"old")
    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(error):
        write(target, overwrite=True)
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["a.png"]


@needs_posix
def test_a_file_being_replaced_is_not_shown_to_others(tmp_path: Path) -> None:
    """What is private is private while it is written."""
    target = tmp_path / "a.png"
    target.write_bytes(b"old")
    target.chmod(0o400)
    with written_apart(target, overwrite=True) as file:
        file.write(b"new")
        file.flush()
        for path in tmp_path.iterdir():
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077
    assert stat.S_IMODE(target.stat().st_mode) == 0o400


@needs_posix
@needs_root
def test_the_owner_of_a_replaced_file_is_kept(tmp_path: Path) -> None:
    """Where the user may give files away, the new one belongs to whom the old one did."""
    target = tmp_path / "a.png"
    target.write_bytes(b"old")
    os.chown(target, 1234, 2345)
    target.chmod(0o640)
    write(target, overwrite=True)
    assert (target.stat().st_uid, target.stat().st_gid) == (1234, 2345)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


@needs_posix
@needs_root
def test_an_owner_that_cannot_be_kept_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may not give files away owns the new one, and hears nothing of it."""
    target = tmp_path / "a.png"
    target.write_bytes(b"old")
    os.chown(target, 1234, 2345)
    monkeypatch.setattr(os, "chown", refuse)
    write(target, overwrite=True)
    assert target.stat().st_uid == os.geteuid()
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("overwrite", [False, True])
def test_times_are_kept_on_request(tmp_path: Path, overwrite: bool) -> None:
    """A file made or replaced has the times it is given."""
    target = tmp_path / "a.png"
    if overwrite:
        target.write_bytes(b"old")
    times = (1_500_000_000_000_000_000, 1_600_000_000_000_000_000)
    write(target, overwrite=overwrite, times=times)
    assert (target.stat().st_atime_ns, target.stat().st_mtime_ns) == times


def test_the_descriptor_is_not_handed_out(tmp_path: Path) -> None:
    """Encoders cannot write past the file's own methods, which never lose the end of the data."""
    with written_apart(tmp_path / "a.png", overwrite=False) as file, pytest.raises(UnsupportedOperation):
        file.fileno()


@needs_posix
def test_a_folder_that_cannot_be_flushed_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The content is on the disk by then; some file systems have nothing to flush for a name."""
    flush = os.fsync

    def files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(22, "Invalid argument")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", files_only)
    write(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"new"
