"""The output formats: their names, their extensions, and what each can hold."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from sepfilter.errors import OptionError, UnsupportedImageError
from sepfilter.geometry import ImageSpec
from sepfilter.images.metadata import Metadata


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """A format that images are written in.

    Attributes
    ----------
    name : str
        As on the command line.
    label : str
        As in reports and as Pillow calls it.
    extensions : tuple of str
        File name endings, the usual one first.
    modes : frozenset of str
        Pillow modes that it holds without loss; empty where any array fits.
    has_quality : bool
        It takes a quality from 1 to 100.
    """

    name: str
    label: str
    extensions: tuple[str, ...]
    modes: frozenset[str] = frozenset()
    has_quality: bool = False

    def check(self, spec: ImageSpec, metadata: Metadata, path: str | Path) -> None:
        """Refuse an image that this format would damage.

        Raises
        ------
        UnsupportedImageError
            The message names formats that can hold it.
        """
        if not self.modes or pillow_mode(spec, metadata) in self.modes:
            return
        able = [
            other.name
            for other in OUTPUT_FORMATS
            if not other.modes or pillow_mode(spec, metadata) in other.modes
        ]
        raise UnsupportedImageError(
            f"{path}: {self.label} cannot hold {_kind(spec, metadata)}: use {' or '.join(able)}{_hint(spec)}"
        )


_EIGHT_BIT: Final = frozenset({"L", "LA", "RGB", "RGBA"})

OUTPUT_FORMATS: Final = (
    OutputFormat("png", "PNG", (".png",), _EIGHT_BIT | {"I;16"}),
    OutputFormat("jpeg", "JPEG", (".jpg", ".jpeg", ".jpe"), frozenset({"L", "RGB", "CMYK"}), True),
    OutputFormat("webp", "WEBP", (".webp",), _EIGHT_BIT, True),
    OutputFormat("tiff", "TIFF", (".tif", ".tiff"), _EIGHT_BIT | {"CMYK", "I;16", "I", "F"}),
    OutputFormat("bmp", "BMP", (".bmp",), frozenset({"L", "RGB"})),
    OutputFormat("ppm", "PPM", (".ppm", ".pgm", ".pnm"), frozenset({"L", "RGB", "I;16"})),
    OutputFormat("npy", "NPY", (".npy",)),
)
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


def pillow_mode(spec: ImageSpec, metadata: Metadata) -> str | None:
    """The mode in which Pillow holds such an image, or None where it cannot."""
    if spec.dtype == "uint8":
        if spec.channels == 4 and metadata.cmyk:
            return "CMYK"
        return {(1, False): "L", (2, True): "LA", (3, False): "RGB", (4, True): "RGBA"}.get(
            (spec.channels, spec.alpha)
        )
    if spec.channels != 1:
        return None
    return {"uint16": "I;16", "int32": "I", "float32": "F"}.get(spec.dtype)


def _kind(spec: ImageSpec, metadata: Metadata) -> str:
    """An image in words."""
    if metadata.cmyk:
        return "CMYK"
    if spec.dtype == "uint8" and spec.alpha:
        return "transparency" if spec.channels > 2 else "grey with transparency"
    colours = "1 channel" if spec.channels == 1 else f"{spec.channels} channels"
    return f"{colours} of {spec.dtype}"


def _hint(spec: ImageSpec) -> str:
    """Which option would make the image fit."""
    if spec.dtype.startswith("float"):
        return (
            ", or leave out --range float, or give --dtype uint8 (with --scale 255 for samples from 0 to 1)"
        )
    return "" if spec.dtype == "uint8" else ", or --dtype uint8"
