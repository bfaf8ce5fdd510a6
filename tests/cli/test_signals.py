"""Signals at bad moments: before the command runs, and where Python drops what is raised."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

AT_ONCE = """\
import os, signal, sys
from sepfilter.cli.signals import leave_at_once
leave_at_once()
if "closed" in sys.argv:
    os.close(2)
os.kill(os.getpid(), int(sys.argv[1]))
while True:
    pass
"""

IN_A_CALLBACK = """\
import signal, sys, time, weakref
from sepfilter.cli.signals import TerminatedError, unwind
class Anything:
    pass
def signalled(_):
    signal.raise_signal(int(sys.argv[1]))
    for _ in range(1000):
        pass
unwind()
anything = Anything()
watching = weakref.ref(anything, signalled)
try:
    del anything
    time.sleep(30)
except (KeyboardInterrupt, TerminatedError) as raised:
    print(type(raised).__name__)
"""

SIGNALS = [(signal.SIGINT, 130, b"interrupted"), (signal.SIGTERM, 143, b"terminated")]


@pytest.mark.skipif(sys.platform == "win32", reason="signals between processes are of POSIX")
@pytest.mark.parametrize(("number", "code", "word"), SIGNALS)
@pytest.mark.parametrize("state", ["open", "closed"])
def test_an_early_signal_ends_the_program_with_a_word(
    number: signal.Signals, code: int, word: bytes, state: str
) -> None:
    """While the rest is imported too there is one line and the exit code, and no traceback."""
    call = [sys.executable, "-c", AT_ONCE, str(int(number)), state]
    done = subprocess.run(call, capture_output=True, timeout=60, check=False)
    assert done.returncode == code
    assert done.stderr == (b"sepfilter: " + word + b"\n" if state == "open" else b"")


@pytest.mark.skipif(sys.platform == "win32", reason="signals between processes are of POSIX")
@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGINT, b"KeyboardInterrupt\n"), (signal.SIGTERM, b"TerminatedError\n")]
)
def test_a_signal_in_a_callback_is_not_lost(number: signal.Signals, raised: bytes) -> None:
    """An import runs such callbacks: the signal comes again when they are over, without a traceback."""
    call = [sys.executable, "-c", IN_A_CALLBACK, str(int(number))]
    done = subprocess.run(call, capture_output=True, timeout=20, check=False)
    assert (done.stdout, done.stderr) == (raised, b"")


def test_what_else_is_dropped_is_told() -> None:
    """As Python tells it."""
    text = "from sepfilter.cli.signals import unwind\nclass A:\n    def __del__(self): 1 / 0\nunwind()\nA()"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, timeout=60, check=False)
    assert b"ZeroDivisionError" in done.stderr
