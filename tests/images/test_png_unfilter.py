"""The filters of PNG rows are undone as the specification has it, compiled or by a decoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("imagecodecs")

from sepfilter.images.png import unfilter
from sepfilter.images.png.chunks import SAMPLES, Header

KINDS = [(depth, colour_type) for depth in (8, 16) for colour_type in (0, 2, 4, 6)]
WAYS = ("compiled", "decoder")


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Compiled, or as if there had been no compiler."""
    if request.param == "decoder":
        monkeypatch.setattr(unfilter, "_compiled", None)
    elif unfilter._compiled is None:
        pytest.skip("there was no compiler")
    return str(request.param)


def by_the_book(lines: bytes, row_bytes: int, pixel_bytes: int, above: bytes) -> list[bytes]:
    """Section 9 of the specification, byte by byte."""
    rows = []
    for start in range(0, len(lines), row_bytes + 1):
        kind, row = lines[start], bytearray()
        for place in range(row_bytes):
            a = row[place - pixel_bytes] if place >= pixel_bytes else 0
            b = above[place]
            c = above[place - pixel_bytes] if place >= pixel_bytes else 0
            guess = a + b - c
            nearest = min((a, b, c), key=lambda one: abs(guess - one))
            row.append((lines[start + 1 + place] + (0, a, b, (a + b) // 2, nearest)[kind]) % 256)
        above = bytes(row)
        rows.append(above)
    return rows


def pixels_of(header: Header, rows: list[bytes]) -> npt.NDArray[Any]:
    """Stored rows as an array."""
    stored = np.frombuffer(b"".join(rows), f">u{header.depth // 8}")
    return stored.reshape(len(rows), header.width, -1)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Header, bytes, bytes | None]:
    """Rows of random bytes with random filters, of any kind of image, at the top or below."""
    depth, colour_type = draw(st.sampled_from(KINDS))
    header = Header(draw(st.integers(1, 40)), draw(st.integers(1, 5)), depth, colour_type)
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    few = draw(st.booleans())  # of few values, so that distances tie
    size = (header.height + 1, header.row_bytes + 1)
    values = random.choice([0, 1, 128, 254, 255], size) if few else random.integers(0, 256, size)
    values[:, 0] = [draw(st.integers(0, 4)) for _ in values]
    lines = values.astype(np.uint8)
    above = None if draw(st.booleans()) else lines[-1, 1:].tobytes()
    return header, lines[:-1].tobytes(), above


@settings(max_examples=400, deadline=None)
@given(case=cases(), way=st.sampled_from(WAYS))
def test_rows_are_those_of_the_specification(case: tuple[Header, bytes, bytes | None], way: str) -> None:
    """For every filter, size of pixel and width, and with neighbours that tie."""
    header, lines, above = case
    pixel_bytes = SAMPLES[header.colour_type] * header.depth // 8
    wanted = by_the_book(lines, header.row_bytes, pixel_bytes, above or bytes(header.row_bytes))
    with pytest.MonkeyPatch.context() as patch:
        if way == "decoder":
            patch.setattr(unfilter, "_compiled", None)
        pixels = unfilter.unfiltered(header, memoryview(lines), above)
    assert pixels.dtype == f"u{header.depth // 8}"
    assert pixels.dtype.isnative
    assert np.array_equal(pixels, pixels_of(header, wanted))


def test_a_filter_that_there_is_not_is_an_error(way: str) -> None:
    """Whichever row it is in."""
    header = Header(3, 2, 8, 0)
    with pytest.raises((ValueError, RuntimeError)):
        unfilter.unfiltered(header, bytes([0, 1, 2, 3, 5, 1, 2, 3]), None)


@pytest.mark.parametrize(
    ("lines", "above", "pixel_bytes", "out"),
    [
        (8, 3, 1, 7),
        (8, 3, 1, 9),
        (7, 3, 1, 6),
        (8, 0, 1, 6),
        (8, 3, 2, 6),
        (8, 3, 0, 6),
        (8, 3, -3, 6),
        (8, 3, 5, 6),
        (0, 3, 1, 6),
        (8, 3, 1, 0),
    ],
)
def test_buffers_that_do_not_fit_together_are_refused(
    lines: int, above: int, pixel_bytes: int, out: int
) -> None:
    """Nothing is read or written beyond them."""
    compiled = pytest.importorskip("sepfilter.images.png._unfilter")
    with pytest.raises(ValueError, match="do not fit together"):
        compiled.undo(bytes(lines), bytes(above), pixel_bytes, bytearray(out))


def test_what_cannot_be_written_to_is_refused() -> None:
    """The last buffer has to be one that changes."""
    compiled = pytest.importorskip("sepfilter.images.png._unfilter")
    with pytest.raises((BufferError, TypeError)):
        compiled.undo(bytes(4), bytes(3), 1, bytes(3))
