"""Opacity: premultiplied, filtered as a colour, or kept; against the same in plain float64."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SMALL = settings(max_examples=30, deadline=None)
BORDERS = ("reflect", "mirror", "nearest", "wrap", "constant")
ZERO_SUM = {
    "sobel-x": np.outer([1, 2, 1], [-1, 0, 1]),
    "laplacian": np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
    "scharr-y": np.outer([-1, 0, 1], [3, 10, 3]),
}
Array = npt.NDArray[Any]
Run = Callable[..., tuple[Array, Any]]


def premultiplied(reference: ModuleType, image: Array, taps: Array, levels: float, **how: Any) -> Array:
    """Colours times opacity, filtered, over filtered opacity, for taps of a sum other than 0."""
    numbers = image.astype(np.float64)
    opacity = numbers[..., -1:]
    colours = reference.correlate(numbers[..., :-1] * opacity, taps, **how)
    opacity = reference.correlate(opacity, taps / taps.sum(), **how)
    visible = opacity > levels / 2**16
    return np.concatenate([np.where(visible, colours / np.where(visible, opacity, 1), 0), opacity], axis=2)


def translucent(seed: int, dtype: str = "uint8", shape: tuple[int, ...] = (7, 8, 4)) -> Array:
    """Noise in colours and opacity, a third of it fully transparent."""
    noise = np.random.default_rng(seed)
    if dtype.startswith("float"):
        image = noise.uniform(0, 1, shape).astype(dtype)
    else:
        image = noise.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)
    image[..., -1] *= noise.uniform(size=shape[:2]) > 1 / 3
    return image


@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
@SMALL
def test_premultiplied_colours_are_those_of_plain_arithmetic(
    reference: ModuleType, filtered: Run, data: st.DataObject, seed: int
) -> None:
    """In float64 any kernel of positive taps gives sum(k c a) / sum(k a / sum k)."""
    case = data.draw(reference.float_cases())
    taps = np.abs(case.taps) + 0.01
    image = translucent(seed, "float64")
    padding = data.draw(st.sampled_from(["same", "valid"]))
    result, _ = filtered(image, taps, anchor=case.anchor, border=case.border, padding=padding, opacity=True)
    how = {"anchor": case.anchor, "border": case.border, "padding": padding}
    np.testing.assert_allclose(result, premultiplied(reference, image, taps, 1, **how), atol=1e-12)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("border", BORDERS)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_premultiplied_integers_are_the_rounded_ones(
    reference: ModuleType, filtered: Run, border: str, dtype: str, seed: int
) -> None:
    """Integer colours and opacity are the plain result, rounded, or at most a hair beyond a tie."""
    image = translucent(seed, dtype)
    levels = float(np.iinfo(dtype).max)
    result, _ = filtered(image, "binomial:3", border=border, opacity=True)
    taps = np.outer([1, 2, 1], [1, 2, 1]) / 16
    true = premultiplied(reference, image, taps, levels, border=border)
    assert np.abs(result - true).max() <= 0.5 + levels * 1e-6


@pytest.mark.parametrize("kernel", ["gaussian:1", "box:3", "disk:2", "sharpen", "emboss"])
@pytest.mark.parametrize("border", ["reflect", "mirror", "nearest", "wrap"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_an_opaque_image_gives_what_it_gives_without_opacity(
    filtered: Run, dtype: str, border: str, kernel: str
) -> None:
    """Full opacity stays full, and colours differ by one level at most, in ties."""
    image = translucent(31, dtype)
    image[..., 3] = np.iinfo(dtype).max
    result, _ = filtered(image, kernel, border=border, opacity=True)
    bare, _ = filtered(image[..., :3], kernel, border=border)
    assert (result[..., 3] == np.iinfo(dtype).max).all()
    assert np.abs(result[..., :3].astype(int) - bare).max() <= 1


@pytest.mark.parametrize("kernel", [*ZERO_SUM, "sobel"])
@pytest.mark.parametrize("border", BORDERS)
def test_a_kernel_of_sum_0_leaves_opacity_as_it_is(filtered: Run, kernel: str, border: str) -> None:
    """Derivatives and magnitudes return the opacity of the source, sample by sample."""
    image = translucent(32)
    result, _ = filtered(image, kernel, border=border, opacity=True, output_range="abs")
    np.testing.assert_array_equal(result[..., 3], image[..., 3])


@pytest.mark.parametrize("kernel", ZERO_SUM)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_kernel_of_sum_0_filters_premultiplied_colours_and_divides_by_nothing(
    reference: ModuleType, filtered: Run, dtype: str, kernel: str
) -> None:
    """The derivative of colour times opacity, in levels of colour."""
    image = translucent(33, dtype)
    levels = float(np.iinfo(dtype).max)
    result, _ = filtered(image, kernel, opacity=True, dtype="float64")
    colours = image[..., :3].astype(np.float64) * image[..., 3:] / levels
    true = reference.correlate(colours, ZERO_SUM[kernel])
    np.testing.assert_allclose(result[..., :3], true, atol=1e-9 * levels)


@pytest.mark.parametrize("kernel", ["gaussian:1", "sharpen", "sobel", "laplacian", "disk:2"])
@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_hidden_colours_never_bleed(filtered: Run, dtype: str, border: str, kernel: str) -> None:
    """Whatever colours lie under opacity 0, the result is the same, bit for bit."""
    image = translucent(34, dtype)
    other = image.copy()
    other[image[..., 3] == 0, :3] = 1
    results = [filtered(one, kernel, border=border, opacity=True)[0] for one in (image, other)]
    assert (image != other).any()
    assert results[0].tobytes() == results[1].tobytes()


def test_where_nothing_is_opaque_there_is_no_colour(filtered: Run) -> None:
    """A pixel with transparent neighbours only becomes transparent black."""
    image = np.full((9, 9, 4), 200, np.uint8)
    image[..., 3] = 0
    image[0, 0, 3] = 255
    result, _ = filtered(image, "box:3", border="constant", opacity=True)
    assert not result[3:, 3:].any()
    assert result[1, 1].tolist() == [200, 200, 200, round(255 / 9)]


def test_beyond_a_constant_border_opacity_is_0(filtered: Run) -> None:
    """Opacity fades towards the edge, colours stay: no constant mixes with them."""
    image = np.full((5, 5, 4), 90, np.uint8)
    image[..., 3] = 255
    result, _ = filtered(image, "box:3", border="constant:255", opacity=True)
    assert (result[..., :3] == 90).all()
    assert result[:3, :3, 3].tolist() == [[113, 170, 170], [170, 255, 255], [170, 255, 255]]


@pytest.mark.parametrize("gain", [4.0, -2.0, 0.125])
def test_the_sum_of_the_kernel_brightens_colours_not_opacity(filtered: Run, gain: float) -> None:
    """Opacity is filtered by the kernel of sum 1; colours take the kernel's own sum."""
    image = np.full((4, 4, 2), 16.0, np.float32)
    image[..., 1] = 0.5
    result, _ = filtered(image, np.full((1, 2), gain / 2), opacity=True)
    np.testing.assert_allclose(result[..., 0], 16 * gain)
    np.testing.assert_allclose(result[..., 1], 0.5)


