"""Whether a file of weights is in PyTorch's layout or in Keras': told for all chosen layers at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from sepfilter.banks.bank import Bank
from sepfilter.banks.files.bank_file import BankFile
from sepfilter.banks.files.entry import Entry
from sepfilter.banks.files.error_text import shown, told
from sepfilter.banks.files.layouts import LAYOUTS, are_same, are_usual, fitted, likely_layout
from sepfilter.banks.layer import Layer
from sepfilter.errors import BankError

Found = tuple[str, Bank]


def bank_of_entries(file: BankFile, places: Sequence[int], layout: str | None) -> Bank:
    """Make a bank of the entries at some places.

    Parameters
    ----------
    file : BankFile
        With one reading, or one for each layout.
    places : sequence of int
        Among its entries, in the order of the layers.
    layout : str or None
        ``torch`` or ``keras``; None to find it out.

    Raises
    ------
    BankError
        The layers do not fit one another, or both layouts make sense.
    """
    readings = _readings_for(file, layout)
    likely = likely_layout([file.shapes[place] for place in places]) if len(readings) > 1 else None
    if likely is not None:  # if it is sound it is the one to take: the other need not be read
        with suppress(BankError):
            return _bank(file, likely, [readings[likely][place] for place in places])
    sound: list[Found] = []
    failed: dict[str, BankError] = {}
    for name, entries in readings.items():
        try:
            sound.append((name, _bank(file, name, [entries[place] for place in places])))
        except BankError as error:
            failed[name] = error
    if not sound:
        raise failed[likely] if likely is not None else _no_reading(failed)
    usual = [one for one in sound if are_usual(layer.kernel for layer in one[1].layers)]
    told_by_all = [one for one in sound if one[0] == likely_layout(file.shapes)]
    kept = next((found for found in (usual, told_by_all) if len(found) == 1), sound)
    if len(kept) > 1 and not are_same(kept[0][1].layers, kept[1][1].layers):
        named = [file.entries[place].name for place in places]
        raise _ambiguous(file, named, [bank.layers for _, bank in kept])
    return kept[0][1]


def _readings_for(file: BankFile, layout: str | None) -> dict[str, tuple[Entry, ...]]:
    """The readings in a layout, or all."""
    if layout is None:
        return dict(file.readings)
    if layout not in LAYOUTS:
        raise BankError(f"layout {shown(layout)}: use {' or '.join(LAYOUTS)}")
    if layout not in file.readings:
        own = next(iter(file.readings))
        said = f"says itself that its layout is {own}" if own else "is of a format that says the layout"
        raise BankError(f"{file.path}: {said}: leave out --layout {layout}")
    return {layout: file.readings[layout]}


def _bank(file: BankFile, layout: str, entries: Sequence[Entry]) -> Bank:
    """The bank in one layout."""
    layers: list[Layer] = []
    is_open: list[bool] = []
    for entry in entries:
        made = entry.build() if entry.build is not None else ()
        layers.extend(made)
        is_open.extend([entry.name in file.open_groups] * len(made))
    with told(file.path):
        return Bank(tuple(fitted(layers, is_open, layout)), file.name, file.input_scale)


def _no_reading(failed: dict[str, BankError]) -> BankError:
    """What is wrong, in each layout."""
    first, *others = failed.items()
    if all(str(error) == str(first[1]) for _, error in others):
        return first[1]
    said = "; ".join(f"as {name}, {str(error)[:300]}" for name, error in failed.items())
    return BankError(f"the layers fit in no layout: {said}")


def _ambiguous(file: BankFile, names: Sequence[str], layers: Sequence[Sequence[Layer]]) -> BankError:
    """What to give where both layouts make sense; each name is that of one layer."""
    place = next(
        place for place, pair in enumerate(zip(*layers, strict=True)) if not are_same([pair[0]], [pair[1]])
    )
    one, other = (found[place] for found in layers)
    return BankError(
        f"{file.path}: {shown(names[place])} may be {_words(one)} in PyTorch's layout or {_words(other)} "
        "in Keras': give --layout torch or --layout keras"
    )


def _words(layer: Layer) -> str:
    """A layer's shape in words."""
    high, wide = layer.kernel
    return f"{layer.kind} {layer.input_channels} -> {layer.output_channels} of {high} x {wide}"
