"""Telling once, at a terminal, that there is a faster engine than the one in use."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from sepfilter.cli.exits import say

NOTICE: Final = (
    "note: the compiled engine was not built, so SciPy does the work, many times slower: install a C "
    "compiler, then pip install --force-reinstall --no-binary sepfilter sepfilter"
)


def note_slow_engine() -> None:
    """Say how to get the compiled engine, the first time that SciPy stands in for it at a terminal.

    That it was said is remembered by an empty file in the user's cache folder.
    """
    from sepfilter.engine.engines import current_engine, native_is_installed

    if (
        sys.stderr is None
        or not sys.stderr.isatty()
        or current_engine().name != "scipy"
        or native_is_installed()
    ):
        return
    try:
        said = (
            Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
            / "sepfilter"
            / "scipy-engine-noted"
        )
        if said.exists():
            return
        said.parent.mkdir(parents=True, exist_ok=True)
        said.touch()
    except (OSError, RuntimeError):
        pass  # no home, or none to write to: it is said each time
    say(NOTICE)
