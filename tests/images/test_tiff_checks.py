"""TIFF files that lie, are cut off or are broken: refused from their tags, before memory is taken."""

from __future__ import annotations

import logging
import struct
import subprocess
import sys
from io import BytesIO
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sepfilter.errors import ImageReadError, LimitError, SepfilterError
from sepfilter.geometry import Window
from sepfilter.images.limits import Limits
from sepfilter.images.source import Opening, open_source
from sepfilter.images.tiff.source import open_tiff

Array = npt.NDArray[Any]

pytest.importorskip("imagecodecs")


def noise(*shape: int) -> Array:
    """Random bytes."""
    return np.random.default_rng(3).integers(0, 256, shape, np.uint8)


def written(pixels: Any, **options: Any) -> bytes:
    """A file as tifffile writes it."""
    buffer = BytesIO()
    tifffile.imwrite(buffer, pixels, **options)
    return buffer.getvalue()


def read(content: bytes, limits: Limits | None = None) -> Array:
    """All pixels of the first page."""
    file = BytesIO(content)
    try:
        source = open_tiff(file, Opening("a.tif", limits=limits or Limits()))
    except BaseException:
        assert file.closed
        raise
    return source.read(Window.whole(source.spec))


def patched(content: bytes, tag: int, number: int) -> bytes:
    """A little-endian file of tifffile's with another number in a tag, which becomes a LONG."""
    with tifffile.TiffFile(BytesIO(content)) as file:
        offset = file.pages[0].tags[tag].offset
    return content[:offset] + struct.pack("<HHII", tag, 4, 1, number) + content[offset + 12 :]


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({256: [0]}, "width: 0"),
        ({257: [0]}, "height: 0"),
        ({257: [2**32 - 1]}, "height: 4,294,967,295"),
        ({258: [0]}, "bits per sample: 0"),
        ({258: [1000]}, "bits per sample: 1,000"),
        ({277: [0]}, "samples per pixel: 0"),
        ({284: [9]}, "planar configuration: 9"),
        ({277: [100_000]}, "samples per pixel: 100,000"),
        ({278: [0]}, "rows per strip: 0"),
        ({278: [1]}, "it lists 1 strips or tiles, and its size asks for 4"),
        ({322: [0], 323: [16]}, "tile width: 0"),
        ({322: [16], 323: [0]}, "tile height: 0"),
        ({322: [16]}, "tile height: 0"),
        ({279: [0]}, "1 of its 1 strips or tiles have no data"),
        ({279: [2**30]}, "1 of its 1 strips or tiles lie beyond the end of the file"),
        ({256: [2000], 257: [2000], 278: [2000]}, "it claims 4,000,000 bytes of pixels"),
        ({256: [2**31 - 1], 257: [2**31 - 1], 278: [2**31 - 1]}, "it claims"),
        ({338: [1] * 70_000}, "tag 338 has 70,000 values"),
        ({277: [3], 284: [2]}, "it lists 1 strips or tiles, and its size asks for 3"),
    ],
    ids=str,
)
def test_tags_that_cannot_be_are_refused(
    handmade: ModuleType, tags: dict[int, list[int]], words: str
) -> None:
    """The message says which."""
    with pytest.raises(ImageReadError, match=rf"^a\.tif: is truncated or corrupt: .*{words}"):
        read(handmade.tiff(noise(4, 5), 1, tags=tags))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"II*\0", "does not begin as a TIFF file"),
        (b"II*\0\x08\0\0\0", "it has no page"),
        (b"II*\0\0\0\0\0", "it has no page"),
        (b"II*\0\xff\xff\xff\xff", "it has no page"),
        (b"II+\0\x10\0\0\0" + bytes(8), "does not begin as a TIFF file"),
        (b"II*\0\x08\0\0\0\x01\0", "the file ends within a list of tags"),
        (b"II*\0\x08\0\0\0\xff\xff", "it has no page"),
    ],
)
def test_headers_that_lead_nowhere_are_refused(content: bytes, words: str) -> None:
    """Nothing is read beyond the file."""
    with pytest.raises(ImageReadError, match=words):
        read(content)


@pytest.mark.parametrize("layout", [{}, {"compression": "deflate"}, {"tile": (16, 16)}], ids=str)
def test_a_file_that_is_cut_off_is_refused(layout: dict[str, Any]) -> None:
    """Wherever: never half a picture."""
    content = written(noise(40, 40), **layout)
    for length in range(0, len(content) - 1, 37):
        with pytest.raises(ImageReadError):
            read(content[:length])


@pytest.mark.parametrize("compression", ["deflate", "zstd", "lzw", "packbits", "lzma", "png", "jpeg", "webp"])
def test_a_segment_that_holds_less_than_claimed_is_refused(compression: str) -> None:
    """A taller image, by its tags, in the same single strip."""
    content = written(noise(40, 40, 3), compression=compression, rowsperstrip=40, photometric="rgb")
    with pytest.raises(ImageReadError, match="is truncated or corrupt"):
        read(patched(patched(content, 257, 80), 278, 80))


