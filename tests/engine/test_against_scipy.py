"""Every border, anchor and size of kernel against scipy.ndimage in float64, and `valid` padding."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, signal

BORDERS = ("reflect", "mirror", "nearest", "wrap", "constant")
NUMPY_MODES = {
    "reflect": "symmetric",
    "mirror": "reflect",
    "nearest": "edge",
    "wrap": "wrap",
    "constant": "constant",
}
SMALL = settings(max_examples=25, deadline=None)
Run = Callable[..., tuple[npt.NDArray[Any], Any]]


def by_scipy(image: npt.NDArray[Any], taps: npt.NDArray[Any], anchor: tuple[int, int], **how: Any) -> Any:
    """The same correlation by SciPy, whose origin counts from the middle tap."""
    origin = [at - side // 2 for at, side in zip(anchor, taps.shape, strict=True)]
    return ndimage.correlate(image.astype(np.float64), taps.astype(np.float64), origin=origin, **how)


@pytest.mark.parametrize("method", ["direct", "separable"])
@pytest.mark.parametrize("border", BORDERS)
@given(data=st.data())
@SMALL
def test_a_border_is_scipys(
    reference: ModuleType, filtered: Run, method: str, border: str, data: st.DataObject
) -> None:
    """Any kernel, larger than the image too, with any anchor, gives what SciPy gives in float64."""
    case = data.draw(reference.float_cases(largest=6))
    image = data.draw(reference.images("float64", largest=7))
    option = f"constant:{case.value}" if border == "constant" else border
    result, _ = filtered(image, case.taps, anchor=case.anchor, border=option, method=method)
    expected = by_scipy(image, case.taps, case.anchor, mode=border, cval=case.value)
    np.testing.assert_allclose(result, expected, atol=1e-12 * max(1, abs(case.value)))


@pytest.mark.parametrize("border", NUMPY_MODES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (1, 6), (6, 1), (3, 2)])
def test_a_kernel_much_larger_than_the_image_sees_what_numpy_pads(
    filtered: Run, border: str, shape: tuple[int, int]
) -> None:
    """The border goes on for as long as the kernel reaches, many times the image's size.

    Not against SciPy's borders: its 2-D reflect reads outside of the image at such distances.
    """
    image = np.arange(1, 1 + shape[0] * shape[1], dtype=np.int16).reshape(shape)
    taps = np.random.default_rng(6).integers(-9, 10, (13, 16))
    result, _ = filtered(image, taps, anchor=(2, 15), border=border, dtype="float64")
    padded = np.pad(image, ((2, 10), (15, 0)), mode=NUMPY_MODES[border]).astype(np.float64)
    np.testing.assert_array_equal(
        result, signal.correlate(padded, taps.astype(np.float64), "valid", "direct")
    )


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("sides", [(2, 2), (2, 3), (4, 1), (3, 4)])
def test_every_anchor_of_an_even_kernel_is_scipys(filtered: Run, border: str, sides: tuple[int, int]) -> None:
    """An even kernel has no middle: each of its taps may lie on the output pixel."""
    image = np.random.default_rng(7).integers(0, 256, (5, 6)).astype(np.uint8)
    taps = np.random.default_rng(8).integers(-9, 10, sides)
    for anchor in np.ndindex(sides):
        result, _ = filtered(image, taps, anchor=anchor, border=border, dtype="int16")
        np.testing.assert_array_equal(result, by_scipy(image, taps, anchor, mode=border))


@given(data=st.data())
@SMALL
def test_a_gaussian_is_scipys(reference: ModuleType, filtered: Run, data: st.DataObject) -> None:
    """gaussian:S gives what scipy.ndimage.gaussian_filter gives, with its radius."""
    image = data.draw(reference.images("float64"))
    border = data.draw(st.sampled_from(BORDERS))
    result, _ = filtered(image, "gaussian:1.3", border=border)
    np.testing.assert_allclose(result, ndimage.gaussian_filter(image, 1.3, mode=border), atol=1e-13)


@pytest.mark.parametrize("name", ["sobel", "prewitt"])
def test_derivatives_are_scipys(filtered: Run, name: str) -> None:
    """sobel-x and prewitt-y have the signs of SciPy's filters along these axes."""
    image = np.random.default_rng(9).integers(0, 256, (7, 8)).astype(np.int16)
    for suffix, axis in (("x", 1), ("y", 0)):
        result, _ = filtered(image, f"{name}-{suffix}")
        np.testing.assert_array_equal(result, getattr(ndimage, name)(image, axis=axis))


@given(data=st.data())
@SMALL
def test_valid_padding_is_scipys(reference: ModuleType, filtered: Run, data: st.DataObject) -> None:
    """`valid` keeps the pixels for which the whole kernel lies on the image, whatever the anchor."""
    case = data.draw(reference.integer_cases())
    image = np.pad(data.draw(reference.images("int16")), 4, mode="wrap")
    method = data.draw(st.sampled_from(["direct", "separable"]))
    result, _ = filtered(
        image,
        case.taps,
        anchor=case.anchor,
        padding="valid",
        border=case.option,
        method=method,
        dtype="float64",
    )
    expected = signal.correlate(image.astype(np.float64), case.taps.astype(np.float64), "valid", "direct")
    np.testing.assert_array_equal(result, expected)


def test_valid_padding_of_an_image_as_large_as_the_kernel_is_one_pixel(filtered: Run) -> None:
    """Where the kernel fits exactly once one sample comes out."""
    image = np.arange(12, dtype=np.int16).reshape(3, 4)
    result, _ = filtered(image, np.arange(12).reshape(3, 4), padding="valid")
    assert result.tolist() == [[sum(n * n for n in range(12))]]
