"""Other cascades that do what was asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sepfilter.engine.execute import execute
from sepfilter.engine.planning import make_plan
from sepfilter.geometry import ImageSpec
from sepfilter.kernels.factorization import FactorizedKernel
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.presets import named_kernel
from sepfilter.plans.steps import fused, line_by_line, one_by_one

UNROUNDED = {"precision": "double", "output_range": "float"}


@pytest.fixture
def wide() -> Kernel:
    """A large kernel of known factors, lopsided in every way."""
    noise = np.random.default_rng(0)
    kernel = Kernel.from_factors(noise.normal(size=301), noise.normal(size=253), name="wide")
    return replace(kernel, anchor=(20, 200), offset=3.0)


@pytest.mark.parametrize("border", ["reflect", "mirror", "nearest", "wrap", "constant:-5"])
def test_a_large_kernel_is_transformed_line_by_line(wide: Kernel, border: str) -> None:
    """Columns, then rows: the result is that of two passes, beyond the edges and with the offset too."""
    image = np.random.default_rng(1).integers(0, 256, (40, 50, 2)).astype(np.uint8)
    spec = ImageSpec.of(image)
    plan = make_plan(wide, spec, method="fft", border=border, **UNROUNDED)
    assert [(stage.height, stage.width, stage.method) for stage in plan.stages] == [
        (301, 1, "fft"),
        (1, 253, "fft"),
    ]
    separable = execute(make_plan(wide, spec, method="separable", border=border, **UNROUNDED), image)
    np.testing.assert_allclose(execute(plan, image), separable, rtol=0, atol=1e-6)
    by_rows = [execute(plan, image, threads=1)[y] for y in (0, 39)]
    np.testing.assert_array_equal(by_rows, execute(plan, image)[[0, 39]])


def test_valid_results_are_cropped_once(wide: Kernel) -> None:
    """What `valid` leaves is what the whole kernel fits on."""
    image = np.random.default_rng(2).random((320, 300))
    plan = make_plan(wide, ImageSpec.of(image), method="fft", padding="valid", **UNROUNDED)
    separable = make_plan(wide, ImageSpec.of(image), method="separable", padding="valid", **UNROUNDED)
    assert plan.output_spec == separable.output_spec
    np.testing.assert_allclose(execute(plan, image), execute(separable, image), rtol=0, atol=1e-8)


def test_a_wide_gaussian_takes_lines_by_itself() -> None:
    """Two passes of 1601 taps, or blocks that such a kernel fits into, would take longer."""
    plan = make_plan("gaussian:200", ImageSpec(3000, 4000, 1, "uint8"))
    assert [stage.method for stage in plan.stages] == ["fft", "fft"]
    assert plan.error_bound == 0
    assert plan.operations.direct_multiplications == 1601**2 * 12_000_000


def test_small_and_dense_kernels_have_no_lines() -> None:
    """Only known factors are taken apart."""
    for name in ("disk:5", "sobel", "log:2"):
        assert line_by_line([FactorizedKernel.of(named_kernel(name))]) is None
    assert make_plan("gaussian:2", ImageSpec(300, 400, 1, "uint8"), method="fft").stages[0].height == 17


EVEN = Kernel.from_taps([[1, 2, 1], [2, 4, 2], [1, 2, 1]], name="even")
ODD = Kernel.from_taps([[1, 0, -2], [0, 3, 0], [1, 1, 0]], name="odd")
SMALL = Kernel.from_taps([[1, -1], [2, 0]], name="small")


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("border", ["reflect", "mirror", "nearest", "wrap", "constant:-5"])
@pytest.mark.parametrize("kernels", [(EVEN, SMALL), (ODD, SMALL), (SMALL, EVEN), (EVEN, EVEN, ODD)])
def test_fused_kernels_do_what_the_cascade_does(
    kernels: tuple[Kernel, ...], border: str, padding: str
) -> None:
    """Whether they may be fused or not: near the edges, and on images smaller than the kernel."""
    cascade = [FactorizedKernel.of(one) for one in kernels]
    for shape in ((9, 8, 2), (7, 7, 1), (2, 1, 1)):
        if padding == "valid" and min(shape[:2]) < 7:
            continue
        image = np.random.default_rng(3).integers(0, 256, shape).astype(np.uint8)
        options = {"border": border, "padding": padding, **UNROUNDED}
        one_by_one_result = execute(
            make_plan(list(kernels), ImageSpec.of(image), method="direct", **options), image
        )
        steps = fused(cascade, border.partition(":")[0], padding)
        if steps is None:
            assert border in ("nearest", "constant:-5") or kernels[0] is not EVEN
            continue
        together = [step.factorized.kernel for step in steps]
        result = execute(make_plan(together, ImageSpec.of(image), method="direct", **options), image)
        np.testing.assert_allclose(result, one_by_one_result, rtol=0, atol=1e-8)


def test_a_cascade_is_fused_where_that_is_cheaper() -> None:
    """Two small kernels of whole numbers become one exact pass, and the reason says so."""
    plan = make_plan([EVEN, "laplacian"], ImageSpec(300, 400, 1, "uint8"), dtype="int32", scale=1 / 16)
    assert len(plan.stages) == 1
    assert plan.reason.startswith("even and laplacian as one kernel of 5 x 5 taps: rank")
    assert plan.operations.direct_multiplications == 18 * 300 * 400


def test_a_cascade_of_wide_kernels_stays_apart() -> None:
    """Where one kernel would take longer, each runs by itself."""
    plan = make_plan(["gaussian:5", "disk:8"], ImageSpec(300, 400, 1, "uint8"))
    assert len(plan.stages) == 2


@pytest.mark.parametrize("method", ["direct", "separable", "fft"])
def test_a_method_asked_for_is_for_each_kernel(method: str) -> None:
    """Fusing is a choice of auto's alone."""
    plan = make_plan(["box:3", "laplacian"], ImageSpec(300, 400, 1, "uint8"), method=method)
    assert [stage.method for stage in plan.stages] == [method, method]


