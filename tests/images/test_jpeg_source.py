"""JPEG files: pixels as Pillow decodes them, metadata from the segments, and nothing that is incomplete."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sepfilter.errors import ImageReadError, LimitError, UnsupportedImageError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.jpeg.metadata import read_header
from sepfilter.images.limits import MAX_METADATA, Limits
from sepfilter.images.metadata import Metadata
from sepfilter.images.source import Opening, Source, backend_named

Array = npt.NDArray[Any]

imagecodecs = pytest.importorskip("imagecodecs")
open_jpeg = backend_named("jpeg")

SOI, EOI = b"\xff\xd8", b"\xff\xd9"


def smooth(height: int, width: int, channels: int = 3) -> Array:
    """A picture of slopes and a little noise, brightest at its end."""
    slopes = np.add.outer(np.arange(height) * 120 / height, np.arange(width) * 120 / width)[..., np.newaxis]
    noise = np.random.default_rng(7).integers(0, 12, (height, width, channels))
    return np.asarray(slopes + noise + np.arange(channels), np.uint8)


PICTURE = smooth(83, 61)


def photo(picture: Array | Image.Image = PICTURE, **options: Any) -> bytes:
    """A JPEG file as Pillow writes it."""
    buffer = BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(buffer, options.pop("format", "JPEG"), **options)
    return buffer.getvalue()


def opened(content: bytes, page: int = 0, **limits: int) -> Source:
    """The source of a file."""
    return open_jpeg(BytesIO(content), Opening("a.jpg", page, Limits(**limits)))


def pixels_of(content: bytes, page: int = 0) -> Array:
    """All pixels."""
    source = opened(content, page)
    return source.read(Window.whole(source.spec))


def by_pillow(content: bytes) -> Array:
    """All pixels as Pillow has them."""
    with Image.open(BytesIO(content)) as image:
        pixels = np.asarray(image)
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels


def segment(marker: int, payload: bytes) -> bytes:
    """A segment made by hand."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(payload) + 2) + payload


def with_segments(*added: bytes, content: bytes | None = None) -> bytes:
    """A file with more segments behind its first marker."""
    content = photo() if content is None else content
    return SOI + b"".join(added) + content[2:]


def complaint(content: bytes, page: int = 0) -> str:
    """What is said of a broken file."""
    with pytest.raises(ImageReadError) as caught:
        pixels_of(content, page)
    message = str(caught.value)
    assert message.startswith("a.jpg: ")
    assert message.isprintable()
    return message.removeprefix("a.jpg: ").removeprefix("is truncated or corrupt: ")


@pytest.mark.parametrize(
    "options",
    [
        {"quality": 50, "subsampling": "4:2:0"},
        {"quality": 92, "subsampling": "4:2:2"},
        {"quality": 100, "subsampling": "4:4:4"},
        {"progressive": True},
        {"optimize": True},
        {"restart_marker_blocks": 3},
        {"restart_marker_rows": 1, "progressive": True},
        {"keep_rgb": True},
    ],
    ids=str,
)
def test_colours_are_those_of_pillow(options: dict[str, Any]) -> None:
    """Bit for bit, of every kind of file that Pillow writes."""
    content = photo(**options)
    assert np.array_equal(pixels_of(content), by_pillow(content))


def test_grey_has_one_channel() -> None:
    """Bit for bit as Pillow has it."""
    content = photo(PICTURE[..., 0])
    assert pixels_of(content).shape == (83, 61, 1)
    assert np.array_equal(pixels_of(content), by_pillow(content))


@pytest.mark.parametrize("stored_as", ["CMYK", "YCCK"])
def test_inks_are_those_of_pillow(stored_as: str) -> None:
    """Not inverted, although the file is; with chroma of their own or without."""
    inks = smooth(40, 30, 4)
    content = imagecodecs.jpeg8_encode(255 - inks, 95, colorspace="CMYK", outcolorspace=stored_as)
    source = opened(bytes(content))
    assert source.metadata.cmyk
    assert source.spec == ImageSpec(40, 30, 4, "uint8")
    assert np.array_equal(source.read(Window.whole(source.spec)), by_pillow(bytes(content)))
    assert np.abs(source.read(Window.whole(source.spec)).astype(int) - inks).mean() < 4


