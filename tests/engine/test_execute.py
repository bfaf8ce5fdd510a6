"""Running a plan: the convention of correlation, shapes, strides, preallocated outputs, refusals."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.engine.apply import apply
from sepfilter.engine.execute import execute
from sepfilter.engine.planning import make_plan
from sepfilter.engine.rows import FilteredRows
from sepfilter.errors import LimitError, OptionError, ShapeError
from sepfilter.geometry import ImageSpec
from sepfilter.kernels.kernel import Kernel

SMALL = settings(max_examples=40, deadline=None)
Run = Callable[..., tuple[npt.NDArray[Any], Any]]


@given(data=st.data())
@SMALL
def test_an_impulse_gives_the_kernel_turned_by_180_degrees(
    reference: ModuleType, filtered: Run, data: st.DataObject
) -> None:
    """Correlating an impulse reproduces the kernel turned around, its anchor on the impulse."""
    case = data.draw(reference.integer_cases())
    height, width = case.taps.shape
    image = np.zeros((11, 11), np.int16)
    image[5, 5] = 1
    result, _ = filtered(image, case.taps, anchor=case.anchor, border="constant")
    ay, ax = case.anchor
    expected = np.zeros_like(result)
    top, left = 5 - (height - 1 - ay), 5 - (width - 1 - ax)
    expected[top : top + height, left : left + width] = case.taps[::-1, ::-1]
    np.testing.assert_array_equal(result, expected)


@given(data=st.data())
@SMALL
def test_an_impulse_gives_a_flipped_kernel_as_it_is(reference: ModuleType, data: st.DataObject) -> None:
    """Convolving, which is correlating with the flipped kernel, reproduces the kernel itself."""
    case = data.draw(reference.integer_cases())
    kernel = Kernel("k", Kernel.from_taps(case.taps).form, case.anchor)
    image = np.zeros((11, 11), np.int16)
    image[5, 5] = 1
    result = apply(image, kernel.flipped(), border="constant")
    top, left = 5 - case.anchor[0], 5 - case.anchor[1]
    height, width = case.taps.shape
    np.testing.assert_array_equal(result[top : top + height, left : left + width], case.taps)


@given(data=st.data(), first=st.floats(-4, 4), second=st.floats(-4, 4))
@SMALL
def test_filtering_is_linear(
    reference: ModuleType, filtered: Run, data: st.DataObject, first: float, second: float
) -> None:
    """A weighted sum of images gives the weighted sum of their results."""
    case = data.draw(reference.float_cases())
    one = data.draw(reference.images("float64"))
    other = np.random.default_rng(0).uniform(-1, 1, one.shape)
    border = "constant" if case.border == "constant" else case.border
    results = [
        filtered(image, case.taps, anchor=case.anchor, border=border)[0]
        for image in (one, other, first * one + second * other)
    ]
    np.testing.assert_allclose(results[2], first * results[0] + second * results[1], atol=1e-13)


def test_the_default_anchor_of_an_even_kernel_is_its_lower_right_centre() -> None:
    """A kernel of two taps looks at the pixel itself and the one before it."""
    image = np.array([[10, 20, 40]], np.uint8)
    assert apply(image, [[1, 0]], border="constant").tolist() == [[0, 10, 20]]


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_channels_are_filtered_alike_and_apart(channels: int) -> None:
    """Every channel gives what it would give as an image of its own."""
    image = np.random.default_rng(3).integers(0, 256, (6, 7, channels)).astype(np.uint8)
    together = apply(image, "gaussian:1")
    for channel in range(channels):
        np.testing.assert_array_equal(together[..., channel], apply(image[..., channel], "gaussian:1"))


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 1), (5, 6, 3)])
def test_the_result_has_the_dimensions_of_the_image(shape: tuple[int, ...]) -> None:
    """(H, W) stays (H, W), and (H, W, 1) stays (H, W, 1)."""
    assert apply(np.zeros(shape, np.uint8), "box:3").shape == shape


@pytest.mark.parametrize(
    "view",
    [
        lambda image: image[::-1],
        lambda image: image[:, ::-1],
        lambda image: image[::2, ::3],
        np.asfortranarray,
        lambda image: image.transpose(1, 0, 2),
        lambda image: image[..., ::-1],
        lambda image: image.astype(image.dtype.newbyteorder(">")),
        lambda image: np.broadcast_to(image[:1], image.shape),
    ],
    ids=["rows back", "columns back", "steps", "fortran", "transposed", "bgr", "big-endian", "broadcast"],
)
@pytest.mark.parametrize("kernel", ["gaussian:1", "identity"])
def test_any_strides_and_byte_order_are_taken(view: Callable[[Any], Any], kernel: str) -> None:
    """A view gives what its contiguous copy gives."""
    image = view(np.random.default_rng(4).integers(0, 65536, (9, 12, 3)).astype(np.uint16))
    plain = np.ascontiguousarray(image.astype(np.uint16))
    np.testing.assert_array_equal(apply(image, kernel), apply(plain, kernel))


def test_a_read_only_image_is_left_alone() -> None:
    """The image is neither written to nor needs to be writable."""
    image = np.arange(36, dtype=np.float32).reshape(6, 6)
    image.flags.writeable = False
    apply(image, "sobel", scale=0.5, offset=3)
    np.testing.assert_array_equal(image.ravel(), np.arange(36))


def test_out_is_written_and_returned() -> None:
    """A preallocated output, strided even, receives the result."""
    image = np.random.default_rng(5).integers(0, 256, (6, 7)).astype(np.uint8)
    whole = np.full((12, 7), 77, np.uint8)
    out = whole[::2]
    assert apply(image, "box:3", out=out) is out
    np.testing.assert_array_equal(out, apply(image, "box:3"))
    assert (whole[1::2] == 77).all()


@pytest.mark.parametrize(
    ("out", "fragment"),
    [
        (np.empty((6, 6), np.uint8), "out is (6, 6) uint8"),
        (np.empty((6, 7), np.int16), "int16"),
        (np.empty((6, 7, 1), np.uint8), "(6, 7, 1)"),
    ],
)
def test_an_out_of_another_shape_or_type_is_refused(out: npt.NDArray[Any], fragment: str) -> None:
    """Nothing is cast or cropped into an output that does not fit."""
    with pytest.raises(ShapeError) as caught:
        apply(np.zeros((6, 7), np.uint8), "box:3", out=out)
    assert fragment in str(caught.value)


def test_an_out_that_overlaps_the_image_is_refused() -> None:
    """Filtering in place would read what it has written."""
    image = np.zeros((6, 7), np.uint8)
    with pytest.raises(ShapeError, match="shares memory"):
        apply(image, "box:3", out=image)


def test_an_out_that_cannot_be_written_to_is_refused() -> None:
    """Read-only memory is named before anything runs."""
    out = np.zeros((6, 7), np.uint8)
    out.flags.writeable = False
    with pytest.raises(ShapeError, match="read-only"):
        apply(np.zeros((6, 7), np.uint8), "box:3", out=out)


def test_too_little_memory_is_a_limit_not_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an engine cannot allocate is an error of the library's own."""

    def fail(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(FilteredRows, "write", fail)
    with pytest.raises(LimitError, match="not enough memory"):
        apply(np.zeros((6, 7), np.uint8), "box:3")


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((6, 8), np.uint8),
        np.zeros((6, 7), np.int8),
        np.zeros((6, 7, 2), np.uint8),
        np.zeros((7, 6), np.uint8),
    ],
)
def test_an_image_that_was_not_planned_for_is_refused(image: npt.NDArray[Any]) -> None:
    """A plan runs only on images of its shape and type."""
    plan = make_plan("box:3", ImageSpec(6, 7, 1, "uint8"))
    with pytest.raises(ShapeError, match="make a new plan"):
        execute(plan, image)


