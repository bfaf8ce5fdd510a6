"""PNG written and read by our own pieces: bit-exact by strips and as a whole, on any number of threads."""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, PngImagePlugin

from sepfilter.errors import ImageReadError, LimitError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.formats import format_named
from sepfilter.images.limits import Limits
from sepfilter.images.metadata import Metadata
from sepfilter.images.png import sink as png_sink
from sepfilter.images.png.chunks import SIGNATURE, chunk
from sepfilter.images.png.filters import best_filtered
from sepfilter.images.png.stream import RowStream
from sepfilter.images.sink import Encoding, open_sink
from sepfilter.images.source import Source, open_source

Array = npt.NDArray[Any]

imagecodecs = pytest.importorskip("imagecodecs")

KINDS = [(dtype, channels) for dtype in ("uint8", "uint16") for channels in (1, 2, 3, 4)]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of a few rows, so that small pictures have many."""
    monkeypatch.setattr(png_sink, "PIECE_BYTES", 2000)


def picture(dtype: str, channels: int, height: int = 67, width: int = 41) -> Array:
    """Random steps downwards, so that rows resemble one another."""
    steps = np.random.default_rng(7).integers(-9, 10, (height, width, channels))
    return np.cumsum(steps, axis=0).astype(dtype)


def encoded(pixels: Array, *, rows: int = 10, metadata: Metadata | None = None, **encoding: Any) -> bytes:
    """A PNG, written so many rows at a time."""
    spec = ImageSpec.of(pixels, alpha=pixels.shape[2] in (2, 4))
    file = BytesIO()
    sink = open_sink(file, spec, metadata or Metadata(), format_named("png"), Encoding(**encoding))
    for first in range(0, spec.height, rows):
        window = Window(first, 0, min(rows, spec.height - first), spec.width)
        sink.write(window, pixels[window.rows])
    sink.finish()
    return file.getvalue()


def opened(content: bytes, **options: Any) -> Source:
    """A source of these bytes."""
    return open_source("a.png", content=content, **options)


def read_by(source: Source, rows: int) -> Array:
    """All pixels, so many rows at a time."""
    spec = source.spec
    windows = [Window(y, 0, min(rows, spec.height - y), spec.width) for y in range(0, spec.height, rows)]
    return np.concatenate([source.read(window) for window in windows])


def stored(header: tuple[int, ...], lines: bytes, *, cut: int = 0, extra: bytes = b"") -> bytes:
    """A PNG made by hand: width, height, depth, colour type, and filtered rows in several IDAT chunks."""
    width, height, depth, colour_type = header
    ihdr = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([depth, colour_type, 0, 0, 0])
    stream = zlib.compress(lines)
    stream = stream[: len(stream) - cut]
    data = b"".join(chunk(b"IDAT", stream[place : place + 7]) for place in range(0, len(stream), 7))
    return SIGNATURE + chunk(b"IHDR", ihdr) + extra + data + chunk(b"IEND", b"")


@pytest.mark.parametrize("compression", [None, "fast", "small"])
@pytest.mark.parametrize(("dtype", "channels"), KINDS)
def test_other_decoders_read_what_was_written(dtype: str, channels: int, compression: str | None) -> None:
    """libpng finds every sample of every kind as it was."""
    pixels = picture(dtype, channels)
    found = imagecodecs.png_decode(encoded(pixels, compression=compression))
    assert found.dtype == dtype
    assert np.array_equal(found.reshape(pixels.shape), pixels)


@pytest.mark.parametrize("compression", ["fast", "small"])
def test_bytes_do_not_depend_on_strips_or_threads(compression: str) -> None:
    """Pieces begin at the same rows, however the rows come and whoever deflates them."""
    pixels = picture("uint8", 3)
    files = {
        encoded(pixels, rows=rows, threads=threads, compression=compression)
        for rows in (1, 7, 10, 67)
        for threads in (1, 2, 3)
    }
    assert len(files) == 1


def test_small_is_smaller_than_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes longer is worth it, also where rows differ from one another."""
    monkeypatch.setattr(png_sink, "PIECE_BYTES", 2**20)
    across = np.cumsum(np.random.default_rng(1).integers(0, 3, (64, 200, 3)), axis=1).astype(np.uint8)
    for pixels in (picture("uint8", 3, 200, 200), across):
        assert len(encoded(pixels, compression="small")) < len(encoded(pixels, compression="fast"))


