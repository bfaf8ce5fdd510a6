"""TIFF files read: every layout, sample type and meaning, strip by strip."""

from __future__ import annotations

import struct
from io import BytesIO
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sepfilter.errors import ImageReadError, UnsupportedImageError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.source import Opening, Source
from sepfilter.images.tiff.source import open_tiff

Array = npt.NDArray[Any]


def noise(*shape: int, dtype: npt.DTypeLike = "uint8", seed: int = 1) -> Array:
    """Random samples over the whole range of an integer type, or from 0 to 1."""
    generator = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return generator.random(shape).astype(dtype)
    limits = np.iinfo(dtype)
    return generator.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def written(pixels: Any, **options: Any) -> bytes:
    """A file as tifffile writes it, which takes separate planes with the channels first."""
    if options.get("planarconfig") == "separate":
        pixels = np.moveaxis(pixels, 2, 0)
    buffer = BytesIO()
    tifffile.imwrite(buffer, pixels, **options)
    return buffer.getvalue()


def opened(content: bytes, page: int = 0) -> Source:
    """A source on a file's content."""
    return open_tiff(BytesIO(content), Opening("a.tif", page))


def read(content: bytes, page: int = 0) -> Array:
    """All pixels of a page, which are as its spec says."""
    source = opened(content, page)
    pixels = source.read(Window.whole(source.spec))
    spec = source.spec
    assert (pixels.shape, pixels.dtype) == ((spec.height, spec.width, spec.channels), spec.dtype)
    assert pixels.dtype.isnative
    return pixels


