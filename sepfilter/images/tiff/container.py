"""The file around the segments and directories of a TIFF that is written."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from shutil import copyfileobj
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final, cast
from weakref import finalize

from sepfilter.images.tiff.values import LONG, LONG8

LARGEST_CLASSIC: Final = 3_900_000_000
"""Bytes of samples that fit into a file with 32-bit offsets, even where compression makes them a bit more."""

_HEADERS: Final = {False: b"II*\0\0\0\0\0", True: struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0)}
_SPOOLED_BYTES: Final = 2**25


@dataclass(slots=True, weakref_slot=True)
class Container:
    """The file around segments and directories: its header points nowhere until it is complete.

    Attributes
    ----------
    file : binary file
        Able to seek; written from where it is.
    big : bool
        With 64-bit offsets.
    target : binary file or None
        Where everything goes at the end, for a target that cannot seek.
    """

    file: BinaryIO
    big: bool
    target: BinaryIO | None = None
    _start: int = 0

    def __post_init__(self) -> None:
        self._start = self.file.tell()
        self.file.write(_HEADERS[self.big])

    @classmethod
    def on(cls, file: BinaryIO, *, big: bool) -> Container:
        """Begin a file.

        Parameters
        ----------
        file : binary file
            Where it cannot seek, the whole file is kept apart, on disk beyond 32 MB, until it is complete.
        big : bool
            With 64-bit offsets.
        """
        if _can_be_patched(file):
            return cls(file, big)
        spool = cast("BinaryIO", SpooledTemporaryFile(_SPOOLED_BYTES))  # noqa: SIM115 - closed with the container
        container = cls(spool, big, target=file)
        finalize(container, spool.close)
        return container

    @property
    def header_bytes(self) -> int:
        """Where what follows the header begins."""
        return len(_HEADERS[self.big])

    @property
    def offset_kind(self) -> int:
        """Type of the values that are places in the file, or sizes."""
        return LONG8 if self.big else LONG

    def next_place(self) -> int:
        """Where a segment or directory that is written now begins: at an even place."""
        place = self.file.tell() - self._start
        if place % 2:
            self.file.write(b"\0")
        return place + place % 2

    def finish(self, directory: int) -> None:
        """Have the header point to the first directory, which is written like all others."""
        end = self.file.tell()
        if not self.big and end - self._start >= 2**32:
            raise ValueError("it became larger than 4 GB")
        self.file.seek(self._start + (8 if self.big else 4))
        self.file.write(struct.pack("<Q" if self.big else "<I", directory))
        self.file.seek(end)
        if self.target is not None:
            self.file.seek(0)
            copyfileobj(self.file, self.target, 2**20)
            self.file.close()


def _can_be_patched(file: BinaryIO) -> bool:
    """True where the beginning of a file can be written last: not in a pipe, nor in one that only grows."""
    try:
        if not file.seekable():
            return False
        descriptor = file.fileno()
    except (OSError, AttributeError):
        return hasattr(file, "seek")
    try:
        from fcntl import F_GETFL, fcntl
        from os import O_APPEND
    except ImportError:
        return True
    return not fcntl(descriptor, F_GETFL) & O_APPEND
