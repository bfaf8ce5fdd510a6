"""Where pixels go: a file that appears only when it is complete, or standard output."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from sepfilter.errors import ImageWriteError, OptionError, SepfilterError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.formats import OutputFormat, pillow_mode
from sepfilter.images.metadata import Metadata
from sepfilter.safe_write import replacing

Pixels = npt.NDArray[Any]

JPEG_QUALITY: Final = 92
"""Where none is given: above it files grow faster than they improve."""


_HOLD_ICC: Final = ("PNG", "JPEG", "WEBP", "TIFF")
_HOLD_EXIF: Final = ("PNG", "JPEG", "WEBP")
_LONGEST_JPEG_EXIF: Final = 65533


class Sink:
    """An output that collects windows and writes itself when it has them all.

    Parameters
    ----------
    spec : ImageSpec
        The whole image.
    metadata : Metadata
        What goes with it, as far as the format holds it.
    output_format : OutputFormat
        How it is encoded.
    quality : int, optional
        1 to 100, for formats that have one. WebP without it is lossless.

    Raises
    ------
    UnsupportedImageError
        The format would damage the image.
    OptionError
        The format has no quality, or it is out of range.
    """

    def __init__(
        self,
        spec: ImageSpec,
        metadata: Metadata,
        output_format: OutputFormat,
        *,
        name: str = "output",
        quality: int | None = None,
    ) -> None:
        output_format.check(spec, metadata, name)
        check_quality(output_format, quality)
        self.spec, self.metadata = spec, metadata
        self._format, self._name, self._quality = output_format, name, quality
        self._pixels: Pixels | None = None

    @property
    def left_out(self) -> list[str]:
        """What goes with the input and is not carried to this output, in words."""
        left_out = []
        if self.metadata.icc and not self._holds_profile:
            left_out.append(f"the colour profile was dropped: it does not fit this {self._format.label}")
        if self.metadata.exif and not self._holds_exif:
            left_out.append(f"EXIF was dropped: it does not fit into this {self._format.label}")
        return left_out

    @property
    def _holds_exif(self) -> bool:
        """The format holds EXIF, and a JPEG segment is long enough for this one."""
        label, exif = self._format.label, self.metadata.exif or b""
        return label in _HOLD_EXIF and (label != "JPEG" or len(exif) <= _LONGEST_JPEG_EXIF)

    @property
    def _holds_profile(self) -> bool:
        """The format holds profiles, and this one is for as many colours as there are."""
        icc = self.metadata.icc or b""
        colours = {b"GRAY": 1, b"RGB ": 3, b"CMYK": 4}.get(icc[16:20])
        return self._format.label in _HOLD_ICC and colours == self.spec.channels - self.spec.alpha

    def write(self, window: Window, pixels: Pixels) -> None:
        """Take the pixels of a part, shape (h, w, C)."""
        if window == Window.whole(self.spec):
            self._pixels = pixels
            return
        if self._pixels is None:
            shape = (self.spec.height, self.spec.width, self.spec.channels)
            self._pixels = np.zeros(shape, self.spec.dtype)
        self._pixels[window.rows, window.columns] = pixels

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the file, complete or not at all."""
        with replacing(path, overwrite=overwrite) as file:
            self._encode(file)

    def encoded(self) -> bytes:
        """The file as bytes, for standard output."""
        buffer = BytesIO()
        self._encode(buffer)
        return buffer.getvalue()

    def _encode(self, file: BinaryIO) -> None:
        """Write the format's bytes."""
        pixels = self._pixels
        if pixels is None:
            raise ImageWriteError(f"{self._name}: no pixels were written to it")
        if self._format.name == "npy":
            from sepfilter.images.npy import write_npy

            write_npy(file, pixels)
            return
        from PIL import Image

        mode = pillow_mode(self.spec, self.metadata)
        flat = pixels[..., 0] if pixels.shape[2] == 1 else pixels
        if mode == "CMYK":
            image = Image.frombytes("CMYK", (self.spec.width, self.spec.height), flat.tobytes())
        else:
            image = Image.fromarray(np.ascontiguousarray(flat, dtype=self.spec.dtype))
        try:
            image.save(file, self._format.label, **self._save_options())
        except SepfilterError:
            raise
        except OSError as error:
            # The system's own errors (no space, broken pipe) speak of the file, not of the encoder.
            if error.errno is not None:
                raise
            raise self._encoder_error(error) from error
        except Exception as error:
            raise self._encoder_error(error) from error

    def _encoder_error(self, error: Exception) -> ImageWriteError:
        """What the encoder refused."""
        return ImageWriteError(f"{self._name}: cannot be encoded as {self._format.label}: {error}")

    def _save_options(self) -> dict[str, Any]:
        """What Pillow is told beside the pixels."""
        metadata, label = self.metadata, self._format.label
        options: dict[str, Any] = {}
        if metadata.icc and self._holds_profile:
            options["icc_profile"] = metadata.icc
        if metadata.exif and self._holds_exif:
            options["exif"] = metadata.exif
        if metadata.dpi and label in ("PNG", "JPEG", "TIFF", "BMP"):
            options["dpi"] = metadata.dpi
        if label == "PNG":
            options["compress_level"] = 1  # a quarter of the time of 6 for a quarter more bytes
        if label == "JPEG":
            options["quality"] = self._quality or JPEG_QUALITY
        if label == "WEBP":
            options |= {"quality": self._quality} if self._quality else {"lossless": True}
            options["exact"] = True  # colours under opacity 0 stay as well
        return options


def check_quality(output_format: OutputFormat, quality: int | None) -> None:
    """Refuse a quality that would be ignored or is out of range."""
    if quality is None:
        return
    if not output_format.has_quality:
        raise OptionError(f"quality: {output_format.label} has none, it is lossless: leave it out")
    if not 1 <= quality <= 100:
        raise OptionError(f"quality {quality}: it must be from 1 to 100")
