"""Images that Pillow reads: expanded to grey, colour and opacity."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, UnidentifiedImageError

from sepfilter.errors import ImageReadError, LimitError, UnsupportedImageError
from sepfilter.geometry import ImageSpec
from sepfilter.images.decoding import DecodedSource, closed_on_failure, decoding, no_page
from sepfilter.images.pillow.complete import refuse_incomplete
from sepfilter.images.pillow.formats import decoded_by_pillow, pillow_name
from sepfilter.images.pillow.lossless import refuse_loss
from sepfilter.images.pillow.metadata import gathered
from sepfilter.images.pillow.settings import pillow_settings
from sepfilter.images.source import Backend, Opening, Source

Pixels = npt.NDArray[Any]

# Mode as opened -> mode as filtered, without and with a transparent colour.
_EXPANDED: Final = {
    "1": ("L", "LA"), "L": ("L", "LA"), "LA": ("LA", "LA"), "La": ("LA", "LA"),
    "P": ("RGB", "RGBA"), "PA": ("RGBA", "RGBA"), "RGB": ("RGB", "RGBA"), "RGBX": ("RGB", "RGB"),
    "RGBA": ("RGBA", "RGBA"), "RGBa": ("RGBA", "RGBA"), "YCbCr": ("RGB", "RGB"),
    "CMYK": ("CMYK", "CMYK"), "I;16": ("I;16", "I;16"), "I;16L": ("I;16L", "I;16L"),
    "I;16B": ("I;16B", "I;16B"), "I;16N": ("I;16N", "I;16N"), "I": ("I", "I"), "F": ("F", "F"),
}  # fmt: skip

_SAMPLES: Final = {"I": "int32", "F": "float32"}

# Formats whose plugins know mode and size from the header; others are decoded to find out, PNG among them
# since its EXIF block may come last, and frames after the first.
_HEADER_TELLS: Final = frozenset(
    {"JPEG", "MPO", "WEBP", "BMP", "PPM", "GIF", "AVIF", "TGA", "JPEG2000", "SGI", "PCX", "QOI", "PSD"}
)

_ROWS_AT_A_TIME: Final = 64
"""Rows that are expanded together: all at once would be held in up to four copies."""

_PAGES_ARE_NOT_PICTURES: Final = frozenset({"PSD"})
"""Formats whose frames are layers: the picture is all of them together."""


def open_pillow(file: BinaryIO, opening: Opening) -> Source:
    """Open an image of any format that Pillow decodes itself.

    Palettes and 1-bit samples are expanded, a transparent colour becomes an alpha channel. 16-bit grey,
    32-bit integers and floats keep their depth.

    Parameters
    ----------
    file : binary file
        Able to seek; closed when opening fails.
    opening : Opening
        `page` counts the frames.

    Raises
    ------
    ImageReadError
        It is no image, a broken one, or has no such page.
    UnsupportedImageError
        Pillow would read it with a loss.
    LimitError
        It is larger than the limits.
    """
    return _open(file, opening, None)


def opener_of(name: str) -> Backend:
    """What opens files of one format, whatever they look like.

    Parameters
    ----------
    name : str
        As Pillow calls it, in any case, or an extension of its files.

    Raises
    ------
    OptionError
        There is no such format.
    """
    only = pillow_name(name)
    return lambda file, opening: _open(file, opening, only)


def _open(file: BinaryIO, opening: Opening, only: str | None) -> Source:
    """Open an image, of one format if only that will do."""
    with closed_on_failure(file), decoding(opening.name), _pillow_errors(opening, only):
        image = Image.open(file, formats=[only] if only else decoded_by_pillow())
        return _described(image, file, opening)


def _described(image: ImageFile.ImageFile, file: BinaryIO, opening: Opening) -> Source:
    """The opened image as a source: nothing is decoded before it has passed the limits."""
    refuse_loss(image, opening.name)
    mode, spec = _within_limits(image, opening)
    frames = 1 if image.format in _PAGES_ARE_NOT_PICTURES else int(getattr(image, "n_frames", 1))
    if opening.page >= frames:
        raise no_page(opening.name, opening.page, frames)
    if opening.page:
        image.seek(opening.page)
        refuse_loss(image, opening.name)
    refuse_incomplete(image, file, opening.name)
    _scale_transparent_grey(image)
    if opening.page or image.format not in _HEADER_TELLS:
        _within_limits(image, opening)
        image.load()
        mode, spec = _within_limits(image, opening)
    metadata = gathered(image, alpha=spec.alpha, cmyk=mode == "CMYK", frames=frames)

    def decode() -> Pixels:
        with _pillow_errors(opening):
            return _pixels(image, mode, spec)

    return DecodedSource(file, opening.name, spec, metadata, decode)


def _pixels(image: ImageFile.ImageFile, mode: str, spec: ImageSpec) -> Pixels:
    """All pixels, expanded."""
    image.load()
    if image.size != (spec.width, spec.height):
        raise ValueError("its pixels are not what its header says")
    pixels = np.empty((spec.height, spec.width, spec.channels), spec.dtype)
    for y in range(0, spec.height, _ROWS_AT_A_TIME):
        rows = pixels[y : y + _ROWS_AT_A_TIME]
        part: Image.Image = image.crop((0, y, spec.width, y + len(rows)))
        if part.mode != mode:
            part = part.convert(mode)
        rows[:] = np.asarray(part).reshape(rows.shape)
    image.close()  # its pixels would be held twice
    return pixels


@contextmanager
def _pillow_errors(opening: Opening, only: str | None = None) -> Iterator[None]:
    """Turn what only Pillow raises into errors of ours, and all the rest as `decoding` does."""
    name, limits = opening.name, opening.limits
    most_pixels = max(1, min(limits.max_pixels, limits.memory))
    try:
        with pillow_settings(most_pixels):
            yield
    except UnidentifiedImageError as error:
        kind = f"a {only} image" if only else "an image of a format that can be read"
        raise ImageReadError(f"{name}: is not {kind}") from error
    except Image.DecompressionBombError as error:
        raise LimitError(
            f"{name}: has more than {most_pixels:,} pixels, the limit for an image that is read as a whole: "
            f"{'--max-pixels' if most_pixels == limits.max_pixels else '--max-memory'} raises it"
        ) from error


def _within_limits(image: Image.Image, opening: Opening) -> tuple[str, ImageSpec]:
    """The mode in which an image is filtered, and its spec, if it is not too large."""
    mode = _expanded_mode(image, opening.name)
    spec = _spec(image, mode)
    opening.limits.check_image(opening.name, spec)
    return mode, spec


def _scale_transparent_grey(image: Image.Image) -> None:
    """Bring the transparent grey of a 2- or 4-bit PNG to 8 bits, as Pillow does with its samples."""
    grey = image.info.get("transparency")
    rawmodes = {tile[3] for tile in getattr(image, "tile", ()) if isinstance(tile[3], str)}
    factor = 85 if "L;2" in rawmodes else 17 if "L;4" in rawmodes else 1
    if isinstance(grey, int) and factor > 1:
        image.info["transparency"] = grey * factor


def _expanded_mode(image: Image.Image, name: str) -> str:
    """The mode in which an image is filtered."""
    if image.mode not in _EXPANDED:
        raise UnsupportedImageError(f"{name}: images of mode {image.mode} are not filtered")
    opaque, transparent = _EXPANDED[image.mode]
    has_alpha = "transparency" in image.info or (image.palette is not None and image.palette.mode == "RGBA")
    return transparent if has_alpha else opaque


def _spec(image: Image.Image, mode: str) -> ImageSpec:
    """The spec of the pixels as they are read in a mode."""
    width, height = image.size
    dtype = "uint16" if mode.startswith("I;16") else _SAMPLES.get(mode, "uint8")
    if image.format == "PPM" and mode == "I":  # Pillow's mode for 16-bit PGM
        dtype = "uint16"
    channels = 1 if mode[0] in "IF" else Image.getmodebands(mode)
    return ImageSpec(height, width, channels, dtype, alpha=mode in ("LA", "RGBA"))
