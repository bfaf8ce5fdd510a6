"""`sepfilter decompose`: ordinary convolution weights as depthwise and pointwise layers."""

from __future__ import annotations

from math import isfinite, prod
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from sepfilter.cli.commands import Command
from sepfilter.cli.exits import one_line
from sepfilter.cli.values import Whole
from sepfilter.errors import OptionError

if TYPE_CHECKING:
    from sepfilter.banks.bank import Bank
    from sepfilter.plans.decomposition_table import Decomposition

LAYOUTS: Final = ("torch", "keras")

_MOST_WEIGHTS: Final = 2**27
"""Of an array: 1 GiB in float64."""

_MOST_USUAL_SIDE: Final = 31


@click.command("decompose", cls=Command)
@click.argument("weights", metavar="WEIGHTS")
@click.option("-o", "--output", metavar="BANK", help="Write the layers to a bank file.")
@click.option("--select", multiple=True, metavar="NAME", help="A layer of WEIGHTS; repeatable, in order.")
@click.option("--layout", type=click.Choice(LAYOUTS), help="Order of the axes, where shapes do not tell.")
@click.option("--multiplier", type=Whole(1), metavar="D", help="Kernels for each input channel.")
@click.option(
    "--max-error", type=float, metavar="E", help="The least multiplier whose worst case is within this."
)
@click.option(
    "--levels",
    type=float,
    default=1.0,
    show_default=True,
    metavar="V",
    help="The largest input; the least is 0.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@click.option("--debug", is_flag=True, help="Show where an error comes from.")
def command(
    weights: str,
    *,
    output: str | None,
    select: tuple[str, ...],
    layout: str | None,
    multiplier: int | None,
    max_error: float | None,
    levels: float,
    as_json: bool,
    overwrite: bool,
    debug: bool,  # noqa: ARG001
) -> None:
    """Split ordinary convolutions in depthwise and pointwise layers, and show what that costs.

    WEIGHTS is a bank file, or a .npy of (output channels, input channels, height, width). Each
    convolution of more than one tap is split, layers of other kinds are kept. For each multiplier,
    the number of kernels for an input channel, the table has the relative error of the weights, the
    most that an output can be off, and the multiplications. The largest multiplier is exact.

    \b
    sepfilter decompose model.safetensors --select conv1
    sepfilter decompose conv1.npy --max-error 0.05 -o conv1.npz
    """
    from sepfilter.banks.decomposition import decompose_bank
    from sepfilter.plans.decomposition_table import DecomposedBank
    from sepfilter.reports.decomposition_json import decomposition_json
    from sepfilter.reports.decomposition_text import decomposition_text

    _check_options(output, multiplier, max_error, overwrite=overwrite)
    bank = _bank(weights, select, layout)
    split, kept = _decompositions(bank, weights, multiplier, max_error, levels)
    if output is not None:
        from sepfilter.banks.files.save import save_bank

        multipliers = [one.multiplier for one in split if one.multiplier is not None]
        save_bank(decompose_bank(bank, multipliers), output, overwrite=overwrite)
    decomposed = DecomposedBank(weights, split, kept, output)
    click.echo(decomposition_json(decomposed) if as_json else decomposition_text(decomposed))


def _check_options(
    output: str | None, multiplier: int | None, max_error: float | None, *, overwrite: bool
) -> None:
    """Refuse what no weights could make right, and an output that stands already."""
    from sepfilter.safe_write import check_absent

    if multiplier is not None and max_error is not None:
        raise OptionError("--multiplier and --max-error both choose: give one of them")
    if max_error is not None and not (isfinite(max_error) and max_error >= 0):
        raise OptionError(f"--max-error {max_error}: it must be a finite number, at least 0")
    if output is None:
        return
    if output in ("", "-"):
        raise OptionError(f"-o {output!r}: name a file: standard output has the table")
    if multiplier is None and max_error is None:
        raise OptionError(f"-o {output}: give --multiplier D or --max-error E to choose what is written")
    check_absent(output, overwrite=overwrite)
    from sepfilter.banks.files.save import SAVED

    if Path(output).suffix.lower() not in SAVED:
        raise OptionError(f"-o {output}: a bank is written as {', '.join(SAVED)}: give one of these suffixes")


def _bank(weights: str, select: tuple[str, ...], layout: str | None) -> Bank:
    """The layers of a file, or the one that an array makes."""
    if Path(weights).suffix.lower() != ".npy":
        from sepfilter.banks.files.load import load_bank

        return load_bank(weights, select=select, layout=layout)
    if select:
        raise OptionError(f"--select {one_line(select[0])}: {weights} is one array, which has no names")
    return _bank_of_array(weights, layout)


def _bank_of_array(path: str, layout: str | None) -> Bank:
    """The layer of a .npy file, whose header is held against the file before anything is read."""
    from sepfilter.banks.bank import Bank
    from sepfilter.banks.files.npy_arrays import array_of_npy, header_of
    from sepfilter.banks.files.source import length_of, opened, read_up_to, source_of
    from sepfilter.banks.layers import Conv
    from sepfilter.errors import BankError

    source = source_of(Path(path))
    with opened(source) as file:
        shape = header_of(file, length_of(source), path).shape
    if len(shape) != 4:
        raise BankError(
            f"{path}: an array of shape {shape}: weights of a convolution have four axes, "
            "(output channels, input channels, kernel height, kernel width)"
        )
    if prod(shape) > _MOST_WEIGHTS:
        raise BankError(f"{path}: {prod(shape):,} weights: at most {_MOST_WEIGHTS:,} are decomposed")
    weights = array_of_npy(read_up_to(source, 2**31, path, "no weights are that large"), path)
    if (layout or _layout_of(shape, path)) == "keras":
        weights = weights.transpose(3, 2, 0, 1)
    return Bank((Conv(weights, name=Path(path).stem),), name=Path(path).name)


def _layout_of(shape: tuple[int, ...], path: str) -> str:
    """Which axes are a kernel's, where only one of both orders has kernels as they usually are."""
    from sepfilter.errors import BankError

    usual = [_is_usual(*shape[2:]), _is_usual(*shape[:2])]
    if usual.count(True) != 1:
        raise BankError(
            f"{path}: an array of shape {shape}: its kernels may be {shape[2]} x {shape[3]}, as in PyTorch, "
            f"or {shape[0]} x {shape[1]}, as in Keras: give --layout torch or --layout keras"
        )
    return LAYOUTS[usual.index(True)]


def _is_usual(high: int, wide: int) -> bool:
    """True for the sizes that kernels of networks have: square, or 1-D with a middle, and not large."""
    is_line = min(high, wide) == 1 and high * wide % 2 == 1
    return max(high, wide) <= _MOST_USUAL_SIDE and (high == wide or is_line)


def _decompositions(
    bank: Bank, weights: str, multiplier: int | None, max_error: float | None, levels: float
) -> tuple[tuple[Decomposition, ...], tuple[str, ...]]:
    """The table of each convolution, with the row chosen; the names of other layers."""
    from sepfilter.banks.decomposition import can_be_decomposed, decomposition_table
    from sepfilter.banks.layers import Conv
    from sepfilter.errors import BankError
    from sepfilter.plans.decomposition_table import Decomposition

    split, kept = [], []
    for layer in bank.layers:
        if not (isinstance(layer, Conv) and can_be_decomposed(layer)):
            kept.append(layer.name)
            continue
        table = decomposition_table(layer, levels=levels)
        chosen = multiplier if max_error is None else table.within(max_error).multiplier
        if chosen is not None:
            table.row(chosen)
        split.append(Decomposition(table, chosen, max_error))
    if not split:
        kinds = ", ".join(f"{layer.name} ({layer.kind})" for layer in bank.layers)
        raise BankError(
            f"{weights}: no ordinary convolution of more than one tap in it: it has {kinds}: "
            "give other weights, or --select others"
        )
    return tuple(split), tuple(kept)
