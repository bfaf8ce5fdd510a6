"""`sepfilter decompose`: ordinary convolution weights as depthwise and pointwise layers."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from sepfilter.cli.commands import Command
from sepfilter.cli.options import LAYOUTS
from sepfilter.cli.values import Whole
from sepfilter.errors import OptionError

if TYPE_CHECKING:
    from sepfilter.banks.bank import Bank
    from sepfilter.plans.decomposition_table import Decomposition

_MOST_WEIGHTS: Final = 2**27


@click.command("decompose", cls=Command)
@click.argument("weights", metavar="WEIGHTS")
@click.option(
    "-o",
    "--output",
    metavar="BANK",
    help="Write the layers to a .json, .npz or .safetensors; wants --multiplier or --max-error.",
)
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

    WEIGHTS is a bank file, - for standard input, or a .npy of (output channels, input channels, height,
    width). Each
    convolution of more than one tap is split, layers of other kinds are kept. For each multiplier,
    the number of kernels for an input channel, the table has the relative error of the weights, the
    most that an output can be off, and the multiplications. The largest multiplier is exact.

    \b
    sepfilter decompose model.safetensors --select conv1
    sepfilter decompose conv1.npy --max-error 0.05 -o conv1.npz
    """
    from sepfilter.banks.decomposition import decompose_bank
    from sepfilter.cli.bank_options import load
    from sepfilter.plans.decomposition_table import DecomposedBank
    from sepfilter.reports.decomposition_json import decomposition_json
    from sepfilter.reports.decomposition_text import decomposition_text

    _check_options(output, multiplier, max_error, overwrite=overwrite)
    bank = load(weights, select=select, layout=layout, allow_nonfinite=True, array_kind="conv")
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
        if layer.weights.size > _MOST_WEIGHTS:
            raise BankError(
                f"{weights}: {layer.label}: {layer.weights.size:,} weights: "
                f"at most {_MOST_WEIGHTS:,} are decomposed"
            )
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