def test_a_jpeg_stream_that_is_broken_off_is_refused() -> None:
    """libjpeg would fill the rest with grey."""
    content = written(noise(64, 64, 3), compression="jpeg", photometric="rgb")
    with tifffile.TiffFile(BytesIO(content)) as file:
        size = file.pages[0].databytecounts[0]
    with pytest.raises(ImageReadError, match="a JPEG stream in it is broken off"):
        read(patched(content, 279, size // 2))


@pytest.mark.parametrize("compression", ["jpeg", "webp", "png", "jpeg2000"])
def test_a_picture_inside_that_claims_more_than_its_tile_is_refused(compression: str) -> None:
    """Before its decoder takes memory."""
    content = written(noise(512, 512, 3), compression=compression, rowsperstrip=512, photometric="rgb")
    smaller = patched(patched(patched(content, 257, 8), 256, 8), 278, 8)
    with pytest.raises(ImageReadError, match="a strip or tile in it claims 512 x 512 pixels"):
        read(smaller)


def test_limits_hold_for_what_is_decoded_as_a_whole() -> None:
    """One strip of deflate is; an uncompressed image is not, and is bounded by its file."""
    limits = Limits(max_pixels=1000)
    with pytest.raises(LimitError, match=r"has 1,600 pixels.*--max-pixels raises it"):
        read(written(noise(40, 40), compression="deflate", rowsperstrip=40), limits)
    assert read(written(noise(40, 40)), limits).shape == (40, 40, 1)
    assert read(written(noise(40, 40), compression="deflate", rowsperstrip=8), limits).shape == (40, 40, 1)


def test_limits_hold_for_images_that_will_be_turned() -> None:
    """Turning needs the whole image."""
    with pytest.raises(LimitError, match="has 1,600 pixels"):
        read(written(noise(40, 40), extratags=[(274, 3, 1, 6, True)]), Limits(max_pixels=1000))


def test_limits_hold_for_tiles_larger_than_the_image() -> None:
    """A small image may have a tile of a gigabyte."""
    content = written(noise(16, 16), compression="deflate", tile=(16, 16))
    huge = patched(patched(content, 322, 2**16), 323, 2**15)
    with pytest.raises(LimitError, match="--max-pixels raises it"):
        read(huge)


@pytest.mark.parametrize("length", [2, 150])
def test_pages_in_a_circle_are_counted_once(handmade: ModuleType, length: int) -> None:
    """The first page is read; a warning tells that the rest is not right."""
    page = handmade.tiff(noise(4, 5), 1)
    content = bytearray(page)
    (count,) = struct.unpack_from("<H", page, 8)
    directory = page[8 : 8 + 2 + 12 * count]
    at = 8
    for _ in range(length - 1):
        struct.pack_into("<I", content, at + len(directory), len(content))
        at = len(content)
        content += directory + bytes(4)
    struct.pack_into("<I", content, at + len(directory), 8)
    source = open_tiff(BytesIO(content), Opening("a.tif"))
    assert source.metadata.frames == length
    assert source.metadata.warnings == ("its list of pages runs in a circle",)


def test_a_list_of_pages_that_breaks_off_is_told() -> None:
    """The first page is whole, and read."""
    content = written(noise(4, 5))
    with tifffile.TiffFile(BytesIO(content)) as file:
        file.pages[0]
        at = file.pages.next_page_offset
    broken = content[:at] + struct.pack("<I", 2**31) + content[at + 4 :]
    source = open_tiff(BytesIO(broken), Opening("a.tif"))
    assert source.metadata.warnings == ("its list of pages is broken off",)


def test_nothing_is_printed_about_odd_files() -> None:
    """A child process reads a file that tifffile warns of; its standard error stays empty."""
    program = (
        "import sys; from io import BytesIO; from sepfilter.images.source import Opening\n"
        "from sepfilter.images.tiff.source import open_tiff\n"
        "open_tiff(BytesIO(sys.stdin.buffer.read()), Opening('a'))\n"
    )
    content = patched(written(noise(4, 5), metadata=None), 305, 0)
    run = subprocess.run([sys.executable, "-c", program], input=content, capture_output=True, check=False)
    assert (run.returncode, run.stderr) == (0, b"")


def test_the_users_own_logging_still_hears_tifffile(caplog: pytest.LogCaptureFixture) -> None:
    """Only what Python prints for want of a handler is kept quiet."""
    with caplog.at_level(logging.WARNING, "tifffile"):
        logging.getLogger("tifffile").warning("odd")
    assert caplog.messages == ["odd"]


SAMPLES = [
    written(noise(24, 20, 3), photometric="rgb"),
    written(noise(24, 20, 3), photometric="rgb", compression="deflate", predictor=True, tile=(16, 16)),
    written(noise(24, 20), compression="lzw", rowsperstrip=5, byteorder=">"),
    written(noise(24, 20, 3), photometric="rgb", compression="jpeg", rowsperstrip=16),
    written(noise(24, 20), bigtiff=True, compression="zstd"),
    written(noise(24, 20), photometric="palette", colormap=np.zeros((3, 256), np.uint16)),
]


@settings(max_examples=300, deadline=None)
@example(content=SAMPLES[2], changes=[(102, 16)])  # 4,097 channels
@given(
    content=st.sampled_from(SAMPLES),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_damage_gives_a_picture_or_an_error_of_ours(content: bytes, changes: list[tuple[int, int]]) -> None:
    """One printable line that begins with the file's name; or pixels as the spec says."""
    damaged = bytearray(content)
    for at, value in changes:
        damaged[at % len(damaged)] = value
    message = None
    try:
        limits = Limits(max_memory=2**28)
        source = open_source("a.tif", content=bytes(damaged), input_format="tiff", limits=limits)
        pixels, spec = source.read(Window.whole(source.spec)), source.spec
    except SepfilterError as error:
        message = str(error)
    if message is None:
        assert (pixels.shape, pixels.dtype) == ((spec.height, spec.width, spec.channels), spec.dtype)
    else:
        assert message.startswith("a.tif: ")
        assert message.isprintable()
