"""`sepfilter convert-kernel`: write a kernel in another program's notation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from sepfilter.cli.commands import TakesMinus
from sepfilter.cli.exits import one_line, say
from sepfilter.cli.options import read_stdin
from sepfilter.errors import OptionError

NOTATIONS: Final = ("imagemagick", "libvips", "json", "csv", "text", "gmic", "npy", "npz")

_BINARY: Final = ("npy", "npz")
_SUFFIXES: Final = {
    ".mat": "libvips",
    ".json": "json",
    ".csv": "csv",
    ".txt": "text",
    ".npy": "npy",
    ".npz": "npz",
}


@click.command("convert-kernel", cls=TakesMinus)
@click.argument("kernel", metavar="KERNEL")
@click.option("-o", "--output", required=True, metavar="FILE", help="A file; - for standard output.")
@click.option("--to", type=click.Choice(NOTATIONS), help="Where the file name does not tell.")
@click.option("--factors", is_flag=True, help="Columns and rows instead of taps.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@click.option("--debug", is_flag=True, help="Show where an error comes from.")
def command(
    kernel: str,
    output: str,
    to: str | None,
    *,
    factors: bool,
    overwrite: bool,
    debug: bool,  # noqa: ARG001
) -> None:
    """Write a kernel in the notation of another program.

    The name of FILE tells the notation: .mat (libvips), .json, .csv, .txt (rows of numbers), .npy or
    .npz. With --factors a separable kernel becomes two for ImageMagick, and any kernel a sum of outer
    products in JSON and .npz. What a notation cannot hold is said, or refused where it would change
    the filter.

    \b
    sepfilter convert-kernel gaussian:2 -o blur.mat
    sepfilter convert-kernel sobel-x -o - --to imagemagick
    sepfilter convert-kernel disk:5 --factors -o disk.npz
    """
    from sepfilter.kernels.convert import convert
    from sepfilter.kernels.notation import parse_cascade

    notation = _notation(output, to)
    converted = convert(parse_cascade(kernel, stdin=read_stdin), notation, factors=factors)
    if output == "-":
        sys.stdout.buffer.write(converted.content)
    else:
        _write(output, converted.content, overwrite=overwrite)
    for note in converted.notes:
        say("note: " + one_line(note))


def _notation(output: str, to: str | None) -> str:
    """What was asked for, or what the file name tells."""
    if output == "":
        raise OptionError("-o: no output: name a file, or - for standard output")
    suffix = Path(output).suffix.lower()
    told = _SUFFIXES.get(suffix)
    notation = to or told
    if notation is None:
        raise OptionError(
            f"-o {output}: the name does not tell the notation: give --to, one of {', '.join(NOTATIONS)}"
        )
    if told not in (None, "text", notation):
        raise OptionError(f"-o {output}: {suffix} is for {told}, not {notation}: give another name, as .txt")
    if output == "-" and sys.stdout is None:
        raise OptionError("-o -: there is no standard output: give a file")
    if output == "-" and notation in _BINARY and sys.stdout.isatty():
        raise OptionError("-o -: standard output is a terminal: redirect it, or name a file")
    return notation


def _write(output: str, content: bytes, *, overwrite: bool) -> None:
    """The file, complete or not at all."""
    from sepfilter.safe_write import replacing

    with replacing(output, overwrite=overwrite) as file:
        file.write(content)
