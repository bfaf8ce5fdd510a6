"""The identity is a copy, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sepfilter.engine.execute import run
from sepfilter.engine.mapping import Losses
from sepfilter.engine.planning import make_plan
from sepfilter.geometry import SAMPLE_TYPES, ImageSpec
from sepfilter.kernels.kernel import Kernel

Run = Callable[..., tuple[npt.NDArray[Any], Any]]


def any_bits(dtype: str, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Samples of random bits: for floats -0.0, NaNs with payloads and subnormals among them."""
    size = int(np.prod(shape))
    noise = np.random.default_rng(26).bytes(size * np.dtype(dtype).itemsize)
    image = np.frombuffer(noise, dtype).copy()
    if dtype.startswith("float"):
        image[:4] = [-0.0, np.nan, np.inf, -np.inf]
        bits = image.view(f"u{image.itemsize}")
        bits[4] = bits[1] | 1  # a NaN with a payload
        bits[5] = (bits[2] | 1) & ~bits.dtype.type(0)  # a signalling NaN
        bits[6] = 1  # the smallest subnormal
    return image.reshape(shape)


@pytest.mark.parametrize("alpha", ["premultiply", "separate", "keep"])
@pytest.mark.parametrize("dtype", SAMPLE_TYPES)
def test_the_identity_copies_every_bit(filtered: Run, dtype: str, alpha: str) -> None:
    """Every type, with colours hidden under opacity 0, comes back as it was."""
    image = any_bits(dtype, (6, 7, 4))
    image[:3, ..., 3] = 0
    result, plan = filtered(image, "identity", opacity=True, alpha=alpha)
    assert plan.is_copy
    assert result.tobytes() == image.tobytes()


@pytest.mark.parametrize("border", ["reflect", "mirror", "nearest", "wrap", "constant:300"])
@pytest.mark.parametrize("options", [{"padding": "valid"}, {"method": "separable"}, {"precision": "float"}])
def test_no_option_that_leaves_the_values_alone_stops_the_copy(
    filtered: Run, border: str, options: dict[str, str]
) -> None:
    """Border, padding, method and precision mean nothing to a copy."""
    image = any_bits("uint32", (5, 4))
    result, _ = filtered(image, "identity", border=border, **options)
    assert result.tobytes() == image.tobytes()


@pytest.mark.parametrize("kernel", [[[1]], [[1.0]], ["identity", "identity"], "box:1", "binomial:1"])
def test_every_kernel_of_the_single_tap_one_is_the_identity(filtered: Run, kernel: Any) -> None:
    """A single tap of 1 copies, however it is written, and however often it is applied."""
    image = any_bits("float32", (5, 4))
    kernel = Kernel.from_taps(kernel) if not isinstance(kernel[0], str) else kernel
    result, _ = filtered(image, kernel)
    assert result.tobytes() == image.tobytes()


def test_a_copy_is_an_array_of_its_own(filtered: Run) -> None:
    """Writing to the result leaves the source alone."""
    image = np.zeros((3, 3), np.uint8)
    result, _ = filtered(image, "identity")
    result[...] = 9
    assert not image.any()


def test_a_copy_loses_nothing(filtered: Run) -> None:
    """NaN copied to the same type is not counted as lost."""
    image = np.full((2, 2), np.nan, np.float32)
    assert run(make_plan("identity", ImageSpec.of(image)), image).losses == Losses()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"scale": 2.0}, 20),
        ({"offset": 1.0}, 11),
        ({"dtype": "uint16"}, 2570),
        ({"output_range": "offset"}, 138),
    ],
)
def test_a_map_that_changes_values_is_applied(filtered: Run, options: dict[str, Any], expected: int) -> None:
    """The identity with a scale, offset, range or other type is no copy."""
    result, plan = filtered(np.full((2, 2), 10, np.uint8), "identity", **options)
    assert not plan.is_copy
    assert (result == expected).all()
