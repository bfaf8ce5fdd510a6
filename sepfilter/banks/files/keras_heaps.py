"""The heaps of texts in an HDF5 file: checked beforehand, as HDF5 loops without end over a damaged one."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import Final

from sepfilter.errors import BankError

_SIGNATURE: Final = b"GCOL\x01\0\0\0"
_HEADER: Final = 16
"""Bytes before the objects of a heap, and before each object."""


def check_heaps(source: Path | bytes, name: str) -> None:
    """Refuse a file with a heap whose objects do not follow one another to its end.

    Parameters
    ----------
    source : Path or bytes
        The file, or all of its content.
    name : str
        What errors call it.

    Raises
    ------
    BankError
        There is such a heap.
    """
    if isinstance(source, bytes):
        _check(source, name)
    elif source.stat().st_size:
        with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            _check(content, name)


def _check(content: bytes | mmap.mmap, name: str) -> None:
    """Check each heap."""
    start = content.find(_SIGNATURE)
    while start >= 0:
        if not _is_sound(content, start):
            raise BankError(f"{name}: not a sound Keras file (HDF5): its texts at byte {start} are damaged")
        start = content.find(_SIGNATURE, start + len(_SIGNATURE))


def _is_sound(content: bytes | mmap.mmap, start: int) -> bool:
    """True for a heap of objects one after the other; the one numbered 0 is what is free."""
    if start + _HEADER > len(content):
        return False
    end: int = start + struct.unpack_from("<Q", content, start + 8)[0]
    place = start + _HEADER
    if end > len(content):
        return False
    while place + _HEADER <= end:
        number, size = struct.unpack_from("<H6xQ", content, place)
        step = _HEADER + -(-size // 8) * 8 if number else size
        if step < _HEADER:
            return False
        place += step
    return place <= end
