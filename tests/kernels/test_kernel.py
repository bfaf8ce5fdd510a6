"""The kernel as a value: what it refuses, its sum, flipping and normalizing."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sepfilter.errors import KernelError
from sepfilter.kernels.exact import ExactTaps
from sepfilter.kernels.kernel import MAX_TAPS_A_SIDE, DenseTaps, FactoredTaps, Gradient, Kernel
from sepfilter.kernels.presets import named_kernel

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=6)
INTEGER_TAPS = hnp.arrays(np.int64, SHAPES, elements=st.integers(-9, 9))
FEW = settings(max_examples=50, deadline=None)


def exact_taps(kernel: Kernel) -> list[list[Fraction]]:
    """The taps as fractions, one by one, of a dense kernel or an exact outer product."""
    exact = kernel.form.exact
    assert exact is not None
    if isinstance(exact, ExactTaps):
        return [[Fraction(tap, exact.denominator) for tap in row] for row in exact.numerators]
    (term,) = exact.terms
    return [[Fraction(c * r, exact.denominator) for r in term.row] for c in term.column]


@pytest.mark.parametrize(
    ("taps", "message"),
    [
        ([], "the kernel is empty"),
        ([[]], "the kernel is empty"),
        (np.zeros((0, 3)), "the kernel is empty"),
        ([[1, 2], [3]], "the rows have different lengths"),
        ([[1, 2], [3, float("nan")]], "row 2, column 2: a tap must be a finite number"),
        ([[1, float("inf")], [3, 4]], "row 1, column 2: a tap must be a finite number"),
        ([[float("-inf")]], "row 1, column 1: a tap must be a finite number"),
        (np.full((1, 2), np.finfo(np.longdouble).max), "row 1, column 1: a tap must be a finite"),
        (3, "a kernel has rows and columns; this array has shape ()"),
        (np.zeros((2, 3, 4)), "a kernel has rows and columns; this array has shape (2, 3, 4)"),
        ("abc", "taps must be real numbers, not <U3"),
        ([["1", "2"]], "taps must be real numbers, not <U1"),
        ([[1j]], "taps must be real numbers, not complex128"),
        ([[None]], "taps must be real numbers, not object"),
        (np.zeros((1, 4097)), "1 x 4097 taps, but 4096 a side is the limit"),
    ],
)
def test_what_is_no_kernel_is_refused(taps: npt.ArrayLike, message: str) -> None:
    """Empty, ragged, not finite, not numeric or huge taps are refused, and the error says which."""
    with pytest.raises(KernelError, match=f"^mine: .*{re.escape(message)}"):
        Kernel.from_taps(taps, name="mine")


def test_factors_that_are_not_finite_are_refused() -> None:
    """The error names the tap of the factor."""
    with pytest.raises(KernelError, match="tap 2: a tap must be a finite number"):
        Kernel.from_factors([1, np.inf], [1, 2])


def test_an_empty_factor_is_refused() -> None:
    """A factor without taps makes no kernel."""
    with pytest.raises(KernelError, match="the kernel is empty"):
        Kernel.from_factors([1, 2], [])


def test_a_kernel_at_the_size_limit_is_taken() -> None:
    """4096 taps a side is allowed, and costs nothing when they are known as factors."""
    kernel = Kernel.from_factors(np.ones(MAX_TAPS_A_SIDE), np.ones(MAX_TAPS_A_SIDE))
    assert (kernel.height, kernel.width) == (4096, 4096)


@pytest.mark.parametrize(
    "taps",
    [
        [[True, False]],
        np.array([[1, 2]], dtype=">i2"),
        np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
        np.arange(20.0).reshape(4, 5)[::-2, ::2],
        [[Fraction(1, 3), 2]],
        [[2**60, 1]],
    ],
)
def test_any_array_of_real_numbers_is_taken(taps: npt.ArrayLike) -> None:
    """Bools, any byte order, strides, fractions and long integers become float64."""
    kernel = Kernel.from_taps(taps)
    assert kernel.taps.dtype == np.float64
    np.testing.assert_array_equal(kernel.taps, np.array(taps).astype(np.float64))


def test_one_dimension_is_a_single_row() -> None:
    """A flat list is a kernel one tap high."""
    assert Kernel.from_taps([1, 2, 3]).taps.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("shape", "anchor"), [((3, 5), (1, 2)), ((2, 4), (1, 2)), ((1, 1), (0, 0)), ((6, 1), (3, 0))]
)
def test_the_anchor_defaults_to_the_centre(shape: tuple[int, int], anchor: tuple[int, int]) -> None:
    """Without an anchor it is half the size, rounded down."""
    assert Kernel.from_taps(np.ones(shape)).anchor == anchor


@pytest.mark.parametrize("anchor", [(3, 0), (0, 2), (-1, 0), (0, -2)])
def test_an_anchor_outside_is_refused(anchor: tuple[int, int]) -> None:
    """The anchor has to be one of the taps."""
    with pytest.raises(KernelError, match=r"the anchor .* lies outside the kernel of 3 rows and 2"):
        Kernel("k", DenseTaps(np.ones((3, 2))), anchor=anchor)


def test_taps_cannot_be_written_to() -> None:
    """Neither the taps of a kernel nor the array they came from can change it."""
    source = np.ones((2, 2))
    kernel = Kernel.from_taps(source)
    source[0, 0] = 7
    assert kernel.taps[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        kernel.taps[0, 0] = 7
    with pytest.raises(FrozenInstanceError):
        kernel.name = "other"  # type: ignore[misc]


def test_kernels_compare_and_hash_by_value() -> None:
    """Equal taps, name, anchor and offset make equal kernels; another shape or form does not."""
    first, second = Kernel.from_taps([[1, 2]]), Kernel.from_taps([[1.0, 2.0]])
    assert first == second
    assert len({first, second}) == 1
    others = [
        Kernel.from_taps([[1], [2]]),
        Kernel.from_taps([[1, 3]]),
        Kernel.from_taps([[1, 2]], name="other"),
        Kernel.from_factors([1], [1, 2]),
        Kernel("kernel", first.form, anchor=(0, 0)),
        Kernel("kernel", first.form, offset=1),
        "kernel",
    ]
    assert first not in others
    assert DenseTaps(np.ones((1, 2))) != DenseTaps(np.ones((2, 1)))


@given(INTEGER_TAPS)
@FEW
def test_whole_numbers_are_kept_exactly(taps: npt.NDArray[np.int64]) -> None:
    """Integer taps are fractions too, with the same values and sum."""
    kernel = Kernel.from_taps(taps)
    assert exact_taps(kernel) == taps.tolist()
    assert kernel.sum == taps.sum()


@pytest.mark.parametrize("taps", [[[0.1, 0.2]], [[1, 2, 0.5]], np.ones((1, 65)), [[2.0**54]]])
def test_taps_not_known_exactly_have_no_fractions(taps: npt.ArrayLike) -> None:
    """Floats with a fractional part, sides beyond 64 and huge values are not taken for rational."""
    assert Kernel.from_taps(taps).form.exact is None


def test_flipping_correlates_as_convolution() -> None:
    """Correlating with the flipped kernel is SciPy's convolution with the kernel."""
    rng = np.random.default_rng(0)
    taps, image = rng.normal(size=(4, 3)), rng.normal(size=(9, 8))
    flipped = Kernel.from_taps(taps).flipped()
    np.testing.assert_allclose(
        scipy.signal.correlate2d(image, flipped.taps), scipy.signal.convolve2d(image, taps)
    )


