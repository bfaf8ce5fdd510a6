"""ImageMagick's kernel strings: sizes, origins, holes and lists, read and written."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter import apply
from sepfilter.errors import KernelError
from sepfilter.kernels.imagemagick import kernel_to_imagemagick, kernels_from_imagemagick
from sepfilter.kernels.kernel import DenseTaps, Kernel

FEW = settings(max_examples=50, deadline=None)


def read(text: str) -> Kernel:
    """The one kernel of a string."""
    (kernel,) = kernels_from_imagemagick(text, "k")
    return kernel


@pytest.mark.parametrize(
    ("text", "taps", "anchor"),
    [
        ("3x3: 1,2,1 2,4,2 1,2,1", [[1, 2, 1], [2, 4, 2], [1, 2, 1]], (1, 1)),
        ("3x1:1 2 1", [[1, 2, 1]], (0, 1)),
        ("1X2:1,2", [[1], [2]], (0, 0)),
        ("2: 1,2,3,4", [[1, 2], [3, 4]], (0, 0)),
        ("2x: 1,2,3,4", [[1, 2], [3, 4]], (0, 0)),
        ("4x4:" + "1," * 16, [[1] * 4] * 4, (1, 1)),
        ("3x2+2+1: 1,2,3,4,5,6", [[1, 2, 3], [4, 5, 6]], (1, 2)),
        ("3x3+0: 1,2,3,4,5,6,7,8,9", [[1, 2, 3], [4, 5, 6], [7, 8, 9]], (1, 0)),
        ("3x1: nan,2,-", [[0, 2, 0]], (0, 1)),
        ("3x1: NaN -1 -", [[0, -1, 0]], (0, 1)),
        ("2x2:\n  1, 2\n  3, 4 # four\n", [[1, 2], [3, 4]], (0, 0)),
        ("; 1x1: 5 ;;", [[5]], (0, 0)),
        ("1x1: 1e-3", [[0.001]], (0, 0)),
        ("2x1: 1/2,1/2", [[0.5, 0.5]], (0, 0)),
    ],
)
def test_a_string_is_read_with_its_origin(
    text: str, taps: list[list[float]], anchor: tuple[int, int]
) -> None:
    """Values fill the rows; +X+Y is column and row; the default is left of and above an even centre."""
    kernel = read(text)
    assert kernel.taps.tolist() == taps
    assert kernel.anchor == anchor


def test_a_list_is_several_kernels() -> None:
    """A ``;`` starts another kernel, with a size of its own."""
    kernels = kernels_from_imagemagick("3x1: 1,2,1; 1x3+0+2: 1,2,1;", "k")
    assert [(kernel.height, kernel.width, kernel.anchor) for kernel in kernels] == [
        (1, 3, (0, 1)),
        (3, 1, (2, 0)),
    ]
    assert [kernel.name for kernel in kernels] == ["k, kernel 1", "k, kernel 2"]


def morphology(image: np.ndarray, kernel: np.ndarray, x: int, y: int, *, convolve: bool) -> np.ndarray:
    """What ImageMagick computes: pixel by pixel, its Convolve from the far corner of the kernel."""
    height, width = kernel.shape
    values, oy, ox = (kernel[::-1, ::-1], height - 1 - y, width - 1 - x) if convolve else (kernel, y, x)
    padded = np.pad(image, 8, mode="edge")
    out = np.zeros_like(image)
    for row, column in np.ndindex(image.shape):
        top, left = row + 8 - oy, column + 8 - ox
        out[row, column] = (padded[top : top + height, left : left + width] * values).sum()
    return out


@pytest.mark.parametrize(
    "text", ["3x3: 1,2,3,4,5,6,7,8,9", "2x2: 1,2,3,4", "4x3+0+2: 1,2,3,4,5,6,7,8,9,10,11,12"]
)
def test_it_filters_as_imagemagick_does(text: str) -> None:
    """As it is written it is Correlate, turned it is Convolve, for even sizes and any origin."""
    image = np.random.default_rng(1).integers(0, 9, (9, 11)).astype(np.float64)
    kernel = read(text)
    ay, ax = kernel.anchor
    options = {"border": "nearest", "output_range": "float"}
    for convolve, one in ((False, kernel), (True, kernel.flipped())):
        expected = morphology(image, kernel.taps, ax, ay, convolve=convolve)
        assert np.array_equal(apply(image, one, **options), expected)


@given(st.integers(1, 5), st.integers(1, 5), st.data())
@FEW
def test_a_string_comes_back(height: int, width: int, data: st.DataObject) -> None:
    """Decimals keep taps, fractions and anchor, even sizes included."""
    numbers = st.integers(-(10**6), 10**6).map(lambda n: Fraction(n, 1000)) | st.integers(1, 20).map(
        lambda n: Fraction(1, 2**n)
    )
    taps = data.draw(st.lists(numbers, min_size=height * width, max_size=height * width))
    anchor = (data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1)))
    origin = f"+{anchor[1]}+{anchor[0]}"
    kernel = read(f"{width}x{height}{origin}: {','.join(map(str, taps))}")
    text, rounded = kernel_to_imagemagick(kernel)
    assert read(text) == kernel
    assert not rounded
    assert "/" not in text


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=9))
@FEW
def test_float64_taps_come_back(taps: list[float]) -> None:
    """A kernel without fractions is written with all the digits that it needs."""
    assert read(kernel_to_imagemagick(Kernel.from_taps([taps]))[0]).taps.tolist() == [taps]


def test_what_no_decimal_holds_is_rounded_and_said() -> None:
    """A third becomes the nearest float64."""
    text, rounded = kernel_to_imagemagick(read("1x1: 1/3"))
    assert text == "1x1: 0.3333333333333333"
    assert rounded


def test_our_anchor_is_written_where_it_is_not_theirs() -> None:
    """An even kernel of ours says its origin; an odd one need not."""
    assert kernel_to_imagemagick(Kernel.from_taps([[1, 2]]))[0] == "2x1+1+0: 1,2"
    assert kernel_to_imagemagick(Kernel.from_taps([[1, 2, 1]]))[0] == "3x1: 1,2,1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3x3: 1,2,3", "3x3 means 9 values, but 3 follow: correct the size, or a decimal comma"),
        ("3x1: 0,5 1,0 0,5", "3x1 means 3 values, but 6 follow"),
        ("1x1:", "1x1 means 1 values, but 0 follow"),
        ("2x2: 1,2,x,4", "row 2, column 1: 'x' is not a finite number"),
        ("2x2: 1,2,,4", "row 2, column 1: a number is missing between two commas"),
        ("2x1: 1,inf", "row 1, column 2: 'inf' is not a finite number"),
        ("2x1: 1,1e309", "row 1, column 2: '1e309' is not a finite number"),
        ("2x1: 1,2i", "row 1, column 2: '2i' is complex"),
        ("2x1: nan,-", "every value is nan or -"),
        ("0x3: 1", "the kernel is empty: width and height are at least 1"),
        ("3x3+3+0: 1,2,3,4,5,6,7,8,9", "the origin lies outside the kernel"),
        ("3x3-1+0: 1", "'3x3-1\\+0' is no size"),
        ("3.5x3: 1", "'3.5x3' is no size"),
        ("3x3x3: 1", "'3x3x3' is no size"),
        (": 1", "'' is no size"),
        ("4097x1: 1", "1 x 4097 taps, but 4096 a side is the limit"),
        ("999999999x999999999: 1", "999999999 x 999999999 taps, but 4096 a side"),
        ("9999999999x1: 1", "'9999999999x1' is no size"),
        ("3x3@: 1,2,3,4,5,6,7,8,9", "turned copies .* are not made"),
        ("3x3>: 1,2,3,4,5,6,7,8,9", "turned copies .* are not made"),
        ("Sobel: 3", "named kernel 'Sobel' is not read"),
        ("1x1: 5; 1 2 1", "kernel 2: '1 2 1' has no size: every kernel of an ImageMagick list has one"),
        ("1x1: 5; 1x1: x", "kernel 2: row 1, column 1: 'x' is not a finite number"),
    ],
)
def test_a_malformed_string_is_refused(text: str, message: str) -> None:
    """The error names the kernel of a list, and row and column of a value."""
    with pytest.raises(KernelError, match=f"^mine(, |: ).*{message}") as caught:
        kernels_from_imagemagick(text, "mine")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (";:;", "'' is no size"),
        (";;", "the list has no kernel in it"),
        ("1x1:1;" * 101, "a list of 101 kernels, but 100 is the limit"),
    ],
)
def test_a_list_has_one_kernel_at_least_and_a_hundred_at_most(text: str, message: str) -> None:
    """An empty list is an error, not an empty cascade, and so is an endless one."""
    with pytest.raises(KernelError, match=message):
        kernels_from_imagemagick(text, "k")


@given(st.text(st.sampled_from("0123456789x+:;,. -nae/@<\n#"), max_size=25).map(lambda text: f"{text}:1"))
@settings(max_examples=150, deadline=None)
def test_any_string_gives_finite_taps_or_an_error(text: str) -> None:
    """No text gives anything but finite kernels or a `KernelError`."""
    try:
        kernels = kernels_from_imagemagick(text, "k")
    except KernelError:
        return
    for kernel in kernels:
        assert isinstance(kernel.form, DenseTaps)
        assert np.isfinite(kernel.taps).all()