LAYOUTS: list[dict[str, Any]] = [
    {},
    {"rowsperstrip": 7},
    {"tile": (16, 32)},
    {"planarconfig": "separate"},
    {"planarconfig": "separate", "tile": (16, 16)},
    {"planarconfig": "separate", "rowsperstrip": 5, "compression": "deflate"},
    {"compression": "lzw", "predictor": True, "rowsperstrip": 6},
    {"compression": "deflate", "predictor": True, "tile": (32, 16)},
    {"compression": "zstd"},
    {"compression": "lzma"},
    {"compression": "packbits", "rowsperstrip": 9},
    {"compression": "webp", "compressionargs": {"lossless": True}},
    {"compression": "png", "tile": (16, 16)},
    {"bigtiff": True, "tile": (16, 16), "byteorder": ">"},
    {"byteorder": ">", "rowsperstrip": 8},
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_every_layout_gives_the_same_pixels(layout: dict[str, Any]) -> None:
    """Strips, tiles, planes, byte orders and lossless compressions are the file's own affair."""
    picture = noise(41, 37, 3)
    assert np.array_equal(read(written(picture, photometric="rgb", **layout)), picture)


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_windows_from_top_to_bottom_are_parts_of_the_image(layout: dict[str, Any]) -> None:
    """Whatever strips or tiles they touch, with columns left out at both sides."""
    picture = noise(41, 37, 3)
    source = opened(written(picture, photometric="rgb", **layout))
    for y, height in ((0, 3), (3, 15), (18, 1), (25, 16)):
        window = Window(y, 14, height, 5)
        assert np.array_equal(source.read(window), picture[window.rows, window.columns])


@pytest.mark.parametrize(
    "dtype",
    ["uint8", "uint16", "uint32", "int8", "int16", "int32", "float16", "float32", "float64"],
)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("packed", [{}, {"compression": "deflate", "predictor": True}], ids=str)
def test_every_sample_type_arrives_as_it_is(dtype: str, order: str, packed: dict[str, Any]) -> None:
    """int16 stays int16, float16 stays float16, raw and compressed with a predictor."""
    picture = noise(20, 21, dtype=dtype)
    content = written(picture, byteorder=order, photometric="minisblack", **packed)
    assert np.array_equal(read(content)[..., 0], picture)


@pytest.mark.parametrize(("bits", "factor"), [(1, 255), (2, 85), (4, 17)])
def test_few_bits_are_scaled_to_full_range(handmade: ModuleType, bits: int, factor: int) -> None:
    """White is 255; rows begin at whole bytes."""
    packed = np.array([[0b00011011, 0b11000000], [0b11111111, 0b00000000]], np.uint8)
    content = handmade.tiff(packed, 1, tags={256: [12 // bits], 258: [bits]})
    values = [
        [int(f"{a:08b}{b:08b}"[i : i + bits], 2) for i in range(0, 12 // bits * bits, bits)]
        for a, b in packed
    ]
    assert read(content)[..., 0].tolist() == (factor * np.array(values)).tolist()


def test_twelve_bits_stay_as_they_are_stored(handmade: ModuleType) -> None:
    """Two samples lie in three bytes; they become uint16, not scaled."""
    packed = np.array([[0x12, 0x3F, 0xFF]], np.uint8)
    assert read(handmade.tiff(packed, 1, tags={256: [2], 258: [12]}))[..., 0].tolist() == [[0x123, 0xFFF]]


@pytest.mark.parametrize(
    ("dtype", "values", "inverted"),
    [
        ("uint8", [0, 1, 255], [255, 254, 0]),
        ("uint16", [0, 1, 65535], [65535, 65534, 0]),
        ("uint32", [0, 2**32 - 1, 7], [2**32 - 1, 0, 2**32 - 8]),
        ("int8", [-128, 0, 127], [127, -1, -128]),
        ("float32", [0.0, 0.25, 1.0], [0.0, 0.25, 1.0]),
    ],
)
def test_where_white_is_zero_integers_are_inverted(
    dtype: str, values: list[Any], inverted: list[Any]
) -> None:
    """Within their own range; floats have none and stay."""
    content = written(np.array([values], dtype), photometric="miniswhite")
    assert read(content)[0, :, 0].tolist() == inverted


def test_inverted_few_bits_use_their_own_range(handmade: ModuleType) -> None:
    """4 bits where white is 0: 0 becomes 255, 15 becomes 0, 5 becomes 170; 12 bits are mirrored at 4095."""
    content = handmade.tiff(np.array([[0x0F, 0x50]], np.uint8), 0, tags={256: [3], 258: [4]})
    assert read(content)[0, :, 0].tolist() == [255, 0, 170]
    content = handmade.tiff(np.array([[0x12, 0x3F, 0xFF]], np.uint8), 0, tags={256: [2], 258: [12]})
    assert read(content)[0, :, 0].tolist() == [4095 - 0x123, 0]


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_a_fax_reads_as_pillow_reads_it(compression: str) -> None:
    """Paper is 255, ink 0."""
    paper = Image.fromarray((noise(40, 50) > 200).astype(np.uint8) * 255).convert("1")
    buffer = BytesIO()
    paper.save(buffer, "TIFF", compression=compression)
    assert np.array_equal(read(buffer.getvalue())[..., 0], np.asarray(paper.convert("L")))


def test_luminance_and_chroma_in_jpeg_become_rgb() -> None:
    """As Pillow decodes the same tiles, but for rounding."""
    ramp = np.add.outer(np.arange(64), np.arange(48)).astype(np.uint8)
    picture = np.stack([ramp, ramp[::-1], 255 - ramp], axis=2)
    content = written(picture, photometric="ycbcr", compression="jpeg", tile=(32, 32), subsampling=(2, 2))
    with Image.open(BytesIO(content)) as image:
        assert np.abs(read(content) - np.asarray(image.convert("RGB")).astype(int)).max() <= 3


def test_luminance_and_chroma_without_jpeg_become_rgb(handmade: ModuleType) -> None:
    """YCbCr without chroma is grey in RGB."""
    content = handmade.tiff(np.array([[[100, 128, 128]]], np.uint8), photometric=6, tags={530: [1, 1]})
    assert read(content).tolist() == [[[100, 100, 100]]]


@pytest.mark.parametrize(
    ("scale", "dtype"), [(1, "uint8"), (256, "uint8"), (257, "uint8")], ids=["small", "shifted", "full"]
)
def test_a_palette_of_eight_bit_colours_becomes_uint8(scale: int, dtype: str) -> None:
    """Writers store 8-bit colours as they are, times 256, or times 257."""
    colours = noise(3, 256).astype(np.uint16)
    indices = noise(5, 6)
    content = written(indices, photometric="palette", colormap=colours * scale)
    pixels = read(content)
    assert pixels.dtype == dtype
    assert np.array_equal(pixels, np.moveaxis(colours, 0, -1)[indices])


def test_a_palette_of_deep_colours_becomes_uint16() -> None:
    """Nothing of them is lost."""
    colours, indices = noise(3, 16, dtype="uint16"), np.array([[3, 0, 15]], np.uint8)
    full = np.zeros((3, 256), np.uint16)
    full[:, :16] = colours
    pixels = read(written(indices, photometric="palette", colormap=full))
    assert np.array_equal(pixels, np.moveaxis(full, 0, -1)[indices])


@pytest.mark.parametrize(
    ("channels", "options", "alpha", "cmyk"),
    [
        (2, {"photometric": "minisblack", "extrasamples": ["unassalpha"]}, True, False),
        (2, {"photometric": "minisblack", "extrasamples": ["unspecified"]}, False, False),
        (4, {"photometric": "rgb", "extrasamples": ["unassalpha"]}, True, False),
        (4, {"photometric": "rgb", "extrasamples": ["unspecified"]}, False, False),
        (4, {"photometric": "separated"}, False, True),
        (5, {"photometric": "separated", "extrasamples": ["unassalpha"]}, True, True),
        (6, {"photometric": "minisblack", "extrasamples": ["unspecified"] * 5}, False, False),
        (5, {"photometric": "rgb", "extrasamples": ["unassalpha", "unspecified"]}, False, False),
    ],
)
def test_extra_samples_are_alpha_only_where_the_file_says_so(
    channels: int, options: dict[str, Any], alpha: bool, cmyk: bool
) -> None:
    """One, the last, of opacity; others are channels."""
    picture = noise(5, 6, channels)
    source = opened(written(picture, planarconfig="contig", **options))
    assert source.spec == ImageSpec(5, 6, channels, "uint8", alpha)
    assert (source.metadata.alpha, source.metadata.cmyk) == (alpha, cmyk)
    assert np.array_equal(source.read(Window.whole(source.spec)), picture)


def test_four_samples_of_rgb_without_a_word_are_rgba(handmade: ModuleType) -> None:
    """As Pillow and libtiff take them."""
    samples = noise(2, 3, 4)
    source = opened(handmade.tiff(samples, 2))
    assert source.spec.alpha
    assert np.array_equal(source.read(Window.whole(source.spec)), samples)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "float32"])
def test_premultiplied_colours_are_divided_by_their_opacity(dtype: str) -> None:
    """To the nearest value; colours under alpha 0 stay as they are."""
    full = 1.0 if dtype == "float32" else float(np.iinfo(dtype).max)
    alpha = (np.array([1.0, 0.5, 0.25, 0.0]) * full).astype(dtype)
    colours = (np.array([0.9, 0.5, 0.1, 0.0]) * full).astype(dtype)
    samples = np.stack([colours, colours // 2 if full > 1 else colours / 2, colours, alpha], axis=1)[None]
    samples = samples.astype(dtype)
    pixels = read(written(samples, photometric="rgb", extrasamples=["assocalpha"]))
    with np.errstate(all="ignore"):
        expected = np.where(
            alpha[:, None] > 0, samples[0, :, :3] * (full / alpha[:, None]), samples[0, :, :3]
        )
    expected = expected if full == 1 else np.minimum(np.rint(expected), full)
    assert np.abs(pixels[0, :, :3] - expected).max() <= full * 1e-6
    assert np.array_equal(pixels[0, :, 3], alpha)


@pytest.mark.parametrize(
    ("samples", "photometric", "options", "words"),
    [
        (noise(2, 3, 3), 8, {}, "Lab colours are not filtered: convert it to RGB first"),
        (noise(2, 3), 32844, {}, "logarithmic colours are not filtered"),
        (np.zeros((2, 3), np.uint64), 1, {}, "64-bit integers are not filtered"),
        (np.zeros((2, 3), np.complex64), 1, {"sample_format": 6}, "complex samples are not filtered"),
        (noise(2, 3), 1, {"tags": {259: [34887]}}, "TIFF compression LERC is not read"),
        (noise(2, 3), 1, {"tags": {259: [12345]}}, "TIFF compression 12345 is not read"),
        (noise(2, 3), 1, {"tags": {32997: [4]}}, "a volume of 4 slices is not filtered"),
    ],
)
def test_what_would_be_damaged_is_refused(
    handmade: ModuleType, samples: Array, photometric: int, options: dict[str, Any], words: str
) -> None:
    """With what to do instead."""
    with pytest.raises(UnsupportedImageError, match=rf"^a\.tif: .*{words}"):
        opened(handmade.tiff(samples, photometric, **options))


def test_any_page_can_be_opened_and_all_are_counted() -> None:
    """Pages may differ in size and type."""
    pages = [noise(5, 6), noise(7, 3, 3, dtype="uint16"), noise(4, 4, dtype="float32")]
    buffer = BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for page in pages:
            writer.write(page, photometric="rgb" if page.ndim == 3 else "minisblack", metadata=None)
    for i, page in enumerate(pages):
        assert opened(buffer.getvalue(), i).metadata.frames == 3
        assert np.array_equal(read(buffer.getvalue(), i).reshape(page.shape), page)
    with pytest.raises(ImageReadError, match=r"^a\.tif: has 3 pages: there is no page 4$"):
        opened(buffer.getvalue(), 3)


@pytest.mark.parametrize(("unit", "factor"), [("INCH", 1), ("CENTIMETER", 2.54), ("NONE", None)])
def test_resolution_is_in_dots_per_inch(unit: str, factor: float | None) -> None:
    """Centimetres are converted; without a unit there is no resolution."""
    metadata = opened(written(noise(2, 2), resolution=(300, 72.5), resolutionunit=unit)).metadata
    assert metadata.dpi == (None if factor is None else pytest.approx((300 * factor, 72.5 * factor)))


def test_profile_xmp_and_orientation_are_read_and_pixels_not_turned() -> None:
    """The blocks come as they are stored."""
    picture = noise(3, 5)
    content = written(
        picture, iccprofile=b"profile!", extratags=[(700, 1, 4, b"<x/>", True), (274, 3, 1, 6, True)]
    )
    metadata = opened(content).metadata
    assert (metadata.icc, metadata.xmp, metadata.orientation) == (b"profile!", b"<x/>", 6)
    assert metadata.format == "TIFF"
    assert np.array_equal(read(content)[..., 0], picture)


@pytest.mark.parametrize("big", [False, True])
def test_exif_and_gps_become_a_block_that_pillow_understands(big: bool) -> None:
    """Both directories, the camera and the author; not the description, nor what the page is."""
    exif = Image.Exif()
    exif[271], exif[270] = "Maker", "a description"
    exif.get_ifd(34665).update({37386: 35.5, 36867: "2020:01:02 03:04:05"})
    exif.get_ifd(34853).update({1: "N", 2: (48.0, 12.0, 0.5)})
    buffer = BytesIO()
    Image.fromarray(noise(4, 4)).save(buffer, "TIFF", exif=exif.tobytes(), big_tiff=big)
    found = Image.Exif()
    found.load(opened(buffer.getvalue()).metadata.exif)
    assert dict(found).keys() == {271, 34665, 34853}
    assert found[271] == "Maker"
    assert found.get_ifd(34665) == {37386: 35.5, 36867: "2020:01:02 03:04:05"}
    assert found.get_ifd(34853)[2] == (48.0, 12.0, 0.5)


def test_images_without_a_page_of_their_own_are_told() -> None:
    """ImageJ stores large stacks as one page and the number of images that follow it."""
    described = written(noise(4, 4), description="ImageJ=1.53t\nimages=700\nslices=700\n", metadata=None)
    metadata = opened(described).metadata
    assert metadata.frames == 1
    assert metadata.warnings == ("of its 700 images only 1 are pages and can be read",)


def test_a_profile_that_is_too_long_is_left_out_with_a_warning() -> None:
    """The picture is read all the same."""
    metadata = opened(written(noise(2, 2), iccprofile=bytes(2**20 + 1))).metadata
    assert metadata.icc is None
    assert "colour profile was left out" in metadata.warnings[0]


def test_strips_are_read_apart(tmp_path: Any) -> None:
    """A window takes what it needs from the file: damage elsewhere does not matter."""
    picture = noise(32, 16)
    content = bytearray(written(picture, compression="deflate", rowsperstrip=8))
    with tifffile.TiffFile(BytesIO(content)) as file:
        start = file.pages[0].dataoffsets[2]
    content[start : start + 8] = bytes(8)
    source = opened(bytes(content))
    assert source.strip_rows == 8
    assert np.array_equal(source.read(Window(0, 0, 16, 16))[..., 0], picture[:16])
    with pytest.raises(ImageReadError, match="is truncated or corrupt"):
        source.read(Window(16, 0, 1, 16))


def test_a_last_strip_filled_up_to_the_size_of_the_others_is_cropped() -> None:
    """Some programs write it so."""
    content = written(noise(16, 8), compression="deflate", rowsperstrip=8)
    with tifffile.TiffFile(BytesIO(content)) as file:
        at = file.pages[0].tags[257].valueoffset
    patched = content[:at] + struct.pack("<H", 13) + content[at + 2 :]
    assert np.array_equal(read(patched)[..., 0], noise(16, 8)[:13])


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_row_of_tiles_is_decoded_once(data: st.DataObject) -> None:
    """However the image is divided into windows from top to bottom, what they touch comes once."""
    picture = noise(48, 40, 2, seed=5)
    source = opened(written(picture, compression="zstd", tile=(16, 16), planarconfig="contig"))
    decoded = []
    page = source._reader.page  # type: ignore[attr-defined]
    decode = page.decode
    page.__dict__["decode"] = lambda *arguments, **options: (
        decoded.append(arguments[1]),
        decode(*arguments, **options),
    )[1]
    y = 0
    while y < 48:
        height = data.draw(st.integers(1, 48 - y))
        assert np.array_equal(source.read(Window(y, 0, height, 40)), picture[y : y + height])
        y += height
    assert sorted(decoded) == list(range(9))
