"""`sepfilter kernels`: list the presets."""

from __future__ import annotations

import click


@click.command("kernels")
def command() -> None:
    """List the presets with their parameters, size and rank."""
    from sepfilter.reports.presets_text import presets_text

    click.echo(presets_text())
