from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


def pixels(source: Path | bytes) -> np.ndarray[Any, Any]:
    with Image.open(source if isinstance(source, Path) else BytesIO(source)) as image:
        return np.asarray(image)


def test_a_photograph_is_filtered_as_scipy_filters_it(run: Run, samples: Path, tmp_path: Path) -> None:
    """gaussian:2 on a photograph is SciPy's gaussian_filter in float64, rounded."""
    coffee = samples / "coffee.png"
    done = run("apply", coffee, "-k", "gaussian:2", "--precision", "float", "-o", "out.png")
    assert done.returncode == 0, done.stderr
    source = pixels(coffee).astype(np.float64)
    expected = np.rint(ndimage.gaussian_filter(source, (2, 2, 0), mode="reflect"))
    assert np.mean(pixels(tmp_path / "out.png") != expected) < 1e-5


def test_a_photograph_differs_from_scipys_only_next_to_a_tie(run: Run, samples: Path, tmp_path: Path) -> None:
    """What is chosen by itself rounds the other way only within the bound that the report states."""
    coffee = samples / "coffee.png"
    done = run("apply", coffee, "-k", "gaussian:2", "-o", "out.png", "--json")
    plan = json.loads(done.stdout)["results"][0]["plan"]
    true = ndimage.gaussian_filter(pixels(coffee).astype(np.float64), (2, 2, 0), mode="reflect")
    differs = pixels(tmp_path / "out.png") != np.rint(true)
    assert plan["precision"] in ("fast", "float")  # as the engine is fast at
    assert 0 < plan["arithmetic_bound"] <= 0.1
    assert np.abs(true - np.floor(true) - 0.5)[differs].max() <= plan["arithmetic_bound"] + 1e-9


def test_the_table_goes_to_stderr_and_nothing_to_stdout(run: Run, samples: Path) -> None:
    """Standard output stays clean, the table names method, reason, counts and times."""
    done = run("apply", samples / "camera.png", "-k", "sobel-x", "-o", "out.png")
    assert done.stdout == b""
    for word in (b"separable", b"rank 1", b"6 multiplications", b"seconds", b"megapixels/s"):
        assert word in done.stderr


def test_quiet_prints_no_table(run: Run, samples: Path) -> None:
    """With --quiet and nothing to warn about, standard error is empty."""
    done = run("apply", samples / "camera.png", "-k", "box:3", "-o", "out.png", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_linear_light_is_told_with_its_curve(run: Run, tmp_path: Path) -> None:
    """A row of the table and a note in JSON; nothing to warn about with --quiet."""
    Image.new("RGB", (8, 8), (9, 50, 99)).save(tmp_path / "a.png")
    shown = run("apply", "a.png", "-k", "box:3", "-o", "b.png", "--linear").stderr.decode()
    assert "\n  light           linear, by sRGB's curve: there is no profile\n" in shown
    assert "note:" not in shown
    printed = run("apply", "a.png", "-k", "box:3", "-o", "c.png", "--linear", "--quiet", "--json")
    assert json.loads(printed.stdout)["results"][0]["notes"] == [
        "linear, by sRGB's curve: there is no profile"
    ]
    assert printed.stderr == b""


def test_two_commands_in_a_pipe(run: Run, samples: Path, tmp_path: Path) -> None:
    """An image goes in at stdin and out at stdout, twice, as two passes over files would give."""
    photo = (samples / "coffee.png").read_bytes()
    first = run("apply", "-", "-k", "gaussian:2", "-o", "-", "--format", "png", stdin=photo)
    assert first.returncode == 0, first.stderr
    second = run("apply", "-", "-k", "sobel", "-o", "out.png", stdin=first.stdout)
    assert second.returncode == 0, second.stderr
    blurred = pixels(first.stdout).astype(np.float64)
    gx = ndimage.correlate(blurred, np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])[..., None])
    gy = ndimage.correlate(blurred, np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])[..., None])
    expected = np.minimum(np.rint(np.sqrt(gx * gx + gy * gy)), 255)
    assert np.array_equal(pixels(tmp_path / "out.png"), expected)


def test_kernels_of_a_cascade_run_without_rounding_between(run: Run, samples: Path, tmp_path: Path) -> None:
    """-k twice is the second filter on the unrounded result of the first."""
    run(
        "apply",
        samples / "camera.png",
        "-k",
        "gaussian:2",
        "-k",
        "sobel-x",
        "--range",
        "offset",
        "--precision",
        "float",
        "-o",
        "o.png",
    )
    source = pixels(samples / "camera.png").astype(np.float64)
    blurred = ndimage.gaussian_filter(source, 2)
    gx = ndimage.correlate(blurred, np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]))
    expected = np.clip(np.rint(gx + 128), 0, 255)
    assert np.mean(pixels(tmp_path / "o.png") != expected) < 1e-4


def test_convolve_flips_the_kernel(run: Run, samples: Path, tmp_path: Path) -> None:
    """--convolve is SciPy's convolve, an anchor off the centre included."""
    run("apply", samples / "camera.png", "-k", "0 1; 0 0", "--convolve", "-o", "out.png")
    expected = ndimage.convolve(pixels(samples / "camera.png"), np.array([[0, 1], [0, 0]]), origin=0)
    assert np.array_equal(pixels(tmp_path / "out.png"), expected)


