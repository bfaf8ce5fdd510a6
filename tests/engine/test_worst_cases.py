from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import signal

from sepfilter import ImageSpec, Kernel, apply, execute, make_plan, parse_kernel
from sepfilter.errors import OptionError

NOISE = np.random.default_rng(5).integers(0, 256, (211, 173), dtype=np.uint8)


@pytest.mark.parametrize("kernel", ["gaussian:0.1", "gaussian:sigma=1,radius=0", "identity"])
@pytest.mark.parametrize("options", [{}, {"border": "constant:1e20"}, {"rank": 1}])
def test_a_kernel_of_one_tap_is_a_copy_however_it_is_asked_for(kernel: str, options: dict[str, Any]) -> None:
    """A single tap of 1 copies the image, whatever border and rank are given."""
    assert make_plan(kernel, ImageSpec.of(NOISE), **options).is_copy
    assert np.array_equal(apply(NOISE, kernel, **options), NOISE)


@pytest.mark.parametrize("offset", [0.0, 1001.0, 31001.0])
@pytest.mark.parametrize("scale", [1.0, 0.25, 16.0])
def test_exact_stays_exact_under_scale_and_offset(scale: float, offset: float) -> None:
    """binomial:9 with scale and offset is the integer sum, divided and rounded half to even once."""
    image = NOISE.astype(np.int64)
    padded = np.pad(image, 4, mode="symmetric")
    taps = np.array([1, 8, 28, 56, 70, 56, 28, 8, 1])
    rows = sum(tap * padded[:, k : k + image.shape[1]] for k, tap in enumerate(taps))
    sums = sum(tap * rows[k : k + image.shape[0]] for k, tap in enumerate(taps))
    # scale is num / 4 with num whole: all over one denominator, so that nothing is rounded before.
    numerators = sums * int(4 * scale) + int(offset) * 4 * 65536
    whole, rest = np.divmod(numerators, 4 * 65536)
    half = 2 * 65536
    expected = whole + ((rest > half) | ((rest == half) & (whole % 2 == 1)))
    how = {"precision": "exact", "dtype": "int16", "scale": scale, "offset": offset}
    plan = make_plan("binomial:9", ImageSpec.of(NOISE), **how)
    assert (plan.precision, plan.arithmetic_bound) == ("exact", 0.0)
    assert np.array_equal(execute(plan, NOISE), np.clip(expected, -32768, 32767))


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 31001.0), (16.0, 0.0), (1.0, 128.0)])
def test_an_exact_gradient_stays_exact_under_scale_and_offset(scale: float, offset: float) -> None:
    """The magnitude of Sobel, scaled and moved, rounds as the true root does."""
    image = np.zeros((3, 3 * 400), np.uint8)
    random = np.random.default_rng(9)
    image[:] = random.integers(0, 256, image.shape)
    padded = np.pad(image.astype(np.int64), 1, mode="symmetric")
    window = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    gx = (window * np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])).sum(axis=(2, 3))
    gy = (window * np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])).sum(axis=(2, 3))
    squares = (gx * gx + gy * gy) * int(scale) ** 2
    # The nearest integer to a root that is no half: floor(sqrt(4 n) + 1) // 2, in integers.
    root = np.sqrt(4.0 * squares).astype(np.int64)
    root += (root + 1) ** 2 <= 4 * squares
    root -= root**2 > 4 * squares
    expected = (root + 1) // 2 + int(offset)
    result = apply(image, "sobel", dtype="int16", scale=scale, offset=offset)
    assert np.array_equal(result, np.minimum(expected, 32767))


def test_a_kernels_own_offset_is_added_after_the_division_by_opacity() -> None:
    """With premultiplied colours a kernel's offset moves colours by just that."""
    image = np.full((5, 5, 4), 100, np.uint8)
    image[..., 3] = 77
    spec = ImageSpec.of(image, alpha=True)
    box = parse_kernel("box:3")
    assert isinstance(box, Kernel)
    moved = Kernel(box.name, box.form, box.anchor, offset=40.0)
    result = execute(make_plan(moved, spec), image)
    assert np.all(result[..., :3] == 140)
    assert np.all(result[..., 3] == 77)


def test_float_precision_saturates_wide_integers() -> None:
    """float32 cannot hold 2^32 - 1: the sample saturates next to it, and never wraps to 0."""
    image = np.full((4, 4), 2**32 - 1, np.uint32)
    plan = make_plan("gaussian:1", ImageSpec.of(image), precision="float")
    result = execute(plan, image)
    assert np.all(np.abs(result.astype(np.float64) - (2**32 - 1)) <= plan.arithmetic_bound)


