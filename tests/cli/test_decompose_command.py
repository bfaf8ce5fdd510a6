from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from sepfilter.banks.decomposition import decompose, decomposition_table
from sepfilter.banks.files.load import load_bank
from sepfilter.banks.layers import Conv
from sepfilter.cli.decompose import command
from sepfilter.cli.exits import run_to_exit_code

Said = Callable[..., tuple[int, str, str]]

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs/schemas/decomposition-1.json").read_text())

WEIGHTS = np.random.default_rng(0).normal(0, 0.3, (16, 3, 3, 3)).astype(np.float32)
SECOND = np.random.default_rng(1).normal(0, 0.3, (4, 8, 5, 5)).astype(np.float32)
MIXING = np.random.default_rng(2).normal(0, 0.3, (8, 16)).astype(np.float32)


@pytest.fixture
def said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Said]:
    """Run the command in a folder with weights: exit code, standard output, standard error."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.chdir(tmp_path)
    np.save("edges.npy", WEIGHTS)
    np.savez(
        "edges.npz", **{"edges.conv.weight": WEIGHTS, "edges.conv.bias": np.arange(16, dtype=np.float32)}
    )
    np.savez("chain.npz", **{"a.conv.weight": WEIGHTS, "b.pointwise.weight": MIXING, "c.conv.weight": SECOND})

    def run_here(*arguments: str) -> tuple[int, str, str]:
        code = run_to_exit_code(command, arguments)
        return code, *capfd.readouterr()

    yield run_here
    for number, handler in handlers.items():
        signal.signal(number, handler)


def report(text: str) -> Any:
    """The JSON, if the schema accepts it."""
    found = json.loads(text)
    jsonschema.validate(found, SCHEMA)
    return found


def test_help_imports_no_numpy() -> None:
    """The help of the command is shown without NumPy."""
    code = (
        "import sys; from sepfilter.cli.decompose import command; from sepfilter.cli.exits import "
        "run_to_exit_code; run_to_exit_code(command, ['--help']); sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_without_an_output_there_is_a_table_alone(said: Said, tmp_path: Path) -> None:
    """A line for each multiplier on standard output; no file is written."""
    before = set(tmp_path.iterdir())
    code, out, err = said("edges.npy")
    assert (code, err) == (0, "")
    assert out.startswith("edges: 3 x 3 convolution, 3 -> 16 channels\n")
    assert [line.split()[0] for line in out.splitlines()[-9:]] == list("123456789")
    assert set(tmp_path.iterdir()) == before


def test_a_bank_and_an_array_have_one_table(said: Said) -> None:
    """But for the bias."""
    array, bank = (report(said(name, "--json")[1])["layers"][0] for name in ("edges.npy", "edges.npz"))
    assert bank["parameters"] == array["parameters"] + 16
    for one, other in zip(array["decompositions"], bank["decompositions"], strict=True):
        assert one | {"parameters": one["parameters"] + 16} == other


def test_the_bank_written_has_the_layers(said: Said) -> None:
    """With --multiplier it holds what the library makes, in float32."""
    code, out, err = said("edges.npz", "--multiplier", "4", "-o", "split.npz")
    assert (code, err) == (0, "")
    assert "\n>          4 " in out
    depthwise, pointwise = load_bank("split.npz").layers
    expected = decompose(Conv(WEIGHTS, np.arange(16)), 4)
    assert (depthwise.kind, pointwise.kind) == ("depthwise", "pointwise")
    assert np.array_equal(depthwise.weights, expected[0].weights.astype(np.float32))
    assert np.array_equal(pointwise.weights, expected[1].weights.astype(np.float32))
    assert pointwise.bias is not None
    assert np.array_equal(pointwise.bias, np.arange(16))


@pytest.mark.parametrize("output", ["split.json", "split.npz", "split.safetensors"])
def test_a_layer_keeps_all_that_it_has(said: Said, tmp_path: Path, output: str) -> None:
    """Groups, stride, dilation, padding, border, activation and the bank's input scale, in every format."""
    layer = {
        "type": "conv",
        "name": "stem",
        "groups": 2,
        "stride": [2, 1],
        "dilation": [1, 2],
        "padding": [1, 2, 3, 4],
        "border": "reflect",
        "activation": "relu6",
        "weights": WEIGHTS.tolist(),
        "bias": list(range(16)),
    }
    (tmp_path / "in.json").write_text(json.dumps({"input_scale": "1", "layers": [layer]}))
    code, out, _ = said("in.json", "--multiplier", "8", "-o", output)
    assert code == 0
    assert out.startswith("stem: 3 x 3 convolution, 6 -> 16 channels in 2 groups\n")
    before, after = load_bank("in.json"), load_bank(output)
    depthwise, mixing = after.layers
    assert after.input_scale == before.input_scale
    for name in ("stride", "dilation", "padding", "border"):
        assert getattr(depthwise, name) == getattr(before.layers[0], name)
    assert (mixing.groups, mixing.activation) == (2, before.layers[0].activation)
    assert mixing.output_shape(depthwise.output_shape((9, 12, 6))) == before.layers[0].output_shape(
        (9, 12, 6)
    )
    kernels = depthwise.weights.reshape(2, 3, 8, 3, 3)
    mixed = mixing.weights.reshape(2, 8, 3, 8)
    weights = np.einsum("gocj,gcjyx->gocyx", mixed, kernels).reshape(WEIGHTS.shape)
    assert weights == pytest.approx(WEIGHTS, abs=1e-6)