@pytest.mark.parametrize("shape", [(6,), (2, 3, 4, 5)])
def test_an_array_that_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    """One dimension or four are no image."""
    with pytest.raises(ShapeError, match="2 or 3 dimensions"):
        apply(np.zeros(shape, np.uint8), "box:3")


@pytest.mark.parametrize("threads", [0, -1, 1.5])
def test_a_senseless_number_of_threads_is_refused(threads: float) -> None:
    """Threads are a whole number, at least 1."""
    with pytest.raises(OptionError, match="threads"):
        apply(np.zeros((4, 4), np.uint8), "box:3", threads=threads)  # type: ignore[arg-type]


@given(data=st.data())
@SMALL
def test_a_cascade_is_its_kernels_one_after_the_other(
    reference: ModuleType, filtered: Run, data: st.DataObject
) -> None:
    """Each kernel sees the unrounded result of the one before it, with the border around that."""
    first, second = data.draw(reference.float_cases()), data.draw(reference.float_cases())
    image = data.draw(reference.images("float64"))
    padding = data.draw(st.sampled_from(["same", "same", "valid"]))
    if padding == "valid":
        image = np.pad(image, 8)
    between, _ = filtered(image, first.taps, border=first.option, padding=padding)
    expected, _ = filtered(between, second.taps, border=first.option, padding=padding)
    kernels = [Kernel.from_taps(first.taps), Kernel.from_taps(second.taps)]
    result, _ = filtered(image, kernels, border=first.option, padding=padding)
    np.testing.assert_allclose(result, expected, atol=1e-11)


def test_a_cascade_is_not_rounded_in_between() -> None:
    """Halving and doubling 8-bit samples gives them back, odd ones too."""
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    halve, double = Kernel.from_taps([[0.5]]), Kernel.from_taps([[2.0]])
    np.testing.assert_array_equal(apply(image, [halve, double]), image)