@given(INTEGER_TAPS, st.data())
@FEW
def test_flipping_twice_is_the_identity(taps: npt.NDArray[np.int64], data: st.DataObject) -> None:
    """Taps, fractions, anchor, offset and name come back, dense or factored."""
    anchor = tuple(data.draw(st.integers(0, side - 1)) for side in taps.shape)
    dense = Kernel.from_taps(taps).form
    factored = FactoredTaps(dense.values[:, 0], dense.values[0])
    for form in (dense, factored):
        kernel = Kernel("k", form, (anchor[0], anchor[1]), offset=3.5)
        once = kernel.flipped()
        assert once.anchor == (taps.shape[0] - 1 - anchor[0], taps.shape[1] - 1 - anchor[1])
        np.testing.assert_array_equal(once.taps, kernel.taps[::-1, ::-1])
        assert once.flipped() == kernel


def test_flipping_a_named_kernel_keeps_its_exact_factors() -> None:
    """The integer factors of Sobel are flipped with it."""
    flipped = named_kernel("sobel-x").flipped()
    assert isinstance(flipped, Kernel)
    assert exact_taps(flipped) == [[1, 0, -1], [2, 0, -2], [1, 0, -1]]


@given(INTEGER_TAPS.filter(lambda taps: taps.sum() != 0))
@FEW
def test_normalized_taps_sum_to_1_exactly(taps: npt.NDArray[np.int64]) -> None:
    """The fractions sum to 1 without any error, and the float64 taps are those fractions rounded."""
    kernel = Kernel.from_taps(taps).normalized()
    fractions = exact_taps(kernel)
    assert sum(map(sum, fractions)) == 1
    assert kernel.sum == 1
    np.testing.assert_allclose(kernel.taps, np.array(fractions, dtype=np.float64), rtol=1e-15)


