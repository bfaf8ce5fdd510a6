"""WebP files: pixels and frames as Pillow has them, metadata from the chunks, nothing that is cut off."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sepfilter.errors import ImageReadError, LimitError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.limits import MAX_METADATA, Limits
from sepfilter.images.metadata import Metadata
from sepfilter.images.source import Opening, Source, backend_named

Array = npt.NDArray[Any]

pytest.importorskip("imagecodecs")
open_webp = backend_named("webp")

PICTURE = np.random.default_rng(5).integers(0, 256, (33, 47, 4), dtype=np.uint8)
OPAQUE = np.ascontiguousarray(PICTURE[..., :3])


def webp(picture: Array = OPAQUE, **options: Any) -> bytes:
    """A WebP file as Pillow writes it."""
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "WEBP", **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk made by hand, padded to an even length."""
    return kind + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)


def riff(*chunks: bytes) -> bytes:
    """A WebP file made by hand."""
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def canvas(width: int, height: int, flags: int = 0) -> bytes:
    """The chunk of an extended file."""
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return chunk(b"VP8X", bytes((flags, 0, 0, 0)) + sides)


def opened(content: bytes, page: int = 0, **limits: int) -> Source:
    """The source of a file."""
    return open_webp(BytesIO(content), Opening("a.webp", page, Limits(**limits)))


def pixels_of(content: bytes, page: int = 0) -> Array:
    """All pixels."""
    source = opened(content, page)
    return source.read(Window.whole(source.spec))


def by_pillow(content: bytes, page: int = 0) -> Array:
    """All pixels as Pillow has them."""
    with Image.open(BytesIO(content)) as image:
        image.seek(page)
        return np.asarray(image)


def complaint(content: bytes, page: int = 0) -> str:
    """What is said of a broken file."""
    with pytest.raises(ImageReadError) as caught:
        pixels_of(content, page)
    message = str(caught.value)
    assert message.startswith("a.webp: ")
    assert message.isprintable()
    return message.removeprefix("a.webp: ").removeprefix("is truncated or corrupt: ")


@pytest.mark.parametrize("picture", [PICTURE, OPAQUE], ids=["rgba", "rgb"])
@pytest.mark.parametrize(
    "options", [{"lossless": True, "exact": True}, {"lossless": True}, {"quality": 60}], ids=str
)
def test_pixels_are_those_of_pillow(picture: Array, options: dict[str, Any]) -> None:
    """Bit for bit, in as many channels."""
    content = webp(picture, **options)
    assert np.array_equal(pixels_of(content), by_pillow(content))
    assert opened(content).metadata.alpha == (picture.shape[2] == 4)


def test_hidden_colours_are_read() -> None:
    """Under an opacity of 0, where the file has kept them."""
    picture = PICTURE.copy()
    picture[:10, :, 3] = 0
    assert np.array_equal(pixels_of(webp(picture, lossless=True, exact=True)), picture)


@pytest.mark.parametrize("kind", [{"lossless": True}, {"quality": 60}], ids=str)
def test_the_header_tells_about_opacity(kind: dict[str, Any]) -> None:
    """An extended file may announce opacity for a picture that has none."""
    content = webp(**kind)
    source = opened(riff(canvas(47, 33, flags=0x10), content[12:]))
    with Image.open(BytesIO(riff(canvas(47, 33, flags=0x10), content[12:]))) as image:
        assert source.spec.alpha == (image.mode == "RGBA")
    assert source.read(Window.whole(source.spec)).shape[2] == source.spec.channels


