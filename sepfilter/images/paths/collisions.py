"""Outputs that would get into each other's way, or into an input's, found before the first one is written."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from sepfilter.errors import OutputExistsError
from sepfilter.images.paths.inputs import STANDARD_STREAM, Input
from sepfilter.images.paths.places import Place, Places, identity_of, status_of


def check_outputs_apart(inputs: Sequence[Input], places: Sequence[Place]) -> None:
    """Check that every output is a file of its own, and none that another input is read from.

    The time grows with the number of inputs, not with its square.

    Parameters
    ----------
    inputs : sequence of Input
        What is read.
    places : sequence of Place
        Where the output of each leads.

    Raises
    ------
    OutputExistsError
        Two outputs are one file, or differ only in case or in Unicode normalization; one is a folder
        that another needs; or one is another's input, by whatever name.
    """
    _check_different(inputs, places)
    _check_no_folder_of_another(inputs, places)
    _check_no_other_input(inputs, places)


def check_replaced_apart(places: Sequence[Place]) -> None:
    """Check that files that are replaced in place are different ones, by whatever names.

    Raises
    ------
    OutputExistsError
        Two are one file.
    """
    seen: dict[Hashable, int] = {}
    for number, place in enumerate(places):
        first = seen.setdefault(place.identity or place.key, number)
        if first != number:
            raise OutputExistsError(
                f"{places[first].path} and {place.path} would both write the same file, given twice: "
                "leave one of them out"
            )


def _check_different(inputs: Sequence[Input], places: Sequence[Place]) -> None:
    """No two inputs may write one file."""
    seen: dict[Hashable, int] = {}
    for number, (one, place) in enumerate(zip(inputs, places, strict=True)):
        # A pipe or a device is one thing by all its names; a file with two names would become two files.
        first = seen.setdefault(place.identity if place.is_special else place.key, number)
        if first != number:
            raise OutputExistsError(
                f"{inputs[first].path} and {one.path} would both write {place.path}: "
                "choose a template that tells them apart, as 'out/{index}-{stem}.png'"
            )


def _check_no_folder_of_another(inputs: Sequence[Input], places: Sequence[Place]) -> None:
    """No file may stand where a folder has to be made."""
    folders: dict[Hashable, str] = {}
    for folder, path in {place.folder: place.path for place in places if place.folder.missing}.items():
        folders.update(dict.fromkeys(folder.keys_to_make, path))
    for one, place in zip(inputs, places, strict=True):
        below = folders.get(place.key)
        if below is not None:
            raise OutputExistsError(
                f"{one.path} would write {place.path}, which has to be a folder for {below}: "
                "choose another output for one of them"
            )


def _check_no_other_input(inputs: Sequence[Input], places: Sequence[Place]) -> None:
    """No output may replace what another input is read from, before or after that happens."""
    known = Places()
    readers: dict[Hashable, list[int]] = {}
    for number, one in enumerate(inputs):
        if one.path != STANDARD_STREAM:
            readers.setdefault(_identity(one.path, known), []).append(number)
    for number, (one, place) in enumerate(zip(inputs, places, strict=True)):
        if place.is_special:
            continue
        others = readers.get(place.identity or place.key, ())
        other = next((reader for reader in others if reader != number), None)
        if other is not None:
            raise OutputExistsError(
                f"{one.path} would be written over {inputs[other].path}, which is an input too: "
                "choose another output"
            )


def _identity(path: str, known: Places) -> Hashable:
    """What a file is by all its names, or what it would be if it were there."""
    try:
        status = status_of(path)
        return known.of(path).key if status is None else identity_of(status)
    except (OSError, ValueError):  # it cannot be read, as its reader will say
        return path