def test_no_ink_is_zero() -> None:
    """What Pillow stores as 10, 60, 110 and 240 comes back as that."""
    pixels = pixels_of(photo(Image.new("CMYK", (16, 16), (10, 60, 110, 240)), quality=100))
    assert np.abs(pixels.astype(int) - (10, 60, 110, 240)).max() <= 2


@pytest.mark.parametrize(("bits", "top"), [(12, 4095), (16, 65535)])
def test_deep_samples_are_kept(bits: int, top: int) -> None:
    """Lossless files of 12 and 16 bits, to the bit."""
    picture = np.random.default_rng(1).integers(0, top + 1, (20, 30, 3), dtype=np.uint16)
    content = bytes(imagecodecs.jpeg8_encode(picture, lossless=True, bitspersample=bits))
    source = opened(content)
    assert source.spec.dtype == "uint16"
    assert np.array_equal(source.read(Window.whole(source.spec)), picture)
    assert len(source.metadata.warnings) == (bits == 12)


def test_the_usual_twelve_bit_file_is_read() -> None:
    """Its samples are near those that were stored, not scaled."""
    picture = 16 * smooth(40, 30, 1)[..., 0].astype(np.uint16)
    content = bytes(imagecodecs.jpeg8_encode(picture, 95, bitspersample=12))
    assert np.abs(pixels_of(content)[..., 0].astype(int) - picture).max() < 100


