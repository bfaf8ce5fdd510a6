"""One input on its way: what is read, planned, written and reported."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from sepfilter import errors
from sepfilter.images.files import read_image, write_image
from sepfilter.kernels.presets import named_kernel
from sepfilter.pipeline import run_job
from sepfilter.plans.options import Options
from sepfilter.results import ImageInfo, OutputInfo


def test_one_input_becomes_one_output(asked: ModuleType, here: Path) -> None:
    """The file holds the filtered picture, and the result says what went in and what came out."""
    write_image("a.png", asked.picture(9, 11, 3))
    result = asked.result("a.png", to="b.png")
    assert np.array_equal(read_image("b.png")[0], asked.blurred(asked.picture(9, 11, 3)))
    assert result.input == ImageInfo("a.png", "PNG", 9, 11, 3, "uint8")
    assert result.outputs == (OutputInfo("b.png", "PNG", 9, 11, 3, "uint8"),)
    assert (result.path, result.failure, result.notes, result.verification) == ("a.png", None, (), None)


def test_the_result_has_kernel_plan_and_operations(asked: ModuleType, here: Path) -> None:
    """What it was filtered with, how, how many multiplications that takes, and how fast it was."""
    write_image("a.png", asked.picture(9, 11))
    result = asked.result("a.png", to="b.png")
    assert (result.kernel.name, result.kernel.rank) == ("box:3", 1)
    assert result.plan is not None
    assert result.plan.operations.direct_multiplications == 9 * 9 * 11
    assert result.megapixels_per_second == pytest.approx(9 * 11 / result.seconds.total / 1e6)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("missing.png", errors.ImageReadError),
        ("text.png", errors.ImageReadError),
        ("deep.npy", errors.UnsupportedImageError),
    ],
)
def test_the_error_of_a_single_input_is_raised(
    asked: ModuleType, here: Path, name: str, error: type[errors.SepfilterError]
) -> None:
    """There is nobody else to go on for; the output does not appear."""
    (here / "text.png").write_bytes(b"not an image")
    np.save("deep.npy", np.zeros((4, 4, 3), np.uint16))
    with pytest.raises(error):
        asked.result(name, to="b.jpg")
    assert not (here / "b.jpg").exists()


def test_standard_streams_carry_images(asked: ModuleType) -> None:
    """`-` reads all of stdin and writes the encoded picture to stdout, and nothing else."""
    buffer, stdout = BytesIO(), BytesIO()
    Image.fromarray(asked.picture(6, 7)).save(buffer, "PNG")
    stdin = BytesIO(buffer.getvalue())
    (result,) = run_job(asked.job("-", to="-", writing={"format": "npy"}), stdin=stdin, stdout=stdout)
    assert np.array_equal(np.load(BytesIO(stdout.getvalue())), asked.blurred(asked.picture(6, 7)))
    assert stdin.read() == b""
    assert result.input == ImageInfo("-", "PNG", 6, 7, 1, "uint8")
    assert result.outputs == (OutputInfo("-", "NPY", 6, 7, 1, "uint8"),)


def test_standard_input_is_there_and_given_once(asked: ModuleType, here: Path) -> None:
    """There is one image in it, or an error; without the stream a file is asked for, as for stdout."""
    write_image("a.png", asked.picture(5, 5))
    with pytest.raises(errors.ImageReadError, match=r"^stdin: is not an image"):
        list(run_job(asked.job("-", to="b.png"), stdin=BytesIO(b"text")))
    with pytest.raises(errors.OptionError, match="standard input is one image"):
        list(run_job(asked.job("-", "-", to="out/"), stdin=BytesIO()))
    with pytest.raises(errors.OptionError, match="there is no standard input"):
        asked.result("-", to="b.png")
    with pytest.raises(errors.OptionError, match="there is no standard output"):
        asked.result("a.png", to="-", writing={"format": "png"})


def test_explain_plans_and_writes_nothing(asked: ModuleType, here: Path) -> None:
    """No output is needed; the plan is the one that would run, and no pixel is filtered."""
    write_image("a.png", asked.picture(9, 11))
    before = asked.contents(here)
    result = asked.result("a.png", to=None, explain=True)
    assert asked.result("a.png", to="a.png", explain=True).plan == result.plan
    assert asked.contents(here) == before
    assert result.plan is not None
    assert result.plan == asked.result("a.png", to="b.png").plan
    assert (result.outputs, result.seconds.filter, result.seconds.write) == ((), 0.0, 0.0)
    assert result.input == ImageInfo("a.png", "PNG", 9, 11, 1, "uint8")


def test_verify_measures_the_difference(asked: ModuleType, here: Path) -> None:
    """Exact arithmetic is exact; leaving out terms of a kernel is within the bound that was stated."""
    write_image("a.png", asked.picture(20, 20))
    exact = asked.result("a.png", to="b.png", verify=True)
    assert exact.verification is not None
    assert exact.verification.max_rounded_difference == 0
    disk = named_kernel("disk:4")
    rough = asked.result("a.png", to="c.png", kernel=disk, verify=True, options=Options(rank=1))
    assert rough.verification is not None
    assert rough.plan is not None
    assert 0 < rough.verification.max_abs_difference <= rough.plan.error_bound


def test_stages_take_time_and_fit_into_the_whole(asked: ModuleType, here: Path) -> None:
    """Every stage is counted, none twice."""
    write_image("a.png", asked.picture(100, 100, 3))
    seconds = asked.result("a.png", to="b.png", threads=1).seconds
    stages = (seconds.read, seconds.plan, seconds.filter, seconds.write)
    assert min(stages) > 0
    assert sum(stages) <= seconds.total + 1e-6


@pytest.mark.parametrize("alpha", ["separate", "keep"])
def test_opacity_is_filtered_like_a_colour_or_kept(asked: ModuleType, here: Path, alpha: str) -> None:
    """Neither way has any influence on the colours."""
    pixels = asked.picture(6, 7, 4)
    write_image("a.png", pixels)
    asked.result("a.png", to="b.png", options=Options(alpha=alpha))
    expected = asked.blurred(pixels)
    if alpha == "keep":
        expected[..., 3] = pixels[..., 3]
    assert np.array_equal(read_image("b.png")[0], expected)


def test_samples_that_do_not_fit_are_counted(asked: ModuleType, here: Path) -> None:
    """Too small, too large, and not finite."""
    np.save("a.npy", np.array([[np.nan, np.inf, -5.0, 300.0, 7.0]]))
    options = {"kernel": named_kernel("identity"), "options": Options(dtype="uint8")}
    (output,) = asked.result("a.npy", to="b.png", **options).outputs
    assert (output.clipped_low, output.clipped_high, output.nonfinite) == (1, 2, 2)
    assert read_image("b.png")[0].tolist() == [[0, 255, 0, 255, 7]]
