"""Errors to messages and exit codes, in one place."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final

import click

from sepfilter.cli.signals import INTERRUPTED, TERMINATED, TerminatedError, ignore, unwind
from sepfilter.errors import (
    BankError,
    KernelError,
    LimitError,
    OptionError,
    OutputExistsError,
    SepfilterError,
)

FAILED: Final = 1
BROKEN_PIPE: Final = 141

_CODES: Final[tuple[tuple[type[SepfilterError], int], ...]] = (
    (KernelError, 2),
    (BankError, 2),
    (OptionError, 2),
    (OutputExistsError, 3),
    (LimitError, 4),
)


def run_to_exit_code(command: click.Command, arguments: Sequence[str]) -> int:
    """Run a command, print what went wrong in one line, and return the exit code.

    Parameters
    ----------
    command : click.Command
        The program.
    arguments : sequence of str
        As in ``sys.argv[1:]``; with ``--debug`` among them errors come with their traceback.
    """
    unwind()
    try:
        outcome = _invoke(command, arguments)
        if sys.stdout is not None:  # it may be closed
            sys.stdout.flush()
        ignore()
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.UsageError as error:
        return _say(_usage(error), 2)
    except click.ClickException as error:
        return _say(error.format_message(), error.exit_code)
    except TerminatedError:
        ignore()
        return _say("terminated", TERMINATED)
    except KeyboardInterrupt:
        ignore()
        return _say("interrupted", INTERRUPTED)
    except BrokenPipeError:
        return BROKEN_PIPE
    except Exception as error:
        if "--debug" in arguments:
            raise
        if isinstance(error, SepfilterError):
            return _say(str(error), _exit_code(error))
        if isinstance(error, OSError):
            return _say(f"standard output cannot be written: {error.strerror or error}", FAILED)
        return _say(
            f"a defect in sepfilter: {type(error).__name__}: {error}: please report it; --debug shows where",
            FAILED,
        )
    finally:
        _settle_stdout()
    return outcome if isinstance(outcome, int) else 0


def _invoke(command: click.Command, arguments: Sequence[str]) -> object:
    """Run the command, without Click's own idea of what a broken pipe means."""
    if "_SEPFILTER_COMPLETE" in os.environ:
        return command.main(prog_name="sepfilter")
    with command.make_context("sepfilter", list(arguments)) as context:
        return command.invoke(context)


def say(message: str) -> None:
    """Print lines for people, on standard error; whatever a file name holds, terminals stay sane."""
    printable = "".join(
        character if character.isprintable() or character == "\n" else f"\\x{ord(character):02x}"
        for character in message
    )
    click.echo(printable, err=True)


def one_line(text: str) -> str:
    """Text in one line, whatever it holds."""
    return text.replace("\n", "\\x0a")


def _say(message: str, code: int) -> int:
    """Print why the program ends, and return the code."""
    say("sepfilter: " + one_line(message))
    return code


def _exit_code(error: SepfilterError) -> int:
    """The code of an error of ours."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)


def _usage(error: click.UsageError) -> str:
    """Click's message in one line, with where to find help."""
    path = error.ctx.command_path if error.ctx else "sepfilter"
    message = error.format_message().rstrip(".")
    return f"{message}{'' if message.endswith('?') else ':'} see {path} --help"


def _settle_stdout() -> None:
    """Write what standard output holds back, or give it up: the interpreter would try again at its end."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