def test_opening_decodes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Size, type and metadata come from the header."""
    monkeypatch.setattr("imagecodecs.jpeg8_decode", None)
    content = photo(dpi=(300, 300))
    source = opened(content[: content.index(b"\xff\xda") + 20])
    assert source.spec == ImageSpec(83, 61, 3, "uint8")
    assert source.strip_rows == 83
    assert source.metadata == Metadata(format="JPEG", dpi=(300.0, 300.0), subsampling="4:2:0")


def test_a_part_is_cut_out_of_the_whole() -> None:
    """Any window, in any order; read-only."""
    source = opened(photo())
    whole = source.read(Window.whole(source.spec))
    part = source.read(Window(5, 7, 11, 13))
    assert np.array_equal(part, whole[5:16, 7:20])
    assert not part.flags.writeable


@given(share=st.floats(0.001, 0.999), progressive=st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_file_without_its_end_is_an_error(share: float, *, progressive: bool) -> None:
    """Wherever it was cut off: libjpeg would fill up with grey."""
    content = photo(progressive=progressive)
    complaint(content[: 2 + int(share * (len(content) - 4))])


@given(share=st.floats(0.01, 0.95))
@settings(max_examples=40, deadline=None)
def test_data_that_end_early_are_an_error(share: float) -> None:
    """An end-of-image marker in the middle of the data does not make them complete.

    What lacks only a part of the last 16 x 16 pixels is not found out.
    """
    content = photo()
    start = content.index(b"\xff\xda") + 14
    cut = content[: start + int(share * (len(content) - start - 2))]
    complaint(cut.rstrip(b"\xff") + EOI)


def test_a_grey_corner_alone_is_no_error() -> None:
    """What is lost would look so, but not all that looks so is lost."""
    picture = PICTURE.copy()
    picture[40:, 30:] = 128
    content = photo(picture)
    assert pixels_of(content)[-1, -1].tolist() == [128, 128, 128]


def test_a_broken_marker_in_the_data_is_an_error() -> None:
    """Where a stuffed zero should be there is an application segment."""
    content = bytearray(photo(np.random.default_rng(3).integers(0, 256, (90, 90, 3), dtype=np.uint8)))
    content[content.index(b"\xff\0", content.index(b"\xff\xda") + 14) + 1] = 0xE5
    assert complaint(bytes(content))


@pytest.mark.parametrize("change", ["lost", "out of turn", "two lost"])
def test_wrong_restart_markers_are_an_error(change: str) -> None:
    """Their number follows from the size, and they count from 0 to 7."""
    content = photo(restart_marker_blocks=2)
    first = content.index(b"\xff\xd0")
    broken = {
        "lost": content[:first] + content[first + 2 :],
        "out of turn": content[: first + 1] + b"\xd5" + content[first + 2 :],
        "two lost": content[:first] + content[content.index(b"\xff\xd2") :],
    }[change]
    assert "restart markers" in complaint(broken)


def test_restart_markers_nobody_announced_are_an_error() -> None:
    """libjpeg would stop at them."""
    content = photo()
    assert "1 restart markers in place of 0" in complaint(content[:-2] + b"\xff\xd0" + EOI)


def test_a_restart_marker_behind_the_last_data_is_allowed() -> None:
    """Some encoders write one."""
    content = photo(restart_marker_blocks=2)
    last = content.count(b"\xff\xd0")
    assert last
    markers = [at for at in range(len(content)) if content[at] == 0xFF and 0xD0 <= content[at + 1] <= 0xD7]
    following = 0xD0 + len(markers) % 8
    longer = content[:-2] + bytes((0xFF, following)) + EOI
    assert np.array_equal(pixels_of(longer), by_pillow(content))


def test_a_missing_scan_is_an_error() -> None:
    """Three components are announced, and only the first has data."""
    content = photo(PICTURE[..., 0])
    frame = content.index(b"\xff\xc0")
    header = (
        content[frame + 4 : frame + 9] + b"\3" + b"".join(bytes((number, 0x11, 0)) for number in (1, 2, 3))
    )
    assert complaint(content[:frame] + segment(0xC0, header) + content[frame + 13 :]) == "scans are missing"


def test_a_size_without_data_for_it_is_an_error() -> None:
    """Every block takes a bit at least; nothing is allocated before that is known."""
    content = bytearray(photo())
    size = content.index(b"\xff\xc0") + 5
    content[size : size + 4] = struct.pack(">HH", 20000, 20000)
    assert "cannot hold 20000 x 20000 pixels" in complaint(bytes(content))


@pytest.mark.parametrize(
    "trailer", [b"\0" * 1000, b"SEFT" * 9, EOI, photo()], ids=["zeros", "text", "end", "jpeg"]
)
def test_what_follows_the_image_does_not_matter(trailer: bytes) -> None:
    """Cameras put more pictures and notes there."""
    content = photo()
    assert np.array_equal(pixels_of(content + trailer), by_pillow(content))


def test_fill_bytes_and_junk_before_the_pixels_are_passed_over() -> None:
    """As Pillow and libjpeg do."""
    content = photo()
    odd = SOI + b"\xff\xff\xff" + content[3:20] + b"junk\xff\0" + content[20:]
    assert np.array_equal(pixels_of(odd), by_pillow(content))


@pytest.mark.parametrize(
    "content",
    [
        SOI + b"\xff",
        SOI + EOI,
        SOI + b"\xff\xe0\0\0",
        SOI + b"\xff\xe0\xff\xff",
        SOI + bytes(10**5),
        SOI + segment(0xC0, b"\x08\0\x10\0\x10"),
        SOI + segment(0xC0, b"\x08\0\0\0\x10\1\1\x11\0") + EOI,
        SOI + segment(0xC0, b"\x08\0\x10\0\x10\1\1\0\0") + EOI,
        SOI + segment(0xDA, b"\1\1\0\0\x3f\0") + EOI,
        SOI + 10_001 * segment(0xFE, b""),
    ],
)
def test_broken_headers_are_an_error(content: bytes) -> None:
    """No frame, no size, no end."""
    assert complaint(content)


def test_two_components_are_not_read() -> None:
    """Nobody knows what they mean."""
    content = SOI + segment(0xC0, b"\x08\0\x10\0\x10\2\1\x11\0\2\x11\0") + EOI
    with pytest.raises(UnsupportedImageError, match=r"^a\.jpg: a JPEG file of 2 components is not read"):
        opened(content)


def test_the_file_is_closed_where_opening_fails() -> None:
    """Nobody else could."""
    file = BytesIO(SOI + EOI)
    with pytest.raises(ImageReadError):
        open_jpeg(file, Opening("a.jpg"))
    assert file.closed


def test_limits_are_checked_from_the_header() -> None:
    """Pixels, and memory: three times as much where coefficients are held."""
    with pytest.raises(LimitError, match=r"^a\.jpg: has 5,063 pixels"):
        opened(photo(), max_pixels=5000)
    assert opened(photo(), max_memory=3 * 5063)
    with pytest.raises(LimitError, match=r"^a\.jpg: its pixels take 45,567 bytes"):
        opened(photo(progressive=True), max_memory=3 * 5063)


@pytest.mark.parametrize(
    ("raised", "kind", "message"),
    [
        (
            ZeroDivisionError("one\ntwo \x1b[31m"),
            ImageReadError,
            "a.jpg: is truncated or corrupt: one two ?[31m",
        ),
        (MemoryError(), LimitError, "a.jpg: its pixels do not fit into memory"),
    ],
)
def test_whatever_the_decoder_raises_is_our_error(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, kind: type[Exception], message: str
) -> None:
    """One printable line."""

    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr("imagecodecs.jpeg8_decode", fail)
    with pytest.raises(kind) as caught:
        pixels_of(photo())
    assert str(caught.value) == message


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_orientation_is_reported_and_not_applied(orientation: int) -> None:
    """The pixels are as they are stored; the block is untouched."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = photo(exif=exif)
    source = opened(content)
    assert source.metadata.orientation == orientation
    assert source.metadata.exif == exif.tobytes()
    assert np.array_equal(source.read(Window.whole(source.spec)), by_pillow(content))


