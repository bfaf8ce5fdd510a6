from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sepfilter.cli import convert_kernel
from sepfilter.kernels.convert import NOTATIONS

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


def test_the_command_offers_what_the_library_writes() -> None:
    """The words of --to are the library's."""
    assert tuple(NOTATIONS) == convert_kernel.NOTATIONS


def test_help_imports_no_numpy() -> None:
    """The help of the command is shown without NumPy."""
    code = (
        "import sys; from sepfilter.cli.main import cli; from sepfilter.cli.exits import run_to_exit_code; "
        "run_to_exit_code(cli, ['convert-kernel', '--help']); sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_the_name_of_the_file_tells_the_notation(run: Run, tmp_path: Path) -> None:
    """A .mat is libvips', and nothing is on standard output."""
    done = run("convert-kernel", "binomial:3", "-o", "k.mat")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (tmp_path / "k.mat").read_text() == "3 3 16 0\n1 2 1\n2 4 2\n1 2 1\n"


def test_standard_output_carries_the_kernel_and_standard_error_the_notes(run: Run) -> None:
    """``-o -`` prints the kernel alone; what to know about it goes to standard error."""
    done = run("convert-kernel", "-1 0 1", "-o", "-", "--to", "imagemagick")
    assert done.stdout == b"3x1: -1,0,1\n"
    assert done.stderr.startswith(b"note: written for ImageMagick's -morphology Correlate")
    assert len(done.stderr.splitlines()) == 1


def test_a_kernel_goes_through_a_pipe(run: Run) -> None:
    """Standard input is read in any notation, and what is written is read again."""
    factors = run(
        "convert-kernel", "-", "-o", "-", "--to", "npz", "--factors", stdin=b"1 2 1; 2 4 2; 1 2 1"
    ).stdout
    done = run("convert-kernel", "-", "-o", "-", "--to", "text", stdin=factors)
    assert done.stdout == b"1 2 1\n2 4 2\n1 2 1\n"


def test_an_existing_file_stays_unless_told(run: Run, tmp_path: Path) -> None:
    """An output that exists is exit 3 and untouched; --overwrite replaces it, the kernel's own file too."""
    (tmp_path / "k.csv").write_text("1,2\n")
    done = run("convert-kernel", "box:2", "-o", "k.csv")
    assert done.returncode == 3
    assert (tmp_path / "k.csv").read_text() == "1,2\n"
    assert run("convert-kernel", "k.csv", "-o", "k.csv", "--overwrite").returncode == 0
    assert (tmp_path / "k.csv").read_text() == "1,2\n"


def test_a_list_given_to_apply_is_a_cascade(run: Run, tmp_path: Path) -> None:
    """The column and row of a kernel, given as one -k, filter as the kernel does."""
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "in.png")
    kernels = run(
        "convert-kernel", "binomial:5", "--factors", "-o", "-", "--to", "imagemagick"
    ).stdout.decode()
    for text, output in (("binomial:5", "one.npy"), (kernels, "two.npy")):
        done = run("apply", "in.png", "-k", text, "-o", output, "--range", "float", "--precision", "double")
        assert done.returncode == 0, done.stderr
    assert np.allclose(np.load(tmp_path / "one.npy"), np.load(tmp_path / "two.npy"), rtol=1e-12)


def test_a_list_given_to_analyze_kernel_is_explained_one_by_one(run: Run) -> None:
    """The text has a part for each kernel; the JSON is of one kernel only."""
    done = run("analyze-kernel", "3x1: 1,2,1; 1x3: 1,2,1")
    assert b", kernel 1: 1 x 3" in done.stdout
    assert b", kernel 2: 3 x 1" in done.stdout
    refused = run("analyze-kernel", "3x1: 1,2,1; 1x3: 1,2,1", "--json")
    assert refused.returncode == 2
    assert b"--json: a list of 2 kernels" in refused.stderr


MISTAKES = [
    (("box:3", "-o", "k"), 2, "the name does not tell the notation: give --to, one of imagemagick"),
    (("box:3", "-o", "-"), 2, "the name does not tell the notation"),
    (("box:3", "-o", ""), 2, "no output: name a file, or - for standard output"),
    (("box:3",), 2, "Missing option '-o'"),
    (("box:3", "-o", "k.mat", "--to", "csv"), 2, ".mat is for libvips, not csv"),
    (("box:3", "-o", "k.json", "--to", "xml"), 2, "--to"),
    (("box:3", "-o", "no/k.json"), 1, "the folder no does not exist"),
    (("gausian:3", "-o", "k.json"), 2, "did you mean gaussian?"),
    (("sobel", "-o", "k.json"), 2, "convert sobel-x and sobel-y"),
    (("0,5 1,0 0,5", "-o", "k.json"), 2, "may hold a decimal comma"),
    (("comma.csv", "-o", "k.json"), 2, "comma.csv: row 1: '0,5' has a decimal comma"),
    (("3x3: 1,2", "-o", "k.json"), 2, "3x3 means 9 values, but 2 follow"),
    (("[[1, 2], [3]]", "-o", "k.json"), 2, "row 2 has 1 columns, but row 1 has 2"),
    (('{"kernel": [1], "scal": 2}', "-o", "k.json"), 2, "did you mean scale"),
    (("matlab.mat", "-o", "k.json"), 2, "MATLAB's binary format is not read"),
    (("bomb.npy", "-o", "k.json"), 2, "its header promises 134217728 bytes"),
    (("deep.json", "-o", "k.npy"), 2, "nested more than 100 deep"),
    (("1 1e999", "-o", "k.npy"), 2, "row 1, column 2: '1e999' is not a finite number"),
    (("1 nan", "-o", "k.npy"), 2, "row 1, column 2: 'nan' is not a finite number"),
    (("1 2i", "-o", "k.npy"), 2, "row 1, column 2: '2i' is complex"),
]


@pytest.mark.parametrize(("arguments", "code", "message"), MISTAKES, ids=lambda value: str(value)[:40])
def test_a_mistake_is_one_line_and_writes_nothing(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    """Every mistake gives its exit code and one line, and leaves no file behind."""
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (4096, 4096), }\n"
    (tmp_path / "bomb.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    (tmp_path / "comma.csv").write_text("0,5;1,0\n")
    (tmp_path / "matlab.mat").write_bytes(b"MATLAB 5.0 MAT-file, Platform: GLNXA64" + bytes(128))
    (tmp_path / "deep.json").write_text("[" * 100_000)
    before = sorted(path.name for path in tmp_path.iterdir())
    done = run("convert-kernel", *arguments)
    lines = done.stderr.decode().splitlines()
    assert done.returncode == code, lines
    assert len(lines) == 1
    assert lines[0].startswith("sepfilter: ")
    assert message in lines[0]
    assert done.stdout == b""
    assert sorted(path.name for path in tmp_path.iterdir()) == before
