"""From a job to results and files, one input after the other."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms
from scipy import ndimage

from sepfilter import errors
from sepfilter.images.files import read_image, write_image
from sepfilter.images.metadata import Metadata
from sepfilter.kernels.kernel import AnyKernel
from sepfilter.kernels.presets import named_kernel
from sepfilter.pipeline import run_job
from sepfilter.plans.options import Options
from sepfilter.results import ImageInfo, Job, OutputInfo, Result

Array = npt.NDArray[Any]

BOX = named_kernel("box:3")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def picture(*shape: int, seed: int = 0) -> Array:
    """Random bytes."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def job(*inputs: str, to: str | None, kernel: AnyKernel = BOX, **options: Any) -> Job:
    """A job with one kernel."""
    return Job(inputs, to, (kernel,), **options)


def run_one(*inputs: str, to: str | None, **options: Any) -> Result:
    """The only result of a job."""
    (result,) = run_job(job(*inputs, to=to, **options))
    return result


def blurred(pixels: Array) -> Array:
    """What box:3 makes, in exact arithmetic: a sum of nine, divided and rounded once."""
    ones = np.ones((3, 3) + (1,) * (pixels.ndim - 2), np.int64)
    return np.rint(ndimage.correlate(pixels.astype(np.int64), ones, mode="reflect") / 9)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file with what is in it, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_one_input_becomes_one_output(here: Path) -> None:
    """The file holds the filtered picture, and the result says what went in and what came out."""
    write_image("a.png", picture(9, 11, 3))
    result = run_one("a.png", to="b.png")
    assert np.array_equal(read_image("b.png")[0], blurred(picture(9, 11, 3)))
    assert result.input == ImageInfo("a.png", "PNG", 9, 11, 3, "uint8")
    assert result.outputs == (OutputInfo("b.png", "PNG", 9, 11, 3, "uint8"),)
    assert (result.path, result.failure, result.notes, result.verification) == ("a.png", None, (), None)


def test_the_result_has_kernel_plan_and_operations(here: Path) -> None:
    """What it was filtered with, how, how many multiplications that takes, and how fast it was."""
    write_image("a.png", picture(9, 11))
    result = run_one("a.png", to="b.png")
    assert (result.kernel.name, result.kernel.rank) == ("box:3", 1)
    assert result.plan is not None
    assert result.plan.operations.direct_multiplications == 9 * 9 * 11
    assert result.megapixels_per_second == pytest.approx(9 * 11 / result.seconds.total / 1e6)


def test_several_inputs_give_results_in_order(here: Path) -> None:
    """One result and one file for each; a missing folder is made, and its parents."""
    for index in range(3):
        write_image(f"{index}.png", picture(5, 5 + index, seed=index))
    results = list(run_job(job("2.png", "0.png", "1.png", to="new/out/")))
    files = [(result.path, result.outputs[0].path) for result in results]
    assert files == [(name, f"new/out/{name}") for name in ("2.png", "0.png", "1.png")]
    for index in range(3):
        expected = blurred(picture(5, 5 + index, seed=index))
        assert np.array_equal(read_image(f"new/out/{index}.png")[0], expected)


def test_results_come_one_by_one(here: Path) -> None:
    """The first is there before the second input is opened."""
    write_image("a.png", picture(5, 5))
    results = run_job(job("a.png", "b.png", to="out/"))
    assert next(results).failure is None
    write_image("b.png", picture(5, 5))
    assert next(results).failure is None


@pytest.mark.parametrize(
    ("name", "content", "code", "reason"),
    [
        ("missing.png", None, "read", "missing.png: cannot be read"),
        ("text.png", b"not an image", "read", "text.png: is not an image"),
        ("deep.npy", np.zeros((4, 4), np.uint16), "unsupported", "deep.jpg: JPEG cannot hold"),
        ("wide.npy", np.zeros((1, 70_000, 3), np.uint8), "write", "wide.jpg: cannot be encoded"),
    ],
)
def test_a_failing_input_does_not_stop_the_others(
    here: Path, name: str, content: bytes | Array | None, code: str, reason: str
) -> None:
    """The error's code and message are recorded; nothing is written for it, the others are done."""
    write_image("a.png", picture(5, 5))
    write_image("c.png", picture(5, 5))
    if isinstance(content, bytes):
        (here / name).write_bytes(content)
    elif content is not None:
        np.save(name, content)
    before = contents(here)
    first, failed, last = run_job(job("a.png", name, "c.png", to="{stem}.jpg"))
    assert [first.failure, last.failure] == [None, None]
    assert contents(here).keys() - before.keys() == {"a.jpg", "c.jpg"}
    assert failed.failure is not None
    assert (failed.failure.code, failed.failure.message[: len(reason)]) == (code, reason)
    assert (failed.path, failed.outputs, failed.megapixels_per_second) == (name, (), None)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("missing.png", errors.ImageReadError),
        ("text.png", errors.ImageReadError),
        ("deep.npy", errors.UnsupportedImageError),
    ],
)
def test_the_error_of_a_single_input_is_raised(
    here: Path, name: str, error: type[errors.SepfilterError]
) -> None:
    """There is nobody else to go on for; the output does not appear."""
    (here / "text.png").write_bytes(b"not an image")
    np.save("deep.npy", np.zeros((4, 4, 3), np.uint16))
    with pytest.raises(error):
        run_one(name, to="b.png")
    assert not (here / "b.png").exists()


