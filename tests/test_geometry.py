"""What planning may know of an image."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from sepfilter.errors import ShapeError
from sepfilter.geometry import SAMPLE_TYPES, ImageSpec, Window, full_scale, sample_type


@pytest.mark.parametrize(
    ("dtype", "levels", "is_integer"),
    [
        ("uint8", 255, True),
        ("uint16", 65535, True),
        ("uint32", 4294967295, True),
        ("int8", 127, True),
        ("int16", 32767, True),
        ("int32", 2147483647, True),
        ("float16", 1, False),
        ("float32", 1, False),
        ("float64", 1, False),
    ],
)
def test_full_white_of_every_sample_type(dtype: str, levels: float, is_integer: bool) -> None:
    """Full white is the largest integer, or 1 for floats."""
    spec = ImageSpec(2, 3, 1, dtype)
    assert spec.levels == full_scale(dtype) == levels
    assert spec.is_integer is is_integer


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        (np.uint8, "uint8"),
        (np.dtype("float32"), "float32"),
        (">u2", "uint16"),
        ("<u2", "uint16"),
        (">f8", "float64"),
        ("i2", "int16"),
        ("e", "float16"),
        (float, "float64"),
    ],
)
def test_sample_types_have_one_name(dtype: type | str, name: str) -> None:
    """However a type is spelt, in whichever byte order, it has one name."""
    assert sample_type(dtype) == name
    assert ImageSpec(1, 1, 1, dtype) == ImageSpec(1, 1, 1, name)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "dtype", ["bool", "int64", "uint64", "complex64", "U1", "O", "M8[s]", "i4,i4", "nonsense", ""]
)
def test_other_sample_types_are_refused(dtype: str) -> None:
    """Types that no filter is defined for, or that are none, are refused with those that are."""
    with pytest.raises(ShapeError, match="are not filtered: use one of uint8, uint16, uint32"):
        sample_type(dtype)
    with pytest.raises(ShapeError, match="are not filtered"):
        ImageSpec(1, 1, 1, dtype)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((0, 1, 1), "image height is 0"),
        ((1, -1, 1), "image width is -1"),
        ((1, 1, 0), "image channels is 0"),
        ((1.5, 1, 1), "image height is 1.5"),
    ],
)
def test_sizes_below_1_or_broken_are_refused(size: tuple[float, float, float], message: str) -> None:
    """The error names which of the sizes is wrong."""
    with pytest.raises(ShapeError, match=f"{message}: it must be a whole number, at least 1"):
        ImageSpec(*size, "uint8")  # type: ignore[arg-type]


def test_whole_sizes_of_any_type_become_ints() -> None:
    """NumPy integers and whole floats are kept as plain ints, fit for JSON."""
    spec = ImageSpec(np.int64(4), 5.0, np.uint8(3), "uint8")  # type: ignore[arg-type]
    assert [type(size) for size in (spec.height, spec.width, spec.channels)] == [int] * 3
    assert spec == ImageSpec(4, 5, 3, "uint8")


@pytest.mark.parametrize(
    ("shape", "size"),
    [((4, 5), (4, 5, 1)), ((4, 5, 1), (4, 5, 1)), ((4, 5, 3), (4, 5, 3)), ((1, 1, 7), (1, 1, 7))],
)
def test_an_array_is_described_by_its_shape(shape: tuple[int, ...], size: tuple[int, int, int]) -> None:
    """(H, W) is one channel, (H, W, C) is C of them."""
    assert ImageSpec.of(np.zeros(shape, ">u2")) == ImageSpec(*size, "uint16")


@pytest.mark.parametrize("shape", [(), (4,), (1, 2, 3, 4), (0, 5), (5, 0), (5, 5, 0)])
def test_an_array_that_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    """Other dimensions than two or three, or none of a pixel, are refused."""
    with pytest.raises(ShapeError, match=r"2 or 3 dimensions|at least 1"):
        ImageSpec.of(np.zeros(shape))


def test_alpha_needs_a_colour_beside_it() -> None:
    """Opacity alone is no image; grey with alpha is."""
    with pytest.raises(ShapeError, match="at least one channel of colour"):
        ImageSpec(1, 1, 1, "uint8", alpha=True)
    assert ImageSpec.of(np.zeros((2, 2, 2)), alpha=True).alpha


def test_every_sample_type_listed_is_known_to_numpy() -> None:
    """The names are NumPy's own."""
    assert [np.dtype(name).name for name in SAMPLE_TYPES] == list(SAMPLE_TYPES)


def test_specs_and_windows_are_values() -> None:
    """They compare and hash by value, and cannot be changed."""
    assert len({ImageSpec(1, 2, 3, "uint8"), ImageSpec(1, 2, 3, "u1")}) == 1
    assert Window(1, 2, 3, 4) == Window(1, 2, 3, 4)
    assert Window(1, 2, 3, 4) != Window(2, 1, 3, 4)
    with pytest.raises(FrozenInstanceError):
        ImageSpec(1, 2, 3, "uint8").height = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        Window(1, 2, 3, 4).y = 2  # type: ignore[misc]


def test_an_image_has_a_bounded_number_of_channels() -> None:
    """As many as the engine takes; a header can claim more."""
    assert ImageSpec(1, 1, 4096, "uint8").channels == 4096
    with pytest.raises(ShapeError, match="an image of 4,097 channels: at most 4,096 are filtered"):
        ImageSpec(1, 1, 4097, "uint8")