@pytest.mark.parametrize("tap", [3.0, 1.2345678901, 0.1])
def test_reading_wide_integers_as_float32_is_part_of_the_bound(tap: float) -> None:
    """int32 samples lose digits on their way into float32, and the plan counts that."""
    image = np.random.default_rng(4).integers(-(2**31), 2**31, (64, 64), dtype=np.int32)
    plan = make_plan([[tap]], ImageSpec.of(image), precision="float", output_range="float", dtype="float64")
    error = np.abs(execute(plan, image) - tap * image.astype(np.float64)).max()
    assert error <= plan.arithmetic_bound


def test_a_border_that_float32_cannot_hold_is_part_of_the_bound() -> None:
    """A fractional constant is rounded when it is stored, and the plan counts that."""
    image = np.zeros((3, 3), np.uint8)
    value = 0.1
    plan = make_plan([[1, 0]], ImageSpec.of(image), border=f"constant:{value}", precision="float",
                     output_range="float", dtype="float64")  # fmt: skip
    assert abs(execute(plan, image)[0, 0] - value) <= plan.arithmetic_bound


def test_a_forced_rank_does_not_approximate_opacity() -> None:
    """Cutting off colours leaves the opacity of a flat image as it is."""
    image = np.full((9, 9, 4), 200, np.uint8)
    image[..., 3] = 255
    spec = ImageSpec.of(image, alpha=True)
    result = execute(make_plan("disk:2", spec, rank=1), image)
    assert np.all(result[..., 3] == 255)
    assert np.array_equal(result[..., :3], apply(image[..., :3].copy(), "disk:2", rank=1))


def test_stretch_of_a_flat_image_keeps_infinities_apart() -> None:
    """Where all finite samples are equal they become black, and an infinity saturates."""
    image = np.full((4, 4), 7.0, np.float32)
    image[0, 0] = np.inf
    result = apply(image, [[1]], output_range="stretch", dtype="uint8")
    assert result[0, 0] == 255
    assert np.all(result.ravel()[1:] == 0)


def test_stretch_comes_after_scale_and_offset() -> None:
    """A negative scale turns black and white around; an offset and a positive scale change nothing."""
    plain = apply(NOISE, "laplacian", output_range="stretch")
    assert np.array_equal(apply(NOISE, "laplacian", output_range="stretch", scale=4, offset=9), plain)
    turned = apply(NOISE, "laplacian", output_range="stretch", scale=-1)
    assert np.abs(turned.astype(int) + plain - 255).max() <= 1
    assert (plain.min(), plain.max()) == (0, 255)


def test_stretch_of_integers_is_the_rounded_quotient() -> None:
    """Whole results are spread by one multiplication and one division: correctly rounded."""
    values = apply(NOISE, "laplacian", dtype="int16").astype(np.int64)
    numerators = (values - values.min()) * 255
    width = int(values.max() - values.min())
    whole, rest = np.divmod(numerators, width)
    expected = whole + ((2 * rest > width) | ((2 * rest == width) & (whole % 2 == 1)))
    assert np.array_equal(apply(NOISE, "laplacian", output_range="stretch"), expected)


@pytest.mark.parametrize("options", [{"max_error": 30.0}])
def test_no_error_is_promised_where_colours_are_divided_by_opacity(options: dict[str, Any]) -> None:
    """Division by a small opacity can make any error large: the promise is refused, and the way out named."""
    spec = ImageSpec(20, 20, 4, "uint8", alpha=True)
    with pytest.raises(OptionError, match="use --alpha keep or separate"):
        make_plan("disk:5", spec, **options)
    assert make_plan("disk:5", spec, rank=1).error_bound == np.inf
    assert np.isfinite(make_plan("disk:5", spec, alpha="keep", **options).error_bound)


def test_large_samples_do_not_overflow_on_the_way() -> None:
    """A mean of float32 samples of 1e38 is 1e38."""
    image = np.full((5, 5), 1e38, np.float32)
    for kernel in ("box:5", "gaussian:1"):
        assert np.allclose(apply(image, kernel), 1e38)


def test_taps_too_small_for_float32_turn_the_plan_to_double() -> None:
    """What float32 would lose to underflow counts as rounding."""
    result = apply(NOISE, [[1e-42, 1e-42]], scale=5e41)
    padded = np.pad(NOISE.astype(np.float64), ((0, 0), (1, 0)), mode="symmetric")
    assert np.abs(result - np.minimum((padded[:, :-1] + padded[:, 1:]) * 0.5, 255)).max() <= 0.5


