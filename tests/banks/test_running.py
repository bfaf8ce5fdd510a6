"""Banks at work, held against loops in float64; results do not depend on how the work is cut."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sepfilter.banks import running, segments
from sepfilter.banks.bank import Bank
from sepfilter.banks.input_scale import InputScale
from sepfilter.banks.layers import Conv, Depthwise, Pointwise
from sepfilter.banks.numpy_layers import numpy_layer
from sepfilter.engine.engines import native_is_installed
from sepfilter.errors import ShapeError
from sepfilter.geometry import ImageSpec

needs_native = pytest.mark.skipif(not native_is_installed(), reason="the compiled engine was not built")


@pytest.fixture(scope="session")
def drawn(module_at: Callable[[Path], ModuleType]) -> ModuleType:
    """The module `drawn.py` beside this file."""
    return module_at(Path(__file__).with_name("drawn.py"))


def image_of(seed: int, height: int, width: int, channels: int) -> np.ndarray:
    """Random samples around 0."""
    return np.random.default_rng(seed).normal(size=(height, width, channels)).astype(np.float32)


@given(data=st.data(), channels=st.integers(1, 5), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_a_layer_makes_what_the_definition_says(
    naive: ModuleType, drawn: ModuleType, data: st.DataObject, channels: int, seed: int
) -> None:
    """A layer of any kind, stride, dilation, padding, border and activation is the naive loop in float64."""
    layer = data.draw(drawn.layers(channels))
    image = image_of(seed, data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9)), channels)
    try:
        layer.output_shape(image.shape)
    except ValueError:
        assume(False)
    expected = naive.run_naively(layer, image)
    result = Bank([layer])(image)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5 * max(1.0, np.abs(expected).max()))


@given(data=st.data(), seed=st.integers(0, 99), threads=st.integers(1, 3), cached=st.integers(1, 200))
@settings(deadline=None, max_examples=60)
def test_a_result_does_not_depend_on_strips_bands_and_threads(
    drawn: ModuleType, data: st.DataObject, seed: int, threads: int, cached: int
) -> None:
    """However the rows are cut and spread over threads, not one bit is another."""
    layers = data.draw(drawn.banks(3))
    image = image_of(seed, data.draw(st.integers(6, 14)), 9, 3)
    bank = Bank(layers)
    try:
        whole = bank(image, threads=1)
    except ShapeError:
        assume(False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "CACHED_SAMPLES", cached)
        patch.setattr(running, "KEPT_SAMPLES", cached)
        patch.setattr(running, "LEAST_ROWS", 1)
        patch.setattr(segments, "MOST_SAMPLES", cached)
        cut = bank(image, threads=threads)
    assert cut.tobytes() == whole.tobytes()


@needs_native
@given(data=st.data(), channels=st.integers(1, 40), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_the_compiled_engine_and_its_stand_in_agree(
    drawn: ModuleType, data: st.DataObject, channels: int, seed: int
) -> None:
    """The compiled loops differ from NumPy's by rounding alone, for many channels and wide rows too."""
    from sepfilter.banks.native_layers import native_layer

    layer = data.draw(drawn.layers(channels))
    rows, columns = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 60))
    (high, wide), (down, along) = layer.extent, layer.stride
    block = image_of(seed, (rows - 1) * down + high, (columns - 1) * along + wide, channels)
    found = np.full((rows, columns, layer.output_channels), np.nan, np.float32)
    expected = np.empty_like(found)
    native_layer(layer)(block, found)
    numpy_layer(layer)(block, expected)
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5 * scale)


@pytest.mark.parametrize("kernel", [np.outer([1, 4, 6, 4, 1], [1, 2, 3, 2, 1]), np.eye(5), np.ones((1, 5))])
def test_two_passes_make_what_all_taps_at_once_make(naive: ModuleType, kernel: np.ndarray) -> None:
    """Kernels of rank 1, of full rank and of one row side by side come out as the naive loop has them."""
    weights = np.zeros((3, 1, 5, 5))
    weights[0, 0, : len(kernel)] = kernel
    weights[1, 0] = np.eye(5)[::-1]
    weights[2, 0] = np.outer(np.arange(5), np.ones(5))
    image = image_of(1, 12, 13, 3)
    layer = Depthwise(weights, padding="same", stride=(2, 1))
    np.testing.assert_allclose(Bank([layer])(image), naive.run_naively(layer, image), rtol=1e-5, atol=1e-4)


def test_an_image_of_bytes_is_taken_as_it_is() -> None:
    """Without an input scale the first layer meets the numbers of the samples."""
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert Bank([Pointwise(np.eye(3))])(image).tolist() == image.tolist()