def test_standard_streams_carry_images() -> None:
    """`-` reads all of stdin and writes the encoded picture to stdout, and nothing else."""
    buffer, stdout = BytesIO(), BytesIO()
    Image.fromarray(picture(6, 7)).save(buffer, "PNG")
    stdin = BytesIO(buffer.getvalue())
    (result,) = run_job(job("-", to="-", format="npy"), stdin=stdin, stdout=stdout)
    assert np.array_equal(np.load(BytesIO(stdout.getvalue())), blurred(picture(6, 7)))
    assert stdin.read() == b""
    assert result.input == ImageInfo("-", "PNG", 6, 7, 1, "uint8")
    assert result.outputs == (OutputInfo("-", "NPY", 6, 7, 1, "uint8"),)


def test_standard_input_is_there_and_given_once(here: Path) -> None:
    """There is one image in it, or an error; without the stream a file is asked for, as for stdout."""
    write_image("a.png", picture(5, 5))
    with pytest.raises(errors.ImageReadError, match=r"^stdin: is not an image"):
        list(run_job(job("-", to="b.png"), stdin=BytesIO(b"text")))
    with pytest.raises(errors.OptionError, match="standard input is one image"):
        list(run_job(job("-", "-", to="out/"), stdin=BytesIO()))
    with pytest.raises(errors.OptionError, match="there is no standard input"):
        run_one("-", to="b.png")
    with pytest.raises(errors.OptionError, match="there is no standard output"):
        run_one("a.png", to="-", format="png")


def test_explain_plans_and_writes_nothing(here: Path) -> None:
    """No output is needed; the plan is the one that would run, and no pixel is filtered."""
    write_image("a.png", picture(9, 11))
    before = contents(here)
    result = run_one("a.png", to=None, explain=True)
    assert run_one("a.png", to="a.png", overwrite=True, explain=True).plan == result.plan
    assert contents(here) == before
    assert result.plan is not None
    assert result.plan == run_one("a.png", to="b.png").plan
    assert (result.outputs, result.seconds.filter, result.seconds.write) == ((), 0.0, 0.0)
    assert result.input == ImageInfo("a.png", "PNG", 9, 11, 1, "uint8")


def test_verify_measures_the_difference(here: Path) -> None:
    """Exact arithmetic is exact; leaving out terms of a kernel is within the bound that was stated."""
    write_image("a.png", picture(20, 20))
    exact = run_one("a.png", to="b.png", verify=True)
    assert exact.verification is not None
    assert exact.verification.max_rounded_difference == 0
    disk = named_kernel("disk:4")
    rough = run_one("a.png", to="c.png", kernel=disk, verify=True, options=Options(rank=1))
    assert rough.verification is not None
    assert rough.plan is not None
    assert 0 < rough.verification.max_abs_difference <= rough.plan.error_bound


def test_stages_take_time_and_fit_into_the_whole(here: Path) -> None:
    """Every stage is counted, none twice."""
    write_image("a.png", picture(100, 100, 3))
    seconds = run_one("a.png", to="b.png").seconds
    stages = (seconds.read, seconds.plan, seconds.filter, seconds.write)
    assert min(stages) > 0
    assert sum(stages) <= seconds.total + 1e-6


def test_a_failing_write_leaves_everything_as_it_was(here: Path) -> None:
    """The picture is wider than JPEG can be: the old file stays, and no temporary file."""
    np.save("wide.npy", np.zeros((1, 70_000, 3), np.uint8))
    (here / "out.jpg").write_bytes(b"old")
    before = contents(here)
    with pytest.raises(errors.ImageWriteError, match=r"^out\.jpg: cannot be encoded"):
        run_one("wide.npy", to="out.jpg", overwrite=True)
    assert contents(here) == before


