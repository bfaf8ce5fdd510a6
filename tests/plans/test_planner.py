"""From kernels, an image's spec and options to a plan: what it says, made before a pixel is read."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest

from sepfilter.engine.planning import make_plan
from sepfilter.errors import KernelError
from sepfilter.geometry import ImageSpec
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.presets import named_kernel
from sepfilter.plans.planner import as_cascade

GREY = ImageSpec(20, 30, 1, "uint8")


def of(dtype: str, channels: int = 1, *, alpha: bool = False) -> ImageSpec:
    """A small image of that type."""
    return ImageSpec(20, 30, channels, dtype, alpha)


@pytest.mark.parametrize(
    ("kernel", "spec", "options", "precision", "samples"),
    [
        ("sobel-x", GREY, {}, "exact", "float32"),
        ("sobel", GREY, {}, "exact", "float32"),
        ("box:4", GREY, {}, "exact", "float32"),
        ("box:3", GREY, {}, "exact", "float32"),
        ("box:3", of("uint16"), {}, "exact", "float32"),
        ("box:9", of("uint16"), {}, "exact", "float64"),
        ("binomial:5", GREY, {}, "fast", "float32"),
        ("binomial:9", GREY, {}, "fast", "float32"),
        ("binomial:9", GREY, {"precision": "exact"}, "exact", "float32"),
        ([[256]], of("uint16"), {}, "exact", "float32"),
        ([[257]], of("uint16"), {}, "exact", "float64"),
        ("sobel", of("uint16"), {}, "exact", "float64"),
        ("sobel-x", of("int32"), {}, "exact", "float64"),
        ("gaussian:1", GREY, {}, "fast", "float32"),
        ("gaussian:1", of("int8"), {}, "fast", "float32"),
        ("gaussian:1", of("uint16"), {}, "float", "float32"),
        (["gaussian:1", "gaussian:1"], GREY, {"border": "nearest"}, "float", "float32"),
        (["gaussian:1", "gaussian:1"], GREY, {}, "fast", "float32"),
        ("gaussian:1", GREY, {"precision": "float"}, "float", "float32"),
        ("gaussian:1", of("float32"), {}, "float", "float32"),
        ("sobel-x", of("float16"), {}, "float", "float32"),
        ("gaussian:1", of("uint32"), {}, "double", "float64"),
        ("gaussian:1", of("float64"), {}, "double", "float64"),
        ("sobel-x", of("float64"), {}, "double", "float64"),
        ("gaussian:1", GREY, {"scale": 1e6}, "double", "float64"),
        ("gaussian:1", GREY, {"dtype": "int32"}, "double", "float64"),
        ("gaussian:1", GREY, {"output_range": "stretch"}, "double", "float64"),
        ("sobel-x", GREY, {"scale": 0.3}, "fast", "float32"),
        ("sobel-x", GREY, {"border": "constant:0.5"}, "float", "float32"),
        ("sobel-x", GREY, {"precision": "double"}, "double", "float64"),
        ("sobel-x", of("uint32"), {"precision": "float"}, "float", "float32"),
        ("laplacian", GREY, {"rank": 1}, "fast", "float32"),
        ("box:3", of("uint8", 4, alpha=True), {}, "float", "float32"),
        ("box:4", of("uint8", 4, alpha=True), {"alpha": "keep"}, "exact", "float32"),
        (["sobel-x", "laplacian"], GREY, {}, "exact", "float32"),
        (["box:4", "laplacian"], GREY, {}, "float", "float32"),
    ],
)
def test_precision_is_exact_where_it_can_be_and_double_where_it_must(
    kernel: Any, spec: ImageSpec, options: dict[str, Any], precision: str, samples: str
) -> None:
    """Whole numbers stay exact; fast or float where its bound is small; else double, or as asked."""
    plan = make_plan(kernel, spec, **options)
    assert (plan.precision, plan.samples) == (precision, samples)


def test_exact_plans_bound_their_error_by_0() -> None:
    """The correctly rounded exact result differs from it nowhere."""
    assert make_plan("binomial:5", GREY, precision="exact").arithmetic_bound == 0
    assert make_plan("box:3", GREY).arithmetic_bound == 0


@pytest.mark.parametrize("scale", [1.0, 100.0, 1e4, 1e5, 1e7])
def test_automatic_float_errs_by_a_tenth_of_a_level_at_most(scale: float) -> None:
    """Where float32 could err by more the plan turns to double, whose bound is far smaller."""
    plan = make_plan("gaussian:1", GREY, scale=scale)
    assert plan.arithmetic_bound <= 0.1
    forced = make_plan("gaussian:1", GREY, scale=scale, precision="float")
    fast = make_plan("gaussian:1", GREY, scale=scale, precision="fast")
    cheapest = [one.precision for one in (fast, forced) if one.arithmetic_bound <= 0.1]
    assert plan.precision == (cheapest[0] if cheapest else "double")


def test_the_bound_grows_with_terms_that_oppose_one_another() -> None:
    """Large terms that almost cancel cost precision, though the taps they sum up to are small."""
    rng = np.random.default_rng(4)
    opposing = np.outer(rng.normal(size=5), rng.normal(size=5))
    taps = Kernel.from_taps(opposing + 0.01 * rng.normal(size=(5, 5)))
    direct = make_plan(taps, GREY, precision="float", method="direct")
    separable = make_plan(taps, GREY, precision="float", method="separable")
    assert separable.arithmetic_bound > direct.arithmetic_bound


@pytest.mark.parametrize("options", [{}, {"rank": 1}, {"border": "constant:3"}, {"padding": "valid"}])
def test_plans_made_alike_are_equal(options: dict[str, Any]) -> None:
    """Plans are values: compared by what they say, and usable as keys."""
    one, other = make_plan("disk:2", GREY, **options), make_plan("disk:2", GREY, **options)
    assert one == other
    assert hash(one) == hash(other)
    assert one != make_plan("disk:2", replace(GREY, width=31), **options)


def test_plans_cannot_be_changed() -> None:
    """Neither a plan nor the taps in it."""
    plan = make_plan("disk:2", GREY)
    with pytest.raises(FrozenInstanceError):
        plan.precision = "double"  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        plan.stages[0].passes[0].taps[0, 0] = 1  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("anchor", "halo"), [((0, 0), (0, 2, 0, 3)), ((2, 3), (2, 0, 3, 0)), ((1, 2), (1, 1, 2, 1))]
)
def test_the_halo_is_what_the_kernel_reaches(
    anchor: tuple[int, int], halo: tuple[int, int, int, int]
) -> None:
    """Rows above and below, columns left and right of an output pixel."""
    kernel = replace(Kernel.from_taps(np.ones((3, 4))), anchor=anchor)
    assert make_plan(kernel, GREY).halo == halo


def test_the_halo_of_a_cascade_is_the_sum() -> None:
    """Each kernel reaches further from where the next one stands."""
    assert make_plan(["box:3", "box:7,5", "sobel"], GREY).halo == (5, 5, 4, 4)


@pytest.mark.parametrize(
    ("kernel", "padding", "size"),
    [
        ("box:5", "same", (20, 30)),
        ("box:5", "valid", (16, 26)),
        ("box:2,4", "valid", (19, 27)),
        (["box:5", "sobel"], "valid", (14, 24)),
        ("box:20,30", "valid", (1, 1)),
        ("identity", "valid", (20, 30)),
    ],
)
def test_the_output_has_the_size_that_padding_leaves(
    kernel: Any, padding: str, size: tuple[int, int]
) -> None:
    """`same` keeps the image's size, `valid` takes what the kernels lack context for."""
    spec = make_plan(kernel, of("uint8", 3), padding=padding).output_spec
    assert (spec.height, spec.width, spec.channels, spec.dtype) == (*size, 3, "uint8")


