"""The tags in EXIF blocks and in a JPEG's multi-picture segment, which are laid out as in TIFF."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from typing import Final

# TIFF 6.0, section 2: how a value of each type is unpacked.
_LAYOUTS: Final = {1: "B", 3: "H", 4: "I", 5: "II", 7: "s", 9: "i", 10: "ii"}

_WHOLE_NUMBERS: Final = (3, 4)
_MOST_ENTRIES: Final = 1000


def first_directory(block: bytes, wanted: Collection[int]) -> dict[int, tuple[int, ...] | bytes]:
    r"""Values of some tags of the first directory.

    Parameters
    ----------
    block : bytes
        From the byte order mark on.
    wanted : collection of int
        Tags.

    Returns
    -------
    dict
        Those that are there and can be read: bytes of type UNDEFINED, else whole numbers, two for a fraction.

    Examples
    --------
    >>> block = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x0112, 3, 1, 6, 0)
    >>> first_directory(block, [0x0112])
    {274: (6,)}
    """
    found: dict[int, tuple[int, ...] | bytes] = {}
    for order, tag, kind, number, at in _entries(block):
        if tag in wanted and tag not in found:
            value = _value(block, at, order, kind, number)
            if value is not None:
                found[tag] = value
    return found


def with_number(block: bytes, wanted: int, number: int) -> bytes:
    r"""The block with another number in a tag of its first directory, all else as it was.

    Parameters
    ----------
    block : bytes
        From the byte order mark on.
    wanted : int
        A tag of a single SHORT or LONG; without it nothing is changed.
    number : int
        From 0 to 65535.

    Examples
    --------
    >>> block = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x0112, 3, 1, 6, 0)
    >>> first_directory(with_number(block, 0x0112, 1), [0x0112])
    {274: (1,)}
    """
    for order, tag, kind, _, at in _entries(block):
        if tag == wanted and kind in _WHOLE_NUMBERS:
            value = struct.pack(order + _LAYOUTS[kind], number)
            return block[:at] + value + block[at + len(value) :]
    return block


def _entries(block: bytes) -> Iterator[tuple[str, int, int, int, int]]:
    """Byte order, tag, type, number of values, and place of the value, of every entry in the block."""
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 10:
        return
    (start,) = struct.unpack_from(f"{order}I", block, 4)
    if not 8 <= start <= len(block) - 2:
        return
    (count,) = struct.unpack_from(f"{order}H", block, start)
    for at in range(start + 2, start + 2 + 12 * min(count, _MOST_ENTRIES), 12):
        if at + 12 > len(block):
            return
        yield order, *struct.unpack_from(f"{order}HHI", block, at), at + 8


def _value(block: bytes, at: int, order: str, kind: int, number: int) -> tuple[int, ...] | bytes | None:
    """What an entry holds, or points to; None where it points outside."""
    layout = _LAYOUTS.get(kind)
    if layout is None or not 0 < number <= len(block):
        return None
    pattern = f"{order}{number}s" if layout == "s" else order + layout[0] * len(layout) * number
    if struct.calcsize(pattern) > 4:
        (at,) = struct.unpack_from(f"{order}I", block, at)
    if at + struct.calcsize(pattern) > len(block):
        return None
    values = struct.unpack_from(pattern, block, at)
    return values[0] if layout == "s" else values
