"""What a weights file holds before any of it is chosen: what can become layers, and what cannot."""

from __future__ import annotations

from collections.abc import Callable

from sepfilter.banks.layer import Layer
from sepfilter.values import value


@value
class Entry:
    """A named part of a weights file.

    Attributes
    ----------
    name : str
        As ``--select`` takes it.
    what : str
        In words, for a list: ``depthwise, 32 channels, 3 x 3``; or why it cannot be run.
    build : callable or None
        Makes its layers, usually one; raises BankError where they are not sound. None where it cannot be
        run: a bank without ``--select`` is refused then.
    """

    name: str
    what: str
    build: Callable[[], tuple[Layer, ...]] | None
