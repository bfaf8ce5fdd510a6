"""NumPy's own format as an image."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from io import BytesIO
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest

from sepfilter.errors import ImageReadError, LimitError, UnsupportedImageError
from sepfilter.geometry import SAMPLE_TYPES, ImageSpec, Window
from sepfilter.images.limits import Limits
from sepfilter.images.metadata import Metadata
from sepfilter.images.npy import open_npy
from sepfilter.images.source import Opening, open_source

Store = Callable[[str, bytes], Path]


def saved(array: npt.NDArray[Any], *, pickled: bool = False) -> bytes:
    """A `.npy` file as NumPy writes it."""
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=pickled)
    return buffer.getvalue()


def read_image(path: Path) -> tuple[npt.NDArray[Any], Metadata]:
    """All pixels of a file, one channel as (H, W), and its metadata."""
    with closing(open_source(path)) as source:
        pixels = source.read(Window.whole(source.spec))
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels, source.metadata


@pytest.mark.parametrize("dtype", SAMPLE_TYPES)
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_sample_type_is_read_in_both_byte_orders(stored: Store, dtype: str, order: str) -> None:
    """Values stay, and samples come in the machine's byte order."""
    array = np.arange(24).reshape(2, 4, 3).astype(np.dtype(dtype).newbyteorder(order))
    pixels, metadata = read_image(stored("a.npy", saved(array)))
    assert pixels.dtype == np.dtype(dtype)
    assert pixels.dtype.isnative
    assert np.array_equal(pixels, array)
    assert metadata.format == "NPY"


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1), (2, 3, 2), (2, 3, 4), (2, 3, 17)])
def test_any_number_of_channels_is_read_without_opacity(stored: Store, shape: tuple[int, ...]) -> None:
    """A bare array does not say that its last channel is opacity; one channel comes as (H, W)."""
    pixels, metadata = read_image(stored("a.npy", saved(np.zeros(shape, np.uint8))))
    assert pixels.shape == (shape if shape[2:] != (1,) else shape[:2])
    assert not metadata.alpha


def test_columns_first_is_read_like_rows_first(stored: Store) -> None:
    """An array stored in Fortran order has the same pixels."""
    array = np.asfortranarray(np.arange(12.0).reshape(3, 4))
    assert np.array_equal(read_image(stored("a.npy", saved(array)))[0], np.arange(12.0).reshape(3, 4))


def test_special_floats_keep_their_bits(stored: Store) -> None:
    """NaN, infinities and -0.0 come through."""
    array = np.array([[np.nan, np.inf, -np.inf, -0.0]])
    assert read_image(stored("a.npy", saved(array)))[0].tobytes() == array.tobytes()


def test_the_content_tells_the_format(stored: Store) -> None:
    """A .npy array by another name is still one."""
    assert read_image(stored("a.png", saved(np.ones((2, 2), np.float32))))[1].format == "NPY"


def test_windows_are_parts_of_the_array() -> None:
    """`read` returns the rows and columns asked for, as often as it is asked."""
    array = np.arange(48, dtype=np.uint16).reshape(6, 8)
    source = open_source("a.npy", content=saved(array))
    assert source.spec == ImageSpec(6, 8, 1, "uint16")
    assert np.array_equal(source.read(Window(1, 2, 3, 4)), array[1:4, 2:6, np.newaxis])
    assert np.array_equal(source.read(Window(0, 0, 6, 8)), array[..., np.newaxis])


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(6, 8), (6, 8, 3)])
def test_rows_are_read_one_after_another_where_they_lie_so(
    shape: tuple[int, ...], order: Literal["C", "F"]
) -> None:
    """Fortran order is read as a whole; windows are the same."""
    array = np.arange(prod(shape), dtype=">u2").reshape(shape)
    source = open_npy(BytesIO(saved(np.asarray(array, order=order))), Opening("a.npy"))
    assert source.strip_rows == (1 if order == "C" else 6)
    for window in (Window(0, 0, 2, 8), Window(2, 0, 4, 8), Window(3, 2, 2, 5), Window(1, 7, 1, 1)):
        expected = array.reshape(6, 8, -1)[window.rows, window.columns]
        assert np.array_equal(source.read(window), expected)


def test_an_array_larger_than_the_limits_is_refused() -> None:
    """By rows in C order, as a whole in Fortran order."""
    limits = Limits(max_pixels=10, max_memory=40)
    array = np.zeros((5, 4), np.uint16)
    assert open_npy(BytesIO(saved(array)), Opening("a.npy", limits=limits)).spec.height == 5
    with pytest.raises(LimitError, match=r"^a\.npy: has 20 pixels, 4 x 5, .*--max-pixels"):
        open_npy(BytesIO(saved(np.asfortranarray(array))), Opening("a.npy", limits=limits))
    with pytest.raises(LimitError, match=r"^a\.npy: its pixels take 42 bytes .*--max-memory"):
        open_npy(BytesIO(saved(np.zeros((5, 21), np.uint16))), Opening("a.npy", limits=limits))