def test_numpys_error_state_is_left_alone() -> None:
    """After filtering with threads and cascades NumPy warns as it did before."""
    before = np.geterr()
    apply(NOISE, ["gaussian:2", "laplacian"], threads=3)
    assert np.geterr() == before


@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        ("float32", 1e20), ("float32", 1e-30), ("float32", 1.0),
        ("float64", 1e200), ("float64", 1e-200), ("float64", 1.0),
    ],
)  # fmt: skip
def test_a_gradient_neither_overflows_nor_underflows(dtype: str, size: float) -> None:
    """The magnitude of large and tiny float samples is their own size's."""
    image = np.zeros((3, 4), dtype)
    image[:, 2:] = size
    result = apply(image, "sobel", levels=max(size, 1.0))
    assert result[1, 1] == pytest.approx(4 * size, rel=1e-6)


def test_a_hidden_nan_does_not_bleed() -> None:
    """A float colour that is NaN under opacity 0 stays hidden."""
    image = np.ones((5, 5, 4), np.float32)
    image[2, 2] = (np.nan, np.inf, 0.5, 0.0)
    result = execute(make_plan("box:3", ImageSpec.of(image, alpha=True)), image)
    assert np.allclose(result[..., :3], 1.0)


def test_float16_overflow_is_counted() -> None:
    """What a float16 output cannot hold is counted as not finite."""
    from sepfilter.engine.execute import run

    image = np.full((2, 2), 60000.0, np.float16)
    assert run(make_plan([[2]], ImageSpec.of(image)), image).losses.nonfinite == 4


def test_a_border_is_named_with_all_its_digits() -> None:
    """Plans and reports lose no digit of the constant."""
    plan = make_plan("box:3", ImageSpec.of(NOISE), border="constant:123456789")
    assert str(plan.border) == "constant:123456789.0"


def test_an_all_zero_kernel_says_so() -> None:
    """The plan of a kernel of zeros names the reason."""
    assert make_plan([[0, 0], [0, 0]], ImageSpec.of(NOISE)).reason == "all taps are 0, and so is every result"


def test_an_overflowing_kernel_has_no_nan_in_its_plan() -> None:
    """Bounds of taps that add up beyond float64 are infinite or 0, never NaN."""
    plan = make_plan([[1e308, 1e308]], ImageSpec.of(NOISE))
    assert plan.error_bound == 0.0
    assert not np.isnan(plan.arithmetic_bound)


def long_kernel(name: str) -> Kernel:
    """Kernels whose sums are long: 61 taps either way, 225 at once, four terms of 21."""
    noise = np.random.default_rng(91)
    if name == "gaussian":
        taps = np.exp(-(np.arange(-30, 31) ** 2) / 200)
        return Kernel.from_factors(taps / taps.sum(), taps / taps.sum())
    if name == "random":
        return Kernel.from_taps(noise.random((15, 15)) / 112)
    return Kernel.from_taps(noise.normal(size=(21, 4)) @ noise.normal(size=(4, 21)) / 200)


@pytest.mark.parametrize("name", ["gaussian", "random", "rank 4"])
@pytest.mark.parametrize("method", ["direct", "separable"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_long_float_sums_keep_the_promise(reference: ModuleType, dtype: str, method: str, name: str) -> None:
    """White, noise, and black and white after the sign of the taps stay within the bound, unrounded."""
    kernel = long_kernel(name)
    if dtype == "float32":
        images = [NOISE[:, :64].astype(np.float32) / 255, np.ones((9, 9), np.float32)]
    else:
        info = np.iinfo(dtype)
        noise = np.random.default_rng(92).integers(info.min, info.max, (40, 41), dtype=dtype, endpoint=True)
        images = [noise, np.full((9, 9), info.max, dtype), reference.extreme_image(kernel.taps, dtype)]
    for image in images:
        how = {"precision": "float", "method": method, "output_range": "float"}
        plan = make_plan(kernel, ImageSpec.of(image), **how)
        reach = 30 if name == "gaussian" else kernel.height // 2
        padded = np.pad(image.astype(np.float64), reach, mode="symmetric")
        true = signal.correlate(padded, kernel.taps, "valid", "direct")
        assert np.abs(execute(plan, image) - true).max() <= plan.arithmetic_bound + 1e-9


@pytest.mark.parametrize("name", ["gaussian", "random"])
def test_16_bit_samples_run_in_float_under_long_kernels(name: str) -> None:
    """Partial sums keep the bound below a tenth of a level, where plain ones would need double."""
    plan = make_plan(long_kernel(name), ImageSpec(9, 9, 1, "uint16"))
    assert (plan.precision, plan.arithmetic_bound < 0.1) == ("float", True)