def test_the_error_told_is_that_of_the_file(said: Said) -> None:
    """What the file's layers multiply to differs from the weights by the worst case in the table."""
    _, out, _ = said("edges.npy", "--multiplier", "2", "-o", "split.npz", "--json", "--levels", "255")
    depthwise, pointwise = load_bank("split.npz").layers
    mixing = pointwise.weights.reshape(16, 3, 2)
    rest = WEIGHTS - np.einsum("ocj,cjyx->ocyx", mixing, depthwise.weights)
    worst = max(float(np.maximum(sign * rest, 0).reshape(16, -1).sum(axis=1).max()) for sign in (1, -1))
    found = report(out)["layers"][0]["decompositions"][1]["worst_case_error"]
    assert found == pytest.approx(255 * worst, rel=1e-9)


def test_the_least_multiplier_within_an_error_is_written(said: Said) -> None:
    """--max-error picks it by the worst case."""
    rows = decomposition_table(Conv(WEIGHTS)).rows
    limit = rows[5].worst_case_error
    code, out, _ = said("edges.npy", "--max-error", repr(limit), "-o", "split.npz", "--json")
    found = report(out)
    chosen = found["layers"][0]["chosen"]
    least = next(row.multiplier for row in rows if row.worst_case_error <= limit)
    assert (code, chosen) == (0, {"multiplier": least, "max_error": limit, "within": True})
    assert found["output"] == "split.npz"
    assert load_bank("split.npz").layers[0].weights.shape == (3, least, 3, 3)


def test_an_error_that_none_keeps_to_takes_the_exact_one(said: Said) -> None:
    """With its error; the command is done all the same."""
    code, out, err = said("edges.npy", "--max-error", "0", "-o", "split.npz")
    assert (code, err) == (0, "")
    assert "chosen: multiplier 9: none is within 0; this one is exact but for rounding" in out
    assert load_bank("split.npz").layers[0].weights.shape == (3, 9, 3, 3)


def test_every_convolution_of_a_chain_is_split(said: Said) -> None:
    """By the same criterion; other layers stay."""
    code, out, _ = said("chain.npz", "--multiplier", "2", "-o", "split.npz", "--json")
    found = report(out)
    assert code == 0
    assert len(found["layers"]) == 2
    assert len(found["kept"]) == 1
    shapes = [layer.weights.shape for layer in load_bank("split.npz").layers]
    assert shapes == [(3, 2, 3, 3), (16, 6), (8, 16), (8, 2, 5, 5), (4, 16)]


def test_a_layer_is_selected(said: Said) -> None:
    """--select takes one out of a chain."""
    name = load_bank("chain.npz").layers[2].name
    code, out, _ = said("chain.npz", "--select", name)
    assert code == 0
    assert ": 5 x 5 convolution, 8 -> 4 channels\n" in out


