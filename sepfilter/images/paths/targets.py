"""From inputs and an OUTPUT to the file that each input becomes."""

from __future__ import annotations

import os
import re
import string
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from sepfilter.errors import ImageWriteError, OptionError
from sepfilter.images.formats import OUTPUT_FORMATS, OutputFormat, format_named, format_of
from sepfilter.images.paths.collisions import check_outputs_apart, check_replaced_apart
from sepfilter.images.paths.inputs import STANDARD_STREAM, Input
from sepfilter.images.paths.places import Place, Places
from sepfilter.safe_write import check_absent
from sepfilter.values import value

# A batch may have a hundred thousand paths, and pathlib takes several times as long as os.path.
# ruff: noqa: PTH112, PTH118, PTH119, PTH122

_TOO_WIDE: Final = re.compile(r"\d{4}")
_FIELDS: Final = ("stem", "name", "parent", "index", "page", "ext", "channel")


@value
class Target:
    """Where one input goes.

    Attributes
    ----------
    path : str
        A file, or ``-`` for standard output.
    format : OutputFormat
        How it is written.
    folder_to_make : str or None
        A folder that is missing and must be made first.
    skipped : bool
        The file exists, and the input is to be left out.
    is_per_channel : bool
        Each channel goes to a file of its own: the path still has {channel} in it.
    """

    path: str
    format: OutputFormat
    folder_to_make: str | None = None
    skipped: bool = False
    is_per_channel: bool = False

    @property
    def is_stdout(self) -> bool:
        """True for standard output."""
        return self.path == STANDARD_STREAM


def resolve_targets(
    inputs: Sequence[Input],
    output: str | None,
    *,
    output_format: str | None = None,
    overwrite: bool = False,
    in_place: bool = False,
    skip_existing: bool = False,
) -> list[Target]:
    """Find out what every input becomes, and refuse what cannot be before anything is written.

    Parameters
    ----------
    inputs : sequence of Input
        Files, pages of files, or ``-``.
    output : str or None
        A file; ``-``; an existing folder or a name that ends with ``/``, which repeats the folders of
        the inputs, where pages get numbers: stem-1, stem-2; a template with {stem}, {name}, {parent},
        {index}, {page}, {ext}, or {channel} for a file a channel. None with `in_place`.
    output_format : str, optional
        A format's name, where the file name does not tell.
    overwrite : bool
        Existing files may be replaced.
    in_place : bool
        Every input is replaced by its result.
    skip_existing : bool
        Inputs whose file exists are left out: their targets are `skipped`.

    Returns
    -------
    list of Target
        One for each input, in their order.

    Raises
    ------
    OptionError
        The output cannot serve for these inputs, its format is unknown, or options contradict.
    OutputExistsError
        A file exists, two inputs would write the same one, or one would be written over another.
    ImageWriteError
        A folder does not exist or is not writable, or a name is impossible.
    """
    if skip_existing and (overwrite or in_place):
        other = "--in-place" if in_place else "--overwrite"
        raise OptionError(f"--skip-existing: keeps the files that {other} would replace: give one of them")
    named = None if output_format is None else format_named(output_format)
    if in_place:
        return _in_place(inputs, named)
    if not output:
        raise OptionError(f"no output: {_missing_output(inputs)}")
    if output == STANDARD_STREAM:
        if named is None:
            raise OptionError("-o -: standard output has no extension: give --format, as png")
        _refuse_several(inputs, output)
        return [Target(output, named)]
    targets = _named(inputs, output, named)
    if skip_existing and any(target.is_per_channel for target in targets):
        raise OptionError("--skip-existing: {channel} stands for several files: leave out one of them")
    places = _looked_up(targets)
    check_outputs_apart(inputs, places)
    makes_folders = "{" not in output and is_folder(output)
    return [
        _checked(target, place, overwrite=overwrite, skip=skip_existing, makes_folders=makes_folders)
        for target, place in zip(targets, places, strict=True)
    ]


def is_folder(output: str) -> bool:
    """True for an existing folder or a name that can only be one."""
    return output.endswith(("/", os.sep)) or os.path.isdir(output)


def _missing_output(inputs: Sequence[Input]) -> str:
    """What to do about it: the last of several inputs may be meant for the output."""
    last = inputs[-1].path if len(inputs) > 1 else STANDARD_STREAM
    if last != STANDARD_STREAM and not os.path.lexists(last):
        return f"{last} does not exist: did you mean -o {last}?"
    return "give -o OUTPUT, or --in-place to replace the inputs"


def _in_place(inputs: Sequence[Input], named: OutputFormat | None) -> list[Target]:
    """Every input as its own target."""
    if any(one.path == STANDARD_STREAM for one in inputs):
        raise OptionError("--in-place: standard input is no file that could be replaced: give -o")
    _refuse_pages(inputs, "--in-place", "give -o")
    targets = [Target(one.path, named or format_of(one.path)) for one in inputs]
    for target in targets:
        suffix = Path(target.path).suffix.lower()
        if suffix and suffix not in target.format.extensions:
            raise OptionError(
                f"--in-place: {target.path} would hold {target.format.label}: leave out --format, or give -o"
            )
    places = _looked_up(targets)
    check_replaced_apart(places)
    for place in places:
        if place.is_special:
            raise OptionError(f"--in-place: {place.path} is no file that could be replaced: give -o")
        if place.is_file:  # what is missing is the reader's to tell
            place.check_writable()
    return targets