def test_an_output_spec_has_the_type_of_the_output_and_the_opacity_of_the_source() -> None:
    """What comes out is described as what went in."""
    spec = make_plan("box:3", of("uint8", 4, alpha=True), dtype="uint16").output_spec
    assert spec == ImageSpec(20, 30, 4, "uint16", alpha=True)


def test_a_plan_repeats_what_it_was_asked() -> None:
    """Border and padding can be read from it."""
    plan = make_plan("box:3", GREY, border="constant:9", padding="valid")
    assert (str(plan.border), plan.padding) == ("constant:9", "valid")


@pytest.mark.parametrize("kernel", ["identity", ["identity", "identity"], Kernel.from_taps([[1]])])
def test_the_identity_is_planned_as_a_copy(kernel: Any) -> None:
    """The plan says that samples are copied."""
    plan = make_plan(kernel, of("float32"))
    assert (plan.is_copy, plan.method, plan.rank) == (True, "copy", None)
    assert plan.reason == "the kernel is the identity: samples are copied"


@pytest.mark.parametrize(
    ("kernel", "options"),
    [
        ([[1, 0]], {}),
        ([[2]], {}),
        (replace(Kernel.from_taps([[1]]), offset=1.0), {}),
        ("identity", {"scale": 0.5}),
        ("identity", {"dtype": "int16"}),
        ("identity", {"output_range": "stretch"}),
        (["identity", "box:3"], {}),
    ],
)
def test_nothing_else_is_a_copy(kernel: Any, options: dict[str, Any]) -> None:
    """Where any value may change the filter runs."""
    assert not make_plan(kernel, GREY, **options).is_copy


