"""What of an input is filtered, and within which limits."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from PIL import Image, ImageCms
from scipy import ndimage

from sepfilter import errors
from sepfilter.images.files import read_image, write_image
from sepfilter.kernels.notation import parse_cascade
from sepfilter.kernels.presets import named_kernel
from sepfilter.pipeline import run_job
from sepfilter.plans.options import Options

Array = npt.NDArray[Any]


def test_grey_is_made_before_the_filter(asked: ModuleType, here: Path) -> None:
    """Luma is rounded, then filtered: three channels go in, one comes out."""
    pixels = asked.picture(6, 7, 3)
    write_image("a.png", pixels)
    result = asked.result("a.png", to="b.png", reading={"grey": True})
    assert [image.channels for image in (result.input, *result.outputs) if image] == [3, 1]
    luma = np.rint(pixels @ np.array([299, 587, 114]) / 1000)
    assert np.array_equal(read_image("b.png")[0], asked.blurred(luma))


def test_frames_left_out_are_noted(asked: ModuleType, here: Path) -> None:
    """Only the first of an animation is filtered, and the result says so."""
    frames = [Image.new("L", (8, 8), level) for level in (10, 100, 200)]
    frames[0].save("a.gif", save_all=True, append_images=frames[1:])
    assert asked.result("a.gif", to="b.png").notes == ("only the first of 3 frames was read",)
    assert np.array_equal(np.unique(read_image("b.png")[0]), [10])


def test_a_page_is_chosen_and_the_others_noted(asked: ModuleType, here: Path) -> None:
    """Pages count from 1; one that is not there is an error."""
    pages = [asked.picture(7, 8, seed=seed) for seed in range(3)]
    tifffile.imwrite("a.tif", np.stack(pages), photometric="minisblack")
    result = asked.result("a.tif", to="b.png", reading={"page": 2})
    assert np.array_equal(read_image("b.png")[0], asked.blurred(pages[1]))
    assert result.notes == ("only number 2 of 3 frames was read",)
    with pytest.raises(errors.ImageReadError, match=r"^a\.tif: .*3 (pages|frames)"):
        asked.result("a.tif", to="c.png", reading={"page": 4})


def test_an_input_format_overrules_what_a_file_looks_like(asked: ModuleType, here: Path) -> None:
    """A file is read as what it is said to be, or refused as not being it."""
    write_image("a.png", asked.picture(5, 6))
    assert asked.result("a.png", to="b.png", reading={"input_format": "png"}).failure is None
    with pytest.raises(errors.ImageReadError, match=r"^a\.png: "):
        asked.result("a.png", to="c.png", reading={"input_format": "tiff"})
    assert sorted(asked.contents(here)) == ["a.png", "b.png"]


@pytest.mark.parametrize(
    ("limit", "option"), [("max_pixels", "--max-pixels"), ("max_memory", "--max-memory")]
)
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.npy", "a.tif", "a.webp"])
def test_images_beyond_a_limit_are_refused(
    asked: ModuleType, here: Path, name: str, limit: str, option: str
) -> None:
    """By an error that names the option; the same image is filtered where the limit allows it."""
    write_image(name, asked.picture(20, 30, 3))
    enough = 20 * 30 * (3 if limit == "max_memory" else 1)
    with pytest.raises(errors.LimitError, match=rf"^{name}: .*{option} raises"):
        asked.result(name, to="b.png", reading={limit: enough - 1})
    assert not Path("b.png").exists()
    assert asked.result(name, to="b.png", reading={limit: enough}).failure is None


def test_too_little_memory_is_a_limit_not_a_defect(
    asked: ModuleType, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever runs out of it, the message names the file and what helps."""
    write_image("a.png", asked.picture(5, 6))

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("sepfilter.pipeline.flow.Flow.run", full)
    with pytest.raises(errors.LimitError, match=r"^a\.png: there is not enough memory .* --region"):
        asked.result("a.png", to="b.png")
    assert sorted(asked.contents(here)) == ["a.png"]


