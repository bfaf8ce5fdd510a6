from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from sepfilter.cli.exits import run_to_exit_code
from sepfilter.cli.main import cli

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]

MISTAKES = [
    # arguments, exit code, what the one line says
    (("apply", "{samples}/camera.png", "-k", "gausian:3", "-o", "o.png"), 2, "did you mean gaussian?"),
    (("apply", "{samples}/camera.png", "-k", "1 2; 3", "-o", "o.png"), 2, "row 2 has 1 columns, but row 1 has 2"),
    (("apply", "{samples}/camera.png", "-k", "1 2; 3 x", "-o", "o.png"), 2, "row 2, column 2: 'x' is not a finite"),
    (("apply", "{samples}/camera.png", "-k", "no/such.txt", "-o", "o.png"), 2, "no/such.txt: the kernel file cannot"),
    (("apply", "missing.png", "-k", "box:3", "-o", "o.png"), 1, "missing.png: cannot be read: No such file"),
    (("apply", ".", "-k", "box:3", "-o", "o.png"), 2, ".: is a folder: give --recursive to filter the images in it"),
    (("apply", "text.png", "-k", "box:3", "-o", "o.png"), 1, "text.png: is not an image"),
    (("apply", "empty.png", "-k", "box:3", "-o", "o.png"), 1, "empty.png: is empty"),
    (("apply", "cut.png", "-k", "box:3", "-o", "o.png"), 1, "cut.png: is truncated"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "old.png"), 3, "old.png: exists already: give --overwrite"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "no/o.png"), 1, "the folder no does not exist"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o"), 2, "no extension"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.gif"), 2, "'.gif' is not written"),
    (("apply", "{samples}/camera.png", "-k", "box:3"), 2, "no output: give -o OUTPUT, or --in-place"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "-"), 2, "give --format"),
    (("apply", "-", "-k", "-", "-o", "o.png"), 2, "standard input can be read once only"),
    (("apply", "-", "-", "-k", "box:3", "-o", "o/"), 2, "standard input can be read once only"),
    (("apply", "{samples}/camera.png", "-o", "o.png"), 2, "nothing to filter with: give -k KERNEL, --bank FILE"),
    (("apply", "-k", "box:3", "-o", "o.png"), 2, "no input: name an image, or - for standard input"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--bordr", "wrap"), 2, "--border"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--border", "wrapp"), 2, "border 'wrapp'"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--border", "constant:x"), 2, "'x' is not a number"),
    (("apply", "{samples}/camera.png", "-k", "sobel", "--normalize", "-o", "o.png"), 2, "the taps sum to 0"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "--padding", "valid", "-k", "box:600", "-o", "o.png"), 1,
     "valid padding leaves nothing"),
    (("apply", "{samples}/camera.png", "-k", "gaussian:2", "--precision", "exact", "-o", "o.png"), 2, "precision exact"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "--range", "float", "-o", "o.png"), 1, "PNG cannot hold 1 channel of float32"),
    (("apply", "{samples}/logo-transparent.png", "-k", "box:3", "-o", "o.jpg"), 1, "JPEG cannot hold transparency: use png"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "--quality", "80", "-o", "o.png"), 2, "PNG has none"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "--dtype", "uint7", "-o", "o.png"), 2, "uint7"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "--rank", "1", "--max-error", "1", "-o", "o.png"), 2, "give one of them"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "--levels", "2", "-o", "o.png"), 2, "levels are for float images"),
    (("apply", "{samples}/camera.png", "{samples}/coffee.png", "-k", "box:3", "-o", "o.png"), 2, "cannot take 2 inputs"),
    (("apply", "{samples}/camera.png", "{samples}/camera.png", "-k", "box:3", "-o", "o/"), 3, "would both write"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--in-place"), 2, "give one of them"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "-", "--format", "png", "--json"), 2, "use --stats FILE"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--region", "1,2,3"), 2, "no region: give left,top,width,height"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--region", "500,0,20,20"), 1, "not within the result of 512 x 512"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--max-memory", "lots"), 2, "'lots' is no amount"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--max-memory", "100k"), 4, "--max-memory raises the limit"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--max-pixels", "0.2M"), 4, "--max-pixels raises it"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--compression", "zstd"), 2, "PNG has no such: use fast or small"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--page", "2"), 1, "camera.png: has 1 page: there is no page 2"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--page", "0"), 2, "'0' is no page: give a whole number from 1, or all"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--page", "some"), 2, "'some' is no page"),
    (("apply", "pages.tif", "-k", "box:3", "-o", "o.tif", "--page", "all"), 2, "one file cannot take 3 images: give a folder"),
    (("apply", "pages.tif", "-k", "box:3", "-o", "{stem}.png", "--page", "all"), 2, "pages.tif has 3 pages, not one: put {page} into it"),
    (("apply", "pages.tif", "-k", "box:3", "-o", "-", "--format", "png", "--page", "all"), 2, "one stream cannot take 3 images"),
    (("apply", "pages.tif", "-k", "box:3", "--in-place", "--page", "all"), 2, "--in-place: pages.tif has 3 pages, not one: give -o"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "-", "--format", "pgn"), 2, "format 'pgn' is not written: did you mean png?"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "-0"), 2, "-0: is about the names in a list"),
    (("apply", "-k", "box:3", "-o", "o/", "--files-from", "none.txt"), 2, "--files-from none.txt: cannot be read: No such file"),
    (("apply", "{samples}", "-r", "-k", "box:3", "-o", "o/", "--skip-existing", "--overwrite"), 2, "--skip-existing: keeps the files"),
    (("apply", "{samples}", "-r", "-k", "box:3", "-o", "{stem}.png", "--stats", "coffee.png"), 2, "--stats coffee.png: that is an image of this run"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--linear", "--range", "stretch"), 2, "--linear: --range stretch"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "-", "--format", "png", "--json-lines"), 2, "--json-lines: the image goes to"),
    (("analyze-kernel", "nope"), 2, "no kernel or file of that name"),
    (("analyze-kernel", "box:3", "--image", "12"), 2, "give width x height x channels"),
    (("aply",), 2, "did you mean apply"),
    (("gaussian:2", "a.png"), 2, "no command 'gaussian:2': did you mean sepfilter apply -k gaussian:2? see sepfilter --help"),
    (("a.png",), 2, "no command 'a.png': did you mean apply or analyze-kernel or"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o"), 2, "'-o' requires an argument: see sepfilter apply --help"),
    (("analyze-kernel", "box:3", "--plot"), 2, "'--plot' requires an argument: see sepfilter analyze-kernel --help"),
    (("apply", "{samples}/camera.png", "o.png", "-k", "box:3"), 2, "no output: o.png does not exist: did you mean -o o.png?"),
    (("apply", "{samples}/camera.png", "old.png", "-k", "box:3"), 2, "no output: give -o OUTPUT, or --in-place"),
    (("apply", "o.png", "-k", "box:3"), 2, "no output: give -o OUTPUT, or --in-place"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--border", "reflct"), 2, "wrap, constant: did you mean reflect?"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--dtype", "unit8"), 2, "dtype 'unit8': did you mean uint8?"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--dtype", "int64"), 2, "use one of uint8, uint16"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--region", "-5,0,20,20"), 2, "'-5,0,20,20': every number must be at least 0"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--region", "0,0,9," + "9" * 5000), 2, "is no region: give left,top,width,height"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--max-memory", "9" * 5000), 2, "is no amount: give a whole number"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o{{index:999999999}}.png"), 2, "too wide for a file name: 3 digits at most"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--stats", "-"), 2, "--stats -: it writes a file: use --json"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--jobs", "two"), 2, "'two': it must be a whole number, at least 1"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--threads", "0"), 2, "'0': it must be a whole number, at least 1"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--rank", "-1"), 2, "'-1': it must be a whole number, at least 0"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.jpg", "--quality", "101"), 2, "'101': it must be a whole number from 1 to 100"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--json", "--json-lines"), 2, "--json and --json-lines both print"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--dtype", "float64"), 1, "npy, or --dtype uint8 (with --scale 255"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "o.png", "--range", "float"), 1, "or --dtype uint8 without --range float"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", "edges/{{index}}.png"), 1, "the folder edges does not exist"),
    (("apply", "{samples}/camera.png", "-k", "box:3", "-o", ""), 2, "no output"),
    (("apply", "", "-k", "box:3", "-o", "o.png"), 2, "'': the name of an input is empty: give a file"),
    (("apply", "no\nsuch.png", "-k", "box:3", "-o", "o.png"), 1, "no\\x0asuch.png: cannot be read"),
    (("analyze-kernel", "sharpen:1e308"), 2, "beyond what float64 can hold"),
    (("analyze-kernel", "box:3", "--image", "0x10x3"), 2, "every size is at least 1"),
]  # fmt: skip