@pytest.mark.parametrize("output", ["out/", "{stem}.png", "{index}.png"])
def test_a_collision_is_found_before_any_input_is_read(here: Path, output: str) -> None:
    """Same stems, or a file that exists where the last output would go: nothing is touched."""
    (here / "out").mkdir()
    write_image("a.png", picture(5, 5))
    (here / "2.png").write_bytes(b"old")
    before = contents(here)
    with pytest.raises(errors.OutputExistsError):
        list(run_job(job("a.png", "missing/a.png", to=output)))
    assert contents(here) == before


@pytest.mark.parametrize(("name", "quality"), [("png", 90), ("jpeg", 0), ("jpeg", 101)])
def test_a_quality_that_cannot_be_honoured_stops_all(here: Path, name: str, quality: int) -> None:
    """Before anything is read."""
    with pytest.raises(errors.OptionError, match="quality"):
        list(run_job(job("missing.png", "gone.png", to="out/", format=name, quality=quality)))
    assert list(here.iterdir()) == []


def test_in_place_inputs_are_replaced_and_broken_ones_stay(here: Path) -> None:
    """The same files before and after, filtered where they could be read."""
    write_image("a.png", picture(6, 7))
    (here / "b.png").write_bytes(b"broken")
    sound, broken = run_job(job("a.png", "b.png", to=None, in_place=True))
    assert (sound.outputs[0].path, broken.outputs) == ("a.png", ())
    assert contents(here).keys() == {"a.png", "b.png"}
    assert np.array_equal(read_image("a.png")[0], blurred(picture(6, 7)))
    assert (here / "b.png").read_bytes() == b"broken"


def test_a_profile_is_kept_unless_grey_cannot_have_it(here: Path) -> None:
    """A profile for colours does not describe grey: there it is dropped, and a note says so."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    write_image("a.png", picture(5, 5, 3), Metadata(icc=profile, dpi=(300.0, 300.0)))
    assert run_one("a.png", to="b.jpg").notes == ()
    assert (read_image("b.jpg")[1].icc, read_image("b.jpg")[1].dpi) == (profile, (300.0, 300.0))
    (note,) = run_one("a.png", to="c.png", grey=True).notes
    assert note == "the colour profile was dropped: it does not describe grey"
    assert read_image("c.png")[1].icc is None


def test_grey_is_made_before_the_filter(here: Path) -> None:
    """Luma is rounded, then filtered: three channels go in, one comes out."""
    pixels = picture(6, 7, 3)
    write_image("a.png", pixels)
    result = run_one("a.png", to="b.png", grey=True)
    assert [image.channels for image in (result.input, *result.outputs) if image] == [3, 1]
    luma = np.rint(pixels @ np.array([299, 587, 114]) / 1000)
    assert np.array_equal(read_image("b.png")[0], blurred(luma))


def test_frames_left_out_are_noted(here: Path) -> None:
    """Only the first of an animation is filtered, and the result says so."""
    frames = [Image.new("L", (8, 8), level) for level in (10, 100, 200)]
    frames[0].save("a.gif", save_all=True, append_images=frames[1:])
    assert run_one("a.gif", to="b.png").notes == ("only the first of 3 frames was read",)
    assert np.array_equal(np.unique(read_image("b.png")[0]), [10])


@pytest.mark.parametrize("alpha", ["separate", "keep"])
def test_opacity_is_filtered_like_a_colour_or_kept(here: Path, alpha: str) -> None:
    """Neither way has any influence on the colours."""
    pixels = picture(6, 7, 4)
    write_image("a.png", pixels)
    run_one("a.png", to="b.png", options=Options(alpha=alpha))
    expected = blurred(pixels)
    if alpha == "keep":
        expected[..., 3] = pixels[..., 3]
    assert np.array_equal(read_image("b.png")[0], expected)


def test_samples_that_do_not_fit_are_counted(here: Path) -> None:
    """Too small, too large, and not finite."""
    np.save("a.npy", np.array([[np.nan, np.inf, -5.0, 300.0, 7.0]]))
    options = {"kernel": named_kernel("identity"), "options": Options(dtype="uint8")}
    (output,) = run_one("a.npy", to="b.png", **options).outputs
    assert (output.clipped_low, output.clipped_high, output.nonfinite) == (1, 2, 2)
    assert read_image("b.png")[0].tolist() == [[0, 255, 0, 255, 7]]
