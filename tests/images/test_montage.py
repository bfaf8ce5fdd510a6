"""Contact sheets: every channel small, in its own grey levels, with its number."""

from __future__ import annotations

import tracemalloc
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from sepfilter.errors import OptionError
from sepfilter.geometry import SAMPLE_TYPES, ImageSpec, Window
from sepfilter.images.collected import CollectingSink
from sepfilter.images.formats import format_named
from sepfilter.images.metadata import Metadata
from sepfilter.images.montage.averages import AreaAverages
from sepfilter.images.montage.layout import LABEL_HEIGHT, Montage, Sheet
from sepfilter.images.montage.sink import MontageSink
from sepfilter.images.montage.stretch import stretched
from sepfilter.images.sink import open_sink

Array = npt.NDArray[Any]

BACKGROUND = 48
SIDES = st.tuples(st.integers(1, 23), st.integers(1, 23), st.integers(1, 4))


def noise(*shape: int, dtype: str = "float32") -> Array:
    """Random samples."""
    generator = np.random.default_rng(5)
    if dtype.startswith("float"):
        return generator.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return generator.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def reduced(picture: Array, height: int, width: int, rows: int = 1000) -> Array:
    """Averages from windows of so many rows."""
    averages = AreaAverages(ImageSpec.of(picture), height, width)
    for y in range(0, len(picture), rows):
        averages.add(picture[y : y + rows])
    assert averages.is_complete
    return averages.averages


def naive(picture: Array, height: int, width: int) -> Array:
    """Averages of areas that are whole, once each pixel has become as many as there are areas."""
    large = picture.astype(np.float64).repeat(height, axis=0).repeat(width, axis=1)
    high, wide, channels = picture.shape
    return large.reshape(height, high, width, wide, channels).mean(axis=(1, 3))


def sheet_of(picture: Array, montage: Montage, rows: int = 1000) -> Array:
    """The contact sheet, shape (H', W')."""
    spec, sheets = ImageSpec.of(picture), []
    inner = CollectingSink(montage.sheet_spec(spec), sheets.append)
    sink = MontageSink(spec, inner, montage)
    for y in range(0, len(picture), rows):
        strip = picture[y : y + rows].copy()
        sink.write(Window(y, 0, *strip.shape[:2]), strip)
        strip[...] = 0
    sink.finish()
    (sheet,) = sheets
    assert ImageSpec.of(sheet) == montage.sheet_spec(spec)
    return np.asarray(sheet[..., 0])


def thumbnails_of(pixels: Array, sheet: Sheet) -> list[Array]:
    """The thumbnails cut out of a sheet."""
    return [pixels[y : y + sheet.height, x : x + sheet.width] for y, x in sheet.corners()]


@settings(max_examples=100, deadline=None)
@given(shape=SIDES, data=st.data(), dtype=st.sampled_from(SAMPLE_TYPES))
def test_areas_are_averaged(shape: tuple[int, int, int], data: st.DataObject, dtype: str) -> None:
    """Fractions of pixels count as fractions; against pixels that were repeated."""
    picture = noise(*shape, dtype=dtype)
    height, width = data.draw(st.integers(1, shape[0])), data.draw(st.integers(1, shape[1]))
    found, expected = reduced(picture, height, width), naive(picture, height, width)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())


@settings(max_examples=60, deadline=None)
@given(shape=SIDES, data=st.data(), rows=st.integers(1, 23))
def test_averages_do_not_depend_on_windows(
    shape: tuple[int, int, int], data: st.DataObject, rows: int
) -> None:
    """Not one bit."""
    picture = noise(*shape)
    height, width = data.draw(st.integers(1, shape[0])), data.draw(st.integers(1, shape[1]))
    assert reduced(picture, height, width, rows).tobytes() == reduced(picture, height, width).tobytes()


@settings(max_examples=60, deadline=None)
@given(
    picture=hnp.arrays(np.float32, SIDES, elements=st.sampled_from([0.5, 2.0, np.nan, np.inf, -np.inf])),
    side=st.integers(1, 23),
)
def test_what_is_not_finite_reaches_the_areas_it_is_in(picture: Array, side: int) -> None:
    """And no others: as in the naive average, without a warning."""
    height, width = min(side, picture.shape[0]), min(side, picture.shape[1])
    with np.errstate(invalid="ignore"):
        expected = naive(picture, height, width)
    np.testing.assert_allclose(reduced(picture, height, width), expected, rtol=1e-12)


def test_what_is_not_reduced_stays_as_it_is() -> None:
    """Bit for bit."""
    picture = noise(7, 5, 3)
    assert np.array_equal(reduced(picture, 7, 5), picture)