@pytest.mark.parametrize(
    "options",
    [{"scale": 0.25}, {"offset": 60}, {"output_range": "offset"}, {"output_range": "abs", "scale": -2}],
)
@pytest.mark.parametrize("alpha", ["premultiply", "keep"])
def test_scale_offset_and_range_are_for_colours(filtered: Run, alpha: str, options: dict[str, Any]) -> None:
    """Opacity is what it is without them."""
    image = translucent(35)
    plain, _ = filtered(image, "box:3", opacity=True, alpha=alpha)
    result, _ = filtered(image, "box:3", opacity=True, alpha=alpha, **options)
    np.testing.assert_array_equal(result[..., 3], plain[..., 3])
    assert (result[..., :3] != plain[..., :3]).any()


def test_stretch_finds_its_limits_in_the_colours(filtered: Run) -> None:
    """Opacity neither sets the limits nor is stretched."""
    image = np.zeros((4, 4, 2), np.uint8)
    image[..., 0] = np.arange(16).reshape(4, 4) + 100
    image[..., 1] = 255
    result, _ = filtered(image, [[1.0, 0.0]], opacity=True, output_range="stretch")
    assert (result[..., 0].min(), result[..., 0].max()) == (0, 255)
    assert (result[..., 1] == 255).all()


@pytest.mark.parametrize("alpha", ["premultiply", "keep"])
@pytest.mark.parametrize(("source", "target"), [("uint8", "uint16"), ("uint16", "uint8")])
def test_full_opacity_stays_full_in_another_type(filtered: Run, source: str, target: str, alpha: str) -> None:
    """Between unsigned types opacity is scaled as colours are."""
    image = np.full((3, 3, 2), np.iinfo(source).max, source)
    result, _ = filtered(image, "box:3", opacity=True, dtype=target, alpha=alpha)
    assert (result == np.iinfo(target).max).all()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "float32", "float64"])
