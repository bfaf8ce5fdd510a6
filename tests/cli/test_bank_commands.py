"""`apply --bank` and `analyze-bank` as processes: what they print, write and refuse."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Final

import numpy as np
import pytest
from jsonschema import validate

Run = Callable[..., "CompletedProcess[bytes]"]

SCHEMAS: Final = Path(__file__).resolve().parents[2] / "docs" / "schemas"
EDGES: Final = """
[[layers]]
type = "depthwise"
kernels = ["sobel-x", "sobel-y", "laplacian"]
padding = "same"
[[layers]]
type = "pointwise"
matrix = "0.3 0.6 0.1; 1 0 0; 0 1 0; 0 0 1; 1 1 1"
activation = "relu"
"""


@pytest.fixture
def textbook(tmp_path: Path) -> Path:
    """5 x 5 kernels for 3 channels, mixed to 256."""
    random = np.random.default_rng(0)
    path = tmp_path / "textbook.npz"
    np.savez(path, depthwise=random.normal(size=(3, 1, 5, 5)), pointwise=random.normal(size=(256, 3)))
    return path


def test_the_textbook_is_counted(run: Run, textbook: Path) -> None:
    """4,800 + 49,152 = 53,952 multiplications, not 1,228,800; the JSON follows its schema."""
    done = run("analyze-bank", textbook, "--image", "12x12x3", "--json")
    report = json.loads(done.stdout)
    validate(report, json.loads((SCHEMAS / "bank-1.json").read_text()))
    assert [layer["multiplications"] for layer in report["layers"]] == [4800, 49152]
    assert report["totals"]["multiplications"] == 53952
    assert report["ordinary_convolution"]["multiplications"] == 1228800
    assert report["layers"][1]["output"] == {"height": 8, "width": 8, "channels": 256}
    text = run("analyze-bank", textbook, "--image", "12x12x3").stdout.decode()
    assert "53,952" in text
    assert "22.8 times fewer multiplications than ordinary convolution" in text


def test_a_bank_from_a_file_runs(run: Run, samples: Path, tmp_path: Path) -> None:
    """Its report follows the schema, and says how each layer was run."""
    (tmp_path / "edges.toml").write_text(EDGES)
    done = run("apply", samples / "coffee.png", "--bank", "edges.toml", "-o", "o.npy", "--json", "--quiet")
    report = json.loads(done.stdout)
    validate(report, json.loads((SCHEMAS / "apply-1.json").read_text()))
    (result,) = report["results"]
    assert result["kernel"] is None
    assert result["bank"]["name"] == "edges"
    assert [layer["method"] for layer in result["bank"]["layers"]] == ["mixed", "direct"]
    assert np.load(tmp_path / "o.npy").shape == (280, 420, 5)


def test_a_bank_is_typed_at_the_shell(run: Run, samples: Path, tmp_path: Path) -> None:
    """--depthwise and --pointwise make what the same file makes; one kernel serves all channels."""
    (tmp_path / "edges.toml").write_text(EDGES)
    run("apply", samples / "coffee.png", "--bank", "edges.toml", "-o", "a.npy")
    kernels = [word for kernel in ("sobel-x", "sobel-y", "laplacian") for word in ("--depthwise", kernel)]
    matrix = ("--pointwise", "0.3 0.6 0.1; 1 0 0; 0 1 0; 0 0 1; 1 1 1")
    run("apply", samples / "coffee.png", *kernels, *matrix, "--padding", "same", "-o", "b.npy")
    assert np.array_equal(np.load(tmp_path / "a.npy"), np.maximum(np.load(tmp_path / "b.npy"), 0))
    done = run("apply", samples / "coffee.png", "--depthwise", "sobel-x", "-o", "c.png")
    assert b"3 of 3 kernels have rank 1" in done.stderr


def test_a_bank_and_an_image_come_through_pipes(run: Run, samples: Path, tmp_path: Path) -> None:
    """One of them; the result goes to standard output."""
    done = run(
        "apply", samples / "coffee.png", "--bank", "-", "-o", "-", "--format", "npy",
        stdin=b'{"layers": [{"type": "pointwise", "matrix": [[1, 0, 0]]}]}',
    )  # fmt: skip
    assert done.stdout.startswith(b"\x93NUMPY")
    both = run("apply", "-", "--bank", "-", "-o", "o.png")
    assert (both.returncode, b"standard input can be read once only" in both.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("-o", "o.png"), 2, "nothing to filter with: give -k KERNEL, --bank FILE, or --depthwise KERNEL"),
        (
            ("-k", "box:3", "--bank", "b.toml", "-o", "o.png"),
            2,
            "-k: kernels and a bank are two ways to filter",
        ),
        (("--bank", "b.toml", "--rank", "1", "-o", "o.npy"), 2, "--rank: is for kernels: leave it out"),
        (("-k", "box:3", "--montage", "-o", "o.png"), 2, "--montage: is for banks: leave it out"),
        (("--bank", "b.toml", "--method", "fft", "-o", "o.npy"), 2, "--method fft: is for kernels"),
        (
            ("--depthwise", "box:3", "--layout", "torch", "-o", "o.png"),
            2,
            "--layout: is for the layers of a file",
        ),
        (("--bank", "b.toml", "--depthwise", "box:3", "-o", "o.npy"), 2, "both say what the layers are"),
        (("--bank", "b.toml", "--montage", "--range", "abs", "-o", "o.png"), 2, "leave out --range"),
        (("--bank", "missing.toml", "-o", "o.png"), 2, "missing.toml"),
        (
            ("--bank", "b.toml", "-o", "o.png"),
            2,
            "the bank makes 5 channels, and PNG holds 1, 3 or 4: give o.npy",
        ),
        (("--bank", "b.toml", "-o", "o.npy", "--input-scale", "x"), 2, "input scale 'x': give what white is"),
        (
            ("--bank", "b.toml", "-o", "o.npy", "--grey"),
            1,
            "the bank b takes 3 channels, and the image has 1",
        ),
        (("--depthwise", "sobel", "-o", "o.png"), 2, "sobel-x"),
        (("--depthwise", "box:3", "--pointwise", "1 2; 3", "-o", "o.png"), 2, "--pointwise"),
        (("--bank", "b.toml", "-o", "{stem}-{channels}.png"), 2, "no field {channels}"),
        (("--bank", "b.toml", "-o", "{stem}-{channel:x}.png"), 2, "{channel:x}"),
    ],
)
def test_misuse_is_answered_in_a_line(
    run: Run, samples: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    """What is wrong, and what to do; nothing is written."""
    (tmp_path / "b.toml").write_text(EDGES)
    done = run("apply", samples / "coffee.png", *arguments)
    assert done.returncode == code, done.stderr
    assert message in done.stderr.decode()
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["b.toml"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--image", "12x12x4"), "--image 12x12x4: the bank takes 3 channels: give 12x12x3"),
        (("--image", "4x4x3"), "its kernels span 5 x 5 samples, and its input has 4 x 4"),
        (("--image", "big"), "--image 'big': give width x height x channels"),
        (("--padding", "some"), "padding 'some': use valid, same"),
        (("--select", "nothing"), "nothing"),
    ],
)
def test_an_analysis_that_cannot_be_made_says_why(
    run: Run, textbook: Path, arguments: tuple[str, ...], message: str
) -> None:
    """In one line, with an exit code that is not 0."""
    done = run("analyze-bank", textbook, *arguments)
    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert len(done.stderr.splitlines()) == 1
    assert not done.stdout


def test_padding_for_layers_that_do_not_say(run: Run, textbook: Path) -> None:
    """--padding same keeps the size; without --image it is 512 x 512 of as many channels as the bank takes."""
    done = run("analyze-bank", textbook, "--padding", "same")
    assert done.stdout.startswith(b"textbook: 2 layers, 512x512x3 -> 512x512x256")


def test_padding_in_numbers_is_for_a_bank(run: Run, samples: Path, tmp_path: Path) -> None:
    """As PyTorch gives it; kernels take words alone."""
    chosen = ("--depthwise", "box:3", "--padding", "1 1 1 1")
    assert run("apply", samples / "coffee.png", *chosen, "-o", "o.npy", "-q").returncode == 0
    assert np.load(tmp_path / "o.npy").shape == (280, 420, 3)
    done = run("apply", samples / "coffee.png", "-k", "box:3", "--padding", "1 1 1 1", "-o", "p.png")
    assert (done.returncode, b"padding '1 1 1 1': use one of same, valid" in done.stderr) == (2, True)


def test_a_file_of_weights_alone_is_pointed_out(run: Run, samples: Path, textbook: Path) -> None:
    """Strides and activations that it does not say are taken for none."""
    done = run("apply", samples / "coffee.png", "--bank", textbook, "-o", "o.npy")
    assert b"note: the file says no stride and no activation" in done.stderr
    quiet = run("apply", samples / "coffee.png", "--bank", textbook, "-o", "p.npy", "--quiet")
    assert not quiet.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--input-scale", "0", "-o", "o.npy"), "input scale: white 0.0"),
        (("--input-scale", "0/1e-300", "-o", "o.npy"), "input scale: white 1.0"),
        (("--input-scale", "1_0", "-o", "o.npy"), "input scale '1_0': give what white is"),
        (("-o", "{channel!r}.npy"), "{channel} takes a width at most"),
        (("-o", "{channel}/o.npy"), "{channel} is for the file's name"),
        (("-o", "c{channel}.npy", "--stats", "c2.npy"), "--stats c2.npy: that is an image of this run"),
        (("-o", "-", "--format", "png"), "give --format npy or tiff (a page a channel), or --montage"),
        (("-o", "o.jpg"), "JPEG holds 1 or 3"),
    ],
)
def test_more_misuse_is_answered_in_a_line(
    run: Run, samples: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    """Exit 2, nothing written."""
    (tmp_path / "b.toml").write_text(EDGES)
    done = run("apply", samples / "coffee.png", "--bank", "b.toml", *arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr.decode()
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["b.toml"]


def test_weights_to_decompose_come_through_a_pipe(run: Run) -> None:
    """An array of NumPy's on standard input is an ordinary convolution."""
    file = io.BytesIO()
    np.save(file, np.ones((16, 3, 3, 3)))
    done = run("decompose", "-", stdin=file.getvalue())
    assert done.stdout.startswith(b"stdin: 3 x 3 convolution, 3 -> 16 channels")
