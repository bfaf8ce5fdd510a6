"""From filtered values to output samples: scale, offset, range, rounding, saturation, counts."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.engine.apply import apply
from sepfilter.engine.execute import run
from sepfilter.engine.mapping import Losses, map_samples
from sepfilter.engine.planning import make_plan
from sepfilter.geometry import ImageSpec
from sepfilter.plans.output_map import OutputMap

INTEGERS = ("uint8", "uint16", "uint32", "int8", "int16", "int32")
Array = npt.NDArray[Any]


def mapped(values: list[float], output: OutputMap, dtype: str = "float64") -> tuple[list[Any], Losses]:
    """Samples and losses of a row of values."""
    out = np.empty(len(values), output.dtype)
    losses = map_samples(np.array(values, dtype), output, out)
    return out.tolist(), losses


@pytest.mark.parametrize("dtype", INTEGERS)
@given(values=st.lists(st.floats(-1e10, 1e10), min_size=1, max_size=20))
@settings(max_examples=40, deadline=None)
def test_values_are_rounded_half_to_even_and_saturate(dtype: str, values: list[float]) -> None:
    """Each sample is Python's own rounding, held within the type; what was held is counted."""
    values = [*values, 0.5, 1.5, 2.5, -0.5, 126.5]
    info = np.iinfo(dtype)
    samples, losses = mapped(values, OutputMap(1.0, 0.0, "clip", dtype))
    wide = [round(Fraction(value)) for value in values]
    assert samples == [min(max(value, int(info.min)), int(info.max)) for value in wide]
    assert losses.clipped_low == sum(value < info.min for value in wide)
    assert losses.clipped_high == sum(value > info.max for value in wide)


def test_a_value_that_rounds_to_the_limit_is_not_counted_as_clipped() -> None:
    """255.4 and -0.5 are within reach of uint8; 255.6 is not."""
    samples, losses = mapped([255.4, -0.5, 255.6, -0.6], OutputMap(1.0, 0.0, "clip", "uint8"))
    assert samples == [255, 0, 255, 0]
    assert losses == Losses(clipped_low=1, clipped_high=1)


def test_scale_comes_before_offset() -> None:
    """The output is scale * value + offset."""
    assert mapped([10.0, 20.0], OutputMap(-0.5, 30.0, "clip", "uint8"))[0] == [25, 20]


def test_abs_takes_the_absolute_value_of_what_was_mapped() -> None:
    """Edges of both signs become positive, after scale and offset."""
    samples, losses = mapped([-30.0, 30.0, -300.0], OutputMap(2.0, 10.0, "abs", "uint8"))
    assert samples == [50, 70, 255]
    assert losses == Losses(clipped_high=1)


@pytest.mark.parametrize(
    ("dtype", "middle"), [("uint8", 128), ("uint16", 32768), ("int16", 0), ("float32", 0.5)]
)
def test_offset_moves_zero_to_the_middle_of_the_range(dtype: str, middle: float) -> None:
    """0 becomes mid-grey, and the offset asked for is added to that."""
    assert mapped([0.0], OutputMap(1.0, 0.0, "offset", dtype))[0] == [middle]
    assert mapped([1.0], OutputMap(2.0, 3.0, "offset", dtype))[0] == [middle + 5]


def test_everything_is_rounded_only_once() -> None:
    """Half a level of the filter and half a level of the offset make one level."""
    assert mapped([0.5, 1.25], OutputMap(1.0, 0.5, "clip", "uint8"))[0] == [1, 2]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_float_samples_are_neither_rounded_nor_held(dtype: str) -> None:
    """A float output holds fractions, negative values and values above white."""
    samples, losses = mapped([-1.5, 0.25, 300.125], OutputMap(1.0, 0.0, "clip", dtype))
    assert samples == [-1.5, 0.25, 300.0 if dtype == "float16" else 300.125]
    assert losses == Losses()


def test_bad_values_are_counted_once_each() -> None:
    """NaN becomes 0 in an integer type, infinities its limits."""
    samples, losses = mapped([np.nan, np.inf, -np.inf], OutputMap(1.0, 0.0, "clip", "int16"), "float32")
    assert samples == [0, 32767, -32768]
    assert losses.nonfinite == 3


@pytest.mark.parametrize(("dtype", "white"), [("uint8", 255), ("uint16", 65535), ("int16", 32767)])
def test_stretch_makes_the_smallest_black_and_the_largest_white(dtype: str, white: int) -> None:
    """The whole range of the output is used, whatever the filter's results were."""
    image = np.random.default_rng(30).integers(0, 256, (9, 9)).astype(np.uint8)
    for kernel in ("laplacian", "gaussian:1", "sobel"):
        result = apply(image, kernel, output_range="stretch", dtype=dtype)
        assert (result.min(), result.max()) == (0, white)


