"""Choosing the output's type and scale, and what follows from them."""

from __future__ import annotations

import math

import pytest

from sepfilter.errors import OptionError
from sepfilter.geometry import ImageSpec
from sepfilter.plans.output_map import OutputMap, make_output_map

EIGHT, SIXTEEN = ImageSpec(4, 4, 1, "uint8"), ImageSpec(4, 4, 1, "uint16")


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "float16", "float64"])
def test_the_output_has_the_sources_type_unless_told(dtype: str) -> None:
    """Values go to rounding as they are."""
    output = make_output_map(ImageSpec(4, 4, 1, dtype))
    assert (output.dtype, output.scale, output.total_offset) == (dtype, 1.0, 0.0)
    assert output.is_trivial


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("uint8", "float32"),
        ("uint16", "float32"),
        ("float16", "float32"),
        ("int32", "float64"),
        ("uint32", "float64"),
        ("float64", "float64"),
    ],
)
def test_the_range_float_takes_the_smallest_type_that_holds_the_source(source: str, target: str) -> None:
    """float32, or float64 for sources that float32 cannot hold."""
    assert make_output_map(ImageSpec(4, 4, 1, source), output_range="float").dtype == target


@pytest.mark.parametrize(
    ("source", "target", "scale"),
    [
        ("uint8", "uint16", 257.0),
        ("uint16", "uint8", 1 / 257),
        ("uint8", "uint32", 4294967295 / 255),
        ("uint8", "uint8", 1.0),
        ("uint8", "int16", 1.0),
        ("uint8", "float32", 1.0),
        ("int16", "uint8", 1.0),
        ("float32", "uint8", 1.0),
    ],
)
def test_full_white_stays_full_white_between_unsigned_types(source: str, target: str, scale: float) -> None:
    """Only from one unsigned integer type to another are values scaled."""
    spec = ImageSpec(4, 4, 1, source)
    assert make_output_map(spec, dtype=target).scale == pytest.approx(scale, rel=1e-15)
    assert make_output_map(spec, dtype=target, scale=-3).scale == pytest.approx(-3 * scale, rel=1e-15)


def test_a_type_in_another_byte_order_is_the_same_type() -> None:
    """Samples are kept in the machine's own order."""
    assert make_output_map(EIGHT, dtype=">u2").dtype == "uint16"


@pytest.mark.parametrize(
    ("dtype", "offset"), [("uint8", 128), ("uint16", 32768), ("uint32", 2**31), ("int8", 0), ("float32", 0.5)]
)
def test_the_range_offset_adds_half_of_the_range(dtype: str, offset: float) -> None:
    """Unsigned 0 becomes mid-grey; a signed type has its 0 in the middle already."""
    output = OutputMap(1.0, 3.0, "offset", dtype)
    assert output.total_offset == offset + 3


@pytest.mark.parametrize(
    ("dtype", "limits"),
    [("uint8", (0, 255)), ("int8", (-128, 127)), ("int32", (-(2**31), 2**31 - 1)), ("float32", (0, 1))],
)
def test_limits_are_those_of_the_type(dtype: str, limits: tuple[float, float]) -> None:
    """Integers end where their type does; floats have black and white at 0 and 1."""
    assert OutputMap(1.0, 0.0, "clip", dtype).limits == limits


@pytest.mark.parametrize(
    ("keywords", "fragment"),
    [
        ({"output_range": "wrap"}, "use one of clip, abs, offset, stretch, float"),
        ({"scale": math.nan}, "scale nan"),
        ({"scale": math.inf}, "must be a finite number"),
        ({"offset": -math.inf}, "offset -inf"),
        ({"output_range": "float", "dtype": "uint8"}, "keeps fractions"),
        ({"output_range": "float", "dtype": "int16"}, "int16"),
    ],
)
def test_what_cannot_be_is_refused(keywords: dict[str, object], fragment: str) -> None:
    """Unknown ranges, numbers that are not finite, and fractions in an integer type."""
    with pytest.raises(OptionError) as caught:
        make_output_map(EIGHT, **keywords)  # type: ignore[arg-type]
    assert fragment in str(caught.value)


@pytest.mark.parametrize(
    ("output", "keeps"),
    [
        (OutputMap(2.0, 0.0, "clip", "uint8"), True),
        (OutputMap(-0.125, 7.0, "abs", "uint8"), True),
        (OutputMap(1.0, 0.0, "offset", "uint8"), True),
        (OutputMap(3.0, 0.0, "clip", "uint8"), False),
        (OutputMap(0.0, 0.0, "clip", "uint8"), False),
        (OutputMap(1.0, 0.5, "clip", "uint8"), False),
        (OutputMap(2.0, 0.0, "clip", "float32"), False),
        (OutputMap(1.0, 0.0, "stretch", "uint8"), False),
    ],
)
def test_powers_of_two_and_whole_offsets_round_nothing(output: OutputMap, keeps: bool) -> None:
    """Such a map leaves exact results exact; any other rounds a second time."""
    assert bool(output.keeps_exactness) == keeps


def test_what_stretch_spreads_lies_after_scale_and_offset() -> None:
    """The interval found in filtered values is the mapped one, its ends in order."""
    output = OutputMap(-2.0, 1.0, "stretch", "uint8").stretched(-5.0, 20.0)
    assert output.spread == (-39.0, 11.0)


def test_opacity_has_a_map_of_its_own() -> None:
    """What colours undergo does not touch opacity, but it follows them into another type."""
    colours = make_output_map(EIGHT, scale=3, offset=9, output_range="abs", dtype="uint16")
    opacity = colours.for_opacity(EIGHT)
    assert (opacity.scale, opacity.total_offset, opacity.dtype) == (257.0, 0.0, "uint16")
    assert make_output_map(SIXTEEN, output_range="float").for_opacity(SIXTEEN).scale == 1
