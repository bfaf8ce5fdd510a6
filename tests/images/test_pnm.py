"""Netpbm's formats and portable float maps, against Pillow and bytes made by hand."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from sepfilter.errors import ImageReadError, LimitError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.limits import Limits
from sepfilter.images.metadata import Metadata
from sepfilter.images.pnm.sink import open_pfm_sink, open_ppm_sink
from sepfilter.images.pnm.source import open_pfm, open_pnm
from sepfilter.images.sink import DEFAULT_ENCODING, Writer
from sepfilter.images.source import Opening, Source

Array = npt.NDArray[Any]


def opened(content: bytes, page: int = 0, limits: Limits | None = None) -> Source:
    """A source on the bytes of a file."""
    opening = Opening("a.pnm", page, limits or Limits())
    backend = open_pfm if content[1:2] in (b"F", b"f") else open_pnm
    return backend(BytesIO(content), opening)


def pixels_of(content: bytes, page: int = 0) -> Array:
    """All pixels of a file."""
    source = opened(content, page)
    pixels = source.read(Window.whole(source.spec))
    assert pixels.dtype.name == source.spec.dtype
    assert pixels.dtype.isnative
    return pixels


def written(writer: Writer, picture: Array, *, strip: int = 2, file: BytesIO | None = None) -> bytes:
    """The file that strips of a picture give."""
    file = file or BytesIO()
    spec = ImageSpec.of(picture)
    sink = writer(file, spec, Metadata(), DEFAULT_ENCODING)
    for y in range(0, spec.height, strip):
        rows = picture[y : y + strip]
        sink.write(Window(y, 0, len(rows), spec.width), rows)
    sink.finish()
    return file.getvalue()


class Pipe(BytesIO):
    """A file that only takes bytes."""

    def seekable(self) -> bool:
        """Say so."""
        return False

    def seek(self, *_: int) -> int:
        """Fail."""
        raise AssertionError("a pipe cannot seek")


INTEGERS = hnp.arrays(
    st.sampled_from(["uint8", "uint16"]),
    st.tuples(st.integers(1, 6), st.integers(1, 6), st.sampled_from([1, 3])),
)
FLOATS = hnp.arrays("float32", st.tuples(st.integers(1, 6), st.integers(1, 6), st.sampled_from([1, 3])))


@given(picture=INTEGERS, strip=st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_integers_come_back_as_they_were_written(picture: Array, strip: int) -> None:
    """8 and 16 bits, grey and colour, in strips of any height."""
    assert np.array_equal(pixels_of(written(open_ppm_sink, picture, strip=strip)), picture)


@given(picture=FLOATS, strip=st.integers(1, 6), piped=st.booleans())
@settings(max_examples=60, deadline=None)
def test_floats_come_back_bit_by_bit(picture: Array, strip: int, *, piped: bool) -> None:
    """NaN and -0.0 included, through a pipe as well as into a file."""
    content = written(open_pfm_sink, picture, strip=strip, file=Pipe() if piped else BytesIO())
    assert pixels_of(content).tobytes() == picture.tobytes()


@pytest.mark.parametrize("channels", [1, 3])
def test_pillow_reads_what_is_written(channels: int) -> None:
    """8 bits, grey and colour."""
    picture = np.random.default_rng(3).integers(0, 256, (5, 4, channels), dtype=np.uint8)
    with Image.open(BytesIO(written(open_ppm_sink, picture))) as image:
        assert np.array_equal(np.asarray(image).reshape(picture.shape), picture)


def test_sixteen_bits_are_written_high_byte_first() -> None:
    """A header of three lines, then the samples."""
    picture = np.array([[[1, 2, 60000]]], np.uint16)
    assert written(open_ppm_sink, picture) == b"P6\n1 1\n65535\n\x00\x01\x00\x02\xea\x60"


@pytest.mark.parametrize("piped", [False, True])
def test_a_float_map_is_written_from_the_bottom_up(*, piped: bool) -> None:
    """The low byte first, as its negative scale says, after whatever the file held before."""
    file = Pipe() if piped else BytesIO()
    file.write(b"before")
    picture = np.array([1.0, 2.0, 3.0], np.float32).reshape(3, 1, 1)
    content = written(open_pfm_sink, picture, file=file)
    assert content == b"beforePf\n1 3\n-1.0\n" + np.array([3, 2, 1], "<f4").tobytes()


def test_pillow_reads_a_written_float_map() -> None:
    """Grey is all that it knows."""
    picture = np.random.default_rng(3).normal(size=(5, 4, 1)).astype(np.float32)
    with Image.open(BytesIO(written(open_pfm_sink, picture))) as image:
        assert np.array_equal(np.asarray(image), picture[..., 0])


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"P1\n3 2\n1 0 1\n0 1 0\n", [[0, 255, 0], [255, 0, 255]]),
        (b"P1 3 2 101010", [[0, 255, 0], [255, 0, 255]]),
        (b"P4\n3 2\n\xa0\x40", [[0, 255, 0], [255, 0, 255]]),
        (b"P2\n3 1\n255\n1 20 255\n", [[1, 20, 255]]),
        (b"P2 3 1 # wide\n15\n0 7 15\n# and more", [[0, 119, 255]]),
        (b"P5 3 1 255\n\x01\x14\xff", [[1, 20, 255]]),
        (b"P2\n3 1\n1000\n0 500 1000\n", [[0, 32768, 65535]]),
        (b"P5 2 1 65535\n\x00\x01\xea\x60", [[1, 60000]]),
    ],
    ids=["P1", "P1 dense", "P4", "P2", "P2 of 4 bits", "P5", "P2 of 10 bits", "P5 of 16 bits"],
)
def test_grey_is_read(content: bytes, rows: list[list[int]]) -> None:
    """Plain and binary, of any depth."""
    assert pixels_of(content)[..., 0].tolist() == rows


@pytest.mark.parametrize(
    ("content", "pixel"),
    [
        (b"P3\n1 1\n255\n1 2 3\n", [1, 2, 3]),
        (b"P6\n1 1\n255\n\x01\x02\x03", [1, 2, 3]),
        (b"P6\n1 1\n65535\n\x00\x01\x00\x02\xea\x60", [1, 2, 60000]),
        (b"P6\n1 1\n1023\n\x00\x00\x02\x00\x03\xff", [0, 32800, 65535]),
    ],
    ids=["P3", "P6", "P6 of 16 bits", "P6 of 10 bits"],
)
def test_colour_is_read(content: bytes, pixel: list[int]) -> None:
    """Of 8 bits and more."""
    assert pixels_of(content).tolist() == [[pixel]]


@pytest.mark.parametrize("maxval", [1, 2, 3, 15, 31, 100, 254])
def test_narrow_graymaps_are_scaled_as_pillow_does(maxval: int) -> None:
    """White is 255, others are rounded; what is above maxval is white."""
    content = b"P5 256 1 %d\n" % maxval + bytes(range(256))
    with Image.open(BytesIO(content)) as image:
        assert np.array_equal(pixels_of(content)[..., 0], np.asarray(image))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_float_map_is_read_in_both_byte_orders(order: str, channels: int) -> None:
    """The sign of the scale tells; its amount changes nothing."""
    samples = np.arange(4 * channels, dtype=f"{order}f4").reshape(2, 2, channels) - 1.5
    kind, scale = "PF" if channels == 3 else "Pf", "-2.5" if order == "<" else "2.5"
    content = f"{kind}\n2 2\n{scale}\n".encode() + samples[::-1].astype(f"{order}f4").tobytes()
    assert np.array_equal(pixels_of(content), samples)


@pytest.mark.parametrize(
    "header",
    [
        b"P5\n2 1\n255\n",
        b"P5 2 1 255 ",
        b"P5\t2\v1\f255\t",
        b"P5\n# made by\n# somebody\n2 1\n255\n",
        b"P5#\n2#2\n1\n255\n",
        b"P5\n2 1\n255#not a sample\n",
        b"P5\n#" + b"x" * 2000 + b"\n2 1 255\n",
        b"P5\r2 1\r255\r",
    ],
)
def test_comments_and_any_whitespace_stand_in_headers(header: bytes) -> None:
    """One whitespace character, or a comment with the end of its line, separates header and samples."""
    assert pixels_of(header + b"\n#").tolist() == [[[10], [35]]]


def test_a_line_feed_after_a_carriage_return_is_no_sample() -> None:
    """Where the file holds exactly one byte too many."""
    assert pixels_of(b"P5\r\n2 1\r\n255\r\n\x07\x08").tolist() == [[[7], [8]]]
    assert pixels_of(b"P5\r\n2 1\r\n255\r\n\x07").tolist() == [[[10], [7]]]


def test_comments_stand_among_plain_samples() -> None:
    """They reach to the end of the line."""
    assert pixels_of(b"P2 2 2 9\n1 2 # 3 4\n9 #\r0").tolist() == [[[28], [57]], [[255], [0]]]


def test_long_plain_files_are_parsed_piece_by_piece() -> None:
    """No number is cut where a piece ends."""
    picture = np.random.default_rng(5).integers(0, 65536, (500, 700), dtype=np.uint16)
    text = " ".join(map(str, picture.ravel().tolist()))
    assert len(text) > 2**20
    assert np.array_equal(pixels_of(b"P2 700 500 65535\n" + text.encode())[..., 0], picture)


@pytest.mark.parametrize("kind", ["P4", "P5", "P6", "P6 deep", "Pf", "P2"])
def test_windows_are_parts_of_the_image(kind: str) -> None:
    """Whole rows, parts of rows, one after another and again."""
    generator = np.random.default_rng(8)
    header, per_row = {
        "P4": (b"P4 21 6\n", 3), "P5": (b"P5 21 6 255\n", 21), "P6": (b"P6 21 6 255\n", 63),
        "P6 deep": (b"P6 21 6 65535\n", 126), "Pf": (b"Pf\n21 6\n-1\n", 84), "P2": (b"P2 21 6 99\n", 0),
    }[kind]  # fmt: skip
    data = generator.integers(0, 128, 6 * per_row, dtype=np.uint8).tobytes()
    if kind == "P2":
        data = " ".join(str(n % 100) for n in range(126)).encode()
    whole = pixels_of(header + data)
    source = opened(header + data)
    assert source.strip_rows == (6 if kind == "P2" else 1)
    for window in (Window(0, 0, 2, 21), Window(2, 0, 4, 21), Window(1, 3, 3, 14), Window(5, 20, 1, 1)):
        assert np.array_equal(source.read(window), whole[window.rows, window.columns])


def test_of_several_images_each_is_a_page() -> None:
    """They stand one after another, and may differ."""
    content = b"P5 1 1 255\n\x05" + b"P6 1 2 255\n" + bytes(range(6)) + b"P4 1 1\n\x80"
    assert opened(content).metadata.frames == 3
    assert opened(content, 2).metadata.frames == 3
    assert pixels_of(content, 1).ravel().tolist() == list(range(6))
    assert pixels_of(content, 2).tolist() == [[[0]]]
    with pytest.raises(ImageReadError, match=r"^a\.pnm: has 3 pages: there is no page 4$"):
        opened(content, 3)


@pytest.mark.parametrize("rest", [b"\n", b"P5", b"P5 0 0 255\n", b"garbage"])
def test_what_follows_the_last_image_is_ignored(rest: bytes) -> None:
    """It is no further page."""
    assert opened(b"P5 1 1 255\n\x05" + rest).metadata.frames == 1


@pytest.mark.parametrize(
    "content",
    [
        b"P5", b"P5 2", b"P5 2 2 255", b"P5 0 2 255\n", b"P5 2 2 0\n....", b"P5 2 2 65536\n........",
        b"P5 -2 2 255\n....", b"P5 x 2 255\n....", b"P5 2 2 255\n...", b"P6 2 2 255\n...........",
        b"P5 2 2 256\n.......", b"P4 9 2\n...", b"P5 99999999999999999999 1 255\n.", b"Pf\n2 2\n-1\n" + bytes(15),
        b"Pf\n1 1\n0\n....", b"Pf\n1 1\nnan\n....", b"Pf\n1 1\n1e999\n....", b"PF\n1 1\n1-e\n" + bytes(12),
        b"P2 9 9 255\n1 2 3",
    ],
)  # fmt: skip
def test_broken_files_are_errors(content: bytes) -> None:
    """Cut off, or without sense: one line with the name, before anything is decoded."""
    with pytest.raises(ImageReadError, match=r"^a\.pnm: is truncated or corrupt: ") as caught:
        pixels_of(content)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "samples",
    [
        b"1 2 3",
        b"1 2 3 x",
        b"1 2 3 256",
        b"1 2 3 -4",
        b"1 2 3 4.0",
        b"1 2 3 99999999999999999999999999",
        b"1 2 3 #4",
    ],
)
def test_broken_plain_samples_are_errors(samples: bytes) -> None:
    """Too few, too large, or no numbers."""
    source = opened(b"P2 2 2 255\n" + samples)
    with pytest.raises(ImageReadError, match=r"^a\.pnm: is truncated or corrupt: ") as caught:
        source.read(Window.whole(source.spec))
    assert str(caught.value).isprintable()


def test_a_digit_that_is_no_bit_is_an_error() -> None:
    """A plain bitmap has 0 and 1."""
    with pytest.raises(ImageReadError, match="a sample is 2"):
        pixels_of(b"P1 2 1\n0 2")


def test_plain_files_have_a_limit_as_a_whole_and_binary_ones_by_rows() -> None:
    """Nothing is allocated for what a header claims."""
    limits = Limits(max_pixels=10, max_memory=1000)
    with pytest.raises(LimitError, match="--max-pixels"):
        opened(b"P2 11 1 255\n" + b"1 " * 11, limits=limits)
    assert opened(b"P5 11 1 255\n" + bytes(11), limits=limits).spec == ImageSpec(1, 11, 1, "uint8")
    with pytest.raises(LimitError, match="--max-memory"):
        opened(b"P5 100000000000 1 255\n", limits=limits)


def test_a_file_that_shrinks_is_an_error() -> None:
    """Rows that are gone when they are read."""
    file = BytesIO(b"P5 2 2 255\n....")
    source = open_pnm(file, Opening("a.pnm"))
    file.truncate(13)
    with pytest.raises(ImageReadError, match="became shorter"):
        source.read(Window(1, 0, 1, 2))


def test_a_file_is_closed_when_opening_fails() -> None:
    """Nobody else would."""
    file = BytesIO(b"P5 2 2 255\n")
    with pytest.raises(ImageReadError):
        open_pnm(file, Opening("a.pnm"))
    assert file.closed
