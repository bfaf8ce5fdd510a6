"""Values as TIFF directories hold them, and directories packed into bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

SHORT: Final = 3
LONG: Final = 4
LONG8: Final = 16

_TYPES: Final = {
    1: ("B", 1), 2: ("B", 1), 3: ("H", 1), 4: ("I", 1), 5: ("I", 2), 6: ("b", 1), 7: ("B", 1),
    8: ("h", 1), 9: ("i", 1), 10: ("i", 2), 11: ("f", 1), 12: ("d", 1), 13: ("I", 1), 16: ("Q", 1),
    17: ("q", 1), 18: ("Q", 1),
}  # fmt: skip
"""Type of a value -> how `struct` reads one of its numbers, and how many numbers make one value."""


def letter_of(kind: int) -> str:
    """How `struct` calls the numbers of a known type."""
    return _TYPES[kind][0]


def width_of(kind: int) -> int:
    """Bytes of one value of a type; 0 for an unknown one."""
    letter, numbers = _TYPES.get(kind, ("0s", 0))
    return struct.calcsize(letter) * numbers


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file writes its numbers: ``<`` low or ``>`` high byte first, with 64-bit offsets or not."""

    order: str
    big: bool

    @property
    def count_format(self) -> str:
        """Of the number of tags."""
        return self.order + ("Q" if self.big else "H")

    @property
    def offset_format(self) -> str:
        """Of a place in the file."""
        return self.order + ("Q" if self.big else "I")

    @property
    def entry_format(self) -> str:
        """Of a tag, its type and the count of its values; the value, or its place, follows."""
        return self.order + ("HHQ" if self.big else "HHI")

    @property
    def entry_size(self) -> int:
        """Bytes of one tag's entry."""
        return 20 if self.big else 12


@dataclass(frozen=True, slots=True)
class Value:
    """A tagged value, its numbers stored low byte first."""

    kind: int
    data: bytes

    @classmethod
    def of(cls, kind: int, *numbers: float) -> Value:
        """Store numbers as a type; a fraction is two of them."""
        return cls(kind, struct.pack(f"<{len(numbers)}{letter_of(kind)}", *numbers))

    @property
    def count(self) -> int:
        """How many there are of its type."""
        return len(self.data) // width_of(self.kind)


Tree = dict[int, "Value | Tree"]
"""A directory by its tags, with those that it points to inside."""


def packed(tree: Tree, start: int, *, big: bool) -> bytes:
    """The bytes of a directory and of those inside it, low byte first.

    Parameters
    ----------
    tree : tree
        The directory; no other follows it in the chain of pages.
    start : int
        Byte of the file at which it will be.
    big : bool
        The file has 64-bit offsets.
    """
    layout = Layout("<", big)
    inline = struct.calcsize(layout.offset_format)
    directory = struct.pack(layout.count_format, len(tree))
    after = start + len(directory) + layout.entry_size * len(tree) + inline
    outside = b""
    for tag, value in sorted(tree.items()):
        place = after + len(outside)
        if isinstance(value, dict):
            extra = packed(value, place, big=big)
            entry = (tag, LONG8 if big else LONG, 1)
        else:
            extra = value.data if len(value.data) > inline else b""
            entry = (tag, value.kind, value.count)
        held = (
            value.data if isinstance(value, Value) and not extra else struct.pack(layout.offset_format, place)
        )
        directory += struct.pack(layout.entry_format, *entry) + held.ljust(inline, b"\0")
        outside += extra + bytes(len(extra) % 2)
    return directory + bytes(inline) + outside