def test_normalize_divides_by_the_sum(run: Run, samples: Path, tmp_path: Path) -> None:
    """A kernel of ones with --normalize is the mean."""
    run("apply", samples / "camera.png", "-k", "1 1 1; 1 1 1; 1 1 1", "--normalize", "-o", "a.png")
    run("apply", samples / "camera.png", "-k", "box:3", "-o", "b.png")
    assert np.array_equal(pixels(tmp_path / "a.png"), pixels(tmp_path / "b.png"))


def test_grey_turns_colours_into_luma_first(run: Run, samples: Path, tmp_path: Path) -> None:
    """--grey writes one channel, the luma, filtered."""
    run("apply", samples / "coffee.png", "-k", "identity", "--grey", "-o", "out.png")
    red, green, blue = np.moveaxis(pixels(samples / "coffee.png").astype(np.int64), -1, 0)
    luma = (299 * red + 587 * green + 114 * blue) / 1000
    assert np.array_equal(pixels(tmp_path / "out.png"), np.rint(luma))


def test_hidden_colours_do_not_bleed(run: Run, samples: Path, tmp_path: Path) -> None:
    """Blurring the logo, whose transparent pixels hide pure green, leaves no green fringe."""
    run("apply", samples / "logo-transparent.png", "-k", "gaussian:4", "-o", "out.png")
    blurred = pixels(tmp_path / "out.png").astype(np.int64)
    visible = blurred[blurred[..., 3] > 8]
    excess = visible[:, 1] - np.maximum(visible[:, 0], visible[:, 2])
    before = pixels(samples / "logo-transparent.png").astype(np.int64)
    seen = before[before[..., 3] > 0]
    assert excess.max() <= (seen[:, 1] - np.maximum(seen[:, 0], seen[:, 2])).max() + 1


def test_clipped_samples_are_pointed_out(run: Run, samples: Path) -> None:
    """Where more than 0.1 % saturate, the message names the options that keep them."""
    done = run("apply", samples / "camera.png", "-k", "sobel-x", "-o", "out.png", "--quiet")
    assert b"clipped" in done.stderr
    assert b"abs and offset show negative values" in done.stderr
    assert b"--range stretch or float keeps them all" in done.stderr


def test_float_range_keeps_fractions(run: Run, samples: Path, tmp_path: Path) -> None:
    """--range float writes unrounded values, negative ones too, to a .npy file."""
    run("apply", samples / "camera.png", "-k", "laplacian", "--range", "float", "-o", "out.npy")
    expected = ndimage.correlate(
        pixels(samples / "camera.png").astype(np.float64), np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    )
    values = np.load(tmp_path / "out.npy")
    assert values.dtype == np.float32
    assert np.array_equal(values, expected)


def test_explain_prints_the_plan_and_writes_nothing(run: Run, samples: Path, tmp_path: Path) -> None:
    """--explain needs no output, and leaves the folder empty."""
    done = run("apply", samples / "camera.png", "-k", "gaussian:3", "--explain")
    assert done.returncode == 0
    assert b"50 (" in done.stdout or b"not 625" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_verify_reports_the_measured_difference(run: Run, samples: Path) -> None:
    """--verify compares with the direct sum, and the difference keeps the promised bound."""
    done = run(
        "apply", samples / "camera.png", "-k", "disk:5", "--rank", "2", "--verify", "-o", "o.png", "--json"
    )
    (result,) = json.loads(done.stdout)["results"]
    assert 0 < result["verify"]["max_abs_difference"] <= result["plan"]["error_bound"]


def test_in_place_replaces_the_input(run: Run, samples: Path, tmp_path: Path) -> None:
    """--in-place leaves one file, filtered."""
    target = tmp_path / "photo.png"
    target.write_bytes((samples / "camera.png").read_bytes())
    assert run("apply", target, "-k", "box:5", "--in-place").returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]
    assert not np.array_equal(pixels(target), pixels(samples / "camera.png"))


def test_several_inputs_go_to_a_folder(run: Run, samples: Path, tmp_path: Path) -> None:
    """A name that ends with / is a folder; one broken input does not stop the others."""
    (tmp_path / "broken.png").write_bytes(b"not a png")
    done = run(
        "apply", samples / "camera.png", "broken.png", samples / "coffee.png", "-k", "box:3", "-o", "out/"
    )
    assert done.returncode == 1
    assert b"broken.png: is not an image" in done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["camera.png", "coffee.png"]


def test_a_template_names_outputs(run: Run, samples: Path, tmp_path: Path) -> None:
    """{stem} and {index} are filled in."""
    inputs = (samples / "camera.png", samples / "coffee.png")
    assert run("apply", *inputs, "-k", "box:3", "-o", "{index}-{stem}.jpg").returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1-camera.jpg", "2-coffee.jpg"]


def test_a_closed_pipe_ends_quietly(samples: Path) -> None:
    """A reader that goes away early gives exit 141 and no traceback."""
    command = [sys.executable, "-m", "sepfilter", "apply", str(samples / "camera.png"), "-k", "box:3"]
    process = subprocess.Popen(
        [*command, "-o", "-", "--format", "png"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    message = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 141
    assert message == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_device_is_one_line_and_exit_1(run: Run, samples: Path) -> None:
    """No space left on the output is told in one line."""
    done = run("apply", samples / "camera.png", "-k", "box:3", "-o", "/dev/full", "--format", "png")
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "sepfilter: /dev/full: cannot be written: No space left on device"
    ]
