"""The named kernels, against SciPy, the textbook's matrices and naive loops."""

from __future__ import annotations

import math
import re
import tracemalloc
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
import scipy.ndimage

from sepfilter.errors import KernelError
from sepfilter.kernels.exact import ExactTaps
from sepfilter.kernels.factorization import factorize
from sepfilter.kernels.kernel import FactoredTaps, Gradient, Kernel
from sepfilter.kernels.presets import PRESETS, named_kernel

Array = npt.NDArray[np.float64]


def single(text: str) -> Kernel:
    """A preset that has to be a single kernel."""
    kernel = named_kernel(text)
    assert isinstance(kernel, Kernel)
    return kernel


def impulse(side: int) -> Array:
    """An image of zeros with a 1 in the middle."""
    image = np.zeros((side, side))
    image[side // 2, side // 2] = 1
    return image


@pytest.mark.parametrize(
    ("text", "size", "total", "rank"),
    [
        ("identity", (1, 1), 1, 1),
        ("box", (3, 3), 1, 1),
        ("box:5", (5, 5), 1, 1),
        ("box:3,7", (3, 7), 1, 1),
        ("box:width=2,height=4", (4, 2), 1, 1),
        ("gaussian:3", (25, 25), 1, 1),
        ("gaussian:0.1", (1, 1), 1, 1),
        ("gaussian:1e-300,2", (5, 5), 1, 1),
        ("gaussian:sigma=3,radius=12", (25, 25), 1, 1),
        ("gaussian:1.5,4", (9, 9), 1, 1),
        ("GAUSSIAN: 1", (9, 9), 1, 1),
        ("binomial", (3, 3), 1, 1),
        ("binomial:5", (5, 5), 1, 1),
        ("sobel-x", (3, 3), 0, 1),
        ("sobel-y", (3, 3), 0, 1),
        ("scharr-x", (3, 3), 0, 1),
        ("prewitt-y", (3, 3), 0, 1),
        ("roberts-x", (2, 2), 0, 2),
        ("laplacian", (3, 3), 0, 2),
        ("laplacian:4", (3, 3), 0, 2),
        ("laplacian:8", (3, 3), 0, 2),
        ("log:2", (17, 17), 0, 2),
        ("log:1,3", (7, 7), 0, 2),
        ("dog:1", (13, 13), 0, 2),
        ("dog:1,wider=2", (17, 17), 0, 2),
        ("sharpen", (3, 3), 1, 2),
        ("sharpen:0", (3, 3), 1, 1),
        ("sharpen:0.5", (3, 3), 1, 2),
        ("unsharp", (9, 9), 1, 2),
        ("unsharp:2,1.5", (17, 17), 1, 2),
        ("emboss", (3, 3), 1, 3),
        ("motion", (1, 9), 1, 1),
        ("motion:9,90", (9, 1), 1, 1),
        ("motion:1,30", (1, 1), 1, 1),
        ("disk:0", (1, 1), 1, 1),
        ("disk:1", (3, 3), 1, 2),
        ("disk:5", (11, 11), 1, 4),
        ("gabor:2,wavelength=6", (33, 33), None, 1),
    ],
)
def test_size_sum_and_rank(text: str, size: tuple[int, int], total: float | None, rank: int) -> None:
    """Each preset has the size, the sum and the rank that its definition gives it."""
    kernel = single(text)
    assert (kernel.height, kernel.width) == size
    assert kernel.taps.shape == size
    if total is not None:
        assert kernel.sum == pytest.approx(total, abs=1e-14)
    assert factorize(kernel).rank == rank
    assert factorize(kernel).exact_rank in {None, rank}


@pytest.mark.parametrize(
    ("text", "rows", "denominator"),
    [
        ("identity", [[1]], 1),
        ("box:2,3", [[1, 1, 1], [1, 1, 1]], 6),
        ("binomial:3", [[1, 2, 1], [2, 4, 2], [1, 2, 1]], 16),
        ("binomial:4", np.outer([1, 3, 3, 1], [1, 3, 3, 1]), 64),
        ("sobel-x", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], 1),
        ("sobel-y", [[-1, -2, -1], [0, 0, 0], [1, 2, 1]], 1),
        ("scharr-x", [[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]], 1),
        ("scharr-y", [[-3, -10, -3], [0, 0, 0], [3, 10, 3]], 1),
        ("prewitt-x", [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]], 1),
        ("prewitt-y", [[-1, -1, -1], [0, 0, 0], [1, 1, 1]], 1),
        ("roberts-x", [[1, 0], [0, -1]], 1),
        ("roberts-y", [[0, 1], [-1, 0]], 1),
        ("laplacian", [[0, 1, 0], [1, -4, 1], [0, 1, 0]], 1),
        ("laplacian:8", [[1, 1, 1], [1, -8, 1], [1, 1, 1]], 1),
        ("sharpen", [[0, -1, 0], [-1, 5, -1], [0, -1, 0]], 1),
        ("sharpen:0.5", [[0, -1, 0], [-1, 6, -1], [0, -1, 0]], 2),
        ("emboss", [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], 1),
        ("disk:1", [[0, 1, 0], [1, 1, 1], [0, 1, 0]], 5),
    ],
)
def test_textbook_matrices(text: str, rows: npt.ArrayLike, denominator: int) -> None:
    """The taps are the textbook's, exactly and as float64."""
    kernel = single(text)
    np.testing.assert_allclose(kernel.taps, np.array(rows) / denominator, rtol=1e-15)
    exact = kernel.form.exact
    assert exact is not None
    if isinstance(exact, ExactTaps):
        fractions = [[Fraction(tap, exact.denominator) for tap in row] for row in exact.numerators]
    else:
        (term,) = exact.terms
        fractions = [[Fraction(c * r, exact.denominator) for r in term.row] for c in term.column]
    assert fractions == [[Fraction(int(tap), denominator) for tap in row] for row in np.array(rows)]