@pytest.mark.parametrize(
    ("scale", "dtype", "sample", "expected"),
    [
        ("1", "uint8", 255, 1.0),
        ("1", "uint16", 65535, 1.0),
        ("255", "uint16", 65535, 255.0),
        ("255", "float32", 1.0, 255.0),
        ("0.5/0.25", "uint8", 255, 2.0),
    ],
)
def test_the_input_scale_says_what_white_becomes(
    scale: str, dtype: str, sample: float, expected: float
) -> None:
    """White is what the weights expect, whatever the type of samples."""
    bank = Bank([Pointwise([[1.0]])], input_scale=InputScale.parse(scale))
    assert bank(np.full((1, 1), sample, dtype)).item() == expected


def test_a_kernel_for_all_channels_is_repeated() -> None:
    """A shared kernel filters every channel of any image, and the mixing behind it says how many there are."""
    shared = Depthwise(np.full((1, 2, 1, 1), 2.0), shared=True)
    image = image_of(0, 2, 2, 3)
    assert np.array_equal(Bank([shared])(image), np.repeat(2 * image, 2, axis=2))
    mixed = Bank([shared, Pointwise(np.ones((1, 6)))])
    assert mixed.input_channels == 3


def test_an_image_smaller_than_a_kernel_is_refused() -> None:
    """The message names the layer and both sizes."""
    with pytest.raises(ShapeError, match=r"layer 'depthwise': its kernels span 5 x 5 samples, .* 4 x 9"):
        Bank([Depthwise(np.ones((1, 1, 5, 5)))])(np.zeros((4, 9)))


def test_other_channels_are_refused() -> None:
    """The message says how many the bank takes, and what to do."""
    with pytest.raises(ShapeError, match="takes 1 channel, and the image has 3: give --grey"):
        Bank([Conv(np.ones((1, 1, 3, 3)))])(np.zeros((9, 9, 3)))


def test_what_is_written_to_is_returned() -> None:
    """`out` is filled and given back; another shape is refused."""
    bank, image = Bank([Pointwise(np.ones((2, 3)))]), image_of(0, 4, 4, 3)
    out = np.empty((4, 4, 2), np.float32)
    assert bank(image, out=out) is out
    assert np.array_equal(out, bank(image))
    with pytest.raises(ShapeError, match=r"but the result is \(4, 4, 2\) float32"):
        bank(image, out=np.empty((4, 4, 3), np.float32))


def test_rows_behind_a_result_are_those_that_it_changes_with() -> None:
    """A change of a row shows in those rows of the result whose `rows_behind` has it, and no others."""
    bank = Bank([
        Conv(np.ones((2, 1, 3, 3)), padding="same", stride=2, border="reflect"),
        Depthwise(np.ones((2, 1, 3, 3)), padding="same", dilation=2),
    ])  # fmt: skip
    image = np.ones((20, 6, 1), np.float32)
    steps = running.make_ready(bank, ImageSpec.of(image))
    before = bank(image)
    for row in range(20):
        changed = image.copy()
        changed[row] += 1
        differing = np.flatnonzero((bank(changed) != before).any(axis=(1, 2)))
        behind = [steps.rows_behind(y, y + 1) for y in range(len(before))]
        assert set(differing) <= {y for y, (first, last) in enumerate(behind) if first <= row < last}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_reaches_no_further_than_the_kernel(value: float) -> None:
    """Nor another channel, in two passes and by all taps at once, for few channels and for many."""
    random = np.random.default_rng(2)
    for channels in (3, 20):
        weights = random.normal(size=(channels, 1, 3, 3))
        weights[::2, 0] = np.outer([1, 2, 1], [1, 1, 1])
        bank = Bank([Depthwise(weights, padding="same", stride=(1, 2))])
        image = image_of(5, 9, 11, channels)
        clean = bank(image)
        image[4, 5, 1] = value
        changed = bank(image) != clean
        reached = np.argwhere(changed)
        assert set(reached[:, 2]) == {1}
        assert set(reached[:, 0]) <= {3, 4, 5}
        assert set(reached[:, 1]) <= {2, 3}


@pytest.mark.parametrize("weights", [np.outer([1, 2, 1], [-1, 0, 1]), np.outer([1, 4, 6, 4, 1], [1, 1, 1])])
def test_whole_kernels_of_rank_1_make_whole_numbers(weights: np.ndarray) -> None:
    """Their factors are numbers of the kernel itself: bytes come out exactly."""
    image = np.random.default_rng(3).integers(0, 256, (9, 9, 1), np.uint8)
    bank = Bank([Depthwise(weights[np.newaxis, np.newaxis])])
    result = bank(image)
    assert np.array_equal(result, np.rint(result))
