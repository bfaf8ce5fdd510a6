"""The bar of a batch: at a terminal only, and never in the way of what is printed."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

from sepfilter.cli.progress import progress

START = """
import sys
from sepfilter.cli.progress import bar_is_wanted, progress
with progress({total}, shown=bar_is_wanted(quiet={quiet})) as shown:
"""

BATCH = """
    shown.advance("in/a.png", failed=False)
    shown.advance("in/b.png", failed=True)
    shown.say("sepfilter: b.png: is empty")
    shown.advance("in/c.png", failed=False)
"""


def environment(**variables: str) -> dict[str, str]:
    """A terminal's, with nothing that would choose whether there is a bar."""
    chosen = ("CI", "TERM", "NO_COLOR", "COLUMNS", "LINES")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in chosen and not name.startswith("TQDM_")
    }
    return {**kept, "TERM": "xterm-256color", "PYTHONUTF8": "1", **variables}


def at_a_terminal(
    block: str = BATCH,
    *,
    total: int = 3,
    quiet: bool = False,
    columns: int = 80,
    code: int = 0,
    **variables: str,
) -> str:
    """What a terminal gets from a program that shows its progress."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24 if columns else 0, columns, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", START.format(total=total, quiet=quiet) + block],
        env=environment(**variables),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        text = b""
        try:
            while piece := os.read(ours, 65536):
                text += piece
        except OSError:  # Linux's way to say that nobody has the other end any more
            pass
        finally:
            os.close(ours)
    assert process.returncode == code, text
    return text.decode()


def screen(text: str, columns: int = 80) -> list[str]:
    """The lines that are left to see: characters, carriage returns and line ends are all that came."""
    lines: list[list[str]] = [[]]
    column = 0
    for sign in text:
        assert sign.isprintable() or sign in "\r\n", repr(sign)
        if sign == "\r":
            column = 0
        elif sign == "\n":
            lines.append([])
        else:
            lines[-1] += [" "] * (column + 1 - len(lines[-1]))
            lines[-1][column] = sign
            column += 1
            assert column < columns
    return ["".join(line).rstrip() for line in lines]


def bars(text: str) -> list[str]:
    """The states of the bar, in order."""
    return [line.rstrip() for line in re.split("[\r\n]", text) if re.match(r"\d+/\d+ ", line)]


def test_a_bar_counts_images_and_failures() -> None:
    """With the rate, the time left, how many failed, and the file it is at."""
    drawn = bars(at_a_terminal())
    assert re.fullmatch(r"0/3 .* +\? images/s, \? left", drawn[0])
    assert re.fullmatch(r"2/3 .* +\d+\.\d\d images/s, 00:00 left, 1 failed  b\.png", drawn[-1])


def test_what_is_said_stays_and_the_bar_goes() -> None:
    """Lines are whole, and only they are left at the end."""
    assert screen(at_a_terminal()) == ["sepfilter: b.png: is empty", ""]


def test_tables_of_several_lines_are_not_torn() -> None:
    """Each begins at the left of an empty line, even behind a bar that is longer."""
    block = """
    for number in range(3):
        shown.advance("a-rather-long-name.png", failed=number == 1)
        shown.say(f"first {number}\\nsecond")
"""
    lines = [line for number in range(3) for line in (f"first {number}", "second")]
    assert screen(at_a_terminal(block)) == [*lines, ""]


def test_standard_output_is_not_torn_while_paused() -> None:
    """Data may go to the same terminal."""
    block = """
    shown.advance("a.png", failed=False)
    with shown.paused():
        print('{"line": 1}', flush=True)
    shown.advance("b.png", failed=False)
