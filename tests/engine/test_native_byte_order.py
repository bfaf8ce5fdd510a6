"""Arrays whose type names the machine's own byte order, as some readers make them, are like any other."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from sepfilter.engine.apply import apply

_OWN = "<" if sys.byteorder == "little" else ">"


@pytest.mark.parametrize("kernel", ["gaussian:1", "sobel", "identity"])
@pytest.mark.parametrize("dtype", ["uint16", "int16", "int32", "uint32", "float32", "float64"])
def test_a_type_that_names_its_byte_order_is_filtered(dtype: str, kernel: str) -> None:
    """``<u2`` in place of ``u2``: the same result, and the same into a given array."""
    pixels = np.random.default_rng(1).integers(0, 1000, (9, 11, 2)).astype(dtype)
    marked = pixels.view(pixels.dtype.newbyteorder(_OWN))
    wanted = apply(pixels, kernel)
    assert np.array_equal(apply(marked, kernel), wanted)
    out = np.empty_like(wanted)
    apply(marked, kernel, out=out.view(out.dtype.newbyteorder(_OWN)))
    assert np.array_equal(out, wanted)