def test_opening_decodes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Size and kind come from the header."""
    monkeypatch.setattr("imagecodecs.webp_decode", None)
    for picture, options in (
        (OPAQUE, {"quality": 60}),
        (PICTURE, {"quality": 60}),
        (PICTURE, {"lossless": True}),
    ):
        source = opened(webp(picture, **options))
        alpha = picture.shape[2] == 4
        assert source.spec == ImageSpec(33, 47, picture.shape[2], "uint8", alpha=alpha)
        assert source.strip_rows == 33
        assert source.metadata == Metadata(format="WEBP", alpha=alpha)


def test_a_part_is_cut_out_of_the_whole() -> None:
    """Any window; read-only."""
    source = opened(webp(lossless=True))
    part = source.read(Window(5, 7, 11, 13))
    assert np.array_equal(part, OPAQUE[5:16, 7:20])
    assert not part.flags.writeable


def animation(**options: Any) -> tuple[bytes, list[Array]]:
    """Four frames that differ in a corner only, and the file of them."""
    frames = []
    for step in range(4):
        frame = PICTURE.copy()
        frame[..., 3] = 255
        frame[step * 8 : step * 8 + 4, 10:20] = (250, 10, 20, 255)
        frames.append(frame)
    buffer = BytesIO()
    first, *more = [Image.fromarray(frame) for frame in frames]
    first.save(buffer, "WEBP", save_all=True, append_images=more, lossless=True, **options)
    return buffer.getvalue(), frames


@pytest.mark.parametrize("page", range(4))
def test_a_frame_is_read_as_it_is_seen(page: int) -> None:
    """On top of the frames before it, of which the file holds the differences."""
    content, frames = animation(minimize_size=True)
    source = opened(content, page)
    assert source.metadata.frames == 4
    pixels = source.read(Window.whole(source.spec))
    assert np.array_equal(pixels[..., :3], frames[page][..., :3])
    assert np.array_equal(pixels, by_pillow(content, page))


def test_a_page_beyond_the_last_is_an_error() -> None:
    """The message says how many there are."""
    assert complaint(animation()[0], 4) == "has 4 pages: there is no page 5"
    assert complaint(webp(), 1) == "has 1 page: there is no page 2"


@given(share=st.floats(0, 0.9999), lossless=st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_file_that_is_cut_off_is_an_error(share: float, *, lossless: bool) -> None:
    """Its header claims more bytes than there are."""
    content = webp(lossless=lossless)
    complaint(content[: int(share * len(content))])


@pytest.mark.parametrize("lossless", [True, False])
def test_data_that_end_early_are_an_error(*, lossless: bool) -> None:
    """All sizes are right, and half of the pixels are missing."""
    content = webp(lossless=lossless)
    assert complaint(riff(chunk(content[12:16], content[20 : len(content) // 2])))


def test_what_follows_the_image_does_not_matter() -> None:
    """Bytes behind the last chunk."""
    content = webp(lossless=True)
    assert np.array_equal(pixels_of(content + b"\0" * 99), OPAQUE)


@pytest.mark.parametrize(
    "content",
    [
        b"RIFF",
        riff(),
        riff(chunk(b"VP8X", b"")),
        riff(canvas(4, 4)),
        riff(canvas(4, 4, flags=2)),
        riff(chunk(b"VP8 ", bytes(10))),
        riff(chunk(b"VP8L", b"\x2f")),
        riff(chunk(b"VP8L", bytes(5))),
        riff(b"VP8L\xff\xff\xff\x7f"),
        riff(canvas(4, 5), webp()[12:]),
        riff(canvas(4, 4, flags=2), chunk(b"ANMF", bytes(24))),
        riff(100_001 * chunk(b"none", b"")),
    ],
)
def test_broken_headers_are_an_error(content: bytes) -> None:
    """No picture, no size, no end."""
    assert complaint(content)


def test_the_file_is_closed_where_opening_fails() -> None:
    """Nobody else could."""
    file = BytesIO(riff())
    with pytest.raises(ImageReadError):
        open_webp(file, Opening("a.webp"))
    assert file.closed


def test_limits_are_checked_from_the_header() -> None:
    """Pixels, and memory: an animation takes two canvases more."""
    with pytest.raises(LimitError, match=r"^a\.webp: has 1,551 pixels"):
        opened(webp(), max_pixels=1000)
    assert opened(webp(), max_memory=3 * 1551)
    with pytest.raises(LimitError, match=r"^a\.webp: its pixels take 1,073,741,824 bytes"):
        opened(riff(chunk(b"VP8L", b"\x2f\xff\xff\xff\x1f")), max_memory=2**27)
    with pytest.raises(LimitError, match=r"^a\.webp: its pixels take"):
        opened(animation()[0], max_memory=4 * 1551)


@pytest.mark.parametrize(
    ("raised", "kind", "message"),
    [
        (
            ZeroDivisionError("one\ntwo \x1b[31m"),
            ImageReadError,
            "a.webp: is truncated or corrupt: one two ?[31m",
        ),
        (MemoryError(), LimitError, "a.webp: its pixels do not fit into memory"),
    ],
)
def test_whatever_the_decoder_raises_is_our_error(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, kind: type[Exception], message: str
) -> None:
    """One printable line."""

    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr("imagecodecs.webp_decode", fail)
    with pytest.raises(kind) as caught:
        pixels_of(webp())
    assert str(caught.value) == message


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_orientation_is_reported_and_not_applied(orientation: int) -> None:
    """The pixels are as they are stored; the block is untouched, with the prefix that WebP leaves out."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    source = opened(webp(lossless=True, exif=exif))
    assert source.metadata.orientation == orientation
    assert source.metadata.exif == exif.tobytes()
    assert np.array_equal(source.read(Window.whole(source.spec)), OPAQUE)


def test_metadata_are_kept_as_they_are() -> None:
    """Profile and XMP, byte for byte."""
    metadata = opened(webp(icc_profile=b"profile", xmp=b"<x:xmpmeta/>")).metadata
    assert (metadata.icc, metadata.xmp) == (b"profile", b"<x:xmpmeta/>")


@pytest.mark.parametrize("kind", [b"ICCP", b"EXIF", b"XMP "])
def test_enormous_metadata_are_left_out(kind: bytes) -> None:
    """With a warning; the picture is read."""
    content = riff(canvas(47, 33), chunk(kind, bytes(MAX_METADATA + 1)), webp(lossless=True)[12:])
    source = opened(content)
    assert (source.metadata.icc, source.metadata.exif, source.metadata.xmp) == (None, None, None)
    assert len(source.metadata.warnings) == 1
    assert np.array_equal(source.read(Window.whole(source.spec)), OPAQUE)


@given(junk=st.binary(max_size=60), at=st.floats(0, 1), animated=st.booleans())
@settings(max_examples=150, deadline=None)
def test_damage_is_an_error_or_harmless(junk: bytes, at: float, *, animated: bool) -> None:
    """Whatever is overwritten: pixels of the right shape, or one of our errors."""
    content = animation()[0] if animated else webp(PICTURE, exif=b"Exif\0\0II*\0")
    place = int(at * len(content))
    message = "a.webp: "
    try:
        source = opened(content[:place] + junk + content[place + len(junk) :], max_pixels=10**6)
        spec = source.spec
        assert source.read(Window.whole(spec)).shape == (spec.height, spec.width, spec.channels)
    except (ImageReadError, LimitError) as error:
        message = str(error)
    assert message.startswith("a.webp: ")
    assert message.isprintable()