def test_stretch_is_linear_between_its_limits() -> None:
    """Values in between lie where they should, rounded once."""
    image = np.array([[10, 20, 35, 60]], np.uint8)
    result = apply(image, [[2]], output_range="stretch")
    assert result.tolist() == [[0, 51, round(25 * 255 / 50), 255]]


def test_stretch_of_a_flat_result_is_black() -> None:
    """Where all values are equal there is nothing to spread: all become black."""
    assert not apply(np.full((3, 3), 9, np.uint8), "box:3", output_range="stretch").any()


def test_stretch_of_float_samples_goes_from_0_to_1() -> None:
    """A float output is spread from black, 0, to white, 1."""
    image = np.array([[-3.0, 1.0, 5.0]], np.float32)
    assert apply(image, [[1]], output_range="stretch").tolist() == [[0.0, 0.5, 1.0]]


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("uint8", "uint16", [0, 257, 65535]),
        ("uint16", "uint8", [0, 0, 1]),
        ("uint8", "int16", [0, 1, 255]),
        ("uint8", "float32", [0.0, 1.0, 255.0]),
        ("int16", "uint8", [0, 1, 255]),
    ],
)
def test_full_white_stays_full_white_between_unsigned_types(
    source: str, target: str, expected: list[float]
) -> None:
    """Unsigned integers are scaled to the other range; other outputs take values as they are."""
    image = np.array([[0, 1, 255]], source)
    assert apply(image, [[1]], dtype=target).tolist() == [expected]


def test_the_range_float_keeps_fractions_unrounded() -> None:
    """8-bit sources give float32 samples, negative ones too."""
    result = apply(np.array([[0, 1, 0]], np.uint8), [[0.25, 0, -0.25]], output_range="float")
    assert result.dtype == np.float32
    assert result.tolist() == [[-0.25, 0.0, 0.25]]


def test_saturated_samples_of_a_run_are_counted() -> None:
    """A run says how many samples its output type could not hold, channels counted one by one."""
    image = np.zeros((4, 5, 2), np.uint8)
    image[..., 1] = 200
    losses = run(make_plan([[2]], ImageSpec.of(image)), image).losses
    assert losses == Losses(clipped_high=20)
    losses = run(make_plan([[1]], ImageSpec.of(image), offset=-1), image).losses
    assert losses == Losses(clipped_low=20)


def test_a_kernels_own_offset_comes_before_scale_and_range() -> None:
    """The offset that a kernel brings along is added to its sum first."""
    from dataclasses import replace

    from sepfilter.kernels.kernel import Kernel

    kernel = replace(Kernel.from_taps([[1]]), offset=-30.0)
    image = np.array([[10, 50]], np.uint8)
    assert apply(image, kernel).tolist() == [[0, 20]]
    assert apply(image, kernel, scale=2.0, offset=5.0, output_range="abs").tolist() == [[35, 45]]


@pytest.mark.parametrize("output_range", ["clip", "abs", "offset"])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_options_apply_scale_offset_and_range_in_turn(
    reference: Any, output_range: str, data: st.DataObject
) -> None:
    """The same by plain arithmetic, with an exact sum: fractions rounded once."""
    image = data.draw(reference.images("uint8"))
    scale = data.draw(st.sampled_from([-2.0, -0.25, 0.5, 1.0, 4.0]))
    offset = data.draw(st.integers(-300, 300))
    taps = np.array([[1, -3, 1], [0, 2, 1]])
    result = apply(image, taps, scale=scale, offset=offset, output_range=output_range)
    true = reference.correlate(image.astype(object), taps) * Fraction(scale) + offset
    true = {"clip": true, "abs": abs(true), "offset": true + 128}[output_range]
    np.testing.assert_array_equal(result, reference.rounded(true, "uint8"))


@pytest.mark.parametrize(
    ("dtype", "white"), [("uint8", 255), ("uint16", 65535), ("int16", 32767), ("float32", 1)]
)
def test_stretch_spreads_an_interval_over_the_range(dtype: str, white: float) -> None:
    """The interval's ends become black and full white."""
    output = OutputMap(1.0, 0.0, "stretch", dtype).stretched(-5.0, 20.0)
    out = np.empty(2, dtype)
    map_samples(np.array([-5.0, 20.0]), output, out)
    assert out.tolist() == [0, white]


def test_stretch_of_a_single_value_makes_it_black() -> None:
    """An interval without width has nothing to spread."""
    out = np.empty(1, np.uint8)
    map_samples(np.array([7.0]), OutputMap(1.0, 0.0, "stretch", "uint8").stretched(7.0, 7.0), out)
    assert out.tolist() == [0]
