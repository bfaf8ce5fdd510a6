"""Images that Pillow reads: expanded to grey, colour and opacity, and turned upright."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from sepfilter.errors import ImageReadError, LimitError, SepfilterError, UnsupportedImageError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.lossless import refuse_loss
from sepfilter.images.metadata import Metadata

Pixels = npt.NDArray[Any]

ORIENTATION: Final = 0x0112
_EXIF_PREFIX: Final = b"Exif\0\0"

# EXIF orientation -> what brings the picture upright.
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip

# Mode as opened -> mode as filtered, without and with a transparent colour.
_EXPANDED: Final = {
    "1": ("L", "LA"), "L": ("L", "LA"), "LA": ("LA", "LA"), "La": ("LA", "LA"),
    "P": ("RGB", "RGBA"), "PA": ("RGBA", "RGBA"), "RGB": ("RGB", "RGBA"), "RGBX": ("RGB", "RGB"),
    "RGBA": ("RGBA", "RGBA"), "RGBa": ("RGBA", "RGBA"), "YCbCr": ("RGB", "RGB"),
    "CMYK": ("CMYK", "CMYK"), "I;16": ("I;16", "I;16"), "I;16L": ("I;16L", "I;16L"),
    "I;16B": ("I;16B", "I;16B"), "I;16N": ("I;16N", "I;16N"), "I": ("I", "I"), "F": ("F", "F"),
}  # fmt: skip

_SAMPLES: Final = {"I": "int32", "F": "float32"}

# Formats whose plugins know mode, size and orientation from the header; others are decoded to find
# out, PNG among them since its EXIF block may come last.
_HEADER_TELLS: Final = ("JPEG", "MPO", "WEBP", "BMP", "PPM", "GIF", "AVIF")

# Handled by other programs or by stubs: nothing that filters an image should start Ghostscript.
_NEVER_OPENED: Final = {"EPS", "WMF", "FPX", "MIC", "GRIB", "HDF5", "BUFR", "MPEG", "PDF", "PALM"}


class PillowSource:
    """An image file read by Pillow.

    Palettes and 1-bit samples are expanded, a transparent colour becomes an alpha channel, the
    EXIF orientation is applied. 16-bit grey, 32-bit integers and floats keep their depth.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._name = name
        self._file = file
        self._pixels: Pixels | None = None
        try:
            with _pillow_errors(name):
                self._image = _open(file)
                refuse_loss(self._image, name)
                _scale_transparent_grey(self._image)
                if self._image.format not in _HEADER_TELLS:
                    self._image.load()
                self._mode = self._expanded_mode()
                self._orientation = _orientation(self._image)
                self.spec = self._describe()
                self.metadata = self._gather()
        except BaseException:
            file.close()
            raise

    def read(self, window: Window) -> Pixels:
        """The pixels of a part; the whole image is decoded once."""
        if self._pixels is None:
            self._pixels = self._decode()
        return self._pixels[window.rows, window.columns]

    def close(self) -> None:
        """Let go of the file and of the decoded image."""
        self._file.close()
        self._pixels = None

    def _decode(self) -> Pixels:
        """All pixels, expanded and upright."""
        with _pillow_errors(self._name):
            self._image.load()
            image: Image.Image = self._image
            if image.mode != self._mode:
                image = image.convert(self._mode)
            if self._orientation in _TURNS:
                image = image.transpose(_TURNS[self._orientation])
            pixels = np.asarray(image)
        self._image.close()
        pixels = pixels[..., np.newaxis] if pixels.ndim == 2 else pixels
        if pixels.shape != (self.spec.height, self.spec.width, self.spec.channels):
            raise ImageReadError(f"{self._name}: its pixels are not what its header says: it is corrupt")
        return pixels.astype(self.spec.dtype, copy=False)

    def _expanded_mode(self) -> str:
        """The mode in which this image is filtered."""
        image = self._image
        if image.mode not in _EXPANDED:
            raise UnsupportedImageError(f"{self._name}: images of mode {image.mode} are not filtered")
        opaque, transparent = _EXPANDED[image.mode]
        has_alpha = "transparency" in image.info or (
            image.palette is not None and image.palette.mode == "RGBA"
        )
        return transparent if has_alpha else opaque

    def _describe(self) -> ImageSpec:
        """The spec of the pixels as `read` returns them."""
        width, height = self._image.size
        if self._orientation >= 5:
            width, height = height, width
        dtype = "uint16" if self._mode.startswith("I;16") else _SAMPLES.get(self._mode, "uint8")
        if self._image.format == "PPM" and self._mode == "I":  # Pillow's mode for 16-bit PGM
            dtype = "uint16"
        channels = 1 if self._mode[0] in "IF" else Image.getmodebands(self._mode)
        return ImageSpec(height, width, channels, dtype, alpha=self._mode in ("LA", "RGBA"))

    def _gather(self) -> Metadata:
        """What goes with the pixels."""
        info = self._image.info
        icc = info.get("icc_profile")
        return Metadata(
            format=self._image.format,
            alpha=self.spec.alpha,
            cmyk=self._mode == "CMYK",
            icc=icc if isinstance(icc, bytes) and icc else None,
            exif=_upright_exif(self._image, self._orientation),
            dpi=_resolution(info.get("dpi")),
            frames=int(getattr(self._image, "n_frames", 1)),
        )


