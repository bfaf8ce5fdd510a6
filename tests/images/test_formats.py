"""Output formats: found by name or extension, and what each can hold."""

from __future__ import annotations

import re
from itertools import product

import pytest

from sepfilter.errors import OptionError, UnsupportedImageError
from sepfilter.geometry import SAMPLE_TYPES, ImageSpec
from sepfilter.images.formats import OUTPUT_FORMATS, OutputFormat, format_named, format_of, layout
from sepfilter.images.metadata import Metadata

NAMES = [one.name for one in OUTPUT_FORMATS]

# What each format holds: layouts as channels and opacity, with sample types.
_WITH_OPACITY = ((1, False), (2, True), (3, False), (4, True))
_COLOURS = ((1, False), (3, False))
HELD = {
    "png": {(dtype, *kind) for dtype in ("uint8", "uint16") for kind in _WITH_OPACITY},
    "jpeg": {("uint8", *kind) for kind in _COLOURS},
    "webp": {("uint8", *kind) for kind in _WITH_OPACITY},
    "bmp": {("uint8", *kind) for kind in _COLOURS},
    "ppm": {(dtype, *kind) for dtype in ("uint8", "uint16") for kind in _COLOURS},
    "pfm": {("float32", *kind) for kind in _COLOURS},
    "pam": {(dtype, *kind) for dtype in ("uint8", "uint16") for kind in _WITH_OPACITY},
    "tga": {("uint8", *kind) for kind in _WITH_OPACITY},
    "jp2": {("uint8", *kind) for kind in _WITH_OPACITY} | {("uint16", 1, False)},
    "avif": {("uint8", *kind) for kind in _WITH_OPACITY},
}

KINDS = [
    kind for kind in product(SAMPLE_TYPES, (1, 2, 3, 4, 5), (False, True)) if not (kind[1] == 1 and kind[2])
]


@pytest.mark.parametrize("name", NAMES)
def test_a_format_has_a_name_in_any_case(name: str) -> None:
    """PNG is png, and so is .png."""
    assert format_named(name.upper()).name == name
    assert format_named(f".{name}").name == name


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a.png", "png"), ("a.JPG", "jpeg"), ("a.jpeg", "jpeg"), ("a.jpe", "jpeg"), ("a.webp", "webp"),
        ("a.tif", "tiff"), ("a.TIFF", "tiff"), ("a.bmp", "bmp"), ("a.ppm", "ppm"), ("a.pgm", "ppm"),
        ("a.pnm", "ppm"), ("a.pfm", "pfm"), ("a.npy", "npy"), ("a.jpg.png", "png"), ("dir.jpg/a.png", "png"),
    ],
)  # fmt: skip
def test_the_last_extension_tells_the_format(file: str, name: str) -> None:
    """In upper case or lower case."""
    assert format_of(file).name == name


@pytest.mark.parametrize(
    ("file", "near"), [("a.pngg", "png"), ("a.jpeeg", "jpeg"), ("a.tifff", "tiff"), ("a.wepb", "webp")]
)
def test_a_misspelt_extension_gets_the_nearest_format(file: str, near: str) -> None:
    """The message names the file, what is wrong, and the way out."""
    with pytest.raises(OptionError) as caught:
        format_of(file)
    suffix = file.removeprefix("a")
    expected = f"a{suffix}: format '{suffix}' is not written: did you mean {near}?, or give --format"
    assert str(caught.value) == expected


def test_an_unlike_extension_gets_all_formats() -> None:
    """Where nothing is near, all are listed."""
    with pytest.raises(
        OptionError,
        match=re.escape("use one of png, jpeg, webp, tiff, bmp, ppm, pfm, pam, tga, jp2, avif, npy"),
    ):
        format_of("a.xyzzy")


@pytest.mark.parametrize("file", ["a", "folder.png/a", ".png", "a."])
def test_a_name_without_extension_asks_for_one(file: str) -> None:
    """Neither a folder's extension counts, nor a leading dot."""
    with pytest.raises(OptionError, match=rf"^{re.escape(file)}: the name has no extension: add one"):
        format_of(file)


@pytest.mark.parametrize("name", ["pngg", "gif", ""])
def test_an_unknown_name_is_refused(name: str) -> None:
    """A format that is only read is not written."""
    with pytest.raises(OptionError, match=f"^format '{name}' is not written: "):
        format_named(name)


@pytest.mark.parametrize("name", HELD)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind[0]}x{kind[1]}{'a' * kind[2]}")
def test_a_format_holds_what_it_holds_and_refuses_the_rest(name: str, kind: tuple[str, int, bool]) -> None:
    """A refusal names exactly the formats that can hold the image."""
    dtype, channels, alpha = kind
    spec, metadata = ImageSpec(4, 4, channels, dtype, alpha), Metadata(alpha=alpha)
    if kind in HELD[name]:
        format_named(name).check(spec, metadata, "out")
        return
    with pytest.raises(UnsupportedImageError) as caught:
        format_named(name).check(spec, metadata, "out")
    message = str(caught.value)
    assert message.startswith(f"out: {format_named(name).label} cannot hold ")
    offered = message.partition(": use ")[2].partition(",")[0].split(" or ")
    assert offered == [other for other in NAMES if kind in HELD.get(other, {kind})]