def test_an_offset_before_a_gradient_is_not_fused() -> None:
    """It would have to go through the root."""
    shifted = replace(EVEN, offset=3.0)
    cascade = [FactorizedKernel.of(one) for one in (shifted, named_kernel("sobel"))]
    assert fused(cascade, "reflect", "same") is None
    assert fused([FactorizedKernel.of(EVEN), cascade[1]], "reflect", "same") is not None


def test_steps_are_counted_against_what_they_stand_for() -> None:
    """Lines of a kernel count as the whole kernel would directly; a gradient counts twice."""
    cascade = [FactorizedKernel.of(named_kernel(name)) for name in ("gaussian:20", "sobel")]
    assert [step.direct for step in one_by_one(cascade)] == [161 * 161, 18]
    by_lines = line_by_line(cascade)
    assert by_lines is not None
    assert [step.direct for step in by_lines] == [0, 161 * 161, 18]
    assert [step.beyond for step in by_lines] == pytest.approx([1, 1, 1])


@pytest.mark.parametrize(
    "options",
    [{"max_error": 0.5}, {"rank": 1}, {"precision": "fast"}, {"precision": "exact", "kernel": "box:401"}],
)
def test_lines_leave_other_options_alone(options: dict[str, object]) -> None:
    """What a large kernel may also be asked for is planned as if there were no lines."""
    options = dict(options)
    plan = make_plan(options.pop("kernel", "gaussian:50"), ImageSpec(300, 400, 1, "uint8"), **options)
    assert len(plan.stages) == 1


@pytest.mark.parametrize(
    ("cascade", "stages"),
    [(["1e200 1e200", "1e200 3e200"], 2), (["1e-200 2e-200; 0 1e-200", "1e-120 1e-200; 0 1e-120"], 1)],
)
def test_what_cannot_be_fused_stays_apart(cascade: list[str], stages: int) -> None:
    """Products of taps beyond what float64 can hold are no reason to refuse a cascade; smaller ones are 0."""
    plan = make_plan(cascade, ImageSpec(30, 40, 1, "float64"), border="wrap")
    assert len(plan.stages) == stages


def test_exactness_may_come_of_fusing() -> None:
    """Means that leave fractions between them are one exact kernel."""
    spec = ImageSpec(30, 40, 1, "uint8")
    for cascade in (["box:3", "box:3"], ["box:3", "laplacian"], ["binomial:3", "binomial:3", "sobel-x"]):
        plan = make_plan(cascade, spec, precision="exact", border="reflect")
        assert (plan.precision, len(plan.stages)) == ("exact", 1)


def test_lines_are_told_as_a_choice() -> None:
    """Nobody asked for transforms: the reason says what they are of."""
    plan = make_plan("gaussian:200", ImageSpec(3000, 4000, 1, "uint8"))
    assert "as asked" not in plan.reason
    assert "all columns: rank 1" in plan.reason
    asked = make_plan("gaussian:200", ImageSpec(3000, 4000, 1, "uint8"), method="fft")
    assert "fft, as asked" in asked.reason
