"""`sepfilter info`: versions and the engine."""

from __future__ import annotations

import platform
from importlib.metadata import version

import click

from sepfilter.version import __version__


@click.command("info")
def command() -> None:
    """Show the versions in use, the engine and why it is this one, and its threads."""
    from sepfilter.engine.engines import current_engine
    from sepfilter.engine.info import engine_info

    engine = engine_info()
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "pillow", "click"))
    click.echo(f"sepfilter  {__version__}")
    click.echo(f"python     {platform.python_version()}")
    click.echo(f"libraries  {libraries}")
    click.echo(f"engine     {engine.label}: {current_engine().reason}")
    click.echo(f"threads    {engine.threads}: as many as there are usable cores")