@pytest.mark.parametrize("name", ["tiff", "npy"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind[0]}x{kind[1]}{'a' * kind[2]}")
def test_tiff_and_npy_hold_everything(kind: tuple[str, int, bool], name: str) -> None:
    """Any sample type, any number of channels."""
    dtype, channels, alpha = kind
    format_named(name).check(ImageSpec(4, 4, channels, dtype, alpha), Metadata(alpha=alpha), f"out.{name}")


@pytest.mark.parametrize("name", ["png", "webp", "bmp", "ppm"])
def test_inks_go_to_formats_that_know_them(name: str) -> None:
    """CMYK is refused where its four channels would be taken for RGBA."""
    spec, metadata = ImageSpec(4, 4, 4, "uint8"), Metadata(cmyk=True)
    assert layout(spec, metadata) == "cmyk"
    with pytest.raises(UnsupportedImageError, match="cannot hold CMYK: use jpeg or tiff or pam or npy"):
        format_named(name).check(spec, metadata, "out")


@pytest.mark.parametrize("name", ["jpeg", "tiff", "npy"])
def test_formats_that_know_inks_take_them(name: str) -> None:
    """No error, and no profile needed."""
    spec = ImageSpec(4, 4, 4, "uint8")
    format_named(name).check(spec, Metadata(cmyk=True), "out")
    if name == "jpeg":
        with pytest.raises(UnsupportedImageError, match="cannot hold 4 channels of uint8"):
            format_named(name).check(spec, Metadata(), "out")


@pytest.mark.parametrize(
    ("dtype", "hint"),
    [
        ("float32", ", or --dtype uint8 (with --scale 255 for 0 to 1)"),
        ("uint16", ", or --dtype uint8"),
        ("uint8", ""),
    ],
)
def test_a_refusal_says_which_option_would_help(dtype: str, hint: str) -> None:
    """Floats have a range that 8 bits do not; 8 bits cannot get narrower."""
    spec = ImageSpec(4, 4, 4 if dtype == "uint8" else 3, dtype, alpha=dtype == "uint8")
    with pytest.raises(UnsupportedImageError) as caught:
        format_named("jpeg").check(spec, Metadata(alpha=spec.alpha), "out.jpg")
    assert str(caught.value).endswith(f"npy{hint}")


@pytest.mark.parametrize(
    ("name", "dtype", "hint"),
    [
        ("pfm", "float64", "or --dtype float32"),
        ("pfm", "uint8", "or --dtype float32"),
        ("png", "uint32", "or --dtype uint16"),
        ("png", "float16", "or --dtype uint8 (with --scale 255 for 0 to 1)"),
    ],
)
def test_the_type_that_is_offered_loses_the_least(name: str, dtype: str, hint: str) -> None:
    """Floats stay floats and deep samples deep, where the format can hold such."""
    one, spec = format_named(name), ImageSpec(4, 4, 3, dtype)
    with pytest.raises(UnsupportedImageError) as caught:
        one.check(spec, Metadata(), "out")
    assert str(caught.value).endswith(f"npy, {hint}")
    assert one.can_hold(ImageSpec(4, 4, 3, hint.split()[2]), Metadata())


def test_the_range_float_is_only_mentioned_where_it_was_given() -> None:
    """An integer type alone would not help there: both together are refused."""
    with pytest.raises(UnsupportedImageError, match=r"or --dtype uint8 without --range float \(with"):
        format_named("png").check(ImageSpec(4, 4, 3, "float32"), Metadata(), "out", float_range=True)


def test_no_option_is_offered_that_would_not_help() -> None:
    """A JPEG has no place for opacity, whatever the type of the samples."""
    with pytest.raises(UnsupportedImageError, match=r"use png or tiff or pam or npy$"):
        format_named("jpeg").check(ImageSpec(4, 4, 4, "uint16", alpha=True), Metadata(alpha=True), "out.jpg")


@pytest.mark.parametrize("quality", [0, -5, 101])
@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_a_quality_out_of_range_is_refused(name: str, quality: int) -> None:
    """1 to 100."""
    with pytest.raises(OptionError, match=rf"^quality {quality}: it must be from 1 to 100"):
        format_named(name).check_encoding(quality, None)


@pytest.mark.parametrize("name", [one.name for one in OUTPUT_FORMATS if not one.has_quality])
def test_a_quality_that_would_be_ignored_is_refused(name: str) -> None:
    """Lossless formats have none."""
    with pytest.raises(OptionError, match="has none, it is lossless"):
        format_named(name).check_encoding(90, None)


@pytest.mark.parametrize("one", OUTPUT_FORMATS, ids=lambda one: one.name)
def test_a_compression_that_a_format_has_not_is_refused(one: OutputFormat) -> None:
    """The message names those that it has."""
    for name in ("fast", "small", "none", "deflate", "zstd"):
        if name in one.compressions:
            one.check_encoding(None, name)
        else:
            advice = " or ".join(one.compressions) or "leave it out"
            with pytest.raises(
                OptionError, match=f"^compression {name}: {one.label} has no such: .*{advice}"
            ):
                one.check_encoding(None, name)


def test_neither_is_always_allowed() -> None:
    """Every format has its own."""
    for one in OUTPUT_FORMATS:
        one.check_encoding(None, None)