def test_kept_opacity_is_the_sources(reference: ModuleType, filtered: Run, dtype: str) -> None:
    """With keep, opacity comes back bit for bit, and colours are filtered as if there were none."""
    image = translucent(36, dtype)
    result, _ = filtered(image, "gaussian:1", opacity=True, alpha="keep")
    bare, _ = filtered(np.ascontiguousarray(image[..., :3]), "gaussian:1")
    assert result[..., 3].tobytes() == image[..., 3].tobytes()
    np.testing.assert_array_equal(result[..., :3], bare)


@pytest.mark.parametrize("alpha", ["premultiply", "keep"])
@pytest.mark.parametrize("anchor", [(0, 0), (2, 1), (1, 2)])
def test_valid_padding_crops_opacity_to_the_anchor(
    filtered: Run, alpha: str, anchor: tuple[int, int]
) -> None:
    """Opacity that is not filtered is that of the pixel under the anchor."""
    image = translucent(37)
    taps = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    result, _ = filtered(image, taps, anchor=anchor, padding="valid", opacity=True, alpha=alpha)
    y, x = anchor
    np.testing.assert_array_equal(result[..., 3], image[y : y + 5, x : x + 6, 3])


@pytest.mark.parametrize("kernel", ["gaussian:1", "laplacian", "sobel"])
def test_separate_filters_opacity_as_one_more_colour(filtered: Run, kernel: str) -> None:
    """With separate, four channels are filtered alike, as in an image without opacity."""
    image = translucent(38)
    result, _ = filtered(image, kernel, opacity=True, alpha="separate", border="constant:9")
    plain, _ = filtered(image, kernel, border="constant:9")
    np.testing.assert_array_equal(result, plain)


def test_a_cascade_divides_by_opacity_once_at_its_end(reference: ModuleType, filtered: Run) -> None:
    """Two blurs are those of premultiplied colours, over the opacity blurred twice."""
    image = translucent(39, "float64")
    result, _ = filtered(image, ["box:3", "binomial:3"], opacity=True, border="wrap")
    together = np.zeros((5, 5))
    for (y, x), tap in np.ndenumerate(np.outer([1, 2, 1], [1, 2, 1]) / 16):
        together[y : y + 3, x : x + 3] += tap / 9
    true = premultiplied(reference, image, together, 1, border="wrap")
    np.testing.assert_allclose(result, true, atol=1e-12)


def test_clipping_of_opacity_is_not_counted() -> None:
    """Opacity beyond its range, which sharpening makes, is held without a word."""
    from sepfilter.engine.execute import run
    from sepfilter.engine.mapping import Losses
    from sepfilter.engine.planning import make_plan
    from sepfilter.geometry import ImageSpec

    image = np.zeros((5, 5, 2), np.uint8)
    image[2, 2] = 0, 255
    made = run(make_plan("sharpen", ImageSpec.of(image, alpha=True)), image)
    assert made.losses == Losses()


@pytest.mark.parametrize("kernel", ["gaussian:1", "box:3", [[0.25]]])
@pytest.mark.parametrize("alpha", ["keep", "premultiply"])
def test_opacity_is_cropped_in_any_arithmetic(kernel: Any, alpha: str) -> None:
    """Where colours run in 16-bit fractions, opacity beside them keeps its value all the same."""
    from sepfilter.engine.execute import execute
    from sepfilter.engine.planning import make_plan
    from sepfilter.geometry import ImageSpec

    image = np.full((12, 14, 4), 200, np.uint8)
    plan = make_plan(kernel, ImageSpec.of(image, alpha=True), alpha=alpha, padding="valid")
    assert (execute(plan, image)[..., 3] == 200).all()