@pytest.mark.parametrize(
    ("kernel", "alpha", "stages", "divides"),
    [
        ("box:3", "premultiply", 1, True),
        ("sobel-x", "premultiply", 0, False),
        ("sobel", "premultiply", 0, False),
        (["box:3", "gaussian:1"], "premultiply", 2, True),
        (["box:3", "laplacian"], "premultiply", 1, False),
        ("box:3", "keep", 0, False),
        ("box:3", "separate", 0, False),
    ],
)
def test_opacity_is_filtered_beside_kernels_that_keep_light(
    kernel: Any, alpha: str, stages: int, divides: bool
) -> None:
    """Kernels of sum 0 leave opacity alone; only where none is among them are colours divided."""
    plan = make_plan(kernel, of("uint8", 4, alpha=True), alpha=alpha)
    assert plan.alpha == alpha
    assert len(plan.alpha_stages) == stages
    assert plan.divides_by_alpha is divides


def test_opacity_is_filtered_by_the_kernel_of_sum_1() -> None:
    """An unnormalized kernel would make opacity overflow."""
    plan = make_plan([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]], of("uint8", 2, alpha=True))
    (one,) = plan.alpha_stages[0].passes
    assert one.magnitude == pytest.approx(1)


def test_an_image_without_opacity_has_no_plan_for_it() -> None:
    """Four channels are four colours unless the spec says otherwise."""
    plan = make_plan("box:3", of("uint8", 4))
    assert (plan.alpha, plan.alpha_stages) == ("none", ())


def test_beyond_a_constant_border_premultiplied_colours_are_0() -> None:
    """The border that a plan states is the one that runs."""
    spec = of("uint8", 4, alpha=True)
    assert str(make_plan("box:3", spec, border="constant:9").border) == "constant:0"
    assert str(make_plan("box:3", spec, border="constant:9", alpha="keep").border) == "constant:9"


@pytest.mark.parametrize(
    ("kernel", "names"),
    [
        ("box:3", ["box:3"]),
        ([[1, 2, 1], [2, 4, 2]], ["kernel"]),
        (np.ones((2, 2)), ["kernel"]),
        (["box:3", "sobel"], ["box:3", "sobel"]),
        (("box:3", named_kernel("box:5")), ["box:3", "box:5"]),
    ],
)
def test_kernels_may_be_given_in_many_ways(kernel: Any, names: list[str]) -> None:
    """Names, taps, and sequences of kernels; nested lists of numbers are taps."""
    assert [one.name for one in as_cascade(kernel)] == names


@pytest.mark.parametrize("kernel", [[], [[]], [[1, 2], [3]], "gausian:1", [[np.nan]]])
def test_a_malformed_kernel_is_refused(kernel: Any) -> None:
    """No plan is made for what is no kernel."""
    with pytest.raises(KernelError):
        make_plan(kernel, GREY)


def test_a_large_gaussian_is_planned_without_its_taps() -> None:
    """A kernel known as factors stays factors: 1601 x 1601 taps are never built."""
    (one,) = make_plan("gaussian:200", GREY, method="separable").stages[0].passes
    assert one.height == one.width == 1601
    assert one.terms == 1
