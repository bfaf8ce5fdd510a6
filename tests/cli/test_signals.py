"""Signals that come before the command runs."""

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
