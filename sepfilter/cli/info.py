"""`sepfilter info`: versions and the engine."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import click

from sepfilter.version import __version__

_LIBRARIES: Final = ("numpy", "scipy", "click", "pillow", "tifffile", "imagecodecs", "isal")
_STAND_INS: Final = {"tifffile": "Pillow", "imagecodecs": "Pillow", "isal": "zlib"}


@click.command("info")
def command() -> None:
    """Show the versions in use, the engine and why it is this one, and its threads."""
    from sepfilter.engine.engines import current_engine
    from sepfilter.engine.info import engine_info

    engine = engine_info()
    click.echo(f"sepfilter  {__version__}")
    click.echo(f"python     {platform.python_version()}")
    click.echo(f"libraries  {', '.join(map(_library, _LIBRARIES))}")
    click.echo(f"engine     {engine.label}: {current_engine().reason}")
    click.echo(f"threads    {engine.threads}: as many as there are usable cores")


def _library(name: str) -> str:
    """A library's version, or what does its work where it is missing."""
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        stand_in = _STAND_INS.get(name)
        return f"{name} (not installed{f': {stand_in} stands in' if stand_in else ''})"
