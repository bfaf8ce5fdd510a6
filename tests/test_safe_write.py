"""Writing so that nothing is lost: the target changes only when all went well."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from sepfilter import temporary_file
from sepfilter.errors import ImageReadError, ImageWriteError, OutputExistsError
from sepfilter.safe_write import check_absent, replacing

needs_posix = pytest.mark.skipif(os.name != "posix", reason="POSIX files and devices")


@pytest.fixture(autouse=True, params=["nameless", "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything holds both for files without a name and where the system has none."""
    if request.param == "named":
        monkeypatch.setattr(temporary_file, "open_nameless", lambda _: None)
    return str(request.param)


def write(path: str | Path, content: bytes = b"new", *, overwrite: bool = False) -> None:
    """Write a file in one go."""
    with replacing(path, overwrite=overwrite) as file:
        file.write(content)


def fail_to_write(path: Path, error: type[BaseException], *, overwrite: bool = False) -> None:
    """Write a file halfway, then fail."""
    with replacing(path, overwrite=overwrite) as file:
        file.write(b"half")
        raise error


def device_like(path: str, folder: Path) -> Path:
    """A device that a faulty `replacing` cannot destroy for the whole machine.

    Root could rename a file over /dev/null: then a node of our own stands in for it.
    """
    original = Path(path)
    if not os.access(original.parent, os.W_OK):
        return original
    own = folder / original.name
    try:
        os.mknod(own, stat.S_IFCHR | 0o600, original.stat().st_rdev)
        own.open("wb", buffering=0).close()
    except OSError:
        pytest.skip("no device nodes may be made or opened here")
    return own


def names(folder: Path) -> list[str]:
    """Everything in a folder, hidden files too."""
    return sorted(entry.name for entry in folder.iterdir())


