"""The directories of a TIFF file: found, and their values read.

A directory is a list of tagged values; a file has a chain of them, one a page, and each may point to more
(EXIF, GPS). Only plain numbers and bytes are read here, nothing is taken for what a directory claims.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import BinaryIO, Final

import numpy as np

from sepfilter.images.limits import MAX_METADATA
from sepfilter.images.raw_rows import size_of
from sepfilter.images.tiff.values import Layout, Tree, Value, letter_of, width_of
from sepfilter.values import value

PAGES_COUNTED: Final = 2**16
"""Pages of one file that are counted; a page after them is still found."""

SUBDIRECTORIES: Final = (34665, 34853, 40965)
"""Tags that point to a directory of EXIF, of GPS, and of interoperability."""

_MOST_TAGS: Final = 4096


@value
class Entry:
    """Where a tagged value is: its type, how many there are, at which byte."""

    kind: int
    count: int
    at: int

    @property
    def size(self) -> int:
        """Bytes that it claims to take; 0 for an unknown type."""
        return self.count * width_of(self.kind)


@value
class Directory:
    """One directory of a file, its values still in the file."""

    file: BinaryIO
    layout: Layout
    entries: Mapping[int, Entry]

    def raw(self, tag: int) -> bytes | None:
        """The bytes of a value; None where there is none, or it is too long or outside the file."""
        entry = self.entries.get(tag)
        if entry is None or not 0 < entry.size <= MAX_METADATA:
            return None
        self.file.seek(entry.at)
        data = self.file.read(entry.size)
        return data if len(data) == entry.size else None

    def numbers(self, tag: int, *default: float) -> tuple[float, ...]:
        """The numbers of a value, or others where it cannot be read."""
        data = self.raw(tag)
        if data is None:
            return default
        letter = letter_of(self.entries[tag].kind)
        return struct.unpack(f"{self.layout.order}{len(data) // struct.calcsize(letter)}{letter}", data)

    def number(self, tag: int, default: int) -> int:
        """The first number of a value, or another where it cannot be read."""
        found = self.numbers(tag)
        return int(found[0]) if found and np.isfinite(found[0]) else default


@value
class Chain:
    """The pages of a file.

    Attributes
    ----------
    layout : Layout
        How the file writes numbers.
    offsets : tuple of int
        Where the directory of each page is.
    fault : str or None
        Why there may be more pages than could be found, in words.
    """

    layout: Layout
    offsets: tuple[int, ...]
    fault: str | None = None


def directory_chain(file: BinaryIO, page: int = 0) -> Chain:
    """Find the pages of a file.

    Parameters
    ----------
    file : binary file
        Able to seek.
    page : int
        The one that is wanted: looked for beyond `PAGES_COUNTED` too.

    Raises
    ------
    ValueError
        It is no TIFF file, or has no first page.
    """
    layout, offset = _header(file)
    end, seen, fault = size_of(file), {0}, None
    offsets: list[int] = []
    while offset not in seen and fault is None:
        seen.add(offset)
        following = _next_offset(file, layout, offset) if offset < end else None
        if following is None:
            fault = "its list of pages is broken off"
        elif len(offsets) >= max(PAGES_COUNTED, page + 1):
            fault = f"it has more than {len(offsets):,} pages, not counted further"
        else:
            offsets.append(offset)
            offset = following
    if not offsets:
        raise ValueError("it has no page")
    if fault is None and offset != 0:
        fault = "its list of pages runs in a circle"
    return Chain(layout, tuple(offsets), fault)


def read_directory(file: BinaryIO, layout: Layout, offset: int) -> Directory:
    """Read where the values of a directory are.

    Parameters
    ----------
    file : binary file
        Able to seek.
    layout : Layout
        How the file writes numbers.
    offset : int
        Byte at which the directory begins.

    Raises
    ------
    ValueError
        The file ends in it.
    """
    count = _tag_count(file, layout, offset)
    data = file.read((count or 0) * layout.entry_size)
    if count is None or len(data) < count * layout.entry_size:
        raise ValueError("the file ends within a list of tags")
    inline = 8 if layout.big else 4
    entries: dict[int, Entry] = {}
    for i in range(count):
        tag, kind, values = struct.unpack_from(layout.entry_format, data, i * layout.entry_size)
        at = offset + struct.calcsize(layout.count_format) + (i + 1) * layout.entry_size - inline
        if values * width_of(kind) > inline:
            (at,) = struct.unpack_from(layout.offset_format, data, (i + 1) * layout.entry_size - inline)
        entries.setdefault(tag, Entry(kind, values, at))
    return Directory(file, layout, entries)


def tree_of(directory: Directory, tags: frozenset[int] | None = None, *, deep: bool = True) -> Tree:
    """Copy a directory and, where `deep`, those it points to.

    Parameters
    ----------
    directory : Directory
        Where values that cannot be read are left out.
    tags : frozenset of int, optional
        Of its own values only these.
    deep : bool
        Follow what points to other directories, and what is in those, but no further.
    """
    tree: Tree = {}
    for tag, entry in directory.entries.items():
        if tag in SUBDIRECTORIES:
            if deep:
                place = directory.number(tag, 0)
                below = read_directory(directory.file, directory.layout, place)
                tree[tag] = tree_of(below, deep=tag == SUBDIRECTORIES[0])
        elif tags is None or tag in tags:
            data = directory.raw(tag)
            if data is not None:
                tree[tag] = Value(entry.kind, _low_byte_first(data, entry.kind, directory.layout.order))
    return tree


def _header(file: BinaryIO) -> tuple[Layout, int]:
    """How the file writes numbers, and where its first directory is."""
    file.seek(0)
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        raise ValueError("it does not begin as a TIFF file")
    (version,) = struct.unpack_from(order + "H", head, 2)
    if version == 42:
        return Layout(order, big=False), struct.unpack_from(order + "I", head, 4)[0]
    if version == 43 and len(head) == 16 and struct.unpack_from(order + "HH", head, 4) == (8, 0):
        return Layout(order, big=True), struct.unpack_from(order + "Q", head, 8)[0]
    raise ValueError("it does not begin as a TIFF file")


def _tag_count(file: BinaryIO, layout: Layout, offset: int) -> int | None:
    """How many tags a directory has; None where none can be there."""
    file.seek(min(offset, 2**62))
    data = file.read(struct.calcsize(layout.count_format))
    if len(data) < struct.calcsize(layout.count_format):
        return None
    (count,) = struct.unpack(layout.count_format, data)
    return count if count <= _MOST_TAGS else None


def _next_offset(file: BinaryIO, layout: Layout, offset: int) -> int | None:
    """Where the directory after that at `offset` is, 0 after the last; None where it is broken."""
    count = _tag_count(file, layout, offset)
    if not count:
        return None
    size = struct.calcsize(layout.offset_format)
    tail = file.read(count * layout.entry_size + size)[count * layout.entry_size :]
    return int(struct.unpack(layout.offset_format, tail)[0]) if len(tail) == size else 0


def _low_byte_first(data: bytes, kind: int, order: str) -> bytes:
    """The same numbers in the order in which they are packed."""
    width = struct.calcsize(letter_of(kind))
    if order == "<" or width == 1:
        return data
    return np.frombuffer(data, f">u{width}").astype(f"<u{width}").tobytes()
