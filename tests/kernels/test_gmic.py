"""G'MIC's matrices in parentheses, read and written."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.errors import KernelError
from sepfilter.kernels.gmic import is_gmic, kernel_from_gmic, kernel_to_gmic
from sepfilter.kernels.kernel import Kernel


@pytest.mark.parametrize(
    ("text", "taps", "anchor"),
    [
        ("(1,2,1;2,4,2;1,2,1)", [[1, 2, 1], [2, 4, 2], [1, 2, 1]], (1, 1)),
        (" (1,2;3,4)\n", [[1, 2], [3, 4]], (0, 0)),
        ("(0.5, 1 ; 2, 3)", [[0.5, 1], [2, 3]], (0, 0)),
        ("(1,2,3,4)", [[1, 2, 3, 4]], (0, 1)),
    ],
)
def test_a_matrix_is_read_with_its_centre(
    text: str, taps: list[list[float]], anchor: tuple[int, int]
) -> None:
    """Parentheses make it G'MIC's, whose centre is left of and above ours where a size is even."""
    assert is_gmic(text)
    kernel = kernel_from_gmic(text, "k")
    assert kernel.taps.tolist() == taps
    assert kernel.anchor == anchor


@given(st.integers(1, 5), st.integers(1, 5), st.data())
@settings(max_examples=50, deadline=None)
def test_a_matrix_comes_back(height: int, width: int, data: st.DataObject) -> None:
    """Decimals keep taps and fractions."""
    numbers = st.integers(-(10**6), 10**6).map(lambda n: str(Fraction(n, 1000) * 1))
    decimals = numbers.map(lambda text: str(float(Fraction(text))))
    rows = data.draw(
        st.lists(st.lists(decimals, min_size=width, max_size=width), min_size=height, max_size=height)
    )
    kernel = kernel_from_gmic(f"({';'.join(','.join(row) for row in rows)})", "k")
    text, rounded = kernel_to_gmic(kernel)
    assert kernel_from_gmic(text, "k") == kernel
    assert not rounded


def test_what_no_decimal_holds_is_rounded_and_said() -> None:
    """A third becomes the nearest float64."""
    from sepfilter.kernels.notation import parse_kernel

    third = parse_kernel("1/3")
    assert isinstance(third, Kernel)
    assert kernel_to_gmic(third) == ("(0.3333333333333333)\n", True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("()", "the kernel is empty"),
        ("(1,2/3,4)", "'/' starts another slice, but a kernel has rows and columns only"),
        ("(1,2^3,4)", r"'\^' starts another channel"),
        ("(1,2;3)", "row 2 has 1 columns, but row 1 has 2"),
        ("(1,x)", "row 1, column 2: 'x' is not a finite number"),
        ("(0,5 1,0)", "row 1: '0,5' may hold a decimal comma"),
        ("(1+2i,1)", "row 1, column 1: '1.2i' is complex"),
        ("((1))", r"row 1, column 1: '\(1\)' is not a finite number"),
    ],
)
def test_a_malformed_matrix_is_refused(text: str, message: str) -> None:
    """The error names the kernel and the place."""
    with pytest.raises(KernelError, match=f"^mine: .*{message}"):
        kernel_from_gmic(text, "mine")
