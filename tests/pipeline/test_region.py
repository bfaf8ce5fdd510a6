"""A region of a result: the same pixels as in all of it, from no more of the image than they need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from sepfilter.engine.execute import execute
from sepfilter.engine.planning import make_plan
from sepfilter.errors import ShapeError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images import raw_rows
from sepfilter.images.files import read_image, write_image
from sepfilter.kernels.notation import parse_cascade
from sepfilter.kernels.presets import named_kernel
from sepfilter.pipeline import Batch, flow
from sepfilter.pipeline.filters import KernelFilter
from sepfilter.pipeline.region import behind
from sepfilter.plans.options import Options
from sepfilter.results import Job, Reading, Result, Writing

Array = npt.NDArray[Any]
Region = tuple[int, int, int, int]

WIDTH, HEIGHT = 90, 120
REGIONS: dict[str, Region] = {
    "inside": (30, 40, 20, 25),
    "upper left": (0, 0, 12, 9),
    "lower right": (WIDTH - 7, HEIGHT - 11, 7, 11),
    "along the left": (0, 3, 5, 110),
    "one pixel": (44, 119, 1, 1),
    "all": (0, 0, WIDTH, HEIGHT),
}
BORDERS = ("reflect", "mirror", "nearest", "wrap", "constant:77")


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Bands of few rows, in an empty folder."""
    monkeypatch.setattr(flow, "BAND_SAMPLES", 500)
    monkeypatch.chdir(tmp_path)


def picture(*shape: int) -> Array:
    """Random bytes."""
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def made(path: str, output: str, kernel: str, region: Region | None, **options: Any) -> Result:
    """The result of a job on one file."""
    job = Job(
        (path,), output, tuple(parse_cascade(kernel)), Options(**options),
        reading=Reading(region=region), writing=Writing(overwrite=True), threads=2, verify=True,
    )  # fmt: skip
    (result,) = Batch.of(job).results()
    return result


def crop(pixels: Array, region: Region) -> Array:
    """The region of an array."""
    x, y, width, height = region
    return pixels[y : y + height, x : x + width]


@pytest.mark.parametrize("region", REGIONS.values(), ids=REGIONS.keys())
@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("kernel", ["gaussian:2", "sobel", "0 0 0 0 1; 0 0 0 0 0"])
def test_a_region_is_cut_out_of_the_whole_result(kernel: str, border: str, region: Region) -> None:
    """With every border, at every edge, in the same arithmetic."""
    pixels = picture(HEIGHT, WIDTH, 3)
    write_image("a.png", pixels)
    options = {"border": border, "method": "direct" if kernel.startswith("0") else "separable"}
    precision = "float" if kernel == "gaussian:2" else "exact"
    made("a.png", "b.png", kernel, region, precision=precision, **options)
    plan = make_plan(parse_cascade(kernel), ImageSpec.of(pixels), precision=precision, **options)
    assert np.array_equal(read_image("b.png")[0], crop(execute(plan, pixels), region))


@pytest.mark.parametrize("region", REGIONS.values(), ids=REGIONS.keys())
@pytest.mark.parametrize(
    ("kernel", "options"),
    [("box:21", {}), ("disk:6", {"method": "fft"}), ("gaussian:12", {"max_error": 1.0}), ("sobel", {"output_range": "stretch"})],
    ids=str,
)  # fmt: skip
def test_a_region_is_made_by_any_method(kernel: str, options: dict[str, Any], region: Region) -> None:
    """As that makes it of the whole, or a rounding apart where a smaller image is made another way."""
    pixels = picture(HEIGHT, WIDTH)
    write_image("a.png", pixels)
    result = made("a.png", "b.png", kernel, region, **options)
    plan = make_plan(parse_cascade(kernel), ImageSpec.of(pixels), **options)
    assert result.plan is not None
    bound = plan.error_bound + result.plan.error_bound
    difference = read_image("b.png")[0].astype(float) - crop(execute(plan, pixels), region)
    assert np.abs(difference).max() <= np.ceil(bound)


def test_valid_padding_counts_from_the_first_pixel_of_the_result() -> None:
    """Which lies inside the image."""
    pixels = picture(HEIGHT, WIDTH)
    write_image("a.png", pixels)
    for region in ((0, 0, 5, 7), (10, 20, 30, 40), (WIDTH - 5, HEIGHT - 5, 1, 1)):
        made("a.png", "b.png", "box:5", region, padding="valid")
        whole = execute(make_plan("box:5", ImageSpec.of(pixels), padding="valid"), pixels)
        assert np.array_equal(read_image("b.png")[0].reshape(region[3], region[2]), crop(whole, region))


