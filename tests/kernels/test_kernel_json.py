"""Kernels as JSON: arrays, objects and factors, read and written, and what the errors say."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.errors import KernelError
from sepfilter.kernels.exact import ExactTaps
from sepfilter.kernels.factorization import factorize
from sepfilter.kernels.kernel import DenseTaps, FactoredTaps, Kernel
from sepfilter.kernels.kernel_json import factors_to_json, kernel_from_json, kernel_to_json

Rows = list[list[Fraction]]

NUMBERS = st.fractions(min_value=-1000, max_value=1000, max_denominator=999)
FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=64)
FEW = settings(max_examples=50, deadline=None)


@st.composite
def matrices(draw: st.DrawFn, elements: st.SearchStrategy[Fraction] | st.SearchStrategy[float]) -> list[list]:
    """Matrices of up to 6 x 6."""
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    taps = draw(st.lists(elements, min_size=height * width, max_size=height * width))
    return [taps[y * width : (y + 1) * width] for y in range(height)]


def exact_rows(kernel: Kernel) -> Rows:
    """The taps as fractions."""
    assert isinstance(kernel.form, DenseTaps)
    assert kernel.form.exact is not None
    return [
        [Fraction(tap, kernel.form.exact.denominator) for tap in row] for row in kernel.form.exact.numerators
    ]


@given(matrices(NUMBERS), st.data())
@FEW
def test_a_kernel_comes_back_whole(rows: Rows, data: st.DataObject) -> None:
    """Taps as fractions, anchor, offset and name are all in the object that is written."""
    exact = ExactTaps.of(rows)
    values = [[float(tap) for tap in row] for row in rows]
    anchor = (data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, len(rows[0]) - 1)))
    form = Kernel.from_taps(values, exact=exact).form
    kernel = Kernel(
        data.draw(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)), form, anchor, 0.1
    )
    text, rounded = kernel_to_json(kernel)
    assert kernel_from_json(text, "k") == kernel
    assert not rounded


@given(matrices(FLOATS))
@FEW
def test_float64_taps_come_back(rows: list[list[float]]) -> None:
    """Taps without fractions are written with all the digits that float64 needs."""
    text, rounded = kernel_to_json(Kernel.from_taps(rows))
    assert kernel_from_json(text, "k").taps.tolist() == rows
    assert not rounded


@given(matrices(NUMBERS))
@FEW
def test_text_in_an_array_is_a_fraction(rows: Rows) -> None:
    """A number may be text, and is exact then."""
    assert exact_rows(kernel_from_json(json.dumps([[str(tap) for tap in row] for row in rows]), "k")) == rows


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=6))
@FEW
def test_a_decimal_is_the_rational_it_spells(thousandths: list[int]) -> None:
    """0.1 in JSON is a tenth, not the nearest float64."""
    text = ", ".join(str(Decimal(tap) / 1000) for tap in thousandths)
    assert exact_rows(kernel_from_json(f"[{text}]", "k")) == [[Fraction(tap, 1000) for tap in thousandths]]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("[1, 2, 1]", [[1, 2, 1]]),
        ("[[7]]", [[7]]),
        ("\ufeff[[1, 2]]", [[1, 2]]),
        (' {"kernel": [1, 2]} ', [[1, 2]]),
        ('{"kernel": [[1], [2]], "scale": 4}', [[0.25], [0.5]]),
        ('{"kernel": [[1], [2]], "scale": "1/4"}', [[4], [8]]),
        ('{"kernel": [6], "scale": 3, "denominator": 2}', [[1]]),
        ('{"factors": [{"column": [1, 2], "row": [3, 4]}], "denominator": 2}', [[1.5, 2], [3, 4]]),
        (
            '{"factors": [{"column": [1, 0], "row": [3, 4]}, {"column": [0, "1/2"], "row": [1, 1]}]}',
            [[3, 4], [0.5, 0.5]],
        ),
    ],
)
def test_other_ways_to_write_a_kernel(text: str, rows: Rows) -> None:
    """A single row, a scale, a denominator and factors are read."""
    assert kernel_from_json(text, "k").taps.tolist() == rows


def test_the_offset_is_kept_and_the_scale_does_not_divide_it() -> None:
    """The scale is applied to the taps on load; the offset stays with the kernel."""
    kernel = kernel_from_json(
        '{"kernel": [2], "scale": 4, "offset": 128, "anchor": [0, 0], "name": "n"}', "k"
    )
    assert (kernel.taps.tolist(), kernel.offset, kernel.anchor, kernel.name) == ([[0.5]], 128.0, (0, 0), "n")


@given(matrices(NUMBERS))
@FEW
def test_exact_factors_come_back_as_the_same_kernel(rows: Rows) -> None:
    """The sum of the exact factors written is the kernel, fraction by fraction."""
    kernel = Kernel.from_taps([[float(tap) for tap in row] for row in rows], exact=ExactTaps.of(rows))
    found = factorize(kernel)
    if not found.exact or not found.exact.terms:
        return
    back = kernel_from_json(factors_to_json(kernel, found), "k")
    if isinstance(back.form, DenseTaps):
        assert exact_rows(back) == rows
    else:
        assert back.form.exact is not None
        (term,) = back.form.exact.terms
        assert [[Fraction(y * x, back.form.exact.denominator) for x in term.row] for y in term.column] == rows


def test_one_term_stays_factors() -> None:
    """A Gaussian written as factors is read as factors, bit for bit."""
    from sepfilter.kernels.notation import parse_kernel

    gaussian = parse_kernel("gaussian:40")
    assert isinstance(gaussian, Kernel)
    back = kernel_from_json(factors_to_json(gaussian, factorize(gaussian)), "k")
    assert isinstance(back.form, FactoredTaps)
    assert isinstance(gaussian.form, FactoredTaps)
    assert np.array_equal(back.form.column, gaussian.form.column)
    assert np.array_equal(back.form.row, gaussian.form.row)


DEEP = 101


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "row 1 is empty"),
        ("[[]]", "row 1 is empty"),
        ("[[1], []]", "row 2 is empty"),
        ("[[1, 2], [3]]", "row 2 has 1 columns, but row 1 has 2"),
        ("[[1, 2], 3]", 'row 2 is "3": every row is an array'),
        ("[1, [2]]", "row 1, column 2: an array: a kernel has rows and columns only"),
        ("[[[1]]]", "row 1, column 1: an array: a kernel has rows and columns only"),
        ("[[1, null]]", "row 1, column 2: 'null' is not a finite number"),
        ("[[1], [true]]", "row 2, column 1: 'true' is not a finite number"),
        ("[[1, NaN]]", "row 1, column 2: 'NaN' is not a finite number"),
        ("[[1], [-Infinity]]", "row 2, column 1: '-Infinity' is not a finite number"),
        ("[[1e400]]", "row 1, column 1: '1e400' is not a finite number"),
        ('[["0,5"]]', "row 1, column 1: '0,5' has a decimal comma: write 0.5"),
        ('[["1+2j"]]', r"row 1, column 1: '1\+2j' is complex"),
        ("[[1, 2", "not valid JSON: .* at line 1, column 7"),
        ("[[1,\n2],,", "not valid JSON: .* at line 2, column 4"),
        ("[" * DEEP + "]" * DEEP, "nested more than 100 deep"),
        ("[" * 100_000, "nested more than 100 deep"),
        ('{"a":' * 100_000, "nested more than 100 deep"),
        ("{}", "no 'kernel' and no 'factors'"),
        ('{"kernel": [1], "factors": []}', "both 'kernel' and 'factors'"),
        ('{"kernal": [1]}', "a JSON kernel has no 'kernal': did you mean kernel"),
        ('{"kernel": [1], "weight": 1}', "has no 'weight': it has kernel, factors, scale"),
        ('{"kernel": [1], "kernel": [2]}', "'kernel' is given twice"),
        ('{"kernel": 1}', 'the kernel is "1": give an array of rows'),
        ('{"kernel": {"a": 1}}', "give an array of rows"),
        ('{"kernel": [1], "scale": 0}', "the scale is 0: the taps are divided by it"),
        ('{"kernel": [1], "scale": null}', "the scale 'null' is not a finite number"),
        ('{"kernel": [1e300], "scale": 1e-300}', "row 1, column 1: divided by the scale it is beyond"),
        ('{"kernel": [1], "scale": 1e300, "denominator": 1e300}', "scale times denominator is beyond"),
        ('{"kernel": [1], "offset": "x"}', 'the offset "x" is not a finite number'),
        ('{"kernel": [1], "offset": NaN}', "the offset .* is not a finite number"),
        ('{"kernel": [1], "anchor": [0]}', r"the anchor is \[y, x\], two whole numbers"),
        ('{"kernel": [1], "anchor": [-1, -1]}', r"the anchor is \[y, x\], two whole numbers"),
        ('{"kernel": [1], "anchor": [0.5, 0]}', r"the anchor is \[y, x\], two whole numbers"),
        ('{"kernel": [1], "anchor": [0, 1]}', r"the anchor \(0, 1\) lies outside the kernel"),
        ('{"kernel": [1], "name": ""}', 'the name is "": give'),
        ('{"kernel": [1], "name": "\\u001b[31m"}', "printable characters"),
        ('{"factors": []}', "the factors are an array"),
        ('{"factors": [[1]]}', "factor 1 is not an object of a 'column' and a 'row'"),
        ('{"factors": [{"column": [1]}]}', "factor 1 is not an object"),
        ('{"factors": [{"column": [1], "row": []}]}', "factor 1, row: give an array of numbers"),
        (
            '{"factors": [{"column": [1, "x"], "row": [1]}]}',
            "factor 1, column, number 2: 'x' is not a finite",
        ),
        (
            '{"factors": [{"column": [1], "row": [1]}, {"column": [1, 2], "row": [1]}]}',
            "factor 2 is 2 x 1, but factor 1 is 1 x 1",
        ),
        ('{"factors": [{"column": [1e200], "row": [1e200]}]}', "beyond what float64 can hold"),
        (
            '{"factors": [{"column": [1e200], "row": [1e200]}, {"column": [1], "row": [1]}]}',
            "beyond what float64",
        ),
        ("[" + "1," * 4096 + "1]", "1 x 4097 taps, but 4096 a side is the limit"),
    ],
    ids=lambda value: value[:40],
)
def test_malformed_json_is_refused_with_its_place(text: str, message: str) -> None:
    """The error is one line that names the kernel and what is at fault."""
    with pytest.raises(KernelError, match=f"^mine: .*{message}") as caught:
        kernel_from_json(text, "mine")
    assert len(str(caught.value)) < 250
    assert "\n" not in str(caught.value)


@given(st.text(st.sampled_from('0123456789.,:/e-[]{}" kernelscaoft'), max_size=30))
@settings(max_examples=150, deadline=None)
def test_any_json_gives_finite_taps_or_an_error(text: str) -> None:
    """No text gives anything but a finite kernel or a `KernelError`."""
    try:
        kernel = kernel_from_json(text, "k")
    except KernelError:
        return
    assert np.isfinite(kernel.taps).all()