def test_a_keras_array_is_turned(said: Said) -> None:
    """--layout keras reads (height, width, inputs, outputs), as do shapes that tell."""
    np.save("turned.npy", WEIGHTS.transpose(2, 3, 1, 0))
    turned, straight = (
        report(said(*arguments, "--json")[1])["layers"][0]
        for arguments in (("turned.npy", "--layout", "keras"), ("edges.npy",))
    )
    assert said("turned.npy") == said("turned.npy", "--layout", "keras")
    assert turned.pop("name") == "turned"
    assert straight.pop("name") == "edges"
    assert turned == straight


def test_an_existing_file_stays_unless_told(said: Said, tmp_path: Path) -> None:
    """An output that exists is exit 3 and untouched, before anything is read; --overwrite replaces it."""
    (tmp_path / "old.npz").write_bytes(b"old")
    code, out, err = said("nowhere.npz", "--multiplier", "1", "-o", "old.npz")
    assert (code, out) == (3, "")
    assert err == "sepfilter: old.npz: exists already: give --overwrite to replace it, or another name\n"
    assert (tmp_path / "old.npz").read_bytes() == b"old"
    assert said("edges.npy", "--multiplier", "1", "-o", "old.npz", "--overwrite")[0] == 0
    assert len(load_bank("old.npz").layers) == 2


def test_weights_may_be_replaced_by_their_own_decomposition(said: Said) -> None:
    """They are read before the output is opened."""
    assert said("edges.npz", "--multiplier", "9", "-o", "edges.npz", "--overwrite")[0] == 0
    assert [layer.kind for layer in load_bank("edges.npz").layers] == ["depthwise", "pointwise"]


MISTAKES = [
    # arguments, exit code, what the one line says
    (("edges.npy", "-o", "a.npz"), 2, "-o a.npz: give --multiplier D or --max-error E"),
    (("edges.npy", "--multiplier", "2", "--max-error", "1"), 2, "both choose: give one of them"),
    (("edges.npy", "--multiplier", "0"), 2, "'0': it must be a whole number, at least 1"),
    (("edges.npy", "--multiplier", "10"), 2, "no decomposition of multiplier 10: give 1 to 9, exact from 9 on"),
    (("edges.npy", "--max-error", "nan"), 2, "--max-error nan: it must be a finite number, at least 0"),
    (("edges.npy", "--max-error", "-1"), 2, "--max-error -1.0: it must be a finite number, at least 0"),
    (("edges.npy", "--levels", "0"), 2, "levels 0.0: the largest input must be more than 0, and finite"),
    (("edges.npy", "--multiplier", "1", "-o", "-"), 2, "-o '-': name a file: standard output has the table"),
    (("edges.npy", "--multiplier", "1", "-o", ""), 2, "-o '': name a file"),
    (("edges.npy", "--multiplier", "1", "-o", "a.onnx"), 2, "-o a.onnx: a bank is written as .json, .npz, .safetensors"),
    (("edges.npy", "--multiplier", "1", "-o", "no/a.npz"), 1, "the folder no does not exist: create it first"),
    (("edges.npy", "--select", "a"), 2, "edges.npy: has no layer 'a': there is weights"),
    (("edges.npy", "--layout", "onnx"), 2, "'onnx' is not one of 'torch', 'keras'"),
    (("even.npy",), 2, "even.npy: 'weights' may be conv 3 -> 3 of 5 x 5 in PyTorch's layout or conv 5 -> 5 of 3 x 3"),
    (("odd.npy",), 2, "odd.npy: 'weights' may be conv 3 -> 4 of 3 x 2 in PyTorch's layout or conv 3 -> 2 of 4 x 3"),
    (("missing.npy",), 2, "missing.npy: the bank file cannot be read: No such file or directory"),
    (("folder.npy",), 2, "folder.npy: a folder: name the file with the weights in it"),
    (("flat.npy",), 2, "weights of shape (3, 3): a conv layer has 4 dimensions"),
    (("nan.npy",), 2, "layer 'nan': NaN or infinite weights cannot be decomposed"),
    (("huge.npy",), 2, "layer 'huge': weights: 1e+300 is beyond float32"),
    (("words.npy",), 2, "layer 'words': weights must be real numbers: they are <U1"),
    (("objects.npy",), 2, "objects.npy: holds Python objects, a pickle: loading it would run code"),
    (("none.npy",), 2, "no layer that is known: weights of shape (0, 2, 3, 3)"),
    (("short.npy",), 2, "short.npy: not a sound array of NumPy's"),
    (("text.npy",), 2, "text.npy: no bank file: it is none of"),
    (("empty.npy",), 2, "empty.npy: is empty: a bank file has at least one layer"),
    (("a\nb\x1b.npy",), 2, "a?b?.npy: the bank file cannot be read: No such file"),
    (("a\0b.npy",), 2, "a?b.npy: the bank file cannot be read: embedded null byte"),
    (("point.npz",), 2, "point.npz: no ordinary convolution of more than one tap in it: it has"),
    (("missing.npz",), 2, "missing.npz: "),
    (("text.npz",), 2, "text.npz: "),
    ((), 2, "Missing argument 'WEIGHTS'"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "code", "message"), MISTAKES)
