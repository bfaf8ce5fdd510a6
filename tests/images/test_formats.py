"""Output formats: found by name or extension, and what each can hold."""

from __future__ import annotations

import re
from itertools import product

import pytest

from sepfilter.errors import OptionError, UnsupportedImageError
from sepfilter.geometry import SAMPLE_TYPES, ImageSpec
from sepfilter.images.formats import OUTPUT_FORMATS, format_named, format_of, pillow_mode
from sepfilter.images.metadata import Metadata

NAMES = [one.name for one in OUTPUT_FORMATS]

# What each format holds: sample type, channels, opacity.
HELD = {
    "png": {
        ("uint8", 1, False), ("uint8", 2, True), ("uint8", 3, False), ("uint8", 4, True), ("uint16", 1, False),
    },
    "jpeg": {("uint8", 1, False), ("uint8", 3, False)},
    "webp": {("uint8", 1, False), ("uint8", 2, True), ("uint8", 3, False), ("uint8", 4, True)},
    "tiff": {
        ("uint8", 1, False), ("uint8", 2, True), ("uint8", 3, False), ("uint8", 4, True), ("uint16", 1, False),
        ("int32", 1, False), ("float32", 1, False),
    },
    "bmp": {("uint8", 1, False), ("uint8", 3, False)},
    "ppm": {("uint8", 1, False), ("uint8", 3, False), ("uint16", 1, False)},
}  # fmt: skip

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
        ("a.pnm", "ppm"), ("a.npy", "npy"), ("a.jpg.png", "png"), ("dir.jpg/a.png", "png"),
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
    with pytest.raises(OptionError, match=re.escape("use one of png, jpeg, webp, tiff, bmp, ppm, npy")):
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


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind[0]}x{kind[1]}{'a' * kind[2]}")
def test_npy_holds_everything(kind: tuple[str, int, bool]) -> None:
    """Any sample type, any number of channels."""
    dtype, channels, alpha = kind
    format_named("npy").check(ImageSpec(4, 4, channels, dtype, alpha), Metadata(alpha=alpha), "out.npy")
    assert format_named("npy").modes == frozenset()


@pytest.mark.parametrize("name", ["png", "webp", "bmp", "ppm"])
def test_inks_go_to_formats_that_know_them(name: str) -> None:
    """CMYK is refused where its four channels would be taken for RGBA."""
    spec, metadata = ImageSpec(4, 4, 4, "uint8"), Metadata(cmyk=True)
    assert pillow_mode(spec, metadata) == "CMYK"
    with pytest.raises(UnsupportedImageError, match="cannot hold CMYK: use jpeg or tiff or npy"):
        format_named(name).check(spec, metadata, "out")


@pytest.mark.parametrize("name", ["jpeg", "tiff", "npy"])
def test_formats_that_know_inks_take_them(name: str) -> None:
    """No error, and no profile needed."""
    spec = ImageSpec(4, 4, 4, "uint8")
    format_named(name).check(spec, Metadata(cmyk=True), "out")
    if name != "npy":
        with pytest.raises(UnsupportedImageError, match="cannot hold 4 channels of uint8"):
            format_named(name).check(spec, Metadata(), "out")


@pytest.mark.parametrize(
    ("dtype", "hint"),
    [
        (
            "float32",
            ", or leave out --range float, or give --dtype uint8 (with --scale 255 for samples from 0 to 1)",
        ),
        ("uint16", ", or --dtype uint8"),
        ("uint8", ""),
    ],
)
def test_a_refusal_says_which_option_would_help(dtype: str, hint: str) -> None:
    """Floats have ranges to choose from; 8 bits cannot get narrower."""
    spec = ImageSpec(4, 4, 2, dtype, alpha=True)
    with pytest.raises(UnsupportedImageError) as caught:
        format_named("jpeg").check(spec, Metadata(alpha=True), "out.jpg")
    assert str(caught.value).endswith(f"npy{hint}")
