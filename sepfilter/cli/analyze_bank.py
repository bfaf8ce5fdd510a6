"""`sepfilter analyze-bank`: what a filter bank's layers make of an image, and what they cost."""

from __future__ import annotations

import click

from sepfilter.cli.commands import Command
from sepfilter.cli.options import LAYOUTS
from sepfilter.cli.values import image_spec
from sepfilter.errors import OptionError, ShapeError


@click.command("analyze-bank", cls=Command)
@click.argument("bank", metavar="BANK")
@click.option(
    "--image",
    metavar="WxHxC",
    default="512x512",
    show_default=True,
    help="Count for this size; channels are the bank's unless given.",
)
@click.option(
    "--padding", metavar="P", help="Of layers that do not say: valid (the default), same, or '1 1 1 1'."
)
@click.option("--select", multiple=True, metavar="NAME", help="Layers of the file; repeatable, in order.")
@click.option(
    "--layout", type=click.Choice(LAYOUTS), help="Order of the weights' axes, where shapes do not tell."
)
@click.option("--allow-nonfinite", is_flag=True, help="Take weights that are NaN or infinite.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--debug", is_flag=True, help="Show where an error comes from.")
def command(
    bank: str,
    *,
    image: str,
    padding: str | None,
    select: tuple[str, ...],
    layout: str | None,
    allow_nonfinite: bool,
    as_json: bool,
    debug: bool,  # noqa: ARG001
) -> None:
    """Count what a filter bank's layers cost, beside ordinary convolution of the same shape.

    BANK is a file of layers, or - for standard input. Multiplications are the textbook's: every tap
    of every kernel, and every weight of a pointwise layer, for each pixel of the output.

    \b
    sepfilter analyze-bank layers.toml --image 12x12x3
    sepfilter analyze-bank mobilenet.safetensors --select features.0.0 --image 224x224x3 --json
    """
    from sepfilter.cli.bank_options import load, prepared
    from sepfilter.reports.bank_json import bank_json
    from sepfilter.reports.bank_text import bank_text

    layers = prepared(
        load(bank, select=select, layout=layout, allow_nonfinite=allow_nonfinite), padding, border=None
    )
    spec = image_spec(image, channels=layers.input_channels)
    takes = layers.input_channels
    if takes not in (None, spec.channels):
        raise OptionError(
            f"--image {image}: the bank takes {takes} channels: give {spec.width}x{spec.height}x{takes}"
        )
    try:
        plan = layers.plan(spec)
    except ShapeError as error:
        raise OptionError(f"--image {image}: {error}") from None
    click.echo(bank_json(plan) if as_json else bank_text(plan))
