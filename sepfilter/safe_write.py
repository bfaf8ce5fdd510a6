"""Writing a file so that nothing is lost: it takes its name, or its predecessor's, when it is complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from sepfilter.errors import ImageWriteError, OutputExistsError, SepfilterError
from sepfilter.temporary_file import CompleteWriter, Times, written_apart


@contextmanager
def replacing(path: str | Path, *, overwrite: bool = False, times: Times | None = None) -> Iterator[BinaryIO]:
    """Open a binary file that takes the place of `path` only when the block ends well.

    A symbolic link is followed, not replaced. A device or a named pipe is written directly, since
    it has no content to keep. On any exception what was written so far is dropped and what stood at
    `path` stays as it was. Where Linux can (see `written_apart`) the same holds for a process that
    is killed.

    Parameters
    ----------
    path : str or Path
        The file to create or replace.
    overwrite : bool
        Allow replacing a regular file. The new one keeps its permissions and, as far as the user
        may, its owner.
    times : (int, int), optional
        Access and modification time the file shall have, in nanoseconds since 1970: the `st_atime_ns`
        and `st_mtime_ns` of another one. A device or a pipe has none of its own.

    Yields
    ------
    file object
        Open for writing bytes, without a `fileno`: see `CompleteWriter`.

    Raises
    ------
    OutputExistsError
        The file exists, or appeared before the block ended, and `overwrite` is False.
    ImageWriteError
        The folder is missing or not writable, or the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "a.bin"
    >>> with replacing(target) as file:
    ...     _ = file.write(b"abc")
    >>> target.read_bytes()
    b'abc'
    """
    with _told(path):
        check_absent(path, overwrite=overwrite)
        target = Path(os.path.realpath(path))
        if target.exists() and not target.is_file():
            with CompleteWriter(FileIO(target, "w")) as file:
                yield file
            return
        with written_apart(target, overwrite=overwrite, times=times) as file:
            yield file


@contextmanager
def _told(path: str | Path) -> Iterator[None]:
    """Errors of the system become ours, with the path as the user gave it."""
    try:
        yield
    except (SepfilterError, BrokenPipeError):
        raise
    except ValueError as error:  # a name with a NUL character
        if "null" not in str(error):
            raise
        raise ImageWriteError(f"{path!r}: is no name for a file") from error
    except FileExistsError as error:  # another process made it meanwhile
        raise _exists(path) from error
    except OSError as error:
        raise ImageWriteError(f"{path}: cannot be written: {error.strerror or error}") from error


def make_folder(path: Path) -> None:
    """Make a folder and those above it, if they are missing.

    Raises
    ------
    ImageWriteError
        It cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageWriteError(f"{path}: the folder cannot be made: {error.strerror or error}") from error


def check_absent(path: str | Path, *, overwrite: bool) -> None:
    """Refuse a target that is a folder, or a regular file that may not be replaced.

    Raises
    ------
    OutputExistsError
        The file exists and `overwrite` is False.
    ImageWriteError
        The target is a folder, or its folder does not exist.
    """
    target = Path(path)
    try:
        if target.is_dir():
            raise ImageWriteError(f"{path}: is a folder: name a file in it")
        if target.is_file() and not overwrite:
            raise _exists(path)
        if not target.parent.is_dir():
            raise ImageWriteError(f"{path}: the folder {target.parent} does not exist: create it first")
    except OSError as error:
        if isinstance(error, SepfilterError):
            raise
        raise ImageWriteError(f"{path}: cannot be written: {error.strerror or error}") from error


def _exists(path: str | Path) -> OutputExistsError:
    """What to do about a file that may not be replaced."""
    return OutputExistsError(f"{path}: exists already: give --overwrite to replace it, or another name")