"""
    assert screen(at_a_terminal(block)) == ['{"line": 1}', ""]


def test_the_bar_comes_back_after_what_is_said() -> None:
    """Below it, as it was."""
    text = at_a_terminal()
    after = text[text.index("is empty") :]
    assert any(bar.startswith("2/3 ") for bar in bars(after))


@pytest.mark.parametrize("columns", [30, 60])
def test_a_narrow_terminal_gets_a_short_bar(columns: int) -> None:
    """One that goes over the line's end could not be taken back."""
    block = 'shown.advance("x" * 200 + ".png", failed=True)'
    assert screen(at_a_terminal("    " + block, columns=columns), columns) == [""]


def test_an_interruption_takes_the_bar_away() -> None:
    """Whatever ends the block: its message comes on a line of its own."""
    block = """
    sys.excepthook = lambda kind, error, trace: print("interrupted", file=sys.stderr)
    shown.advance("a.png", failed=False)
    raise RuntimeError
"""
    assert screen(at_a_terminal(block, code=1)) == ["interrupted", ""]


def test_names_do_not_reach_the_terminal_as_they_are() -> None:
    """Control characters in them could do anything."""
    block = """
    shown.advance("a\\x1b[31m\\n\\udcff.png", failed=True)
"""
    text = at_a_terminal(block)
    assert "\x1b" not in text
    assert "a?[31m??.png" in text


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}, {"TERM": "vt100"}, {"CI": "false"}])
def test_the_bar_has_no_colours(variables: dict[str, str]) -> None:
    """With NO_COLOR or without, on any terminal that goes back in a line."""
    text = at_a_terminal(**variables)
    assert bars(text)
    assert "\x1b" not in text


@pytest.mark.parametrize(
    "options",
    [{"TERM": "dumb"}, {"CI": "true"}, {"CI": "1"}, {"quiet": True}, {"columns": 0}, {"total": 1}],
    ids=str,
)
def test_there_is_no_bar_where_nobody_wants_it(options: dict[str, object]) -> None:
    """A terminal that cannot go back, a log, --quiet, no known width, a single image; messages come anyway."""
    assert at_a_terminal(**options) == "sepfilter: b.png: is empty\r\n"  # type: ignore[arg-type]


def piped(block: str) -> subprocess.CompletedProcess[str]:
    """The same program, with pipes for its outputs."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", START.format(total=3, quiet=False) + block],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )


def test_nothing_but_messages_goes_into_a_pipe() -> None:
    """On standard error, as if there were no bar."""
    done = piped(BATCH)
    assert (done.stdout, done.stderr) == ("", "sepfilter: b.png: is empty\n")


def test_no_bar_means_no_import() -> None:
    """Nobody waits for what nobody sees."""
    done = piped(BATCH + "\nprint('tqdm' in sys.modules, 'threading' in sys.modules)")
    assert done.stdout.split()[0] == "False"


def test_a_bar_starts_no_thread_and_no_process_lock() -> None:
    """Those are for programs of another kind, and cost time."""
    block = """
    shown.advance("a.png", failed=False)
import threading
print(threading.active_count(), 'multiprocessing' in sys.modules)
"""
    assert screen(at_a_terminal(block))[-2] == "1 False"


def test_a_terminal_that_went_away_does_not_stop_the_batch() -> None:
    """Images are written without it."""
    block = """
    import io
    class Gone(io.StringIO):
        def write(self, text):
            raise OSError(5, "Input/output error")
    shown._bar.fp.flush()
    shown._bar.sp = shown._bar.status_printer(Gone())
    shown._bar.fp = Gone()
    for name in ("a.png", "b.png"):
        shown.advance(name, failed=True)
print("done")
"""
    assert screen(at_a_terminal(block))[-2].endswith("done")


def test_progress_that_is_not_shown_still_says(capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, with control characters made visible."""
    with progress(2, shown=False) as shown:
        shown.advance("a.png", failed=False)
        shown.say("a\x1b.png")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "a\\x1b.png\n")


def test_more_inputs_than_were_announced_are_no_error() -> None:
    """The bar can only guess then."""
    block = "".join(f"    shown.advance('{name}.png', failed=False)\n" for name in "abcd")
    assert screen(at_a_terminal(block, total=2)) == [""]
