"""Netpbm's arbitrary maps."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sepfilter.errors import ImageReadError, LimitError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.limits import Limits
from sepfilter.images.metadata import Metadata
from sepfilter.images.pnm.pam import open_pam, open_pam_sink
from sepfilter.images.sink import DEFAULT_ENCODING
from sepfilter.images.source import Opening, Source

Array = npt.NDArray[Any]

HEADER = b"P7\n# made by hand\nWIDTH 2\n\nHEIGHT 1\nDEPTH 2\nMAXVAL 255\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\n"


def opened(content: bytes, page: int = 0, limits: Limits | None = None) -> Source:
    """A source on the bytes of a file."""
    return open_pam(BytesIO(content), Opening("a.pam", page, limits or Limits()))


def pixels_of(content: bytes, page: int = 0) -> Array:
    """All pixels of a file."""
    source = opened(content, page)
    return source.read(Window.whole(source.spec))


def written(picture: Array, metadata: Metadata, *, alpha: bool) -> bytes:
    """The file that single rows of a picture give."""
    file, spec = BytesIO(), ImageSpec.of(picture, alpha=alpha)
    sink = open_pam_sink(file, spec, metadata, DEFAULT_ENCODING)
    for y in range(spec.height):
        sink.write(Window(y, 0, 1, spec.width), picture[y : y + 1])
    sink.finish()
    return file.getvalue()


@given(
    picture=st.sampled_from(["uint8", "uint16"]).flatmap(
        lambda dtype: hnp.arrays(dtype, st.tuples(*[st.integers(1, 6)] * 3))
    ),
    alpha=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_samples_come_back_as_they_were_written(picture: Array, *, alpha: bool) -> None:
    """Any number of channels of 8 and 16 bits; whether the last is opacity is kept where it has a name."""
    alpha = alpha and picture.shape[2] in (2, 4)
    source = opened(written(picture, Metadata(alpha=alpha), alpha=alpha))
    assert source.spec == ImageSpec.of(picture, alpha=alpha)
    assert np.array_equal(source.read(Window.whole(source.spec)), picture)


def test_inks_are_told_from_colours() -> None:
    """By the tuple type."""
    content = written(np.zeros((1, 1, 4), np.uint8), Metadata(cmyk=True), alpha=False)
    assert content == b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE CMYK\nENDHDR\n\0\0\0\0"
    assert opened(content).metadata.cmyk


def test_a_header_made_by_hand_is_read() -> None:
    """Comments and empty lines are passed over."""
    source = opened(HEADER + bytes([1, 2, 3, 4]))
    assert source.spec == ImageSpec(1, 2, 2, "uint8", alpha=True)
    assert source.strip_rows == 1
    assert source.read(Window(0, 1, 1, 1)).tolist() == [[[3, 4]]]


@pytest.mark.parametrize(("maxval", "white"), [(1, 255), (15, 255), (1023, 65535)])
def test_samples_are_scaled_to_white(maxval: int, white: int) -> None:
    """One is white where it is the largest, black is 0."""
    header = HEADER.replace(b"MAXVAL 255", b"MAXVAL %d" % maxval)
    order = "u1" if maxval < 256 else ">u2"
    pixels = pixels_of(header + np.array([0, maxval, maxval, 0], order).tobytes())
    assert pixels.tolist() == [[[0, white], [white, 0]]]


def test_of_several_images_each_is_a_page() -> None:
    """One that does not exist is an error."""
    content = HEADER + bytes([1, 2, 3, 4]) + HEADER + bytes([5, 6, 7, 8]) + b"rest"
    assert opened(content).metadata.frames == 2
    assert pixels_of(content, 1).ravel().tolist() == [5, 6, 7, 8]
    with pytest.raises(ImageReadError, match=r"^a\.pam: has 2 pages: there is no page 3$"):
        opened(content, 2)


@pytest.mark.parametrize(
    "content",
    [
        HEADER, HEADER + b"123", b"P7\n", b"P7 332\n", HEADER.replace(b"ENDHDR\n", b""),
        HEADER.replace(b"WIDTH 2", b"WIDTH 0") + b"1234", HEADER.replace(b"HEIGHT 1", b"") + b"1234",
        HEADER.replace(b"DEPTH 2", b"DEPTH x") + b"1234", HEADER.replace(b"255", b"65536") + b"1234",
        HEADER.replace(b"DEPTH 2", b"DEPTH 2\nDEPTH 2") + b"1234", HEADER.replace(b"WIDTH 2", b"WIDTH " + b"9" * 99),
        b"P7\n#" + b"x" * 70000,
    ],
)  # fmt: skip
def test_broken_files_are_errors(content: bytes) -> None:
    """Cut off, or without sense: one line with the name."""
    with pytest.raises(ImageReadError, match=r"^a\.pam: is truncated or corrupt: ") as caught:
        opened(content)
    assert str(caught.value).isprintable()


def test_a_row_that_memory_cannot_hold_is_refused() -> None:
    """From the header."""
    with pytest.raises(LimitError, match="--max-memory"):
        opened(HEADER + b"1234", limits=Limits(max_memory=3))