@pytest.mark.parametrize(
    "region", [(0, 0, 91, 1), (0, 0, 1, 121), (90, 0, 1, 1), (0, 120, 1, 1), (5, 5, 0, 3), (-1, 0, 3, 3)]
)
def test_a_region_beyond_the_result_is_an_error(region: Region) -> None:
    """That says how large the result is; nothing is written."""
    write_image("a.png", picture(HEIGHT, WIDTH))
    with pytest.raises(ShapeError, match=r"^a\.png: the region .* 90 x 120 pixels: give another --region$"):
        made("a.png", "b.png", "box:3", region)
    assert not Path("b.png").exists()


def test_the_report_is_about_the_region() -> None:
    """The output has its size, and what was verified is its pixels."""
    write_image("a.png", picture(HEIGHT, WIDTH))
    result = made("a.png", "b.png", "gaussian:2", (0, 100, 50, 20))
    (output,) = result.outputs
    assert (output.width, output.height) == (50, 20)
    assert result.input is not None
    assert (result.input.width, result.input.height) == (WIDTH, HEIGHT)
    assert result.verification is not None
    assert result.verification.max_rounded_difference <= 1
    made("a.png", "c.png", "gaussian:2", None)
    assert np.array_equal(read_image("b.png")[0], read_image("c.png")[0][100:, :50])


def test_no_more_is_read_than_the_region_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own pixels and those under the kernel around them."""
    read: list[Window] = []
    original = raw_rows.RawRows.read

    def counted(self: raw_rows.RawRows, window: Window) -> Array:
        read.append(window)
        return original(self, window)

    monkeypatch.setattr(raw_rows.RawRows, "read", counted)
    np.save("a.npy", picture(HEIGHT, WIDTH))
    made("a.npy", "b.png", "box:5", (30, 40, 20, 25))
    assert min(window.y for window in read) == 38
    assert max(window.y + window.height for window in read) == 67
    assert {(window.x, window.width) for window in read} == {(28, 24)}
    assert sum(window.height for window in read) == 29


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ({"border": "reflect"}, (0, 12)),
        ({"border": "wrap"}, (0, 120)),
        ({"output_range": "stretch"}, (0, 120)),
    ],
)
def test_what_is_behind_a_region(options: dict[str, Any], rows: tuple[int, int]) -> None:
    """At the edge, the rows that stand in for those beyond; all where the whole result counts."""
    plan = make_plan(named_kernel("box:5"), ImageSpec(HEIGHT, WIDTH, 1, "uint8"), **options)
    read, _, part = behind(KernelFilter(plan, (), Options()), (40, 0, 10, 10))
    assert (read.y, read.y + read.height) == rows
    assert (part.height, part.width) == (10, 10)
    assert (read.x + part.x, read.y + part.y) == (40, 0)


def test_a_png_is_decoded_down_to_the_region_only() -> None:
    """Damage below it is not found, and need not be."""
    pytest.importorskip("imagecodecs", reason="without it a PNG is read as a whole")
    pixels = picture(3000, WIDTH, 3)
    write_image("a.png", pixels)
    content = bytearray(Path("a.png").read_bytes())
    content[-len(content) // 4] ^= 0x40
    Path("a.png").write_bytes(content)
    made("a.png", "b.png", "box:3", (5, 100, 20, 30))
    expected = execute(make_plan("box:3", ImageSpec.of(pixels)), pixels)
    assert np.array_equal(read_image("b.png")[0], crop(expected, (5, 100, 20, 30)))


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.bmp"])
def test_a_region_of_an_image_that_is_decoded_as_a_whole(name: str) -> None:
    """Is the same part of the same result."""
    write_image(name, picture(HEIGHT, WIDTH, 3))
    made(name, "whole.png", "box:5", None)
    for region in REGIONS.values():
        made(name, "b.png", "box:5", region)
        assert np.array_equal(read_image("b.png")[0], crop(read_image("whole.png")[0], region))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_region_is_of_the_picture_as_it_is_seen(orientation: int) -> None:
    """Whichever way the camera was held."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture(HEIGHT, WIDTH, 3)).save("a.png", exif=exif.tobytes())
    made("a.png", "whole.png", "sobel", None)
    for region in ((0, 0, 30, 20), (50, 60, 17, 13)):
        made("a.png", "b.png", "sobel", region)
        assert np.array_equal(read_image("b.png")[0], crop(read_image("whole.png")[0], region))


@pytest.mark.parametrize("kernel", ["box:301", "gaussian:40", "disk:15"])
def test_a_region_is_made_as_the_whole_is(kernel: str) -> None:
    """Method and precision are those of the whole image, though others would be quicker for a part."""
    pixels = picture(900, 900, 1)
    np.save("a.npy", pixels)
    made("a.npy", "whole.npy", kernel, None)
    for region in ((700, 400, 35, 90), (0, 0, 1, 1)):
        made("a.npy", "b.npy", kernel, region)
        assert np.array_equal(
            np.load("b.npy").reshape(region[3], region[2]), crop(np.load("whole.npy"), region)
        )