def test_a_mistake_is_told_in_one_line(
    said: Said, tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    """What, where, why and what to do, with its exit code and nothing on standard output."""
    np.save("flat.npy", np.ones((3, 3)))
    np.save("even.npy", np.ones((3, 3, 5, 5)))
    np.save("odd.npy", np.ones((4, 3, 3, 2)))
    np.save("nan.npy", np.full((4, 2, 3, 3), np.nan))
    np.save("huge.npy", np.full((4, 2, 3, 3), 1e300))
    np.save("words.npy", np.full((4, 2, 3, 3), "a"))
    np.save("objects.npy", np.full((4, 2, 3, 3), None), allow_pickle=True)
    np.save("none.npy", np.ones((0, 2, 3, 3)))
    np.savez("point.npz", **{"a.pointwise.weight": MIXING})
    (tmp_path / "folder.npy").mkdir()
    (tmp_path / "short.npy").write_bytes((tmp_path / "edges.npy").read_bytes()[:-1])
    for name in ("text.npy", "text.npz"):
        (tmp_path / name).write_text("no weights")
    (tmp_path / "empty.npy").write_bytes(b"")
    before = set(tmp_path.iterdir())
    found, out, err = said(*arguments)
    assert (found, out) == (code, "")
    assert message in err
    assert err.startswith("sepfilter: ")
    assert err.count("\n") == 1
    assert set(tmp_path.iterdir()) == before


def test_a_header_that_lies_takes_no_memory(said: Said, tmp_path: Path) -> None:
    """One that promises a terabyte is refused by the size of the file."""
    header = np.lib.format.header_data_from_array_1_0(np.ones((1, 1, 1, 1)))
    header["shape"] = (4096, 4096, 100, 100)
    with (tmp_path / "lies.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(bytes(1000))
    code, _, err = said("lies.npy")
    assert code == 2
    assert "lies.npy: not a sound array of NumPy's" in err


def test_more_weights_than_memory_are_refused(said: Said, tmp_path: Path) -> None:
    """A file that is larger than it takes, as a sparse one may be, is not read."""
    header = np.lib.format.header_data_from_array_1_0(np.ones((1, 1, 1, 1)))
    header["shape"] = (4096, 4096, 3, 3)
    with (tmp_path / "sparse.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 4096 * 4096 * 9 * 8)
    code, _, err = said("sparse.npy")
    assert code == 2
    assert "150,994,944 weights: at most 134,217,728 are decomposed" in err


def test_a_broken_header_is_refused(said: Said, tmp_path: Path) -> None:
    """Brackets a thousand deep, which Python's parser would give up on."""
    text = ("(" * 1000 + ")" * 1000).encode()
    (tmp_path / "deep.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)
    code, _, err = said("deep.npy")
    assert code == 2
    assert "deep.npy: not a sound array of NumPy's" in err