def test_each_row_takes_the_filter_of_the_smallest_differences() -> None:
    """Rows that are flat, rise to the right, repeat the one above, or both, get the filter made for that."""
    flat, rising = np.zeros(40, np.uint8), np.arange(0, 80, 2, dtype=np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, 40, dtype=np.uint8)
    rows = np.stack([flat, rising, noise, noise, noise + rising])
    assert best_filtered(rows, flat, 1)[[0, 1, 3], 0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("compression", ["fast", "small"])
@pytest.mark.parametrize(("dtype", "channels"), KINDS)
def test_strips_are_the_rows_of_the_picture(dtype: str, channels: int, compression: str) -> None:
    """Whatever their height; all five row filters are undone across their borders."""
    pixels = picture(dtype, channels)
    content = encoded(pixels, compression=compression)
    for rows in (1, 7, 67):
        source = opened(content)
        assert source.strip_rows == 1
        assert np.array_equal(read_by(source, rows), pixels)


def test_a_window_further_down_is_read_without_the_rows_above() -> None:
    """They are decoded on the way, and columns are cut out."""
    pixels = picture("uint16", 3, 300)
    source = opened(encoded(pixels))
    for window in (Window(3, 4, 5, 30), Window(200, 0, 50, 41)):
        assert np.array_equal(source.read(window), pixels[window.rows, window.columns])


@pytest.mark.parametrize("colour_type", ["palette", "interlaced", "narrow", "transparent"])
def test_what_cannot_go_by_strips_is_read_as_a_whole(colour_type: str) -> None:
    """Palettes, interlacing, fewer than 8 bits and a transparent colour."""
    pixels = picture("uint8", 1)[..., 0]
    image, options = Image.fromarray(pixels), {}
    if colour_type == "palette":
        image = image.quantize(16)
    elif colour_type == "narrow":
        image = image.convert("1")
    elif colour_type == "transparent":
        options = {"transparency": 5}
    file = BytesIO()
    image.save(file, "PNG", **options)
    content = file.getvalue()
    if colour_type == "interlaced":
        content = _interlaced()
    source = opened(content)
    assert source.strip_rows == source.spec.height
    wanted = imagecodecs.png_decode(content).reshape(*source.read(Window.whole(source.spec)).shape)
    assert np.array_equal(source.read(Window.whole(source.spec)), wanted)


def _interlaced() -> bytes:
    """A grey picture of 2 x 2 pixels in the passes of Adam7: its corner, its right, its bottom row."""
    ihdr = bytes([0, 0, 0, 2, 0, 0, 0, 2, 8, 0, 0, 0, 1])
    lines = bytes([0, 10, 0, 20, 0, 30, 40])
    return SIGNATURE + chunk(b"IHDR", ihdr) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def test_interlaced_pixels_are_put_in_their_places() -> None:
    """The seven passes are one picture."""
    source = opened(_interlaced())
    assert source.read(Window.whole(source.spec))[..., 0].tolist() == [[10, 20], [30, 40]]


@pytest.mark.parametrize("damage", ["cut", "short", "bit", "checksum", "gone"])
def test_damage_that_strips_meet_on_the_way_is_an_error(damage: str) -> None:
    """A stream cut off, with rows missing, with a wrong bit, or a wrong checksum: never black rows."""
    lines = b"".join(b"\0" + bytes(range(row, row + 20)) for row in range(50))
    header = (20, 50, 8, 0)
    content = {
        "cut": stored(header, lines, cut=30),
        "short": stored(header, lines[:-21]),
        "gone": stored(header, lines)[:-12],
    }.get(damage, stored(header, lines))
    if damage == "bit":
        content = content[:90] + bytes([content[90] ^ 1]) + content[91:]
    elif damage == "checksum":
        stream = bytearray(zlib.compress(lines))
        stream[-1] ^= 1
        ihdr = (20).to_bytes(4, "big") + (50).to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
        content = SIGNATURE + chunk(b"IHDR", ihdr) + chunk(b"IDAT", bytes(stream)) + chunk(b"IEND", b"")
    with pytest.raises(ImageReadError, match=r"^a\.png: is (truncated|corrupt)"):
        read_by(opened(content), 9)


def test_empty_pixel_chunks_are_passed_over() -> None:
    """Encoders may flush an IDAT chunk with nothing in it."""
    lines = b"".join(b"\0" + bytes([row] * 4) for row in range(6))
    content = stored((4, 6, 8, 0), lines).replace(
        chunk(b"IEND", b""), chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    )
    start = content.index(b"IDAT") - 4
    content = content[:start] + chunk(b"IDAT", b"") + content[start:]
    assert read_by(opened(content), 2)[:, 0, 0].tolist() == list(range(6))


@pytest.mark.parametrize("beyond", [1, 1000, 2**26])
def test_data_behind_the_last_row_do_not_matter(beyond: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As to other readers; and of a hostile file that has much of them only a little is inflated."""
    lines = b"".join(b"\0" + bytes([row] * 4) for row in range(6))
    inflate, inflated = RowStream._inflated, 0

    def counted(stream: RowStream, wanted: int) -> bytes:
        nonlocal inflated
        more = inflate(stream, wanted)
        inflated += len(more)
        return more

    monkeypatch.setattr(RowStream, "_inflated", counted)
    assert read_by(opened(stored((4, 6, 8, 0), lines + bytes(beyond))), 2)[:, 0, 0].tolist() == list(range(6))
    assert len(lines) < inflated < 2**20


def test_metadata_come_back() -> None:
    """Profile, EXIF, XMP and resolution are read by Pillow, and by us, as they were written."""
    icc = bytes(16) + b"GRAY" + bytes(200)
    exif = Image.Exif()
    exif[0x010E] = "a picture"
    wanted = Metadata(icc=icc, exif=exif.tobytes(), xmp=b"<x:xmpmeta/>", dpi=(300.0, 150.0))
    content = encoded(picture("uint8", 1), metadata=wanted)
    found = opened(content).metadata
    assert (found.icc, found.exif, found.xmp) == (wanted.icc, wanted.exif, wanted.xmp)
    assert found.dpi == pytest.approx(wanted.dpi, rel=1e-3)
    with Image.open(BytesIO(content)) as image:
        image.load()
        assert image.info["icc_profile"] == icc
        assert image.getexif()[0x010E] == "a picture"
        assert image.info["xmp"] == b"<x:xmpmeta/>"
        assert image.info["dpi"] == pytest.approx((300, 150), rel=1e-3)


@pytest.mark.parametrize("kind", ["profile", "broken profile", "XMP", "EXIF"])
def test_metadata_that_inflate_beyond_a_mebibyte_are_left_out(kind: str) -> None:
    """The picture is read, and the user told."""
    many = bytes(2**20 + 1)
    bombs = {
        "profile": chunk(b"iCCP", b"x\0\0" + zlib.compress(many)),
        "broken profile": chunk(b"iCCP", b"x\0\0" + b"nonsense"),
        "XMP": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(many)),
        "EXIF": chunk(b"eXIf", many),
    }
    source = opened(stored((1, 1, 8, 0), b"\0\7", extra=bombs[kind]))
    (warning,) = source.metadata.warnings
    assert kind.rpartition(" ")[2] in warning
    assert (source.metadata.icc, source.metadata.exif, source.metadata.xmp) == (None, None, None)
    assert source.read(Window(0, 0, 1, 1)).item() == 7


def test_frames_of_an_animation_are_counted() -> None:
    """The first is read."""
    frames = [Image.new("L", (8, 8), value) for value in (10, 20, 30)]
    file = BytesIO()
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    source = opened(file.getvalue())
    assert source.metadata.frames == 3
    assert set(source.read(Window.whole(source.spec)).ravel().tolist()) == {10}
    with pytest.raises(ImageReadError, match=r"^a\.png: has 3 pages: there is no page 4$"):
        opened(file.getvalue(), page=3)


@pytest.mark.parametrize("apart", [False, True])
def test_every_frame_of_an_animation_can_be_read(apart: bool) -> None:
    """As it is seen, also after a picture that is no frame but stands for them."""
    first = np.zeros((8, 9, 4), np.uint8)
    first[..., 3] = 255
    frames = [first.copy() for _ in range(3)]
    frames[1][2:4, 3:6] = (9, 200, 30, 255)  # only what changes is stored
    frames[2][5, 5] = (250, 0, 0, 255)
    images = [Image.fromarray(frame) for frame in frames]
    if apart:
        images.insert(0, Image.fromarray(255 - first))
    file = BytesIO()
    images[0].save(file, "PNG", save_all=True, append_images=images[1:], default_image=apart)
    for page, image in enumerate(images):
        source = opened(file.getvalue(), page=page)
        assert source.metadata.frames == len(images)
        pixels = source.read(Window.whole(source.spec))
        assert np.array_equal(pixels, np.asarray(image)[..., : pixels.shape[2]])


@pytest.mark.parametrize("length", [8, 20, 40, -1])
def test_a_truncated_file_is_an_error_when_it_is_opened(length: int) -> None:
    """Wherever it ends."""
    with pytest.raises(ImageReadError, match=r"^a\.png: is truncated"):
        opened(encoded(picture("uint8", 3))[:length])


@pytest.mark.parametrize("field", ["size", "depth", "length", "first"])
def test_a_header_that_cannot_be_is_an_error(field: str) -> None:
    """No pixels, a depth that the colour type has not, a wrong length, or another chunk in its place."""
    content = {
        "size": stored((0, 1, 8, 0), b"\0\0"),
        "depth": stored((1, 1, 4, 2), b"\0\0"),
        "length": SIGNATURE + chunk(b"IHDR", bytes(12)),
        "first": SIGNATURE + chunk(b"IDAT", bytes(12)),
    }[field]
    with pytest.raises(ImageReadError, match=r"^a\.png: is (truncated or )?corrupt"):
        opened(content)


def test_pixels_beyond_the_limit_are_refused_from_the_header() -> None:
    """Where all are decoded at once; where rows are, one of them has to fit into memory."""
    whole, rows = (
        stored((1000, 1000, 8, 3), bytes(1001) * 1000),
        stored((1000, 1000, 8, 0), bytes(1001) * 1000),
    )
    with pytest.raises(LimitError, match=r"has 1,000,000 pixels.*--max-pixels"):
        opened(whole, limits=Limits(max_pixels=999_999))
    with pytest.raises(LimitError, match=r"take 3,000,000 bytes.*--max-memory"):
        opened(whole, limits=Limits(max_memory=2_999_999))
    assert opened(rows, limits=Limits(max_pixels=1, max_memory=1000)).spec.width == 1000
    with pytest.raises(LimitError, match="--max-memory"):
        opened(rows, limits=Limits(max_memory=999))


def test_a_size_that_the_data_cannot_be_of_is_refused_from_the_header() -> None:
    """No byte of deflated data becomes more than 1032."""
    for size in ((2**31 - 1, 2**31 - 1), (1, 2**31 - 1), (1000, 1000)):
        with pytest.raises(ImageReadError, match=r"^a\.png: is truncated or corrupt: it has not enough data"):
            opened(stored((*size, 8, 0), b"\0\0"))
    flat = stored((5000, 5000, 8, 0), bytes(5001) * 5000)
    assert opened(flat).spec.width == 5000


def test_text_does_not_spoil_the_picture() -> None:
    """Chunks that are not asked for are passed over."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "x" * 5000, zip=True)
    file = BytesIO()
    Image.new("L", (3, 2), 9).save(file, "PNG", pnginfo=info)
    source = opened(file.getvalue())
    assert source.metadata == Metadata(format="PNG")
    assert (source.spec.height, source.spec.width) == (2, 3)
