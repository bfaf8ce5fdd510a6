"""Plain matrices as text and CSV: what is read and written, and what the errors say."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.errors import KernelError
from sepfilter.kernels.exact import ExactTaps
from sepfilter.kernels.kernel import DenseTaps, Kernel
from sepfilter.kernels.matrix_text import looks_like_a_matrix, matrix_from_text, matrix_to_csv, matrix_to_text

Rows = list[list[Fraction]]

INTEGERS = st.integers(-(10**6), 10**6).map(Fraction)
FRACTIONS = st.tuples(st.integers(-999, 999), st.integers(1, 999)).map(lambda pair: Fraction(*pair))
FEW = settings(max_examples=50, deadline=None)


@st.composite
def matrices(draw: st.DrawFn, elements: st.SearchStrategy[Fraction]) -> Rows:
    """Matrices of up to 6 x 6."""
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    taps = draw(st.lists(elements, min_size=height * width, max_size=height * width))
    return [taps[y * width : (y + 1) * width] for y in range(height)]


def exact_rows(kernel: Kernel) -> Rows:
    """The taps as fractions."""
    assert isinstance(kernel.form, DenseTaps)
    exact = kernel.form.exact
    assert isinstance(exact, ExactTaps)
    return [[Fraction(tap, exact.denominator) for tap in row] for row in exact.numerators]


def check_read(text: str, rows: Rows, *, columns_by_semicolon: bool = False) -> None:
    """The text is these rows, as fractions and as float64."""
    kernel = matrix_from_text(text, name="k", columns_by_semicolon=columns_by_semicolon)
    assert exact_rows(kernel) == rows
    assert kernel.taps.tolist() == [[float(tap) for tap in row] for row in rows]


@given(matrices(INTEGERS | FRACTIONS), st.sampled_from([" ", "  ", "\t", ",", ", ", " , "]))
@FEW
def test_rows_written_as_text_come_back(rows: Rows, comma: str) -> None:
    """Fractions separated by spaces, tabs or commas, rows by ``;`` or line ends, lose nothing."""
    lines = [comma.join(map(str, row)) for row in rows]
    for row_end in (";", "; ", "\n", "\r\n", "\n\n", ";\n"):
        check_read(row_end.join(lines), rows)
        check_read(row_end.join(lines) + row_end, rows)


@given(matrices(INTEGERS | FRACTIONS), st.sampled_from([",", ";", "; ", "\t"]))
@FEW
def test_rows_written_as_csv_come_back(rows: Rows, comma: str) -> None:
    """In a CSV file ``;`` separates columns as ``,`` does."""
    text = "\ufeff" + "\r\n".join(comma.join(map(str, row)) for row in rows) + "\r\n"
    check_read(text, rows, columns_by_semicolon=True)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("5", [[5]]),
        ("-1 0 1", [[-1, 0, 1]]),
        ("1,2,", [[1, 2]]),
        ("1 2, 3 4", [[1, 2, 3, 4]]),
        ("1,2,1;2,4,2", [[1, 2, 1], [2, 4, 2]]),
        ("1,-2 3", [[1, -2, 3]]),
        ("0,5,1", [[0, 5, 1]]),
        ("  1 2 ; 3 4  \n", [[1, 2], [3, 4]]),
        ("# Prewitt\n-1 0 1\n\n  # the middle\n-1 0 1 # same again\n-1 0 1", [[-1, 0, 1]] * 3),
        ("\ufeff1 2\n3 4", [[1, 2], [3, 4]]),
        ("1\r2\r3", [[1], [2], [3]]),
        ("0.5 1e-1", [[Fraction(1, 2), Fraction(1, 10)]]),
    ],
)
def test_other_ways_to_write_a_matrix(text: str, rows: Rows) -> None:
    """Single numbers, comments, a byte order mark, trailing commas and mixed separators are read."""
    check_read(text, rows)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the kernel is empty: give rows of numbers"),
        (" \n\t", "the kernel is empty: give rows of numbers"),
        ("# only a comment", "the kernel is empty: give rows of numbers"),
        ("\ufeff", "the kernel is empty"),
        ("1 2; 3", "row 2 has 1 columns, but row 1 has 2"),
        ("1 2\n3 4\n5 6 7", "row 3 has 3 columns, but row 1 has 2"),
        ("1 2;;3 4", "row 2 has 0 columns, but row 1 has 2"),
        ("; 1 2", "row 1 is empty"),
        ("1 2; 3 x", "row 2, column 2: 'x' is not a finite number"),
        ("1 2\n# comment\n3 nan", "row 2, column 2: 'nan' is not a finite number"),
        ("1 -inf", "row 1, column 2: '-inf' is not a finite number"),
        ("1 1/0", "row 1, column 2: '1/0' is not a finite number"),
        ("1; 1e309", "row 2, column 1: '1e309' is not a finite number"),
        ("1 / 2", "row 1, column 2: '/' is not a finite number"),
        ("1,,2", "row 1, column 2: a number is missing between two commas"),
        (",1", "row 1, column 1: a number is missing between two commas"),
        ("1 2; 3,,4", "row 2 has 3 columns, but row 1 has 2"),
        ("1 " * 4097, "1 x 4097 taps, but 4096 a side is the limit"),
        ("1\n" * 4097, "4097 x 1 taps, but 4096 a side is the limit"),
        ("1+2j", "row 1, column 1: '1\\+2j' is complex: a tap is a real number"),
        ("1 2; 3 4j", "row 2, column 2: '4j' is complex"),
        ("0,5 1,0 0,5", "row 1: '0,5' may hold a decimal comma: write decimals with a point, as 0.5"),
        ("1 2 3\n0,5 1 0,5", "row 2: '0,5' may hold a decimal comma"),
        ("0,5\t1", "row 1: '0,5' may hold a decimal comma"),
        ("0,5, 1,5", "row 1: '0,5,' may hold a decimal comma"),
        ("1 2,3 4", "row 1: '2,3' may hold a decimal comma"),
        ("1,2,1 2,4,2", "row 1: '1,2,1' may hold a decimal comma"),
    ],
)
def test_malformed_text_is_refused_with_its_place(text: str, message: str) -> None:
    """The error names the kernel, and the row and column at fault, from 1."""
    with pytest.raises(KernelError, match=f"^mine: .*{message}"):
        matrix_from_text(text, name="mine")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1;2\r\n3;x", "row 2, column 2: 'x' is not a finite number"),
        ("1;2\r\n3", "row 2 has 1 columns, but row 1 has 2"),
        ("1;;2", "row 1, column 2: a number is missing between two commas"),
        ("0,5;1,0", "row 1: '0,5' has a decimal comma, for columns are separated by ';' here"),
        ("1;2\n0,5;1", "row 2: '0,5' has a decimal comma"),
        ("1;2\n3,4", "row 2: '3,4' has a decimal comma"),
        ("0,5\t1,5", "row 1: '0,5' may hold a decimal comma"),
    ],
)
def test_malformed_csv_is_refused_with_its_place(text: str, message: str) -> None:
    """A ``;`` counts as a column in the errors of a CSV file too."""
    with pytest.raises(KernelError, match=message):
        matrix_from_text(text, name="k.csv", columns_by_semicolon=True)


@pytest.mark.parametrize("garbage", ["x" * 10**6, "1" * 10**6 + "x", "1," * 10**6 + "x"])
def test_long_garbage_is_cut_in_errors(garbage: str) -> None:
    """A field of a megabyte is refused at once, and not repeated in the message."""
    with pytest.raises(KernelError) as caught:
        matrix_from_text("1 " + garbage, name="k")
    assert len(str(caught.value)) < 200


@given(st.text(st.sampled_from('0123456789.,;/eE+-[]{}"# \n\tnx'), max_size=20))
@settings(max_examples=150, deadline=None)
def test_any_text_gives_finite_taps_or_an_error(text: str) -> None:
    """No text gives anything but a finite kernel or a `KernelError`."""
    try:
        kernel = matrix_from_text(text, name="k")
    except KernelError:
        return
    assert abs(kernel.taps).max() < float("inf")


@pytest.mark.parametrize("text", ["0.1 " * 65, "0.1\n" * 65, "0.1 0." + "3" * 400, "0.1 1e-401"])
def test_large_kernels_and_long_numbers_are_float64_only(text: str) -> None:
    """Beyond 64 taps a side, or 400 digits a number, no fractions are kept."""
    kernel = matrix_from_text(text, name="k")
    assert kernel.taps.size >= 2
    assert kernel.form.exact is None


@pytest.mark.parametrize("text", ["1", " -1 0 1", "", "x 1", "1,", "1/2 x"])
def test_text_with_a_number_is_meant_as_a_matrix(text: str) -> None:
    """Text with a number in it is meant as taps even when malformed."""
    assert looks_like_a_matrix(text)


@pytest.mark.parametrize("text", ["sobel", "gauss:3", "k.csv", "edge 3x3", "-", "1e", "nan inf"])
def test_text_without_a_number_is_not_meant_as_a_matrix(text: str) -> None:
    """A name, with digits in it or not, is not meant as taps."""
    assert not looks_like_a_matrix(text)


@given(matrices(INTEGERS | FRACTIONS))
@FEW
def test_a_matrix_written_as_text_comes_back(rows: Rows) -> None:
    """Rows written as text lose nothing, and say so."""
    kernel = matrix_from_text("\n".join(" ".join(map(str, row)) for row in rows), name="k")
    text, rounded = matrix_to_text(kernel)
    check_read(text, rows)
    assert not rounded


@given(matrices(INTEGERS | FRACTIONS))
@FEW
def test_a_matrix_written_as_csv_comes_back(rows: Rows) -> None:
    """CSV has decimals only: it keeps the float64 taps, and the fractions unless it says otherwise."""
    kernel = matrix_from_text("\n".join(" ".join(map(str, row)) for row in rows), name="k")
    text, rounded = matrix_to_csv(kernel)
    back = matrix_from_text(text, name="k", columns_by_semicolon=True)
    assert back.taps.tolist() == kernel.taps.tolist()
    assert "/" not in text
    assert rounded == (exact_rows(back) != rows)


def test_fractions_without_a_common_denominator_of_use_stay_floats() -> None:
    """Hundreds of long denominators would make every tap thousands of digits long."""
    fields = [f"1/{10**300 + place}" for place in range(1, 33)]
    kernel = matrix_from_text(" ".join(fields), name="k")
    assert kernel.form.exact is None
    assert kernel.taps[0, 0] == pytest.approx(1e-300)