def to_linear(encoded: Array) -> Array:
    """The sRGB curve, IEC 61966-2-1, of values from 0 to 1."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def to_encoded(linear: Array) -> Array:
    """And back."""
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_linear_light_is_filtered_and_encoded_again(
    asked: ModuleType, here: Path, dtype: type[np.unsignedinteger[Any]]
) -> None:
    """As the sRGB curve says, to the next level."""
    white = np.iinfo(dtype).max
    pixels = np.random.default_rng(3).integers(0, white, (40, 50, 3), dtype, endpoint=True)
    write_image("a.png", pixels)
    result = asked.result("a.png", to="b.png", reading={"linear": True})
    light = ndimage.uniform_filter(to_linear(pixels / white), (3, 3, 1), mode="reflect")
    difference = read_image("b.png")[0] - to_encoded(light) * white
    assert np.abs(difference).max() < 0.51
    assert result.outputs[0].dtype == np.dtype(dtype).name


def test_linear_light_of_black_and_white_is_brighter(asked: ModuleType, here: Path) -> None:
    """Half of the light is level 188, not 128; identity changes nothing."""
    stripes = np.zeros((16, 16), np.uint8)
    stripes[:, ::2] = 255
    write_image("a.png", stripes)
    half = parse_cascade("0.5 0.5")[0]
    asked.result("a.png", to="b.png", kernel=half, reading={"linear": True})
    asked.result("a.png", to="c.png", kernel=half)
    assert np.unique(read_image("b.png")[0][:, 1:]).tolist() == [188]
    assert np.unique(read_image("c.png")[0][:, 1:]).tolist() == [128]
    write_image("d.png", asked.picture(16, 16, 4))
    asked.result(
        "d.png",
        to="e.png",
        kernel=named_kernel("identity"),
        reading={"linear": True},
        options=Options(alpha="keep"),
    )
    assert np.array_equal(read_image("e.png")[0], asked.picture(16, 16, 4))


@pytest.mark.parametrize(
    ("profile", "notes"),
    [
        (None, ["linear, by sRGB's curve: there is no profile"]),
        (
            ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
            ["linear, by the profile's curve (parametric curve of gamma 2.4)"],
        ),
        (
            b"broken" * 30,
            [
                "the colour profile has no simple curve: it is broken; sRGB's was used",
                "linear, by sRGB's curve",
            ],
        ),
    ],
)
def test_linear_light_is_noted_with_its_curve(
    asked: ModuleType, here: Path, profile: bytes | None, notes: list[str]
) -> None:
    """Whose it is, and why it is not the profile's; without linear light there is no such note."""
    Image.fromarray(asked.picture(6, 7, 3)).save("a.png", icc_profile=profile)
    noted = asked.result("a.png", to="b.png", reading={"linear": True}).notes
    assert [note for note in noted if "curve" in note] == notes
    assert not any("curve" in note for note in asked.result("a.png", to="c.png").notes)


def test_linear_light_has_no_place_for_encoded_ranges(asked: ModuleType, here: Path) -> None:
    """Before anything is read."""
    for name in ("offset", "stretch"):
        with pytest.raises(errors.OptionError, match=f"--linear: --range {name}"):
            asked.result(
                "missing.png", to="b.png", reading={"linear": True}, options=Options(output_range=name)
            )


def test_messages_about_standard_input_call_it_stdin(asked: ModuleType, here: Path) -> None:
    """Wherever they come from."""
    buffer = BytesIO()
    Image.fromarray(asked.picture(6, 7)).save(buffer, "PNG")
    for reading, error in (
        ({"region": (0, 0, 8, 8)}, errors.ShapeError),
        ({"max_pixels": 5}, errors.LimitError),
    ):
        with pytest.raises(error, match=r"^stdin: "):
            list(run_job(asked.job("-", to="b.png", reading=reading), stdin=BytesIO(buffer.getvalue())))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names")
def test_a_named_pipe_is_read_as_standard_input_is(asked: ModuleType, here: Path) -> None:
    """To its end, as what a shell makes of <(...)."""
    write_image("a.png", asked.picture(6, 7))
    os.mkfifo("pipe")
    writer = Thread(target=lambda: Path("pipe").write_bytes(Path("a.png").read_bytes()))
    writer.start()
    asked.result("pipe", to="b.png")
    writer.join()
    assert np.array_equal(read_image("b.png")[0], asked.blurred(asked.picture(6, 7)))


def test_a_stream_without_end_runs_into_the_limit(asked: ModuleType, here: Path) -> None:
    """Before it fills the memory."""

    class Endless(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            assert size is not None
            assert size > 0
            return bytes(size)

    job = asked.job("-", to="b.png", reading={"max_memory": 5_000_000})
    with pytest.raises(errors.LimitError, match=r"^stdin: is a file of more than 5,000,000 bytes"):
        list(run_job(job, stdin=Endless()))


def test_a_stream_that_cannot_be_read_is_told(asked: ModuleType, here: Path) -> None:
    """As a folder for standard input."""

    class Broken(BytesIO):
        def read(self, size: int | None = -1) -> bytes:  # noqa: ARG002
            raise IsADirectoryError(21, "Is a directory")

    with pytest.raises(errors.ImageReadError, match=r"^stdin: cannot be read: Is a directory$"):
        list(run_job(asked.job("-", to="b.png"), stdin=Broken()))