def test_exif_in_two_segments_is_one_block() -> None:
    """The second continues the first."""
    exif = Image.Exif()
    exif[0x010E] = "harbour " * 20
    block = exif.tobytes()
    parts = (segment(0xE1, block[:100]), segment(0xE1, b"Exif\0\0" + block[100:]))
    assert opened(with_segments(*parts)).metadata.exif == block


def test_broken_exif_does_not_spoil_the_picture() -> None:
    """It is read as any other."""
    content = with_segments(segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff nonsense"))
    assert np.array_equal(pixels_of(content), by_pillow(photo()))
    assert opened(content).metadata.orientation == 1


def test_a_profile_in_parts_is_put_together_in_order() -> None:
    """Whatever order they are stored in."""
    parts = [
        segment(0xE2, b"ICC_PROFILE\0" + bytes((number, 3)) + 9 * bytes((number,))) for number in (3, 1, 2)
    ]
    assert opened(with_segments(*parts)).metadata.icc == 9 * b"\1" + 9 * b"\2" + 9 * b"\3"


def test_a_profile_of_which_a_part_is_missing_is_left_out() -> None:
    """With a warning."""
    metadata = opened(with_segments(segment(0xE2, b"ICC_PROFILE\0\1\2abc"))).metadata
    assert metadata.icc is None
    assert metadata.warnings == ("the colour profile was left out: it is broken, or larger than 1 MiB",)


@pytest.mark.parametrize("field", ["icc", "exif"])
def test_enormous_metadata_are_left_out(field: str) -> None:
    """More than a mebibyte is no profile, and no EXIF."""
    count = MAX_METADATA // 65000 + 1
    prefix = {"icc": b"ICC_PROFILE\0%c" + bytes((count,)), "exif": b"Exif\0\0"}[field]
    marker = {"icc": 0xE2, "exif": 0xE1}[field]
    heads = [prefix.replace(b"%c", bytes((number,))) for number in range(1, count + 1)]
    metadata = opened(with_segments(*(segment(marker, head + bytes(65000)) for head in heads))).metadata
    assert getattr(metadata, field) is None
    words = {"icc": "the colour profile", "exif": "EXIF"}[field]
    assert metadata.warnings == (f"{words} was left out: it is broken, or larger than 1 MiB",)


def test_xmp_is_kept() -> None:
    """The packet without its identifier; an extension is left out, and that is said."""
    packet, extension = b"<x:xmpmeta/>", b"http://ns.adobe.com/xmp/extension/\0more"
    metadata = opened(with_segments(segment(0xE1, extension), content=photo(xmp=packet))).metadata
    assert metadata.xmp == packet
    assert len(metadata.warnings) == 1


@pytest.mark.parametrize(
    ("unit", "across", "down", "expected"),
    [
        (1, 300, 150, (300, 150)),
        (2, 100, 50, (254, 127)),
        (0, 300, 300, None),
        (1, 0, 0, None),
        (1, 1, 1, None),
    ],
)
def test_the_resolution_is_that_of_jfif(
    unit: int, across: int, down: int, expected: tuple[float, float] | None
) -> None:
    """In inches or centimetres; without a unit it is a ratio, and zero is none."""
    content = bytearray(photo())
    content[13:18] = struct.pack(">BHH", unit, across, down)
    assert opened(bytes(content)).metadata.dpi == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("unit", "expected"), [(2, (300, 150)), (3, (762, 381)), (1, None)])
