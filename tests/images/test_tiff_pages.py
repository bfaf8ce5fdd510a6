"""Channels as pages of a TIFF file: any number of them, strip by strip, as other programs read it."""

from __future__ import annotations

import os
import threading
import tracemalloc
from io import BytesIO, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from sepfilter.geometry import SAMPLE_TYPES, ImageSpec, Window
from sepfilter.images.decoding import has_imagecodecs
from sepfilter.images.formats import format_named
from sepfilter.images.metadata import Metadata
from sepfilter.images.sink import DEFAULT_ENCODING, Encoding
from sepfilter.images.source import open_source
from sepfilter.images.tiff import pages as tiff_pages
from sepfilter.images.tiff.pages import PagesSink, open_pages_sink
from sepfilter.safe_write import replacing

Array = npt.NDArray[Any]

COMPRESSIONS = [
    one for one in (None, "fast", "none", "deflate", "zstd", "small") if one != "zstd" or has_imagecodecs()
]


def noise(*shape: int, dtype: str = "uint8") -> Array:
    """Random samples."""
    generator = np.random.default_rng(7)
    if dtype.startswith("float"):
        return generator.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return generator.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def put(
    file: Any,
    pixels: Array,
    *,
    alpha: bool = False,
    metadata: Metadata | None = None,
    encoding: Encoding = DEFAULT_ENCODING,
    rows: int = 37,
) -> None:
    """Write an image by windows of so many rows."""
    sink = open_pages_sink(file, ImageSpec.of(pixels, alpha=alpha), metadata or Metadata(), encoding)
    for y in range(0, pixels.shape[0], rows):
        strip = pixels[y : y + rows].copy()
        sink.write(Window(y, 0, *strip.shape[:2]), strip)
        strip[...] = 0
    sink.finish()


def written(pixels: Array, **options: Any) -> bytes:
    """The file."""
    buffer = BytesIO()
    put(buffer, pixels, **options)
    return buffer.getvalue()


def read(content: bytes) -> Array:
    """All pages as the channels of an image, as tifffile reads them one by one."""
    with tifffile.TiffFile(BytesIO(content)) as file:
        return np.stack([page.asarray() for page in file.pages], axis=-1)


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("dtype", SAMPLE_TYPES)
def test_tifffile_reads_a_page_for_each_channel(compression: str | None, dtype: str) -> None:
    """Every sample type, bit for bit, one by one and together."""
    picture = noise(70, 50, 7, dtype=dtype)
    content = written(picture, encoding=Encoding(compression=compression, threads=2))
    assert read(content).tobytes() == picture.tobytes()
    assert tifffile.imread(BytesIO(content)).tobytes() == picture.transpose(2, 0, 1).tobytes()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("compression", [None, "none"])
def test_pillow_reads_a_frame_for_each_channel(dtype: str, compression: str | None) -> None:
    """In channel order."""
    picture = noise(90, 40, 5, dtype=dtype)
    content = written(picture, encoding=Encoding(compression=compression))
    with Image.open(BytesIO(content)) as image:
        frames = [np.asarray(frame) for frame in ImageSequence.Iterator(image)]
    assert np.array_equal(np.stack(frames, axis=-1), picture)


@pytest.mark.parametrize("channel", [0, 3, 5])
def test_a_page_is_an_image_of_a_channel(channel: int, tmp_path: Path) -> None:
    """As our own reader sees it, which counts all of them."""
    picture, path = noise(300, 40, 6, dtype="float32"), tmp_path / "a.tif"
    with replacing(path) as file:
        put(file, picture)
    source = open_source(path, page=channel)
    assert source.spec == ImageSpec(300, 40, 1, "float32")
    assert source.metadata.frames == 6
    assert np.array_equal(source.read(Window.whole(source.spec))[..., 0], picture[..., channel])
    source.close()


