"""Writing a file so that nothing is lost: a temporary file beside the target, flushed, renamed."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from sepfilter.errors import ImageWriteError, OutputExistsError, SepfilterError


@contextmanager
def replacing(path: str | Path, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """Open a binary file that takes the place of `path` only when the block ends well.

    A symbolic link is followed, not replaced. A device or a named pipe is written directly, since
    it has no content to keep. On any exception the temporary file is removed and what stood at
    `path` stays as it was.

    Parameters
    ----------
    path : str or Path
        The file to create or replace.
    overwrite : bool
        Allow replacing a regular file.

    Yields
    ------
    file object
        Open for writing bytes.

    Raises
    ------
    OutputExistsError
        The file exists and `overwrite` is False.
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
    try:
        check_absent(path, overwrite=overwrite)
        target = Path(os.path.realpath(path))
        if target.exists() and not target.is_file():
            with target.open("wb") as file:
                yield file
            return
        temporary = target.with_name(f".sepfilter-{secrets.token_hex(8)}.tmp")
        try:
            with temporary.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            check_absent(path, overwrite=overwrite)  # another process may have made it meanwhile
            temporary.replace(target)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
    except (SepfilterError, BrokenPipeError):
        raise
    except ValueError as error:  # a name with a NUL character
        if "null" not in str(error):
            raise
        raise ImageWriteError(f"{path!r}: is no name for a file") from error
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
            raise OutputExistsError(
                f"{path}: exists already: give --overwrite to replace it, or another name"
            )
        if not target.parent.is_dir():
            raise ImageWriteError(f"{path}: the folder {target.parent} does not exist: create it first")
    except OSError as error:
        if isinstance(error, SepfilterError):
            raise
        raise ImageWriteError(f"{path}: cannot be written: {error.strerror or error}") from error