@pytest.mark.parametrize("text", ["box:3,5", "binomial:5", "sharpen", "emboss", "disk:3"])
def test_normalizing_a_preset_of_sum_1_changes_nothing(text: str) -> None:
    """Presets that sum to 1 keep their taps, exactly and as float64."""
    kernel = named_kernel(text)
    assert isinstance(kernel, Kernel)
    normalized = kernel.normalized()
    assert exact_taps(normalized) == exact_taps(kernel)
    np.testing.assert_allclose(normalized.taps, kernel.taps, rtol=1e-15)


@pytest.mark.parametrize(("column", "row"), [([1, 2, 1], [2, 2]), ([-1, -2], [3, 1]), ([5], [-0.5])])
def test_a_normalized_outer_product_stays_one(column: list[float], row: list[float]) -> None:
    """Normalizing known factors, of either sign, keeps them factors, whose taps sum to 1."""
    kernel = Kernel.from_factors(column, row).normalized()
    assert isinstance(kernel.form, FactoredTaps)
    expected = np.outer(column, row) / np.outer(column, row).sum()
    np.testing.assert_allclose(kernel.taps, expected, rtol=1e-15)


@pytest.mark.parametrize(
    "kernel",
    [
        Kernel.from_taps([[0, 0]]),
        Kernel.from_taps([[1, -1]]),
        Kernel.from_taps([[0.1, 0.2, -0.3]]),
        Kernel.from_factors([0.1, 0.2, -0.3], [1, 2]),
    ],
)
def test_a_sum_of_0_cannot_be_normalized(kernel: Kernel) -> None:
    """Taps that cancel, if only but for rounding, are refused with what to do instead."""
    assert kernel.sum == 0
    with pytest.raises(KernelError, match=r"sum to 0.*leave out --normalize"):
        kernel.normalized()


@pytest.mark.parametrize("taps", [[[1e308] * 3], [[-1e308] * 3]])
def test_a_sum_beyond_float64_is_infinite(taps: list[list[float]]) -> None:
    """Huge taps add up to an infinity of the right sign rather than NaN, exact or not."""
    exact = ExactTaps.of([[Fraction(tap) for tap in row] for row in taps])
    for kernel in (Kernel.from_taps(taps), Kernel.from_taps(taps, exact=exact)):
        assert kernel.sum == np.inf * np.sign(taps[0][0])


def test_a_gradient_flips_both_components() -> None:
    """The magnitude of flipped derivatives is kept together, under its name."""
    gradient = named_kernel("sobel")
    assert isinstance(gradient, Gradient)
    flipped = gradient.flipped()
    assert flipped.name == "sobel"
    assert flipped.components == (gradient.x.flipped(), gradient.y.flipped())
    assert (flipped.height, flipped.width) == (3, 3)


def test_a_gradient_cannot_be_normalized() -> None:
    """Derivatives sum to 0."""
    with pytest.raises(KernelError, match="sum to 0"):
        named_kernel("scharr").normalized()