def test_the_factors_of_sobel_are_the_textbook_ones() -> None:
    """Sobel along x is the outer product of [1 2 1] and [-1 0 1], with no scale or sign astray."""
    found = factorize(single("sobel-x"))
    assert found.columns.tolist() == [[1, 2, 1]]
    assert found.rows.tolist() == [[-1, 0, 1]]


@pytest.mark.parametrize("sigma", ["3", "0.5", "1.3", "0.625"])
def test_the_gaussian_is_scipys(sigma: str) -> None:
    """The taps are the impulse response of scipy.ndimage.gaussian_filter, to its radius."""
    kernel = single(f"gaussian:{sigma}")
    response = scipy.ndimage.gaussian_filter(
        impulse(kernel.height), float(sigma), mode="constant", truncate=4.0
    )
    np.testing.assert_allclose(kernel.taps, response, rtol=1e-13, atol=1e-18)
    wider = scipy.ndimage.gaussian_filter(impulse(kernel.height + 2), float(sigma), mode="constant")
    assert np.count_nonzero(wider) == kernel.height**2


def test_a_wide_gaussian_never_builds_its_taps() -> None:
    """gaussian:200 is two vectors of 1601 taps, also when it is factored, flipped or normalized."""
    tracemalloc.start()
    kernel = single("gaussian:200")
    assert isinstance(kernel.form, FactoredTaps)
    assert (kernel.height, kernel.width) == (1601, 1601)
    assert kernel.sum == pytest.approx(1, abs=1e-14)
    assert isinstance(kernel.flipped().form, FactoredTaps)
    assert isinstance(kernel.normalized().form, FactoredTaps)
    assert factorize(kernel).columns.shape == (1, 1601)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**6 < 1601 * 1601 * 8


@pytest.mark.parametrize(("radius", "count"), [(1, 5), (2, 13), (3, 29), (5, 81), (10, 317)])
def test_a_disk_counts_the_lattice_points_in_its_circle(radius: int, count: int) -> None:
    """The nonzero taps are as many as Gauss's circle problem has points, all equal."""
    taps = single(f"disk:{radius}").taps
    assert np.count_nonzero(taps) == count
    assert set(taps[taps != 0]) == {1 / count}


def test_a_disk_of_half_a_pixel_more_is_round_too() -> None:
    """Radius 1.5 takes the diagonal neighbours in: sqrt(2) is within it."""
    assert np.count_nonzero(single("disk:1.5").taps) == 9


def test_the_difference_of_gaussians_is_scipys() -> None:
    """DoG is one gaussian_filter response minus the wider one."""
    kernel = single("dog:1.5,3")
    image = impulse(kernel.height)
    narrow, wide = (scipy.ndimage.gaussian_filter(image, s, radius=12, mode="constant") for s in (1.5, 3))
    np.testing.assert_allclose(kernel.taps, narrow - wide, rtol=0, atol=1e-16)


def test_the_laplacian_of_gaussian_measures_curvature() -> None:
    """On x^2 + y^2, whose Laplacian is 4 everywhere, it gives 4; on a slope or a flat area, 0."""
    taps = single("log:3").taps
    y, x = np.mgrid[-12:13, -12:13]
    assert (taps * (x**2 + y**2)).sum() == pytest.approx(4, rel=2e-2)
    assert (taps * (2 * x - y + 5)).sum() == pytest.approx(0, abs=1e-12)
    scipys = scipy.ndimage.gaussian_laplace(impulse(25), 3.0, mode="constant")
    np.testing.assert_allclose(taps, scipys, rtol=0, atol=0.01 * abs(scipys).max())


def test_unsharp_adds_what_the_blur_takes_away() -> None:
    """The impulse response is image + amount * (image - blurred image), by SciPy's Gaussian."""
    image = impulse(17)
    blurred = scipy.ndimage.gaussian_filter(image, 2, mode="constant")
    expected = image + 1.5 * (image - blurred)
    np.testing.assert_allclose(single("unsharp:2,1.5").taps, expected, rtol=0, atol=1e-15)


