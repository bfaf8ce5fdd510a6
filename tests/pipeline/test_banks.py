"""Banks on image files: what goes in, what comes out, and in how many files."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from sepfilter.banks.bank import Bank
from sepfilter.banks.input_scale import InputScale
from sepfilter.banks.layers import Conv, Depthwise, Pointwise
from sepfilter.errors import LimitError, OptionError, OutputExistsError, ShapeError
from sepfilter.images.files import read_image, write_image
from sepfilter.images.metadata import Metadata
from sepfilter.pipeline import flow, run_job
from sepfilter.plans.bank_plan import BankPlan
from sepfilter.plans.options import Options
from sepfilter.results import Job, Reading, Result, Writing

EYE = Pointwise(np.eye(3))


def run(bank: Bank, *inputs: str, to: str | None, **options: Any) -> list[Result]:
    """The results of a bank on images."""
    return list(run_job(Job(inputs, to, bank=bank.filled(), **options)))


def mixing(channels: int) -> Bank:
    """A 3 x 3 layer and a mixing to so many channels."""
    random = np.random.default_rng(channels)
    return Bank([
        Depthwise(random.normal(size=(3, 1, 3, 3)), padding="same", stride=2),
        Pointwise(random.normal(size=(channels, 3)), activation="relu"),
    ])  # fmt: skip


@pytest.fixture
def photo(asked: ModuleType, here: Path) -> np.ndarray:
    """Colours in ``a.png``."""
    pixels = asked.picture(40, 30, 3)
    write_image("a.png", pixels)
    return pixels


def test_numbers_go_to_npy_as_they_are(photo: np.ndarray) -> None:
    """A result of any number of channels is float32 there, as the bank makes it from the array."""
    bank = mixing(7)
    (result,) = run(bank, "a.png", to="o.npy")
    assert np.array_equal(np.load("o.npy"), bank(photo))
    assert isinstance(result.plan, BankPlan)
    assert result.outputs[0].dtype == "float32"


@pytest.mark.parametrize("threads", [1, 3])
def test_a_file_does_not_depend_on_bands_and_threads(
    photo: np.ndarray, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two layers that reach around, in bands of a row or so, come out as from the array in one go."""
    monkeypatch.setattr(flow, "BAND_SAMPLES", 100)
    random = np.random.default_rng(1)
    bank = Bank([
        Conv(random.normal(size=(4, 3, 3, 3)), padding="same", border="reflect", activation="tanh"),
        Depthwise(random.normal(size=(4, 2, 5, 5)), padding="1", stride=(2, 3)),
        Pointwise(random.normal(size=(5, 8))),
    ])  # fmt: skip
    run(bank, "a.png", to="o.npy", threads=threads)
    assert np.load("o.npy").tobytes() == bank(photo).tobytes()


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_one_three_and_four_channels_become_an_image(photo: np.ndarray, channels: int, mode: str) -> None:
    """Rounded and saturated as the source's type."""
    bank = mixing(channels)
    (result,) = run(bank, "a.png", to="o.png")
    expected = np.clip(np.rint(bank(photo)), 0, 255)
    with Image.open("o.png") as image:
        assert image.mode == mode
        assert np.array_equal(np.asarray(image).reshape(expected.shape), expected)
    assert result.outputs[0].clipped_high == np.count_nonzero(np.rint(bank(photo)) > 255)


def test_other_numbers_become_pages_of_a_tiff(photo: np.ndarray) -> None:
    """A page a channel, float32."""
    bank = mixing(6)
    run(bank, "a.png", to="o.tiff")
    pages = tifffile.imread("o.tiff")
    assert np.array_equal(pages.transpose(1, 2, 0), bank(photo))


def test_a_file_a_channel(photo: np.ndarray) -> None:
    """{channel} in a template; losses are counted for each file."""
    bank = mixing(11)
    (result,) = run(bank, "a.png", to="{stem}-{channel}.png")
    assert [output.path for output in result.outputs][:2] == ["a-01.png", "a-02.png"]
    values = np.rint(bank(photo))
    for channel, output in enumerate(result.outputs):
        pixels, _ = read_image(output.path)
        assert np.array_equal(pixels, np.clip(values[..., channel], 0, 255))
        assert output.clipped_high == np.count_nonzero(values[..., channel] > 255)
    with pytest.raises(OutputExistsError, match=r"a-01\.png"):
        run(bank, "a.png", to="{stem}-{channel}.png")


def test_a_montage_is_one_grey_image(photo: np.ndarray) -> None:
    """A sheet of all channels, in 8 bits."""
    (result,) = run(mixing(9), "a.png", to="o.png", writing=Writing(montage=True))
    pixels, _ = read_image("o.png")
    assert (pixels.ndim, pixels.dtype) == (2, np.uint8)
    assert (result.outputs[0].height, result.outputs[0].width) == pixels.shape