@settings(max_examples=40, deadline=None)
@given(
    dtype=st.sampled_from(SAMPLE_TYPES),
    compression=st.sampled_from(COMPRESSIONS),
    shape=st.tuples(st.integers(1, 60), st.integers(1, 60), st.integers(1, 20)),
    rows=st.integers(1, 60),
    threads=st.integers(1, 3),
    most=st.sampled_from([64, 1000, 10_000, 2**25]),
)
def test_what_is_written_is_read_again(
    dtype: str, compression: str | None, shape: tuple[int, int, int], rows: int, threads: int, most: int
) -> None:
    """Whatever may be pending; and the bytes depend neither on windows nor on threads."""
    picture = noise(*shape, dtype=dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiff_pages, "_PENDING_BYTES", most)
        patch.setattr(tiff_pages, "_TASK_BYTES", most // 8)
        content = written(picture, rows=rows, encoding=Encoding(compression=compression, threads=threads))
        assert content == written(picture, rows=1000, encoding=Encoding(compression=compression))
    assert read(content).tobytes() == picture.tobytes()


@pytest.mark.parametrize(
    ("height", "width", "channels", "rows"),
    [(9, 16, 3, 9), (3000, 4000, 4, 16), (3000, 4000, 256, 8), (3000, 4000, 4096, 1), (10, 10**6, 4096, 1)],
)
def test_strips_have_fewer_rows_where_there_are_many_channels(
    height: int, width: int, channels: int, rows: int
) -> None:
    """So that those of all pages together take 32 MB at most, or single rows."""
    spec = ImageSpec(height, width, channels, "float32")
    sink = open_pages_sink(BytesIO(), spec, Metadata(), DEFAULT_ENCODING)
    assert isinstance(sink, PagesSink)
    assert sink.strip_rows == rows


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("rows", "width"), [(1, 1000), (64, 500)])
def test_little_memory_is_taken(monkeypatch: pytest.MonkeyPatch, threads: int, rows: int, width: int) -> None:
    """What may be pending, twice, whatever comes at a time; here for strips of one row and of several."""
    monkeypatch.setattr(tiff_pages, "_PENDING_BYTES", 2**20)
    monkeypatch.setattr(tiff_pages, "_TASK_BYTES", 2**16)
    spec = ImageSpec(64, width, 400, "float32")
    window = noise(rows, spec.width, spec.channels, dtype="float32")

    class Nowhere(RawIOBase):
        place = 0

        def seekable(self) -> bool:
            return True

        def tell(self) -> int:
            return self.place

        def seek(self, place: int, whence: int = 0) -> int:
            self.place = place + whence
            return self.place

        def write(self, data: Any) -> int:
            self.place += len(data)
            return len(data)

    sink = open_pages_sink(cast("BinaryIO", Nowhere()), spec, Metadata(), Encoding(threads=threads))
    tracemalloc.start()
    try:
        for y in range(0, spec.height, rows):
            sink.write(Window(y, 0, rows, spec.width), window)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3.5 * 2**20


@pytest.mark.parametrize(
    ("compression", "number", "predictor"),
    [(None, 8, 2), ("fast", 8, 2), ("none", 1, 1), ("deflate", 8, 2), ("small", 8, 2)],
)
def test_compressions_are_those_of_other_tiff_files(
    compression: str | None, number: int, predictor: int
) -> None:
    """On every page."""
    content = written(noise(30, 30, 3), encoding=Encoding(compression=compression))
    with tifffile.TiffFile(BytesIO(content)) as file:
        found = {(page.compression, page.aspage().predictor) for page in file.pages}
    assert found == {(number, predictor)}


