"""From the name of an input to a source of the pixels that are filtered."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from sepfilter.errors import ImageReadError, LimitError, OptionError, UnsupportedImageError
from sepfilter.geometry import ImageSpec
from sepfilter.images.limits import Limits
from sepfilter.images.paths.inputs import STANDARD_STREAM, Input
from sepfilter.images.source import Source, backend_named, open_source
from sepfilter.plans.options import Options
from sepfilter.results import Reading

if TYPE_CHECKING:
    from sepfilter.images.light.in_light import InLight


_PIECE: Final = 2**20


def opened(one: Input, reading: Reading, stdin: BinaryIO | None) -> Source:
    """Open a page of a file, or of what comes through standard input or a named pipe.

    Raises
    ------
    SepfilterError
        It is no image, broken, or beyond the limits.
    """
    path, content, limits = one.path, None, limits_of(reading)
    if path == STANDARD_STREAM:
        if stdin is None:
            raise OptionError("-: there is no standard input: give a file")
        content = _all_of(stdin, one.name, limits)
    elif Path(path).is_fifo():  # as the shell's <(...)
        with Path(path).open("rb") as pipe:
            content = _all_of(pipe, path, limits)
    return open_source(
        one.name, content=content, input_format=reading.input_format, page=one.page - 1, limits=limits
    )


def _all_of(stream: BinaryIO, name: str, limits: Limits) -> bytes:
    """What comes through a pipe, which might never end."""
    allowed, gathered = limits.memory, BytesIO()
    try:
        while piece := stream.read(_PIECE):
            gathered.write(piece)
            if gathered.tell() > allowed:
                raise LimitError(
                    f"{name}: is a file of more than {allowed:,} bytes, which are allowed: "
                    "--max-memory raises the limit"
                )
    except OSError as error:
        raise ImageReadError(f"{name}: cannot be read: {error.strerror or error}") from error
    return gathered.getvalue()


def check_input_format(named: str | None) -> None:
    """Refuse a name that no input format has, before any input is opened.

    Raises
    ------
    OptionError
        The message has names like it.
    """
    if named is not None:
        backend_named(named)


def limits_of(reading: Reading) -> Limits:
    """The limits that were asked for, and the usual ones."""
    usual = Limits(max_memory=reading.max_memory)
    return usual if reading.max_pixels is None else replace(usual, max_pixels=reading.max_pixels)


def viewed(source: Source, reading: Reading, name: str) -> tuple[Source, InLight | None]:
    """What is filtered of an image: itself, its luma, either in linear light.

    Returns
    -------
    source : Source
        To be read.
    light : InLight or None
        The same, where results have to be encoded again.

    Raises
    ------
    UnsupportedImageError
        It has no luma, or no linear light.
    """
    view = source
    if reading.grey:
        from sepfilter.images.grey import in_grey

        view = in_grey(source, name)
    if not reading.linear:
        return view, None
    if view.metadata.cmyk:
        raise UnsupportedImageError(f"{name}: CMYK inks have no linear light: leave out --linear, or use RGB")
    from sepfilter.images.light.in_light import in_light

    light = in_light(view, name)
    return light, light


def options_in_light(options: Options, light: InLight) -> Options:
    """Options in units of the encoded image, for the same image in linear light from 0 to 1."""
    spec = light.source.spec
    border = options.edges
    if border.mode == "constant":
        border = replace(
            border, value=light.curve.to_linear(np.array(border.value / _white(spec, options))).item()
        )
    return replace(
        options,
        border=border,
        offset=options.offset / _white(spec, options),
        max_error=None if options.max_error is None else options.max_error / _white(spec, options),
        output_range="abs" if options.output_range == "abs" else "clip",
        dtype=None,
    )


def check_light(options: Options) -> None:
    """Refuse ranges that linear light has no place for.

    Raises
    ------
    OptionError
        Mid-grey and the largest value are those of encoded samples.
    """
    if options.output_range in ("offset", "stretch"):
        raise OptionError(
            f"--linear: --range {options.output_range} is for encoded values: leave out one of them"
        )


def _white(spec: ImageSpec, options: Options) -> float:
    """Full white of the encoded image."""
    return spec.levels if options.levels is None or spec.is_integer else options.levels