@pytest.mark.parametrize("channels", [2, 256])
def test_an_image_format_that_cannot_take_the_channels_says_what_does(here: Path, channels: int) -> None:
    """Before any image is read; nothing is written."""
    with pytest.raises(OptionError) as caught:
        run(mixing(channels), "missing.png", to="o.png")
    assert str(caught.value) == (
        f"-o o.png: the bank makes {channels} channels, and PNG holds 1, 3 or 4: give o.npy, o.tiff (a page a "
        "channel), 'o-{channel}.png' (a file a channel), or --montage (one sheet)"
    )
    assert not list(here.iterdir())


def test_white_stays_white_where_the_input_scale_says_what_it_is(photo: np.ndarray) -> None:
    """Weights that take 0 to 1 and change nothing give the image back, in 16 bits too."""
    bank = Bank([EYE], input_scale=InputScale(1.0))
    run(bank, "a.png", to="o.png")
    assert np.array_equal(read_image("o.png")[0], photo)
    run(bank, "a.png", to="deep.png", options=Options(dtype="uint16"))
    assert np.array_equal(read_image("deep.png")[0], photo.astype(np.uint16) * 257)


def test_a_range_is_stretched_over_the_whole_result(photo: np.ndarray) -> None:
    """The smallest value of all channels is black, the largest white."""
    run(mixing(3), "a.png", to="o.png", options=Options(output_range="stretch"))
    pixels, _ = read_image("o.png")
    assert (pixels.min(), pixels.max()) == (0, 255)


def test_opacity_is_left_out_and_said(asked: ModuleType, here: Path) -> None:
    """A bank for colours filters those of a transparent image; one for four channels takes all."""
    pixels = asked.picture(8, 8, 4)
    write_image("a.png", pixels, Metadata(alpha=True))
    (result,) = run(Bank([EYE]), "a.png", to="o.png")
    assert result.notes == ("opacity was left out: a bank's layers filter colours",)
    assert np.array_equal(read_image("o.png")[0], pixels[..., :3])
    run(Bank([Pointwise(np.eye(4))]), "a.png", to="four.npy")
    assert np.array_equal(np.load("four.npy"), pixels)


def test_other_channels_are_the_inputs_error(asked: ModuleType, here: Path) -> None:
    """The message names the image and both numbers."""
    write_image("a.png", asked.picture(8, 8))
    with pytest.raises(ShapeError, match=r"^a\.png: the bank takes 3 channels, and the image has 1"):
        run(mixing(3), "a.png", to="o.png")
    write_image("b.png", asked.picture(8, 8, 3))
    (result,) = run(Bank([Conv(np.ones((1, 1, 3, 3)))]), "b.png", to="o.png", reading=Reading(grey=True))
    assert result.failure is None


def test_a_region_of_a_result_is_cut_from_it(photo: np.ndarray) -> None:
    """Strides and asymmetric padding begin at the image's edge, not at the region's."""
    bank = mixing(5)
    run(bank, "a.png", to="o.npy", reading=Reading(region=(3, 7, 8, 9)))
    assert np.array_equal(np.load("o.npy"), bank(photo)[7:16, 3:11])


def test_a_run_is_verified_against_all_taps_in_double(photo: np.ndarray) -> None:
    """The difference is that of float32."""
    (result,) = run(mixing(3), "a.png", to="o.png", verify=True)
    assert result.verification is not None
    assert 0 < result.verification.max_abs_difference < 1e-2


def test_a_plan_is_made_without_writing(photo: np.ndarray, here: Path) -> None:
    """--explain of a bank."""
    (result,) = run(mixing(300), "a.png", to=None, explain=True)
    assert isinstance(result.plan, BankPlan)
    assert result.plan.shape == (20, 15, 300)
    assert [path.name for path in here.iterdir()] == ["a.png"]


def test_channels_apart_are_for_banks(photo: np.ndarray, asked: ModuleType) -> None:
    """Kernels make images."""
    with pytest.raises(OptionError, match=r"\{channel\} is for the channels of a bank"):
        asked.results("a.png", to="{stem}-{channel}.png")


def test_all_taps_at_once_can_be_asked_for(photo: np.ndarray) -> None:
    """--method direct."""
    bank = Bank([Depthwise(np.ones((1, 1, 5, 5)), shared=True)])
    (auto,) = run(bank, "a.png", to="auto.npy")
    (direct,) = run(bank, "a.png", to="direct.npy", options=Options(method="direct"))
    assert (auto.plan.method, direct.plan.method) == ("separable", "direct")
    assert direct.plan.multiplications == direct.plan.direct_multiplications
    np.testing.assert_allclose(np.load("auto.npy"), np.load("direct.npy"), rtol=1e-6)


