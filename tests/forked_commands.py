"""Runs the command for real, many times: a process of its own for each, forked from one that has imported all.

Run as a script. Each line on standard input is a JSON object with `arguments` and `folder`, the working
directory, where standard error goes into the file `stderr`. Each is answered by a line with `status`, the
exit code or minus the signal, and `megabytes`, the most memory it had.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pkgutil import walk_packages
from typing import Final, NoReturn

from PIL import Image

import sepfilter
from sepfilter.cli.exits import run_to_exit_code
from sepfilter.cli.main import cli

ADDRESS_SPACE: Final = 2 * 2**30
"""Bytes that a process may map."""

SECONDS: Final = 20
"""After which a process is killed."""

_BETWEEN_LOOKS: Final = 0.002


def main() -> None:
    """Answer line by line."""
    for module in walk_packages(sepfilter.__path__, "sepfilter."):
        with suppress(ImportError):  # a backend whose library is not installed
            import_module(module.name)
    Image.init()
    for line in sys.stdin:
        asked = json.loads(line)
        sys.stdout.write(json.dumps(outcome(asked["arguments"], asked["folder"])) + "\n")
        sys.stdout.flush()


def outcome(arguments: Sequence[str], folder: str) -> dict[str, int]:
    """Run one command to its end."""
    child = os.fork()
    if not child:
        be_the_command(arguments, folder)
    deadline = time.monotonic() + SECONDS
    while True:
        done, status, used = os.wait4(child, os.WNOHANG)
        if done:
            return {"status": os.waitstatus_to_exitcode(status), "megabytes": used.ru_maxrss // 1024}
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(_BETWEEN_LOOKS)


def be_the_command(arguments: Sequence[str], folder: str) -> NoReturn:
    """From here to the end of the process."""
    code = 99  # none of ours: it would tell of a defect here
    try:
        os.chdir(folder)
        nowhere = os.open(os.devnull, os.O_RDWR)
        errors = os.open("stderr", os.O_WRONLY | os.O_CREAT)
        for descriptor, target in enumerate((nowhere, nowhere, errors)):
            os.dup2(target, descriptor)
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        code = run_to_exit_code(cli, arguments)
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
