"""TIFF files written: any image, strip by strip, as other programs read it."""

from __future__ import annotations

import os
import threading
from io import BytesIO, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sepfilter.errors import ImageWriteError
from sepfilter.geometry import SAMPLE_TYPES, ImageSpec, Window
from sepfilter.images.decoding import has_imagecodecs
from sepfilter.images.metadata import Metadata
from sepfilter.images.sink import DEFAULT_ENCODING, Encoding
from sepfilter.images.source import Opening
from sepfilter.images.tiff import encoding as tiff_encoding
from sepfilter.images.tiff import sink as tiff_sink
from sepfilter.images.tiff.sink import open_tiff_sink
from sepfilter.images.tiff.source import open_tiff

Array = npt.NDArray[Any]

COMPRESSIONS = [None, "fast", "none", "deflate", "zstd", "small"]


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
    """Write an image by strips of so many rows."""
    sink = open_tiff_sink(file, ImageSpec.of(pixels, alpha=alpha), metadata or Metadata(), encoding)
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


def page_of(content: bytes) -> tifffile.TiffPage:
    """The only page, as tifffile sees it."""
    with tifffile.TiffFile(BytesIO(content)) as file:
        assert len(file.pages) == 1
        return cast("tifffile.TiffPage", file.pages[0])


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("dtype", SAMPLE_TYPES)
@pytest.mark.parametrize("size", [(5, 7), (300, 270), (600, 3)], ids=str)
def test_tifffile_reads_what_was_written(compression: str | None, dtype: str, size: tuple[int, int]) -> None:
    """Every sample type, bit for bit, by strips and by tiles."""
    picture = noise(*size, 3, dtype=dtype)
    content = written(picture, encoding=Encoding(compression=compression, threads=2))
    assert tifffile.imread(BytesIO(content)).tobytes() == picture.tobytes()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("compression", [None, "none"])