def test_motion_averages_along_a_line() -> None:
    """9 pixels along x are nine equal taps; at 45 degrees the stroke rises to the right."""
    np.testing.assert_allclose(single("motion:9").taps, np.full((1, 9), 1 / 9), rtol=1e-14)
    diagonal = single("motion:9,45").taps
    assert diagonal[0, -1] > 0
    assert diagonal[-1, 0] > 0
    assert diagonal[0, 0] == diagonal[-1, -1] == 0
    np.testing.assert_allclose(diagonal, diagonal[::-1, ::-1], atol=1e-15)
    np.testing.assert_allclose(single("motion:9,225").taps, diagonal, atol=1e-15)


def test_gabor_is_a_wave_under_an_envelope() -> None:
    """Every tap is the formula's, computed one by one."""
    sigma, theta, wavelength, aspect, phase = 2.0, math.radians(30), 5.0, 0.8, math.radians(20)
    taps = single("gabor:2,30,5,0.8,20").taps
    radius = int(4 * sigma / aspect + 0.5)
    wave, weight = np.zeros_like(taps), 0.0
    for i in range(2 * radius + 1):
        for j in range(2 * radius + 1):
            x, y = j - radius, radius - i  # y upwards
            u = x * math.cos(theta) + y * math.sin(theta)
            v = -x * math.sin(theta) + y * math.cos(theta)
            envelope = math.exp(-(u**2 + (aspect * v) ** 2) / (2 * sigma**2))
            wave[i, j] = envelope * math.cos(2 * math.pi * u / wavelength + phase)
            weight += envelope
    np.testing.assert_allclose(taps, wave / weight, rtol=0, atol=1e-15)


@pytest.mark.parametrize("name", ["sobel", "scharr", "prewitt", "roberts"])
def test_a_gradient_is_its_two_derivatives(name: str) -> None:
    """The bare name means the magnitude of the -x and the -y kernel."""
    gradient = named_kernel(name)
    assert isinstance(gradient, Gradient)
    assert gradient.name == name
    assert gradient.components == (named_kernel(f"{name}-x"), named_kernel(f"{name}-y"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sobbel", "no such kernel: did you mean sobel"),
        ("qqq", "no such kernel"),
        ("gaussian", "gaussian needs sigma (standard deviation in pixels), as in gaussian:3"),
        ("gaussian:", "gaussian needs sigma"),
        ("gaussian:radius=2", "gaussian needs sigma"),
        ("gaussian:0", "sigma must be above 0, not 0"),
        ("gaussian:-1", "sigma must be above 0, not -1"),
        ("gaussian:x", "sigma must be a finite number, not 'x'"),
        ("gaussian:nan", "sigma must be a finite number, not 'nan'"),
        ("gaussian:3,", "radius must be a finite number, not ''"),
        ("gaussian:3,1.5", "radius must be a whole number, not 1.5"),
        ("gaussian:3,-1", "radius must be at least 0, not -1"),
        ("gaussian:3,4,5", "gaussian takes 2 values (sigma, radius)"),
        ("gaussian:3,sigma=4", "sigma is given twice"),
        ("gaussian:sgima=3", "gaussian has no parameter 'sgima': did you mean sigma?"),
        ("gaussian:3,q=1", "gaussian has no parameter 'q': it takes sigma, radius"),
        ("gaussian:600", "would have 4801 taps a side, but 4096 is the limit"),
        ("gaussian:1e300", "would have over a billion taps a side"),
        ("box:0", "height must be at least 1, not 0"),
        ("box:3,2.5", "width must be a whole number, not 2.5"),
        ("box:5000", "would have 5000 taps a side"),
        ("binomial:4097", "would have 4097 taps a side"),
        ("identity:3", "identity takes no values"),
        ("laplacian:6", "neighbours must be 4 or 8, not 6"),
        ("dog:2,1", "wider must be above sigma (2), not 1"),
        ("dog:2,2", "wider must be above sigma (2), not 2"),
        ("disk", "disk needs radius (pixels)"),
        ("disk:-1", "radius must be at least 0, not -1"),
        ("disk:2048", "would have 4097 taps a side"),
        ("motion:0.5", "length must be at least 1, not 0.5"),
        ("motion:1e10", "would have over a billion taps a side"),
        ("gabor:3,wavelength=0", "wavelength must be above 0, not 0"),
        ("gabor:3,aspect=1e-9", "would have over a billion taps a side"),
    ],
)
def test_wrong_parameters_are_refused(text: str, message: str) -> None:
    """The error quotes the text, names the parameter and says what it must be."""
    with pytest.raises(KernelError, match=f"^{re.escape(repr(text))}: .*{re.escape(message)}"):
        named_kernel(text)


def test_the_name_keeps_its_parameters() -> None:
    """A preset is reported under the text that made it, in small letters."""
    assert single(" Gaussian:3 ").name == "gaussian:3"


def test_every_preset_says_what_it_is() -> None:
    """Presets and their parameters all have words for the list that users see."""
    for name, preset in PRESETS.items():
        assert preset.name == name
        assert preset.summary
        assert all(p.meaning for p in preset.parameters)
