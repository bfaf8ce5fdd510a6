"""Which entries of a weights file become the layers of a bank: ``--select``."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from sepfilter.banks.files.entry import Entry
from sepfilter.banks.files.error_text import listed, one_line, shown
from sepfilter.errors import BankError

_MOST_COMPARED: Final = 2000


def selected_places(entries: Sequence[Entry], select: Sequence[str]) -> list[int]:
    """Find the entries that are named, or all of them.

    Parameters
    ----------
    entries : sequence of Entry
        In the order of the file.
    select : sequence of str
        Names, or what stands before a ``.`` or ``/`` in names: all entries under it. None selects all.

    Returns
    -------
    list of int
        Places among the entries, as often and in the order that they are named.

    Raises
    ------
    BankError
        A name is unknown, or an entry cannot be run.

    Examples
    --------
    >>> entries = [Entry(name, "", tuple) for name in ("a.0", "a.1", "b")]
    >>> selected_places(entries, ["b", "a"])
    [2, 0, 1]
    """
    if not entries:
        raise BankError("holds no layer")
    places = [place for name in select for place in _named(entries, name)] or list(range(len(entries)))
    idle = [entries[place] for place in places if entries[place].build is None]
    if idle:
        kinds = "; ".join(f"{shown(one.name)} ({one_line(one.what)[:120]})" for one in idle[:2])
        more = f" and {len(idle) - 2:,} more" if len(idle) > 2 else ""
        raise BankError(f"cannot run {kinds}{more}: give --select: {_choices(entries)}")
    return places


def _named(entries: Sequence[Entry], name: str) -> list[int]:
    """Places of the entries that a name stands for."""
    for wanted in (name, name.removesuffix(".weight")):
        exact = [place for place, entry in enumerate(entries) if entry.name == wanted]
        if len(exact) > 1:
            raise BankError(f"{shown(name)} is the name of {len(exact)} layers: give each its own")
        under = [
            place
            for place, entry in enumerate(entries)
            if entry.name.startswith((f"{wanted}.", f"{wanted}/"))
        ]
        if exact or under:
            return exact or under
    names = [entry.name for entry in entries[:_MOST_COMPARED]]
    near = get_close_matches(name[:200], names, n=3, cutoff=0.6)
    meant = f": did you mean {listed(near)}?" if near else ""
    raise BankError(f"has no layer {shown(name)}{meant or ':'} {_choices(entries)}")


def _choices(entries: Sequence[Entry]) -> str:
    """What can be selected."""
    names = [entry.name for entry in entries if entry.build is not None]
    return f"there is {listed(names)}"
