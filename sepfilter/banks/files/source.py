"""Where the bytes of a bank come from: a file, or what was read from standard input."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from sepfilter.banks.files.error_text import one_line
from sepfilter.errors import BankError

Source: TypeAlias = Path | bytes

MOST_BYTES: Final = 2 * 2**30
"""Of weights that are read at once, and of a bank from a pipe."""


def opened(source: Source) -> BinaryIO:
    """Open it for reading bytes anywhere in it."""
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def source_of(path: Path) -> Source:
    """The file, or the content of a pipe, which can be read only once.

    Raises
    ------
    BankError
        It cannot be read, or a pipe holds more than `MOST_BYTES`.
    """
    try:
        if path.is_file():
            with path.open("rb"):
                return path
        if path.is_dir():
            raise BankError(one_line(f"{path}: a folder: name the file with the weights in it"))
        if path.exists() and not path.is_fifo():
            raise BankError(one_line(f"{path}: a device, not a file or a pipe"))
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, BankError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise BankError(one_line(f"{path}: the bank file cannot be read: {reason}")) from None
    if len(content) > MOST_BYTES:
        raise BankError(one_line(f"{path}: goes on after {MOST_BYTES // 2**30} GiB: give a regular file"))
    return content


def read_up_to(source: Source, most: int, name: str, advice: str) -> bytes:
    """Read it whole.

    Raises
    ------
    BankError
        There is more than `most` bytes of it, or it cannot be read.
    """
    try:
        with opened(source) as file:
            content = file.read(most + 1)
    except OSError as error:
        raise BankError(f"{name}: cannot be read: {error.strerror or error}") from None
    if len(content) > most:
        raise BankError(f"{name}: larger than {most // 2**20} MiB: {advice}")
    return content


def length_of(source: Source) -> int:
    """Bytes in it."""
    return len(source) if isinstance(source, bytes) else source.stat().st_size
