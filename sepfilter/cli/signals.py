"""What happens on Ctrl-C and SIGTERM: at any moment a word and an exit code, never a traceback."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from types import FrameType
from typing import Final, NoReturn

INTERRUPTED: Final = 130
TERMINATED: Final = 143


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
