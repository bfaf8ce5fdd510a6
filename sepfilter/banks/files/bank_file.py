"""A bank file that is open: its entries, in every layout that they may be in."""

from __future__ import annotations

from collections.abc import Mapping

from sepfilter.banks.files.entry import Entry
from sepfilter.banks.input_scale import AS_THEY_ARE, InputScale
from sepfilter.values import value


@value
class BankFile:
    """What stands in a bank file.

    Attributes
    ----------
    path : str
        How errors call the file.
    name : str
        What the bank is called.
    readings : mapping of str to tuple of Entry
        The entries by layout, ``torch`` and ``keras``, all of the same names in the same order; one
        reading called ``""`` where the format says the layout.
    input_scale : InputScale
        What its weights expect.
    open_groups : frozenset of str
        Names of entries whose number of groups is not in the file: it is what the layer before makes.
    shapes : tuple of tuple of int
        Of the weights of each entry as they are stored, where there are several readings.
    """

    path: str
    name: str
    readings: Mapping[str, tuple[Entry, ...]]
    input_scale: InputScale = AS_THEY_ARE
    open_groups: frozenset[str] = frozenset()
    shapes: tuple[tuple[int, ...], ...] = ()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries of the first reading."""
        return next(iter(self.readings.values()))