def test_files_of_channels_are_held_against_inputs_and_files(
    photo: np.ndarray, asked: ModuleType, here: Path
) -> None:
    """Before anything is written: a channel's file may be no input, no other's, and not there already."""
    write_image("a1.png", asked.picture(8, 8, 3))
    bank = Bank([EYE])
    shared = Bank([Depthwise(np.ones((1, 1, 1, 1)), shared=True)])
    for one in (bank, shared):
        with pytest.raises(
            OutputExistsError, match=r"a\.png would be written over a1\.png, which is an input too"
        ):
            run(one, "a.png", "a1.png", to="{stem}{channel}.png", writing=Writing(overwrite=True))
        with pytest.raises(OutputExistsError, match=r"a1\.png: exists already"):
            run(one, "a.png", to="{stem}{channel}.png")
    with pytest.raises(OutputExistsError, match=r"a\.png and a1\.png would both write a11\.npy"):
        run(mixing(12), "a.png", "a1.png", to="{stem}{channel:1}.npy")
    assert sorted(path.name for path in here.iterdir()) == ["a.png", "a1.png"]


def test_what_is_not_finite_is_counted_for_each_file(here: Path) -> None:
    """A NaN in one channel is none of the others', in files of floats too."""
    image = np.ones((4, 4, 3), np.float32)
    image[1, 2, 1] = np.nan
    np.save("a.npy", image)
    (result,) = run(Bank([Depthwise(np.ones((3, 1, 1, 1)))]), "a.npy", to="o-{channel}.npy")
    assert [output.nonfinite for output in result.outputs] == [0, 1, 0]


def test_a_montage_and_files_apart_contradict(photo: np.ndarray) -> None:
    """One sheet is no file a channel."""
    with pytest.raises(OptionError, match="--montage: all channels go to one sheet"):
        run(mixing(3), "a.png", to="{channel}.png", writing=Writing(montage=True))


def test_inks_become_numbers(asked: ModuleType, here: Path) -> None:
    """Four channels that a bank makes of CMYK are an image with opacity, not inks."""
    Image.fromarray(asked.picture(8, 8, 4), "CMYK").save("a.tif")
    run(Bank([Pointwise(np.eye(4))]), "a.tif", to="o.png")
    with Image.open("o.png") as image:
        assert image.mode == "RGBA"


@pytest.mark.parametrize(
    ("to", "writing", "needed"),
    [("{channel}.jpg", Writing(), 40 * 30 * 64), ("o.png", Writing(montage=True), 64 * 30 * 8)],
)
def test_what_is_held_back_of_a_result_is_limited(
    photo: np.ndarray, to: str, writing: Writing, needed: int
) -> None:
    """--max-memory counts pictures that are encoded as a whole, and thumbnails."""
    bank = Bank([Pointwise(np.ones((64, 3)))])
    with pytest.raises(LimitError, match="--max-memory raises the limit"):
        run(bank, "a.png", to=to, writing=writing, reading=Reading(max_memory=needed))
    run(bank, "a.png", to=to, writing=writing, reading=Reading(max_memory=10_000_000))


def test_a_stride_beyond_the_kernel_leaves_rows_out(
    photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In bands of a row, the rows that no output is made of are passed over, and not taken for others."""
    monkeypatch.setattr(flow, "BAND_SAMPLES", 100)
    bank = Bank([Pointwise(np.eye(3), stride=4)])
    for threads in (1, 2):
        run(bank, "a.png", to="o.npy", threads=threads, writing=Writing(overwrite=True))
        assert np.array_equal(np.load("o.npy"), photo[::4, ::4])


@pytest.mark.parametrize("border", ["wrap", "reflect", "mirror", "constant"])
@pytest.mark.parametrize("pads", ["same", "0 0 9 0", "5 5 5 5"])
@pytest.mark.parametrize("top", [0, 4, 11])
def test_a_region_needs_no_rows_that_were_not_read(
    photo: np.ndarray, border: str, pads: str, top: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever two layers reach around an edge, whichever rows are asked for, in whichever bands."""
    monkeypatch.setattr(flow, "BAND_SAMPLES", 100)
    bank = Bank([
        Depthwise(np.ones((3, 1, 3, 3)), padding="same", border=border),
        Depthwise(np.ones((3, 1, 3, 3)), padding=pads, border=border, stride=(2, 1)),
    ])  # fmt: skip
    whole = bank(photo)
    height = min(5, len(whole) - top)
    run(bank, "a.png", to="o.npy", reading=Reading(region=(0, top, whole.shape[1], height)), verify=True)
    assert np.array_equal(np.load("o.npy"), whole[top : top + height])


def test_a_part_that_is_all_padding_is_verified(photo: np.ndarray) -> None:
    """No row is read for it, and all are for the comparison."""
    bank = Bank([Depthwise(np.ones((3, 1, 1, 1)), padding="0 0 20 0")])
    (result,) = run(bank, "a.png", to="o.npy", reading=Reading(region=(0, 50, 30, 4)), verify=True)
    assert result.verification is not None
    assert result.verification.max_abs_difference == 0


def test_overflow_is_no_small_difference(here: Path) -> None:
    """Where float32 overflows and double does not, the difference is infinite."""
    np.save("a.npy", np.full((4, 4, 1), 1e38, np.float32))
    bank = Bank([Pointwise([[1e3]]), Pointwise([[1e-3]])])
    (result,) = run(bank, "a.npy", to="o.npy", verify=True)
    assert result.verification is not None
    assert result.verification.max_abs_difference == np.inf
