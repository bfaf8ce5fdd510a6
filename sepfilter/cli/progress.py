"""How far a batch is: a bar at a terminal, nothing anywhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sepfilter.cli.exits import say

if TYPE_CHECKING:
    from tqdm.std import tqdm

_SHAPE: Final = "{n_fmt}/{total_fmt} |{bar:10}| {rate_noinv_fmt}, {remaining} left{desc}"
_NO: Final = ("", "0", "false")


def bar_is_wanted(*, quiet: bool) -> bool:
    """Tell whether somebody watches who would like to see a bar.

    Parameters
    ----------
    quiet : bool
        ``--quiet`` was given.

    Returns
    -------
    bool
        Standard error is a terminal of known width that can go back in a line, and nobody asked for
        silence. Where the variable ``CI`` is set, what looks like a terminal is a log.
    """
    if quiet or os.environ.get("TERM") == "dumb" or os.environ.get("CI", "").lower() not in _NO:
        return False
    if sys.stderr is None or not sys.stderr.isatty():
        return False
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns > 0
    except (OSError, ValueError):
        return False


class Progress:
    """The progress of a batch that nobody watches; what is said is printed all the same."""

    def advance(self, name: str, failed: bool) -> None:
        """Count an input that is done, or has failed.

        Parameters
        ----------
        name : str
            The file.
        failed : bool
            It has no result.
        """

    def say(self, text: str) -> None:
        """Print lines for people, on standard error, as `sepfilter.cli.exits.say` does."""
        with self.paused():
            say(text)

    def paused(self) -> AbstractContextManager[None]:
        """Keep the bar away while the block prints to the terminal, on standard output for instance."""
        return nullcontext()


@contextmanager
def progress(total: int, *, shown: bool) -> Iterator[Progress]:
    """Show how far a batch is, for the length of a block; the bar is gone at its end.

    Parameters
    ----------
    total : int
        Inputs; a bar of one would only flicker.
    shown : bool
        Somebody watches: see `bar_is_wanted`.

    Yields
    ------
    Progress
        To be told of every input.

    Examples
    --------
    >>> with progress(2, shown=False) as shown:
    ...     shown.advance("a.png", failed=False)
    ...     shown.advance("b.png", failed=True)
    """
    if not shown or total < 2:
        yield Progress()
        return
    bar = _Bar(total)
    try:
        yield bar
    finally:
        bar.close()


class _Bar(Progress):
    """A bar on standard error, without colours."""

    def __init__(self, total: int) -> None:
        self._failed = 0
        self._bar = _opened(total)

    def advance(self, name: str, failed: bool) -> None:
        """Move the bar; drawn ten times a second at most, but a failure is seen at once."""
        self._failed += failed
        count = f", {self._failed} failed" if self._failed else ""
        with suppress(OSError):  # a terminal that went away is no reason to stop
            self._bar.set_description_str(f"{count}  {_printable(Path(name).name)}", refresh=False)
            self._bar.update()
            if failed:
                self._bar.refresh()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Clear the line, and draw the bar again below what was printed."""
        with suppress(OSError):
            self._bar.clear()
        try:
            yield
        finally:
            with suppress(OSError):
                self._bar.refresh()

    def close(self) -> None:
        """Clear the line for good."""
        with suppress(OSError):
            self._bar.close()


def _opened(total: int) -> tqdm[Any]:
    """A bar of tqdm, which is only imported for it; its locks for other processes and its thread are not."""
    from threading import RLock

    from tqdm.std import tqdm

    tqdm.set_lock(RLock())
    tqdm.monitor_interval = 0
    return tqdm(
        total=total,
        file=sys.stderr,
        unit=" images",
        bar_format=_SHAPE,
        leave=False,
        miniters=1,
        dynamic_ncols=True,
    )


def _printable(name: str) -> str:
    """A file name that leaves the terminal as it is, whatever it holds."""
    return "".join(character if character.isprintable() else "?" for character in name)