def _named(inputs: Sequence[Input], output: str, named: OutputFormat | None) -> list[Target]:
    """Path and format of every target."""
    for one in inputs:
        if not os.path.basename(one.relative):
            raise OptionError(f"{one.path!r}: has no file name that an output could be called after")
    if "{" in output:
        fields = _fields_of(output)
        if not fields & {"page", "index"}:
            _refuse_pages(inputs, f"-o {output}", "put {page} into it, as 'out/{stem}-{page}.png'")
        filled = [_filled(output, one, place) for place, one in enumerate(inputs, 1)]
        apart = "channel" in fields
        if apart:
            _refuse_braces(inputs, output)
        return [Target(path, named or format_of(path), is_per_channel=apart) for path in filled]
    if is_folder(output):
        folder = str(Path(output))
        return [_in_folder(one, "" if folder == os.curdir else folder, named) for one in inputs]
    if len(inputs) > 1:
        has_pages = any(one.pages > 1 for one in inputs)
        what, template = ("images", "{stem}-{page}") if has_pages else ("inputs", "{stem}")
        raise OptionError(
            f"-o {output}: one file cannot take {len(inputs):,} {what}: give a folder (ending with /), "
            f"or a template as 'out/{template}.png'"
        )
    return [Target(output, named or format_of(output)) for _ in inputs]


def _in_folder(one: Input, folder: str, named: OutputFormat | None) -> Target:
    """The target of an input in an output folder."""
    path, suffix = os.path.splitext(os.path.join(folder, one.relative))
    if one.pages > 1:
        path = f"{path}-{one.page:0{len(str(one.pages))}}"  # by name they sort as they follow one another
    chosen = named or _own_format(suffix.lower())
    return Target(path + (suffix if suffix.lower() in chosen.extensions else chosen.extensions[0]), chosen)


def _own_format(suffix: str) -> OutputFormat:
    """The format that an input's extension stands for, if it is written; else PNG."""
    return next((one for one in OUTPUT_FORMATS if suffix in one.extensions), OUTPUT_FORMATS[0])


def _fields_of(template: str) -> set[str]:
    """The fields of a template, all of which exist."""
    try:
        parts = [part for part in string.Formatter().parse(template) if part[1] is not None]
    except ValueError as error:
        raise OptionError(f"-o {template}: not a template: {error}") from None
    if any(_TOO_WIDE.search(spec or "") for _, _, spec, _ in parts):
        raise OptionError(f"-o {template}: not a template: too wide for a file name: 3 digits at most")
    fields = {str(field) for _, field, _, _ in parts}
    if any(field == "channel" and how for _, field, _, how in parts):
        raise OptionError(f"-o {template}: {{channel}} takes a width at most, as {{channel:03}}")
    if "channel" in fields and "{channel" in os.path.split(template)[0]:
        raise OptionError(f"-o {template}: {{channel}} is for the file's name: no folder is made for each")
    unknown = sorted(fields - set(_FIELDS))
    if unknown:
        raise OptionError(
            f"-o {template}: no field {{{unknown[0]}}}: use {', '.join(f'{{{f}}}' for f in _FIELDS)}"
        )
    return fields


def _filled(template: str, one: Input, place: int) -> str:
    """A template with its fields filled in."""
    name = Path(one.name)
    values = {
        "stem": name.stem,
        "name": name.name,
        "parent": str(name.parent),
        "index": place,
        "page": one.page,
        "ext": name.suffix.removeprefix("."),
        "channel": _Channel(),
    }
    try:
        return template.format(**values)
    except (ValueError, IndexError, KeyError, AttributeError) as error:
        raise OptionError(f"-o {template}: not a template: {error}") from None


class _Channel:
    """A field that stays in the template, to be filled in when there is a channel."""

    def __format__(self, how: str) -> str:
        """The field itself."""
        return "{channel:" + how + "}" if how else "{channel}"


def _refuse_braces(inputs: Sequence[Input], output: str) -> None:
    """A name with {channel} in it would be taken for the template's."""
    for one in inputs:
        if "{channel" in one.path:
            raise OptionError(f"-o {output}: {one.path} has {{channel}} in its own name: rename it first")


def _refuse_pages(inputs: Sequence[Input], output: str, advice: str) -> None:
    """One name is not enough for several pages of a file."""
    for one in inputs:
        if one.pages > 1:
            raise OptionError(f"{output}: {one.path} has {one.pages:,} pages, not one: {advice}")


def _refuse_several(inputs: Sequence[Input], output: str) -> None:
    """One stream takes one image."""
    if len(inputs) > 1:
        raise OptionError(f"-o {output}: one stream cannot take {len(inputs)} images: give a folder")


def _looked_up(targets: Sequence[Target]) -> list[Place]:
    """Where targets lead."""
    known = Places()
    return [known.of(target.path) for target in targets]


def _checked(target: Target, place: Place, *, overwrite: bool, skip: bool, makes_folders: bool) -> Target:
    """The target, once it is known that it may and can be written; or skipped, or with its folder to make."""
    if place.is_file and skip:
        return replace(target, skipped=True)
    if place.is_folder or (place.is_file and not overwrite):
        check_absent(target.path, overwrite=overwrite)
    place.check_name()
    place.check_writable()
    if not place.folder.missing:
        return target
    path = Path(target.path)
    if path.is_symlink():
        raise _no_folder(path, Path(place.folder.real, *place.folder.missing))
    if not makes_folders:
        raise _no_folder(path, path.parent)
    return replace(target, folder_to_make=str(path.parent))


def _no_folder(path: Path, folder: Path) -> ImageWriteError:
    """What to do about a folder that is missing and that nobody asked to make."""
    return ImageWriteError(f"{path}: the folder {folder} does not exist: create it first")