@settings(max_examples=100, deadline=None)
@given(
    number=st.floats(-1e300, 1e300, allow_subnormal=False),
    shape=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    data=st.data(),
)
@example(0.1, (83, 71), None)
def test_averages_of_equal_pixels_are_taken_for_equal(
    number: float, shape: tuple[int, int], data: st.DataObject | None
) -> None:
    """However rounding makes them differ: a channel of one value is mid-grey."""
    draw = (lambda most: data.draw(st.integers(1, most))) if data else (lambda most: most // 2)
    averages = AreaAverages(ImageSpec(*shape, 1, "float64"), draw(shape[0]), draw(shape[1]))
    averages.add(np.full((*shape, 1), number))
    assert (stretched(averages.averages, averages.rounding) == 128).all()


def test_small_differences_are_no_rounding() -> None:
    """A single float32 step in one pixel of many shows."""
    picture = np.ones((400, 400, 1), np.float32)
    picture[200, 200] = np.nextafter(np.float32(1), np.float32(2))
    averages = AreaAverages(ImageSpec.of(picture), 20, 20)
    averages.add(picture)
    assert stretched(averages.averages, averages.rounding)[10, 10, 0] == 255


@given(
    values=hnp.arrays(np.float64, st.integers(1, 30), elements=st.floats(allow_subnormal=False)),
)
def test_levels_go_from_black_to_white(values: Array) -> None:
    """In the order of the values; what is not finite does not count."""
    levels, finite = stretched(values), np.isfinite(values)
    counted = values[finite]
    if counted.size and counted.min() < counted.max():
        assert levels[finite][counted.argmin()] == 0
        assert levels[finite][counted.argmax()] == 255
        assert (np.diff(levels[finite][counted.argsort()].astype(int)) >= 0).all()
    else:
        assert (levels[finite] == 128).all()
    assert (levels[~finite] == np.where(values[~finite] == np.inf, 255, 0)).all()


@pytest.mark.parametrize("channels", [1, 2, 3, 7, 64, 256, 1000, 4096])
@pytest.mark.parametrize("size", [(1, 1), (12, 12), (512, 512), (3000, 4000), (4000, 1000), (100, 9000)])
def test_a_sheet_fits_a_screen(channels: int, size: tuple[int, int]) -> None:
    """Thumbnails of at most 256 pixels a side, never enlarged; the sheet has room for all within 4096."""
    spec = ImageSpec(*size, channels, "float32")
    sheet = Montage().sheet(spec)
    assert max(sheet.height, sheet.width) <= 256
    assert sheet.height <= size[0]
    assert sheet.width <= size[1]
    assert max(sheet.spec.height, sheet.spec.width) <= 4096
    assert sheet.rows * sheet.columns >= channels > (sheet.rows - 1) * sheet.columns
    assert abs(sheet.height / sheet.width - size[0] / size[1]) <= max(size) / min(size) * 0.05 or (
        min(sheet.height, sheet.width) < 10
    )


@pytest.mark.parametrize(("size", "columns"), [((512, 512), 8), ((4000, 1000), 16), ((100, 400), 5)])
def test_a_sheet_is_about_square(size: tuple[int, int], columns: int) -> None:
    """Wide pictures stand in fewer columns than rows."""
    sheet = Montage().sheet(ImageSpec(*size, 64, "uint8"))
    assert sheet.columns == columns
    assert 0.75 < sheet.spec.height / sheet.spec.width < 1.34


def test_thumbnails_are_as_large_as_fits() -> None:
    """With one pixel more a side the sheet would be too large."""
    spec, montage = ImageSpec(700, 900, 256, "uint8"), Montage(thumbnail=256, side=2000)
    sheet = montage.sheet(spec)
    larger = Montage(thumbnail=sheet.width + 1, side=10**6).sheet(spec)
    assert max(larger.spec.height, larger.spec.width) > 2000 >= max(sheet.spec.height, sheet.spec.width)


@pytest.mark.parametrize("channels", [1, 6, 64, 1000])
def test_nothing_overlaps(channels: int) -> None:
    """Neither thumbnails nor their numbers, and all are on the sheet."""
    sheet = Montage(side=1500).sheet(ImageSpec(30, 40, channels, "uint8"))
    used = np.zeros((sheet.spec.height, sheet.spec.width), int)
    for y, x in sheet.corners():
        used[y : y + sheet.height + LABEL_HEIGHT, x : x + sheet.step[1] - 2] += 1
    assert used.max() == 1
    assert used.sum() == channels * (sheet.height + LABEL_HEIGHT) * (sheet.step[1] - 2)


@pytest.mark.parametrize(("thumbnail", "side"), [(0, 100), (100, 0), (-5, 100)])
def test_a_sheet_of_nothing_is_refused(thumbnail: int, side: int) -> None:
    """With the numbers that were given."""
    with pytest.raises(OptionError, match=f"montage: {thumbnail} and {side} pixels"):
        Montage(thumbnail, side)


@settings(max_examples=30, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 60), st.integers(1, 60), st.integers(1, 9)),
    dtype=st.sampled_from(SAMPLE_TYPES),
    rows=st.integers(1, 60),
)
def test_a_sheet_does_not_depend_on_windows(shape: tuple[int, int, int], dtype: str, rows: int) -> None:
    """Of any sample type; each thumbnail is the stretched average of its channel."""
    picture, montage = noise(*shape, dtype=dtype), Montage(thumbnail=20)
    pixels, sheet = sheet_of(picture, montage, rows), montage.sheet(ImageSpec.of(picture))
    assert np.array_equal(pixels, sheet_of(picture, montage))
    for channel, thumbnail in enumerate(thumbnails_of(pixels, sheet)):
        values = naive(picture[..., channel : channel + 1], sheet.height, sheet.width)[..., 0]
        if values.max() > values.min():
            levels = (values - values.min()) / (values.max() - values.min()) * 255
            assert np.abs(thumbnail - levels).max() < 0.51
        else:
            assert (thumbnail == 128).all()


