"""What happens on Ctrl-C and SIGTERM: at any moment a word and an exit code, never a traceback."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

INTERRUPTED: Final = 130
TERMINATED: Final = 143

_SOON: Final = 0.002
"""Seconds until a signal that was lost comes again."""


class TerminatedError(BaseException):
    """SIGTERM arrived: unwinds the stack, so that temporary files are removed."""


def leave_at_once() -> None:
    """Until the command runs there is nothing to clean up: signals end the process there and then."""
    signal.signal(signal.SIGINT, lambda *_: _leave(b"interrupted", INTERRUPTED))
    signal.signal(signal.SIGTERM, lambda *_: _leave(b"terminated", TERMINATED))


def unwind() -> None:
    """From now on signals raise, so that what was begun is cleaned up."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _terminate)
    sys.unraisablehook = _again


def ignore() -> None:
    """The process is ending: a second signal changes nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _leave(word: bytes, code: int) -> NoReturn:
    with suppress(OSError):  # standard error may be closed
        os.write(2, b"sepfilter: " + word + b"\n")
    os._exit(code)


def _terminate(signum: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    raise TerminatedError


def _again(lost: UnraisableHookArgs) -> None:
    """Repeat a signal that raised where Python drops what is raised, as in a weak reference's callback."""
    number = {KeyboardInterrupt: signal.SIGINT, TerminatedError: signal.SIGTERM}.get(lost.exc_type)
    if number is None:
        sys.__unraisablehook__(lost)
        return
    from threading import Timer

    later = Timer(_SOON, _send, (number,))
    later.daemon = True
    later.start()


def _send(number: signal.Signals) -> None:
    """Signal the main thread, which may be waiting for something."""
    if sys.platform == "win32":
        signal.raise_signal(number)
        return
    from threading import main_thread

    if (main := main_thread().ident) is not None:
        signal.pthread_kill(main, number)
