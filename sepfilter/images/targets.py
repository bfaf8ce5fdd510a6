"""From inputs and an OUTPUT to the file that each input becomes."""

from __future__ import annotations

import os
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sepfilter.errors import OptionError, OutputExistsError
from sepfilter.images.formats import OUTPUT_FORMATS, OutputFormat, format_named, format_of
from sepfilter.safe_write import check_absent

STANDARD_STREAM: Final = "-"
_FIELDS: Final = ("stem", "name", "parent", "index")


@dataclass(frozen=True, slots=True)
class Target:
    """Where one input goes.

    Attributes
    ----------
    path : str
        A file, or ``-`` for standard output.
    format : OutputFormat
        How it is written.
    """

    path: str
    format: OutputFormat

    @property
    def is_stdout(self) -> bool:
        """True for standard output."""
        return self.path == STANDARD_STREAM


def resolve_targets(
    inputs: Sequence[str],
    output: str | None,
    *,
    output_format: str | None = None,
    overwrite: bool = False,
    in_place: bool = False,
) -> list[Target]:
    """Find out what every input becomes, and refuse collisions before anything is written.

    Parameters
    ----------
    inputs : sequence of str
        Files, or ``-``.
    output : str or None
        A file; ``-``; an existing folder or a name that ends with ``/``; a template with {stem},
        {name}, {parent} or {index}. None with `in_place`.
    output_format : str, optional
        A format's name, where the file name does not tell.
    overwrite : bool
        Existing files may be replaced.
    in_place : bool
        Every input is replaced by its result.

    Raises
    ------
    OptionError
        The output cannot serve for these inputs, or its format is unknown.
    OutputExistsError
        A file exists, or two inputs would write the same one.
    ImageWriteError
        The folder of a file does not exist.
    """
    named = None if output_format is None else format_named(output_format)
    if in_place:
        return _in_place(inputs, named)
    if not output:
        raise OptionError("no output: give -o OUTPUT, or --in-place to replace the inputs")
    if output == STANDARD_STREAM:
        if named is None:
            raise OptionError("-o -: standard output has no extension: give --format, as png")
        _refuse_several(inputs, output)
        return [Target(output, named)]
    targets = [_target(path, place, output, named, len(inputs)) for place, path in enumerate(inputs, 1)]
    _refuse_collisions(inputs, targets)
    for target in targets:
        # A folder that is missing will be made, and has nothing in it to lose.
        if Path(target.path).parent.is_dir() or not is_folder(output):
            check_absent(target.path, overwrite=overwrite)
    return targets


def _in_place(inputs: Sequence[str], named: OutputFormat | None) -> list[Target]:
    """Every input as its own target."""
    if STANDARD_STREAM in inputs:
        raise OptionError("--in-place: standard input is no file that could be replaced: give -o")
    targets = [Target(path, named or format_of(path)) for path in inputs]
    for target in targets:
        suffix = Path(target.path).suffix.lower()
        if suffix and suffix not in target.format.extensions:
            raise OptionError(
                f"--in-place: {target.path} would hold {target.format.label}: leave out --format, or give -o"
            )
    _refuse_collisions(inputs, targets)
    return targets


def _target(path: str, place: int, output: str, named: OutputFormat | None, inputs: int) -> Target:
    """The target of one input."""
    if "{" in output:
        filled = _filled(output, path, place)
        return Target(filled, named or format_of(filled))
    if is_folder(output):
        name = Path("stdin" if path == STANDARD_STREAM else path)
        chosen = named or _own_format(name)
        suffix = name.suffix if name.suffix.lower() in chosen.extensions else chosen.extensions[0]
        return Target(str(Path(output) / f"{name.stem}{suffix}"), chosen)
    if inputs > 1:
        raise OptionError(
            f"-o {output}: one file cannot take {inputs} inputs: give a folder (ending with /), "
            "or a template as 'out/{stem}.png'"
        )
    return Target(output, named or format_of(output))


def is_folder(output: str) -> bool:
    """True for an existing folder or a name that can only be one."""
    return output.endswith(("/", os.sep)) or Path(output).is_dir()


def _own_format(path: Path) -> OutputFormat:
    """The format that the input's name stands for, if it is written; else PNG."""
    suffix = path.suffix.lower()
    return next((one for one in OUTPUT_FORMATS if suffix in one.extensions), OUTPUT_FORMATS[0])


def _filled(template: str, path: str, place: int) -> str:
    """A template with its fields filled in."""
    try:
        fields = {field for _, field, _, _ in string.Formatter().parse(template) if field is not None}
    except ValueError as error:
        raise OptionError(f"-o {template}: not a template: {error}") from None
    unknown = sorted(fields - set(_FIELDS))
    if unknown:
        raise OptionError(
            f"-o {template}: no field {{{unknown[0]}}}: use {', '.join(f'{{{f}}}' for f in _FIELDS)}"
        )
    name = Path("stdin" if path == STANDARD_STREAM else path)
    values = {"stem": name.stem, "name": name.name, "parent": str(name.parent), "index": place}
    try:
        return template.format(**values)
    except (ValueError, IndexError, KeyError, AttributeError) as error:
        raise OptionError(f"-o {template}: not a template: {error}") from None


def _refuse_several(inputs: Sequence[str], output: str) -> None:
    """One stream takes one image."""
    if len(inputs) > 1:
        raise OptionError(f"-o {output}: one stream cannot take {len(inputs)} images: give a folder")


def _refuse_collisions(inputs: Sequence[str], targets: Sequence[Target]) -> None:
    """No two inputs may write one file (nor names that differ in case only), or another's input."""
    seen: dict[str, str] = {}
    for path, target in zip(inputs, targets, strict=True):
        key = os.path.realpath(target.path).casefold()
        if key in seen:
            raise OutputExistsError(
                f"{seen[key]} and {path} would both write {target.path}: "
                "choose a template that tells them apart, as 'out/{index}-{stem}.png'"
            )
        seen[key] = path
    sources = {os.path.realpath(path): path for path in inputs if path != STANDARD_STREAM}
    for path, target in zip(inputs, targets, strict=True):
        other = sources.get(os.path.realpath(target.path), path)
        if other != path:
            raise OutputExistsError(
                f"{path} would be written over {other}, which is an input too: choose another output"
            )
