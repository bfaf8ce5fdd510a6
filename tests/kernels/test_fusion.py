"""Two kernels as one: their convolution."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sepfilter.kernels.fusion import fused_kernel
from sepfilter.kernels.kernel import DenseTaps, FactoredTaps, Gradient, Kernel
from sepfilter.kernels.presets import named_kernel

TAPS = hnp.arrays(np.int64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=5), elements=st.integers(-9, 9))
FEW = settings(max_examples=50, deadline=None)


@given(TAPS, TAPS)
@FEW
def test_taps_are_the_convolution_of_both(first: Any, second: Any) -> None:
    """As SciPy has it, in size and in value; anchors add up."""
    fused = fused_kernel(Kernel.from_taps(first), Kernel.from_taps(second)).kernel
    assert isinstance(fused, Kernel)
    np.testing.assert_array_equal(fused.taps, scipy.signal.convolve2d(first, second))
    assert fused.anchor == tuple(a // 2 + b // 2 for a, b in zip(first.shape, second.shape, strict=True))


@given(TAPS, TAPS, st.integers(1, 9), st.integers(1, 9))
@FEW
def test_fractions_stay_exact(first: Any, second: Any, over: int, under: int) -> None:
    """Rational kernels give a rational one, over the product of their denominators."""
    kernels = [
        Kernel.from_taps(taps / denominator, exact=_exact(taps, denominator))
        for taps, denominator in ((first, over), (second, under))
    ]
    form = fused_kernel(*kernels).kernel.components[0].form
    assert isinstance(form, DenseTaps)
    assert form.exact is not None
    expected = scipy.signal.convolve2d(first, second).astype(object)
    found = [[Fraction(tap, form.exact.denominator) for tap in row] for row in form.exact.numerators]
    assert found == [[Fraction(int(tap), over * under) for tap in row] for row in expected]


def _exact(taps: Any, denominator: int) -> Any:
    from sepfilter.kernels.exact import ExactTaps

    return ExactTaps.of([[Fraction(int(tap), denominator) for tap in row] for row in taps])


def test_known_factors_stay_factors() -> None:
    """Columns with columns, rows with rows: the taps are never built."""
    fused = fused_kernel(*(named_kernel(name) for name in ("binomial:3", "sobel-x"))).kernel  # type: ignore[arg-type]
    assert isinstance(fused, Kernel)
    form = fused.form
    assert isinstance(form, FactoredTaps)
    assert form.exact is not None
    assert form.exact.terms[0].column == (1, 4, 6, 4, 1)
    assert form.exact.terms[0].row == (-1, -2, 0, 2, 1)
    assert form.exact.denominator == 16


def test_a_gradient_keeps_its_two_derivatives() -> None:
    """Both are of the smoothed image."""
    fused = fused_kernel(named_kernel("box:3"), named_kernel("sobel")).kernel  # type: ignore[arg-type]
    assert isinstance(fused, Gradient)
    np.testing.assert_allclose(fused.y.taps, fused.x.taps.T)
    assert (fused.height, fused.name) == (5, "box:3 + sobel")


def test_offsets_go_through_what_follows() -> None:
    """The first kernel's offset is worth the second's sum times itself."""
    first = replace(Kernel.from_taps([[1, 1]]), offset=10.0)
    second = replace(Kernel.from_taps([[2, 1]]), offset=1.0)
    assert fused_kernel(first, second).kernel.components[0].offset == 31.0


def test_the_same_pair_is_fused_once() -> None:
    """Planning many images convolves their kernels once."""
    first, second = (Kernel.from_taps([[1, 2, one]]) for one in (1, 3))
    assert fused_kernel(first, second) is fused_kernel(first, second)


@pytest.mark.parametrize("tap", [1e200, 5e-324])
def test_extreme_taps_are_refused_or_kept(tap: float) -> None:
    """What float64 cannot hold is an error of the kernel's, never a NaN."""
    kernel = Kernel.from_taps([[tap, tap]])
    if tap > 1:
        with pytest.raises(ValueError, match="finite"), np.errstate(over="ignore"):
            fused_kernel(kernel, kernel)
    else:
        assert np.isfinite(fused_kernel(kernel, kernel).kernel.components[0].taps).all()