def test_each_channel_is_stretched_by_itself() -> None:
    """Small and large ranges, one value only, and values that are none."""
    ramp = np.arange(100.0, dtype=np.float32).reshape(10, 10)
    odd = ramp.copy()
    odd[0, :3] = np.nan, np.inf, -np.inf
    picture = np.stack([ramp, ramp * 1e-6 + 1, -ramp * 1e6, ramp * 0 + 7, odd, ramp * np.nan], axis=-1)
    thumbnails = thumbnails_of(sheet_of(picture, Montage()), Montage().sheet(ImageSpec(10, 10, 6, "float32")))
    expected = np.rint(ramp / 99 * 255)
    assert np.array_equal(thumbnails[0], expected)
    assert np.abs(thumbnails[1] - expected).max() < 26  # float32 has 16 steps of it
    assert np.array_equal(thumbnails[2], 255 - expected)
    assert (thumbnails[3] == 128).all()
    assert thumbnails[4][0, :4].tolist() == [0, 255, 0, 0]
    assert thumbnails[4][9, 9] == 255
    assert (thumbnails[5] == 0).all()


@pytest.mark.parametrize("channels", [1, 12, 4096])
def test_each_thumbnail_has_its_number_below_it(channels: int) -> None:
    """Light on dark, all different, and within its place."""
    picture = np.zeros((20, 60, channels), np.uint8)
    sheet = Montage().sheet(ImageSpec.of(picture))
    pixels = sheet_of(picture, Montage()).copy()
    labels = set()
    for y, x in sheet.corners():
        label = pixels[y + sheet.height : y + sheet.height + LABEL_HEIGHT, x : x + sheet.step[1] - 4]
        assert label.max() > 200
        labels.add(label.tobytes())
        pixels[y : y + sheet.height + LABEL_HEIGHT, x : x + sheet.step[1] - 4] = BACKGROUND
    assert len(labels) == channels
    assert (pixels == BACKGROUND).all()


def test_numbers_are_drawn_without_freetype(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the letters that Pillow has then."""
    from PIL import ImageFont, features

    monkeypatch.setattr(features, "check", lambda _: False)
    monkeypatch.setattr(ImageFont, "load_default", lambda _size: ImageFont.load_default_imagefont())
    pixels = sheet_of(np.zeros((20, 60, 3), np.uint8), Montage())
    assert (pixels[24 : 24 + LABEL_HEIGHT] > 200).any()


@pytest.mark.parametrize("name", ["png", "tiff", "bmp", "ppm", "jpeg", "webp"])
def test_a_sheet_is_written_in_any_format(name: str) -> None:
    """Through the sink of a grey image."""
    picture, montage = noise(40, 50, 5), Montage()
    spec, file = ImageSpec.of(picture), BytesIO()
    inner = open_sink(file, montage.sheet_spec(spec), Metadata(), format_named(name))
    sink = MontageSink(spec, inner, montage)
    sink.write(Window.whole(spec), picture)
    sink.finish()
    expected = sheet_of(picture, montage)
    with Image.open(BytesIO(file.getvalue())) as image:
        found = np.asarray(image.convert("L"))
    assert found.shape == expected.shape
    if name not in {"jpeg", "webp"}:
        assert np.array_equal(found, expected)


def test_a_picture_that_ends_early_is_an_error() -> None:
    """Instead of a sheet of what came."""
    spec = ImageSpec(8, 8, 2, "float32")
    sink = MontageSink(spec, CollectingSink(Montage().sheet_spec(spec), lambda _: None))
    sink.write(Window(0, 0, 7, 8), noise(7, 8, 2))
    with pytest.raises(ValueError, match="fewer than its 8 rows"):
        sink.finish()


def test_memory_is_taken_for_thumbnails_and_a_row() -> None:
    """Whatever the height of the picture."""
    spec, montage = ImageSpec(2000, 400, 40, "float32"), Montage(thumbnail=32)
    window = noise(50, 400, 40)
    tracemalloc.start()
    try:
        sink = MontageSink(spec, CollectingSink(montage.sheet_spec(spec), lambda _: None), montage)
        for y in range(0, spec.height, 50):
            sink.write(Window(y, 0, 50, spec.width), window)
        sink.finish()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * 2**20
