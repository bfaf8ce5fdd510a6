"""The output formats: their names, their extensions, and what each can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Final

from sepfilter.errors import OptionError, UnsupportedImageError
from sepfilter.geometry import ImageSpec
from sepfilter.images.metadata import Metadata
from sepfilter.values import value

LONGEST_IN_JPEG: Final = {"exif": 65533, "xmp": 65504}
"""Bytes that a JPEG segment holds of each: a longer block fits into none."""


@value
class OutputFormat:
    """A format that images are written in.

    Attributes
    ----------
    name : str
        As on the command line.
    label : str
        As in reports.
    extensions : tuple of str
        File name endings, the usual one first.
    writer : str
        What opens a `Sink` of this format, as ``module.function`` of this room.
    holds : mapping from str to set of str
        For each layout, as `layout` names it, the sample types that are kept without loss; empty where
        any image fits.
    has_quality : bool
        It takes a quality from 1 to 100.
    compressions : tuple of str
        What its compression may be called.
    carries : frozenset of str
        Of ``icc``, ``exif``, ``xmp`` and ``dpi`` those that it has a place for.
    longest_side : int or None
        The most pixels that a row or column may have.
    is_encoded_whole : bool
        Its encoder wants all rows at once.
    """

    name: str
    label: str
    extensions: tuple[str, ...]
    writer: str
    holds: Mapping[str, frozenset[str]] = field(default_factory=dict)
    has_quality: bool = False
    compressions: tuple[str, ...] = ()
    carries: frozenset[str] = frozenset()
    longest_side: int | None = None
    is_encoded_whole: bool = False

    def can_hold(self, spec: ImageSpec, metadata: Metadata) -> bool:
        """True where nothing of the pixels would be lost."""
        return not self.holds or spec.dtype in self.holds.get(layout(spec, metadata), ())

    def check(
        self, spec: ImageSpec, metadata: Metadata, path: str | Path, *, float_range: bool = False
    ) -> None:
        """Refuse an image that this format would damage.

        Parameters
        ----------
        spec : ImageSpec
            The image.
        metadata : Metadata
            What goes with it.
        path : str or Path
            Where to, in messages.
        float_range : bool
            ``--range float`` was given, which makes floats of integers and forbids integer types.

        Raises
        ------
        UnsupportedImageError
            The message names formats that can hold it, and a sample type that would fit.
        """
        if self.can_hold(spec, metadata):
            return
        able = [other.name for other in OUTPUT_FORMATS if other.can_hold(spec, metadata)]
        raise UnsupportedImageError(
            f"{path}: {self.label} cannot hold {_kind(spec, metadata)}: "
            f"use {' or '.join(able)}{self._hint(spec, metadata, float_range)}"
        )

    def _hint(self, spec: ImageSpec, metadata: Metadata, float_range: bool) -> str:
        """Which option would make the image fit."""
        types = ("float32", "uint8") if not spec.is_integer else ("uint16", "uint8", "float32")
        fits = [one for one in types if self.can_hold(replace(spec, dtype=one), metadata)]
        if not fits:
            return ""
        if spec.is_integer or fits[0] == "float32":
            return f", or --dtype {fits[0]}"
        without = " without --range float" if float_range else ""
        return f", or --dtype uint8{without} (with --scale 255 for 0 to 1)"

    def check_encoding(self, quality: int | None, compression: str | None) -> None:
        """Refuse a quality or a compression that would be ignored.

        Raises
        ------
        OptionError
            The format has none, or not this one.
        """
        if quality is not None:
            if not self.has_quality:
                raise OptionError(f"quality: {self.label} has none, it is lossless: leave it out")
            if not 1 <= quality <= 100:
                raise OptionError(f"quality {quality}: it must be from 1 to 100")
        if compression is not None and compression not in self.compressions:
            choices = f"use {' or '.join(self.compressions)}" if self.compressions else "leave it out"
            raise OptionError(f"compression {compression}: {self.label} has no such: {choices}")


_BYTES: Final = frozenset({"uint8"})
_DEEP: Final = frozenset({"uint8", "uint16"})
_FLOATS: Final = frozenset({"float32"})
_COLOURS: Final = ("grey", "rgb")
_WITH_OPACITY: Final = ("grey", "grey-alpha", "rgb", "rgba")
_ALL: Final = frozenset({"icc", "exif", "xmp", "dpi"})

OUTPUT_FORMATS: Final = (
    OutputFormat(
        "png", "PNG", (".png",), "png.sink.open_png_sink",
        dict.fromkeys(_WITH_OPACITY, _DEEP), compressions=("fast", "small"), carries=_ALL,
        longest_side=2**31 - 1,
    ),
    OutputFormat(
        "jpeg", "JPEG", (".jpg", ".jpeg", ".jpe"), "jpeg.sink.open_jpeg_sink",
        dict.fromkeys((*_COLOURS, "cmyk"), _BYTES), has_quality=True, carries=_ALL,
        longest_side=65500,
        is_encoded_whole=True,
    ),
    OutputFormat(
        "webp", "WEBP", (".webp",), "webp.sink.open_webp_sink",
        dict.fromkeys(_WITH_OPACITY, _BYTES), has_quality=True, carries=frozenset({"icc", "exif", "xmp"}),
        longest_side=16383,
        is_encoded_whole=True,
    ),
    OutputFormat(
        "tiff", "TIFF", (".tif", ".tiff"), "tiff.sink.open_tiff_sink",
        compressions=("none", "deflate", "zstd", "fast", "small"), carries=_ALL,
    ),
    OutputFormat(
        "bmp", "BMP", (".bmp",), "pillow.sink.open_bmp_sink",
        dict.fromkeys(_COLOURS, _BYTES), carries=frozenset({"dpi"}),
        is_encoded_whole=True,
    ),
    OutputFormat(
        "ppm", "PPM", (".ppm", ".pgm", ".pnm"), "pnm.sink.open_ppm_sink", dict.fromkeys(_COLOURS, _DEEP)
    ),
    OutputFormat("pfm", "PFM", (".pfm",), "pnm.sink.open_pfm_sink", dict.fromkeys(_COLOURS, _FLOATS)),
    OutputFormat(
        "pam", "PAM", (".pam",), "pnm.pam.open_pam_sink", dict.fromkeys((*_WITH_OPACITY, "cmyk"), _DEEP)
    ),
    OutputFormat(
        "tga", "TGA", (".tga",), "pillow.sink.open_tga_sink", dict.fromkeys(_WITH_OPACITY, _BYTES),
        is_encoded_whole=True,
    ),
    OutputFormat(
        "jp2", "JPEG2000", (".jp2",), "pillow.sink.open_jp2_sink",
        {**dict.fromkeys(_WITH_OPACITY, _BYTES), "grey": _DEEP},
        is_encoded_whole=True,
    ),
    OutputFormat(
        "avif", "AVIF", (".avif",), "pillow.sink.open_avif_sink",
        dict.fromkeys(_WITH_OPACITY, _BYTES), has_quality=True, carries=frozenset({"icc", "exif", "xmp"}),
        is_encoded_whole=True,
    ),
    OutputFormat("npy", "NPY", (".npy",), "npy.open_npy_sink"),
)  # fmt: skip
"""In the order in which they are offered."""


def format_named(name: str) -> OutputFormat:
    """Find a format by its name or extension.

    Raises
    ------
    OptionError
        There is none of that name.
    """
    wanted = name.lower().removeprefix(".")
    for one in OUTPUT_FORMATS:
        if wanted == one.name or f".{wanted}" in one.extensions:
            return one
    from difflib import get_close_matches

    names = [one.name for one in OUTPUT_FORMATS]
    near = get_close_matches(wanted, names, n=1)
    advice = f"did you mean {near[0]}?" if near else f"use one of {', '.join(names)}"
    raise OptionError(f"format {name!r} is not written: {advice}")


def format_of(path: str | Path) -> OutputFormat:
    """Find the format that a file name asks for.

    Raises
    ------
    OptionError
        The name has no extension, or one that no format has.

    Examples
    --------
    >>> format_of("edges.JPG").name
    'jpeg'
    """
    suffix = Path(path).suffix
    if not suffix:
        raise OptionError(f"{path}: the name has no extension: add one, as .png, or give --format")
    try:
        return format_named(suffix)
    except OptionError as error:
        raise OptionError(f"{path}: {error}, or give --format") from None


def layout(spec: ImageSpec, metadata: Metadata) -> str:
    """What the channels are: grey, grey-alpha, rgb, rgba, cmyk, or their number.

    Examples
    --------
    >>> layout(ImageSpec(4, 4, 2, "uint8", alpha=True), Metadata())
    'grey-alpha'
    """
    if metadata.cmyk and spec.channels == 4:
        return "cmyk"
    named = {(1, False): "grey", (2, True): "grey-alpha", (3, False): "rgb", (4, True): "rgba"}
    return named.get((spec.channels, spec.alpha), f"{spec.channels} channels")


def _kind(spec: ImageSpec, metadata: Metadata) -> str:
    """An image in words."""
    if metadata.cmyk:
        return "CMYK"
    if spec.dtype == "uint8" and spec.alpha:
        return "transparency" if spec.channels > 2 else "grey with transparency"
    colours = "1 channel" if spec.channels == 1 else f"{spec.channels} channels"
    return f"{colours} of {spec.dtype}"
