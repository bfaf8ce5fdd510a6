"""Rows are put together for encoders that want the whole image at once."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.collected import CollectingSink

Array = npt.NDArray[Any]

PICTURE = np.random.default_rng(0).integers(0, 65536, (7, 5, 3), dtype=np.uint16)
SPEC = ImageSpec.of(PICTURE)


class Encoder:
    """Keeps what it is given, as an encoder would read it: at once."""

    def __init__(self) -> None:
        self.given: list[Array] = []
        self.contiguous = True

    def __call__(self, pixels: Array) -> None:
        """Encode."""
        self.given.append(pixels.copy())
        self.contiguous &= pixels.flags.c_contiguous


@settings(max_examples=50, deadline=None)
@given(cuts=st.sets(st.integers(1, SPEC.height - 1)))
def test_strips_are_put_together_once(cuts: set[int]) -> None:
    """However the rows come, and whatever becomes of the caller's array: the picture, in one call."""
    encoder = Encoder()
    sink = CollectingSink(SPEC, encoder)
    for y, end in pairwise([0, *sorted(cuts), SPEC.height]):
        strip = PICTURE[y:end].copy()
        sink.write(Window(y, 0, end - y, SPEC.width), strip)
        strip[:] = 0
    sink.finish()
    (given_pixels,) = encoder.given
    assert np.array_equal(given_pixels, PICTURE)


def test_the_encoder_gets_plain_memory_of_the_type() -> None:
    """Views, other byte orders and lists of columns are made contiguous, native and of the spec's type."""
    for pixels in (PICTURE[::-1, ::-1], PICTURE.astype(">u2"), np.asfortranarray(PICTURE)):
        encoder = Encoder()
        sink = CollectingSink(SPEC, encoder)
        sink.write(Window.whole(SPEC), pixels)
        sink.finish()
        (given_pixels,) = encoder.given
        assert encoder.contiguous
        assert given_pixels.dtype.isnative
        assert np.array_equal(given_pixels, pixels)


def test_a_whole_picture_is_not_copied() -> None:
    """An array that can be encoded as it is, is: large pictures are not held twice."""
    seen: list[bool] = []
    sink = CollectingSink(SPEC, lambda pixels: seen.append(np.shares_memory(pixels, PICTURE)))
    sink.write(Window.whole(SPEC), PICTURE)
    sink.finish()
    assert seen == [True]