def test_above_four_gigabytes_offsets_have_64_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the size of the samples, since nothing else is known before."""
    monkeypatch.setattr(tiff_pages, "LARGEST_CLASSIC", 10_000)
    picture = noise(300, 27, 9)
    content = written(picture, metadata=Metadata(dpi=(72, 72)))
    assert content[:4] == b"II+\0"
    assert np.array_equal(read(content), picture)
    with Image.open(BytesIO(content)) as image:
        assert getattr(image, "n_frames", 1) == 9
    monkeypatch.undo()
    buffer = BytesIO()
    open_pages_sink(buffer, ImageSpec(3000, 4000, 256, "float32"), Metadata(), DEFAULT_ENCODING)
    assert buffer.getvalue()[:4] == b"II+\0"


def test_metadata_go_with_the_first_page_and_resolution_with_all() -> None:
    """A profile for grey is kept."""
    profile = bytes(16) + b"GRAY" + bytes(108)
    exif = Image.Exif()
    exif[271] = "Maker"
    exif.get_ifd(34665)[37386] = 35.5
    metadata = Metadata(icc=profile, xmp=b"<x:xmpmeta/>", exif=exif.tobytes(), dpi=(300.0, 72.5))
    with tifffile.TiffFile(BytesIO(written(noise(3, 4, 3), metadata=metadata))) as file:
        tags = [page.aspage().tags for page in file.pages]
        assert [282 in one and 296 in one for one in tags] == [True] * 3
        for tag in (271, 700, 34665, 34675):
            assert [tag in one for one in tags] == [True, False, False]


def test_a_profile_for_colours_is_left_out() -> None:
    """No page has any."""
    content = written(noise(3, 4, 3), metadata=Metadata(icc=bytes(16) + b"RGB " + bytes(108)))
    with tifffile.TiffFile(BytesIO(content)) as file:
        assert not any(34675 in page.aspage().tags for page in file.pages)


def test_alpha_is_a_page_like_others() -> None:
    """A page has a single channel, which is not called opacity."""
    picture = noise(5, 6, 4)
    content = written(picture, alpha=True, metadata=Metadata(alpha=True))
    assert np.array_equal(read(content), picture)
    with tifffile.TiffFile(BytesIO(content)) as file:
        assert not any(338 in page.aspage().tags for page in file.pages)


def test_four_thousand_pages_can_be_written() -> None:
    """As many as an image may have channels."""
    picture = noise(2, 3, 4096)
    with tifffile.TiffFile(BytesIO(written(picture))) as file:
        assert len(file.pages) == 4096
        assert np.array_equal(file.pages[4095].asarray(), picture[..., 4095])


def test_a_pipe_gets_the_same_bytes() -> None:
    """The file is completed apart before it is sent."""
    picture = noise(300, 27, 9)
    reading_end, writing_end = os.pipe()
    received: list[bytes] = []

    def receive() -> None:
        with os.fdopen(reading_end, "rb") as pipe:
            received.append(pipe.read())

    thread = threading.Thread(target=receive)
    thread.start()
    with os.fdopen(writing_end, "wb") as pipe:
        put(pipe, picture)
    thread.join()
    assert received == [written(picture)]


def test_an_unfinished_file_is_no_tiff() -> None:
    """Its header points nowhere, so that nobody takes it for pictures."""
    buffer = BytesIO()
    sink = open_pages_sink(buffer, ImageSpec(5, 4, 2, "uint8"), Metadata(), DEFAULT_ENCODING)
    sink.write(Window(0, 0, 3, 4), np.zeros((3, 4, 2), np.uint8))
    assert buffer.getvalue()[:8] == b"II*\0\0\0\0\0"


def test_errors_of_the_file_come_through() -> None:
    """A full disk stops the writer where it is."""

    class Full(RawIOBase):
        def seekable(self) -> bool:
            return True

        def tell(self) -> int:
            return 0

        def write(self, _data: Any) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        put(cast("BinaryIO", Full()), noise(30, 20, 3))


def test_tiff_format_can_be_pointed_at_pages() -> None:
    """The writer is one like those of other formats, for `open_sink`."""
    from dataclasses import replace

    from sepfilter.images.sink import open_sink

    picture = noise(6, 5, 3)
    pages = replace(format_named("tiff"), writer="tiff.pages.open_pages_sink")
    buffer = BytesIO()
    sink = open_sink(buffer, ImageSpec.of(picture), Metadata(), pages)
    sink.write(Window(0, 0, 6, 5), picture)
    sink.finish()
    assert buffer.getvalue() == written(picture)
