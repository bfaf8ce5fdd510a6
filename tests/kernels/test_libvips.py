"""libvips' matrix files: header, scale and offset, read and written."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.errors import KernelError
from sepfilter.kernels.exact import ExactTaps
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.libvips import fits_libvips, kernel_from_libvips, kernel_to_libvips

FEW = settings(max_examples=50, deadline=None)


@pytest.mark.parametrize(
    ("text", "taps", "offset"),
    [
        ("3 1\n1 2 1", [[1, 2, 1]], 0),
        ("3 1 4\n1 2 1\n", [[0.25, 0.5, 0.25]], 0),
        ("3 1 4 128\n1 2 1\n", [[0.25, 0.5, 0.25]], 128),
        ("2,2,10,0\r\n1,2\r\n3\t4\r\n", [[0.1, 0.2], [0.3, 0.4]], 0),
        ('"2" "1"\n"1", "2"', [[1, 2]], 0),
        ("2.0 1 -2 0.5\n1 2 \n", [[-0.5, -1]], 0.5),
        ("# made by hand\n1 2\n\n3\n4\n", [[3], [4]], 0),
    ],
)
def test_a_matrix_is_read(text: str, taps: list[list[float]], offset: float) -> None:
    """The scale divides the taps, the offset is kept; separators are spaces, commas, tabs and quotes."""
    kernel = kernel_from_libvips(text, "k")
    assert kernel.taps.tolist() == taps
    assert kernel.offset == offset
    assert kernel.anchor == (kernel.height // 2, kernel.width // 2)


@given(st.integers(1, 6), st.integers(1, 6), st.sampled_from([0.0, 128.0, -0.1]), st.data())
@FEW
def test_fractions_come_back(height: int, width: int, offset: float, data: st.DataObject) -> None:
    """Fractions are written as whole numbers over a scale, and lose nothing."""
    numbers = st.fractions(min_value=-1000, max_value=1000, max_denominator=999)
    taps = data.draw(st.lists(numbers, min_size=height * width, max_size=height * width))
    rows = [taps[y * width : (y + 1) * width] for y in range(height)]
    values = [[float(tap) for tap in row] for row in rows]
    form = Kernel.from_taps(values, exact=ExactTaps.of(rows)).form
    kernel = Kernel("k", form, offset=offset)
    text, rounded = kernel_to_libvips(kernel)
    assert kernel_from_libvips(text, "k") == kernel
    assert fits_libvips(text) or (width == 4 and offset)
    assert not rounded


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6))
@FEW
def test_float64_taps_come_back(taps: list[float]) -> None:
    """A kernel without fractions is written with all the digits that it needs."""
    assert kernel_from_libvips(kernel_to_libvips(Kernel.from_taps([taps]))[0], "k").taps.tolist() == [taps]


@pytest.mark.parametrize(
    ("taps", "offset", "first_line"),
    [
        ([[1, 2, 1]], 0, "3 1"),
        ([[0.25, 0.5, 0.25]], 0, "3 1 4 0"),
        ([[1, 2]], 0, "2 1 1"),
        ([[0.25] * 4], 0, "4 1 4"),
        ([[1, 2, 1]], 128, "3 1 1 128"),
        ([[1, 2]], 0.5, "2 1 1 0.5"),
    ],
)
def test_the_header_is_never_as_long_as_the_rows(
    taps: list[list[float]], offset: float, first_line: str
) -> None:
    """A header of as many numbers as a row would read as a row in a file of another name."""
    exact = ExactTaps.of([[Fraction(tap) for tap in row] for row in taps])
    kernel = Kernel("k", Kernel.from_taps(taps, exact=exact).form, offset=offset)
    assert kernel_to_libvips(kernel)[0].splitlines()[0] == first_line


def test_large_numbers_are_written_as_decimals() -> None:
    """Whole numbers that libvips would round are avoided where decimals do."""
    tap = Fraction(1, 10**20) + 1
    kernel = Kernel.from_taps([[float(tap)]], exact=ExactTaps.of([[tap]]))
    assert kernel_to_libvips(kernel) == ("1 1\n1.00000000000000000001\n", False)


@pytest.mark.parametrize("text", ["3 1\n1 2 1", "3,2,1,0\n1,2,1\n2,4,2", "2 1 5\n1 2"])
def test_ragged_text_that_fits_is_libvips(text: str) -> None:
    """A header whose length differs from the rows', and that says what follows, tells a matrix file."""
    assert fits_libvips(text)


@pytest.mark.parametrize(
    "text",
    ["", "1 2 1", "2 2\n1 2\n3 4", "3 1; 1 2 1", "3 2\n1 2 1", "3 1\n1 2", "x 1\n1 2", "0 0", "2 -1\n1"],
)
def test_other_text_is_not(text: str) -> None:
    """What is no header, does not fit, or is a sound plain matrix, is not taken for one."""
    assert not fits_libvips(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the first line of a libvips matrix is its width and height"),
        ("1 2 1\n1 2", "row 1 has 2 columns, but the header says 1"),
        ("3\n1 2 3", "the first line of a libvips matrix is its width and height, .*, not '3'"),
        ("3 1 1 0 5\n1 2 1", "the first line of a libvips matrix"),
        ("a b\n1", "the first line of a libvips matrix .* not 'a b'"),
        ("1.5 1\n1", "the first line of a libvips matrix"),
        ("0 3\n", "the header says 0 columns and 3 rows: the kernel is empty"),
        ("99999 99999\n1", "99999 x 99999 taps, but 4096 a side is the limit"),
        ("4096 4096\n1", "row 1 has 1 columns, but the header says 4096"),
        ("3 2\n1 2 1", "the header says 2 rows, but 1 follow"),
        ("3 1\n1 2 1\n1 2 1", "the header says 1 rows, but 2 follow"),
        (
            "3 1\n0,5 1 0,5",
            "row 1 has 5 columns, but the header says 3: correct the header, or a decimal comma",
        ),
        ("3 1 0\n1 2 1", "the scale is 0"),
        ("3 1 x\n1 2 1", "the scale 'x' is not a finite number"),
        ("3 1 1 nan\n1 2 1", "the offset 'nan' is not a finite number"),
        ("2 1\n1 x", "row 1, column 2: 'x' is not a finite number"),
        ("2 1 1e-300\n1 1e300", "row 1, column 2: divided by the scale it is beyond"),
    ],
)
def test_a_malformed_matrix_is_refused(text: str, message: str) -> None:
    """The error names row and column; what the header claims is not allocated."""
    with pytest.raises(KernelError, match=f"^mine: .*{message}") as caught:
        kernel_from_libvips(text, "mine")
    assert "\n" not in str(caught.value)