def test_else_the_resolution_is_that_of_exif(
    order: str, unit: int, expected: tuple[float, float] | None
) -> None:
    """In either byte order."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entries = [(0x011A, 5, 1, 50), (0x011B, 5, 1, 58)]
    directory = b"".join(struct.pack(f"{order}HHII", *entry) for entry in entries)
    directory += struct.pack(f"{order}HHIHH", 0x0128, 3, 1, unit, 0)
    block = (
        mark + struct.pack(f"{order}IH", 8, 3) + directory + struct.pack(f"{order}IIIII", 0, 600, 2, 300, 2)
    )
    content = with_segments(segment(0xE1, b"Exif\0\0" + block))
    assert opened(content).metadata.dpi == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_the_subsampling_is_reported(subsampling: str) -> None:
    """So that an output may follow it."""
    assert opened(photo(subsampling=subsampling)).metadata.subsampling == subsampling


def several() -> bytes:
    """Three pictures in one file, each in a flat grey of its own."""
    pictures = [Image.fromarray(np.full((20, 30, 3), grey, np.uint8)) for grey in (50, 100, 150)]
    return photo(pictures[0], format="MPO", save_all=True, append_images=pictures[1:])


@pytest.mark.parametrize("page", [0, 1, 2])
def test_every_picture_of_a_file_can_be_read(page: int) -> None:
    """They are counted, and each is the one that Pillow finds there."""
    source = opened(several(), page)
    assert source.metadata.frames == 3
    assert np.abs(source.read(Window.whole(source.spec)).astype(int) - 50 * (page + 1)).max() <= 2


def test_a_page_beyond_the_last_is_an_error() -> None:
    """The message says how many there are."""
    assert complaint(several(), 3) == "has 3 pages: there is no page 4"
    assert complaint(photo(), 1) == "has 1 page: there is no page 2"


def test_an_index_that_points_elsewhere_spoils_only_the_other_pages() -> None:
    """The first picture does not need it."""
    content = several()
    second = content.rindex(b"\xff\xd8\xff", 0, content.rindex(b"\xff\xd8\xff"))
    broken = content[:second] + b"\0\0" + content[second + 2 :]
    assert pixels_of(broken).shape == (20, 30, 3)
    assert "no picture where its index has page 2" in complaint(broken, 1)


def test_a_broken_index_is_no_index() -> None:
    """One picture, and no error."""
    assert opened(with_segments(segment(0xE2, b"MPF\0II*\0\xff\xff\xff\x7f"))).metadata.frames == 1


def test_the_header_is_where_the_file_stands() -> None:
    """Offsets are those of the file."""
    file = BytesIO(bytes(10) + photo())
    file.seek(10)
    assert read_header(file).pages == (10,)


@given(junk=st.binary(max_size=60), at=st.floats(0, 1))
@settings(max_examples=150, deadline=None)
def test_damage_is_an_error_or_harmless(junk: bytes, at: float) -> None:
    """Whatever is overwritten: pixels of the right shape, or one of our errors."""
    content = photo(smooth(24, 24), exif=b"Exif\0\0II*\0")
    place = int(at * len(content))
    message = "a.jpg: "
    try:
        source = opened(content[:place] + junk + content[place + len(junk) :], max_pixels=10**6)
        spec = source.spec
        assert source.read(Window.whole(spec)).shape == (spec.height, spec.width, spec.channels)
    except (ImageReadError, UnsupportedImageError, LimitError) as error:
        message = str(error)
    assert message.startswith("a.jpg: ")
    assert message.isprintable()


def test_the_sample_photograph_is_read(samples: Path) -> None:
    """The one that comes with the project."""
    content = (samples / "chelsea.jpg").read_bytes()
    assert np.array_equal(pixels_of(content), by_pillow(content))