def test_a_new_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    """The content is what was written, and no other file is left."""
    write(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"new"
    assert names(tmp_path) == ["a.png"]


def test_a_path_may_be_text(tmp_path: Path) -> None:
    """A string is as good as a Path."""
    write(str(tmp_path / "a.png"))
    assert names(tmp_path) == ["a.png"]


def test_a_relative_path_is_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare name has a folder too: the one the program runs in."""
    monkeypatch.chdir(tmp_path)
    write("a.png")
    assert names(tmp_path) == ["a.png"]


def test_the_old_file_stands_until_the_block_ends(tmp_path: Path) -> None:
    """Until then readers see the old content whole, and those who opened it keep reading it."""
    target = tmp_path / "a.png"
    target.write_bytes(b"old")
    with target.open("rb") as reader:
        with replacing(target, overwrite=True) as file:
            file.write(b"new content")
            file.flush()
            assert target.read_bytes() == b"old"
        assert target.read_bytes() == b"new content"
        assert reader.read() == b"old"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, ImageReadError])
def test_an_exception_keeps_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    """On any exception, an interrupt too, the old file stays and no temporary file is left."""
    target = tmp_path / "a.png"
    target.write_bytes(b"old")
    with pytest.raises(error):
        fail_to_write(target, error, overwrite=True)
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["a.png"]


def test_an_exception_leaves_no_new_file(tmp_path: Path) -> None:
    """Where there was nothing, there is nothing after a failure."""
    with pytest.raises(RuntimeError):
        fail_to_write(tmp_path / "a.png", RuntimeError)
    assert names(tmp_path) == []


def test_an_existing_file_is_not_replaced_unasked(tmp_path: Path) -> None:
    """Without `overwrite` the block is not entered, and the error says how to replace the file."""
    target = tmp_path / "a.png"
    target.write_bytes(b"old")
    entered = False
    with (
        pytest.raises(OutputExistsError, match=r"a\.png: exists already: give --overwrite"),
        replacing(target),
    ):
        entered = True
    assert not entered
    assert target.read_bytes() == b"old"


def test_a_file_made_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    """What another process wrote during the block is kept, and no temporary file is left."""
    target = tmp_path / "a.png"
    with pytest.raises(OutputExistsError), replacing(target):
        target.write_bytes(b"theirs")
    assert target.read_bytes() == b"theirs"
    assert names(tmp_path) == ["a.png"]


@needs_posix
def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    """The file a link points to is replaced, in its own folder; the link stays one."""
    (tmp_path / "store").mkdir()
    target, link = tmp_path / "store" / "real.png", tmp_path / "link.png"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write(link, overwrite=True)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert names(tmp_path / "store") == ["real.png"]


@needs_posix
def test_a_link_to_an_existing_file_is_not_replaced_unasked(tmp_path: Path) -> None:
    """A link does not get around the refusal to overwrite."""
    (tmp_path / "real.png").write_bytes(b"old")
    (tmp_path / "link.png").symlink_to("real.png")
    with pytest.raises(OutputExistsError, match=r"link\.png: exists already"):
        write(tmp_path / "link.png")
    assert (tmp_path / "real.png").read_bytes() == b"old"


@needs_posix
def test_a_dangling_link_makes_its_target(tmp_path: Path) -> None:
    """A link to a file that is not there yet makes that file."""
    (tmp_path / "link.png").symlink_to("real.png")
    write(tmp_path / "link.png")
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "real.png").read_bytes() == b"new"


@needs_posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_the_mode_of_a_replaced_file_is_kept(tmp_path: Path, mode: int) -> None:
    """Permissions are those of the file that stood there."""
    target = tmp_path / "a.png"
    target.write_bytes(b"old")
    target.chmod(mode)
    write(target, overwrite=True)
    assert stat.S_IMODE(target.stat().st_mode) == mode


@needs_posix
def test_a_new_file_gets_the_usual_mode(tmp_path: Path) -> None:
    """Permissions of a new file are those of any file the user makes, not a temporary file's."""
    (tmp_path / "usual").write_bytes(b"")
    write(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """The error names the folder and says what to do."""
    with pytest.raises(ImageWriteError, match=r"the folder .*nowhere does not exist: create it"):
        write(tmp_path / "nowhere" / "a.png")
    assert names(tmp_path) == []


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    """A path through a regular file cannot be written."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ImageWriteError, match=r"a\.png: "):
        write(tmp_path / "file" / "a.png")


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_is_not_replaced(tmp_path: Path, overwrite: bool) -> None:
    """A folder is refused whether or not files may be replaced."""
    with pytest.raises(ImageWriteError, match="is a folder: name a file in it"):
        write(tmp_path, overwrite=overwrite)


def test_a_long_name_is_written(tmp_path: Path) -> None:
    """A name as long as file systems allow leaves room for the temporary file's."""
    write(tmp_path / ("x" * 255))
    assert names(tmp_path) == ["x" * 255]


def test_a_name_too_long_is_an_error(tmp_path: Path) -> None:
    """A name no file system takes is an `ImageWriteError`, and leaves no temporary file."""
    with pytest.raises(ImageWriteError, match="cannot be written"):
        write(tmp_path / ("x" * 300))
    assert names(tmp_path) == []


@needs_posix
def test_a_device_is_written_directly(tmp_path: Path) -> None:
    """/dev/null takes everything without `overwrite`, and stays a device."""
    device = device_like("/dev/null", tmp_path)
    write(device)
    assert device.is_char_device()


@needs_posix
def test_a_named_pipe_is_written_directly(tmp_path: Path) -> None:
    """Whoever reads a pipe gets the bytes, and the pipe is still there."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write(pipe)
    reader.join(timeout=5)
    assert received == [b"new"]
    assert pipe.is_fifo()
    assert names(tmp_path) == ["pipe"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("size", [1, 10**6])
def test_a_full_disk_is_an_error(tmp_path: Path, size: int) -> None:
    """A write that finds no room is told, whether on the way or at the very end."""
    device = device_like("/dev/full", tmp_path)
    with pytest.raises(ImageWriteError, match="full: cannot be written: No space left"):
        write(device, b"x" * size)
    assert device.is_char_device()


def test_a_failing_flush_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that only shows when the data reach the disk is told before the old file is gone."""

    def failing(_: int) -> None:
        raise OSError(28, "No space left on device")

    target = tmp_path / "a.png"
    target.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(ImageWriteError, match=r"a\.png: cannot be written: No space left"):
        write(target, overwrite=True)
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["a.png"]


def test_a_reader_gone_away_is_a_broken_pipe(tmp_path: Path) -> None:
    """A broken pipe keeps its own type, so that the command can end quietly."""
    with pytest.raises(BrokenPipeError):
        fail_to_write(tmp_path / "a.png", BrokenPipeError)
    assert names(tmp_path) == []


def test_targets_can_be_checked_before_any_work(tmp_path: Path) -> None:
    """`check_absent` refuses what `replacing` would refuse, and makes nothing."""
    (tmp_path / "old.png").write_bytes(b"old")
    check_absent(tmp_path / "new.png", overwrite=False)
    check_absent(tmp_path / "old.png", overwrite=True)
    with pytest.raises(OutputExistsError):
        check_absent(tmp_path / "old.png", overwrite=False)
    with pytest.raises(ImageWriteError):
        check_absent(tmp_path, overwrite=True)
    with pytest.raises(ImageWriteError):
        check_absent(tmp_path / "nowhere" / "new.png", overwrite=True)
    assert names(tmp_path) == ["old.png"]


def test_times_are_kept_on_request(tmp_path: Path) -> None:
    """A file has the access and modification times it is given."""
    times = (1_500_000_000_000_000_000, 1_600_000_000_000_000_000)
    with replacing(tmp_path / "a.png", times=times) as file:
        file.write(b"new")
    assert (tmp_path / "a.png").stat().st_mtime_ns == times[1]