@pytest.fixture
def crowded(tmp_path: Path, samples: Path) -> Path:
    """A folder with an old file, a text file, an empty one and half a PNG."""
    photo = (samples / "camera.png").read_bytes()
    (tmp_path / "old.png").write_bytes(photo)
    (tmp_path / "text.png").write_text("not a picture")
    (tmp_path / "empty.png").write_bytes(b"")
    frames = [Image.new("L", (8, 6), level) for level in (1, 2, 3)]
    frames[0].save(tmp_path / "pages.tif", save_all=True, append_images=frames[1:])
    (tmp_path / "cut.png").write_bytes(photo[: len(photo) // 2])
    return tmp_path


@pytest.fixture
def said(
    crowded: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Run the command in this process, which is fast: exit code, standard output, standard error."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.chdir(crowded)

    def run_here(*arguments: str) -> tuple[int, str, str]:
        code = run_to_exit_code(cli, arguments)
        return code, *capfd.readouterr()

    yield run_here
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_a_process_ends_with_the_same_line_and_code(run: Run, crowded: Path) -> None:
    """What is tested in one process below holds for a process of its own."""
    done = run("apply", "cut.png", "-k", "box:3", "-o", "o.png")
    assert done.returncode == 1
    assert re.fullmatch(rb"sepfilter: cut\.png: is truncated: [^\n]*\n", done.stderr)


@pytest.mark.parametrize(("arguments", "code", "message"), MISTAKES, ids=lambda value: str(value)[-60:])
def test_a_mistake_is_one_line_and_writes_nothing(
    said: Callable[..., tuple[int, str, str]],
    crowded: Path,
    samples: Path,
    arguments: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    """Every mistake gives its exit code, one line that says what to do, and leaves no file behind."""
    before = {path.name: path.read_bytes() for path in crowded.iterdir()}
    outcome, output, told = said(*(argument.format(samples=samples, stem="{stem}") for argument in arguments))
    lines = told.splitlines()
    assert outcome == code, lines
    assert len(lines) == 1
    assert lines[0].startswith("sepfilter: ")
    assert message in lines[0]
    assert output == ""
    assert {path.name: path.read_bytes() for path in crowded.iterdir()} == before


def test_debug_shows_the_traceback(run: Run) -> None:
    """With --debug an error comes with the place it came from."""
    done = run("apply", "missing.png", "-k", "box:3", "-o", "o.png", "--debug")
    assert b"Traceback" in done.stderr


def test_control_characters_of_a_file_name_do_not_reach_the_terminal(run: Run) -> None:
    """A file name with an escape sequence is printed escaped."""
    done = run("apply", "\x1b[31mred.png", "-k", "box:3", "-o", "o.png")
    assert b"\x1b" not in done.stderr
    assert b"\\x1b[31mred.png" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals as POSIX has them")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_run_without_leavings(
    samples: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """Terminated or interrupted while waiting for its input, the command writes nothing at all."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sepfilter", "apply", "-", "-k", "box:3", "-o", "out.png"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    assert process.stdin is not None
    process.stdin.write((samples / "camera.png").read_bytes()[:1000])
    process.stdin.flush()
    for _ in range(300):  # until it has taken what there is, and waits for the rest
        time.sleep(0.1)
        if not int.from_bytes(fcntl.ioctl(process.stdin.fileno(), termios.FIONREAD, bytes(4)), sys.byteorder):
            break
    time.sleep(0.2)
    process.send_signal(number)
    _, message = process.communicate(timeout=30)
    assert process.returncode == code
    assert len(message.decode().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