def _open(file: BinaryIO) -> Image.Image:
    """Let Pillow find the format, among those that it decodes itself."""
    Image.init()
    return Image.open(file, formats=[name for name in Image.ID if name not in _NEVER_OPENED])


@contextmanager
def _pillow_errors(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises on a broken file into one of our errors.

    Decoders meet hostile bytes and raise anything, from SyntaxError to ZeroDivisionError: no list
    of exceptions would be complete.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except SepfilterError:
        raise
    except UnidentifiedImageError as error:
        raise ImageReadError(f"{name}: is not an image of a format that can be read") from error
    except Image.DecompressionBombError as error:
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        raise LimitError(f"{name}: has more than {limit:,} pixels, the limit for one image") from error
    except MemoryError as error:
        raise LimitError(f"{name}: its pixels do not fit into memory") from error
    except Exception as error:
        raise ImageReadError(f"{name}: is truncated or corrupt: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    """The message, or the kind of error where there is none, printable and short."""
    text = " ".join(str(error).split()) or type(error).__name__
    return "".join(character if character.isprintable() else "?" for character in text)[:200]


def _scale_transparent_grey(image: Image.Image) -> None:
    """Bring the transparent grey of a 2- or 4-bit PNG to 8 bits, as Pillow does with its samples."""
    grey = image.info.get("transparency")
    rawmodes = {tile[3] for tile in getattr(image, "tile", ()) if isinstance(tile[3], str)}
    factor = 85 if "L;2" in rawmodes else 17 if "L;4" in rawmodes else 1
    if isinstance(grey, int) and factor > 1:
        image.info["transparency"] = grey * factor


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 where it is missing or broken, or Pillow has applied it."""
    if image.format == "TIFF":  # turned by its plugin while decoding
        return 1
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except Exception:  # a broken EXIF block does not spoil the picture
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright_exif(image: Image.Image, orientation: int) -> bytes | None:
    """The EXIF block without an orientation; dropped where it is broken."""
    if image.format == "TIFF":  # its EXIF is the file's own tags, strip sizes and all
        return None
    raw = image.info.get("exif")
    if orientation == 1:
        if not isinstance(raw, bytes) or not raw:
            return None
        return raw if raw.startswith(_EXIF_PREFIX) else _EXIF_PREFIX + raw
    try:
        exif = image.getexif()
        exif.pop(ORIENTATION, None)
        return exif.tobytes() if len(exif) else None
    except Exception:  # a broken EXIF block does not spoil the picture
        return None


def _resolution(dpi: Any) -> tuple[float, float] | None:
    """Dots per inch, where they are two sensible numbers."""
    try:
        across, down = (float(value) for value in dpi)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    sensible = all(isfinite(value) and 1 < value < 65536 for value in (across, down))
    return (across, down) if sensible else None