def test_there_is_one_page() -> None:
    """Any other is an error, and the file is closed."""
    file = BytesIO(saved(np.zeros((2, 2), np.uint8)))
    with pytest.raises(ImageReadError, match=r"^a\.npy: has 1 page: there is no page 2$"):
        open_npy(file, Opening("a.npy", page=1))
    assert file.closed


def test_data_after_the_array_are_ignored() -> None:
    """As NumPy does."""
    source = open_npy(BytesIO(saved(np.ones((2, 2), np.uint8)) + b"more"), Opening("a.npy"))
    assert source.read(Window(0, 0, 2, 2)).tolist() == [[[1], [1]], [[1], [1]]]


def test_pickled_objects_are_refused(stored: Store) -> None:
    """Unpickling would run whatever the file says."""
    path = stored("a.npy", saved(np.array([[print]], dtype=object), pickled=True))
    with pytest.raises(UnsupportedImageError, match=r"a\.npy: object arrays are programs, not numbers"):
        read_image(path)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 2), np.bool_),
        np.zeros((2, 2), np.int64),
        np.zeros((2, 2), np.uint64),
        np.zeros((2, 2), np.complex64),
        np.zeros((2, 2), "U3"),
        np.zeros((2, 2), "datetime64[s]"),
        np.zeros((2, 2), [("a", "u1"), ("b", "u1")]),
    ],
    ids=["bool", "int64", "uint64", "complex", "text", "date", "record"],
)
def test_types_that_are_no_samples_are_refused(stored: Store, array: npt.NDArray[Any]) -> None:
    """The message names the file and the types that are filtered."""
    path = stored("a.npy", saved(array))
    with pytest.raises(UnsupportedImageError, match=r"a\.npy: images of type .* use one of uint8, "):
        read_image(path)


@pytest.mark.parametrize("shape", [(), (3,), (1, 2, 3, 4), (0, 3), (3, 0), (2, 2, 0)])
def test_shapes_that_are_no_image_are_refused(stored: Store, shape: tuple[int, ...]) -> None:
    """An image has two or three dimensions, none of them empty."""
    path = stored("a.npy", saved(np.zeros(shape, np.uint8)))
    with pytest.raises(UnsupportedImageError, match=r"a\.npy: .*(dimensions|whole number)"):
        read_image(path)


@pytest.mark.parametrize(
    "shape",
    ["(2, 4)", "(5000, 5000, 3)", "(1000000000000, 3000000)", "(-1, 3)", "(4611686018427387904, 4)"],
)
@pytest.mark.parametrize("piped", [False, True], ids=["file", "pipe"])
def test_a_header_that_lies_about_its_size_is_an_error(
    handmade: ModuleType, stored: Store, shape: str, *, piped: bool
) -> None:
    """However much it claims, six bytes of data are not that array."""
    content = handmade.npy(f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}", b"abcdef")
    path = stored("a.npy", content)
    with pytest.raises(ImageReadError, match=r"a\.npy: is truncated or corrupt: ") as caught:
        open_source(path, content=content if piped else None)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", [6, 9, 40, 128, 139])
def test_a_truncated_array_is_an_error(stored: Store, length: int) -> None:
    """Cut in the magic, the header or the data."""
    path = stored("a.npy", saved(np.zeros((3, 4), np.uint8))[:length])
    with pytest.raises(ImageReadError, match=r"a\.npy: is truncated or corrupt: "):
        read_image(path)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        "{}",
        "((((",
        "{{}:1}",
        "{'descr': '<u9', 'fortran_order': False, 'shape': (1, 1)}",
        "{'descr': '<u1', 'fortran_order': False, 'shape': (2, 3",
        "{'descr': '<u1', 'fortran_order': False, 'shape': (True, 3)}",
        "{'descr': '<u1', 'fortran_order': False, 'shape': (99999999999999999999999, 3)}",
        "x" * 20_000,
    ],
    ids=["none", "a word", "empty", "open", "unhashable", "type", "cut off", "bool", "huge", "long"],
)
def test_a_header_that_says_nothing_is_an_error(handmade: ModuleType, stored: Store, header: str) -> None:
    """Whatever NumPy makes of it: one of our errors, in one line."""
    path = stored("a.npy", handmade.npy(header, b"abcdef"))
    with pytest.raises(ImageReadError, match=r"a\.npy: is truncated or corrupt: ") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)