def test_pillow_reads_what_was_written(channels: int, compression: str | None) -> None:
    """Grey, grey with alpha, RGB and RGBA are called what they are."""
    picture = noise(290, 300, channels)
    content = written(picture, alpha=channels in {2, 4}, encoding=Encoding(compression=compression))
    with Image.open(BytesIO(content)) as image:
        assert image.mode == {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
        assert np.array_equal(np.asarray(image).reshape(picture.shape), picture)


@pytest.mark.parametrize(
    ("channels", "alpha", "cmyk", "photometric", "extra"),
    [
        (1, False, False, 1, ()),
        (2, True, False, 1, (2,)),
        (2, False, False, 1, (0,)),
        (3, False, False, 2, ()),
        (4, True, False, 2, (2,)),
        (4, False, False, 1, (0, 0, 0)),
        (4, False, True, 5, ()),
        (5, True, True, 5, (2,)),
        (7, False, False, 1, (0,) * 6),
        (7, True, False, 1, (0, 0, 0, 0, 0, 2)),
    ],
)
def test_channels_keep_their_meaning(
    channels: int, alpha: bool, cmyk: bool, photometric: int, extra: tuple[int, ...]
) -> None:
    """In the tags, and when the file is read again."""
    picture = noise(6, 5, channels)
    content = written(picture, alpha=alpha, metadata=Metadata(alpha=alpha, cmyk=cmyk))
    page = page_of(content)
    assert (page.photometric, page.extrasamples) == (photometric, extra)
    source = open_tiff(BytesIO(content), Opening("a"))
    assert source.spec == ImageSpec.of(picture, alpha=alpha)
    assert source.metadata.cmyk == cmyk


@settings(max_examples=40, deadline=None)
@given(
    dtype=st.sampled_from(SAMPLE_TYPES),
    compression=st.sampled_from([one for one in COMPRESSIONS if one != "zstd" or has_imagecodecs()]),
    shape=st.tuples(st.integers(1, 530), st.integers(1, 530), st.integers(1, 5)),
    rows=st.integers(1, 530),
    threads=st.integers(1, 3),
)
def test_what_is_written_is_read_again(
    dtype: str, compression: str | None, shape: tuple[int, int, int], rows: int, threads: int
) -> None:
    """Whatever the size, the strips and the threads; and the bytes depend on none of the last two."""
    picture = noise(*shape, dtype=dtype)
    content = written(picture, rows=rows, encoding=Encoding(compression=compression, threads=threads))
    source = open_tiff(BytesIO(content), Opening("a"))
    assert source.read(Window.whole(source.spec)).tobytes() == picture.tobytes()
    assert content == written(picture, rows=1000, encoding=Encoding(compression=compression))


@pytest.mark.parametrize(
    ("compression", "number", "predictor"),
    [(None, 8, 2), ("fast", 8, 2), ("none", 1, 1), ("deflate", 8, 2), ("zstd", 50000, 2), ("small", 8, 2)],
)
def test_compressions_are_what_they_are_called(compression: str | None, number: int, predictor: int) -> None:
    """With differences of neighbours, but for none."""
    page = page_of(written(noise(300, 300, 3), encoding=Encoding(compression=compression)))
    assert (page.compression, page.predictor) == (number, predictor)
    assert page.is_tiled == (compression != "none")


def test_small_is_smaller() -> None:
    """Than the default, on a smooth picture."""
    ramp = (np.add.outer(np.arange(400) ** 2, np.arange(400) * 3) // 40).astype(np.uint8)[..., None]
    sizes = [len(written(ramp, encoding=Encoding(compression=one))) for one in ("small", None, "none")]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 3


def test_metadata_are_carried() -> None:
    """Profile, XMP and resolution; nothing tells a date or a program."""
    metadata = Metadata(icc=b"profile!!", xmp=b"<x:xmpmeta/>", dpi=(300.0, 72.5))
    content = written(noise(3, 4, 3), metadata=metadata)
    tags = page_of(content).tags
    assert (tags[34675].value, tags[700].value) == (b"profile!!", b"<x:xmpmeta/>")
    assert (tags[282].value, tags[283].value, tags[296].value) == ((300, 1), (145, 2), 2)
    assert not {270, 305, 306} & set(tags.keys())
    with Image.open(BytesIO(content)) as image:
        assert image.info["dpi"] == (300, 72.5)


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_is_written_as_directories(order: str) -> None:
    """Pillow finds camera, lens and place; so do we."""
    exif = Image.Exif()
    exif.endian = order
    exif[271], exif[256] = "Maker", 9999
    lens = {37386: 35.5, 36867: "2020:01:02 03:04:05", 37121: b"\1\2\3\0"}
    exif.get_ifd(34665).update(lens)
    exif.get_ifd(34853).update({1: "N", 2: (48.0, 12.0, 0.5)})
    content = written(noise(3, 4, 3), metadata=Metadata(exif=exif.tobytes()))
    with Image.open(BytesIO(content)) as image:
        found = image.getexif()
        assert (found[271], found[256]) == ("Maker", 4)
        assert found.get_ifd(34665) == lens
        assert found.get_ifd(34853)[2] == (48.0, 12.0, 0.5)
    again = Image.Exif()
    again.load(open_tiff(BytesIO(content), Opening("a")).metadata.exif or b"")
    assert again.get_ifd(34665) == lens


def test_a_broken_exif_block_is_left_out() -> None:
    """The picture is written."""
    content = written(noise(3, 4, 3), metadata=Metadata(exif=b"Exif\0\0II*\0\xff\xff\xff\x7f"))
    assert 34665 not in page_of(content).tags


def test_above_four_gigabytes_offsets_have_64_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the size of the samples, since nothing else is known before."""
    monkeypatch.setattr(tiff_sink, "_LARGEST_CLASSIC", 10_000)
    exif = Image.Exif()
    exif.get_ifd(34665)[37386] = 35.5
    picture = noise(300, 270, 3)
    content = written(picture, metadata=Metadata(exif=exif.tobytes(), dpi=(72, 72)))
    assert content[:4] == b"II+\0"
    assert np.array_equal(tifffile.imread(BytesIO(content)), picture)
    with Image.open(BytesIO(content)) as image:
        assert image.getexif().get_ifd(34665) == {37386: 35.5}
    big = ImageSpec(40_000, 40_000, 3, "uint8")
    monkeypatch.undo()
    buffer = BytesIO()
    open_tiff_sink(buffer, big, Metadata(), DEFAULT_ENCODING)
    assert buffer.getvalue()[:4] == b"II+\0"


def test_a_pipe_gets_the_same_bytes() -> None:
    """The file is completed apart before it is sent."""
    picture = noise(300, 270, 3)
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


def test_a_file_that_only_grows_is_written_in_order(tmp_path: Path) -> None:
    """As with ``>>`` in a shell, where the beginning cannot be written again."""
    path = tmp_path / "a.tif"
    with path.open("ab") as file:
        put(file, noise(30, 20, 3))
    assert path.read_bytes() == written(noise(30, 20, 3))


def test_a_sink_that_is_abandoned_leaves_nothing_open() -> None:
    """Nor does Python warn of it, for a pipe as little as for a file."""

    class Pipe(BytesIO):
        def seekable(self) -> bool:
            return False

    sink = open_tiff_sink(Pipe(), ImageSpec(5, 4, 1, "uint8"), Metadata(), DEFAULT_ENCODING)
    spool = sink.file  # type: ignore[attr-defined]
    del sink
    assert spool.closed


def test_an_unfinished_file_is_no_tiff() -> None:
    """Its header points nowhere, so that nobody takes it for a picture."""
    buffer = BytesIO()
    sink = open_tiff_sink(buffer, ImageSpec(5, 4, 1, "uint8"), Metadata(), DEFAULT_ENCODING)
    sink.write(Window(0, 0, 3, 4), np.zeros((3, 4, 1), np.uint8))
    assert buffer.getvalue()[:8] == b"II*\0\0\0\0\0"


@pytest.mark.parametrize("seekable", [True, False])
def test_errors_of_the_file_come_through(seekable: bool) -> None:
    """A full disk stops the writer where it is."""

    class Full(RawIOBase):
        def seekable(self) -> bool:
            return seekable

        def tell(self) -> int:
            return 0

        def write(self, _data: Any) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        put(cast("BinaryIO", Full()), noise(30, 20, 3))


def test_tiles_of_many_channels_stay_small() -> None:
    """A tile takes at most a megabyte or so."""
    page = page_of(written(noise(270, 270, 40)))
    assert (page.tilewidth, page.tilelength) == (128, 128)


@pytest.mark.parametrize("module", ["isal", "imagecodecs"])
def test_deflate_does_without_libraries(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard library's takes over."""
    monkeypatch.setitem(__import__("sys").modules, module, None)
    picture = noise(300, 270, 3)
    for compression in (None, "deflate", "small"):
        content = written(picture, encoding=Encoding(compression=compression))
        assert np.array_equal(tifffile.imread(BytesIO(content)), picture)


def test_zstd_without_its_library_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "imagecodecs", None)
    with pytest.raises(ImageWriteError, match="zstd needs imagecodecs"):
        tiff_encoding.segment_encoder("zstd", "uint8")


def test_without_imagecodecs_floats_are_stored_so_that_we_can_read_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As they are, deflated: its predictor for floats could not be undone."""
    monkeypatch.setitem(__import__("sys").modules, "imagecodecs", None)
    picture = noise(300, 270, 2, dtype="float32")
    content = written(picture)
    assert page_of(content).predictor == 1
    source = open_tiff(BytesIO(content), Opening("a"))
    assert np.array_equal(source.read(Window.whole(source.spec)), picture)
