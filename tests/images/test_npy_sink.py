"""NumPy's own format, written row by row."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sepfilter.geometry import SAMPLE_TYPES, ImageSpec, Window
from sepfilter.images.metadata import Metadata
from sepfilter.images.npy import open_npy_sink
from sepfilter.images.sink import DEFAULT_ENCODING

Array = npt.NDArray[Any]


def written(picture: Array, strip: int = 3) -> bytes:
    """The file that strips of a picture (H, W, C) give."""
    file, spec = BytesIO(), ImageSpec.of(picture)
    sink = open_npy_sink(file, spec, Metadata(), DEFAULT_ENCODING)
    for y in range(0, spec.height, strip):
        rows = picture[y : y + strip]
        sink.write(Window(y, 0, len(rows), spec.width), rows)
    sink.finish()
    return file.getvalue()


@given(
    picture=st.sampled_from(SAMPLE_TYPES).flatmap(
        lambda dtype: hnp.arrays(dtype, st.tuples(*[st.integers(1, 7)] * 3))
    )
)
@settings(max_examples=60, deadline=None)
def test_numpy_reads_back_every_bit(picture: Array) -> None:
    """Any type and number of channels; a single one as (H, W)."""
    loaded = np.load(BytesIO(written(picture)))
    expected = picture[..., 0] if picture.shape[2] == 1 else picture
    assert (loaded.shape, loaded.dtype) == (expected.shape, expected.dtype)
    assert loaded.tobytes() == expected.tobytes()


def test_the_file_is_the_one_that_numpy_writes() -> None:
    """Byte by byte."""
    picture = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    expected = BytesIO()
    np.save(expected, picture)
    assert written(picture) == expected.getvalue()


def test_rows_of_any_layout_are_taken() -> None:
    """Views that are not contiguous, of the other byte order."""
    picture = np.arange(48, dtype=">u2").reshape(4, 4, 3)[:, ::-1].swapaxes(0, 1)
    assert np.array_equal(np.load(BytesIO(written(picture))), picture)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_the_height_of_strips_does_not_matter(rows: int) -> None:
    """The file is the same."""
    picture = np.arange(30, dtype=np.int16).reshape(5, 3, 2)
    assert written(picture, rows) == written(picture, 5)
