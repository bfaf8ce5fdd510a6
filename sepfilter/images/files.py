"""Reading and writing one whole image from Python."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.formats import format_named, format_of
from sepfilter.images.limits import DEFAULT_LIMITS, Limits
from sepfilter.images.metadata import Metadata
from sepfilter.images.sink import Encoding, open_sink
from sepfilter.images.source import open_source
from sepfilter.safe_write import replacing

Pixels = npt.NDArray[Any]


def read_image(path: str | Path, *, limits: Limits = DEFAULT_LIMITS) -> tuple[Pixels, Metadata]:
    """Read an image file.

    Palettes and 1-bit samples are expanded, the EXIF orientation is applied; samples of more than 8 bits
    keep their depth.

    Parameters
    ----------
    path : str or Path
        PNG, JPEG, WebP, TIFF, PNM, PFM, `.npy`, or what else Pillow reads; told by its content.
    limits : Limits
        How large it may be; unless given a gigapixel, and three quarters of the machine's memory.

    Returns
    -------
    pixels : ndarray
        Shape (H, W) for a single channel, else (H, W, C).
    metadata : Metadata
        Format, profile, EXIF, resolution, and whether the last channel is opacity.

    Raises
    ------
    ImageReadError
        The file is missing, truncated or no image.
    UnsupportedImageError
        Reading it would lose something: Lab colours, for instance.
    LimitError
        It is larger than the limits.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.png"
    >>> write_image(path, np.zeros((2, 3), np.uint16))
    >>> pixels, metadata = read_image(path)
    >>> pixels.shape, pixels.dtype.name, metadata.format
    ((2, 3), 'uint16', 'PNG')
    """
    with closing(open_source(path, limits=limits)) as source:
        limits.check_image(str(path), source.spec)
        pixels = source.read(Window.whole(source.spec))
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels, source.metadata


def write_image(
    path: str | Path,
    array: Pixels,
    metadata: Metadata | None = None,
    *,
    format: str | None = None,  # noqa: A002 - the word everybody uses
    quality: int | None = None,
    compression: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write an image file, complete or not at all.

    Parameters
    ----------
    path : str or Path
        The file; its extension tells the format.
    array : ndarray
        Shape (H, W) or (H, W, C), of a type and number of channels that the format holds. Without
        metadata 2 and 4 channels are taken to have opacity as the last.
    metadata : Metadata, optional
        From `read_image`: what else goes into the file.
    format : str, optional
        png, jpeg, webp, tiff, bmp, ppm, pfm, pam, tga, jp2, avif or npy, where the extension does not tell.
    quality : int, optional
        1 to 100, for JPEG, WebP and AVIF.
    compression : str, optional
        fast or small, for PNG and TIFF; for TIFF also none, deflate or zstd.
    overwrite : bool
        Replace an existing file.

    Raises
    ------
    UnsupportedImageError
        The format would damage the image.
    OutputExistsError
        The file exists and `overwrite` is False.
    ImageWriteError
        The file cannot be written.
    """
    pixels = np.asarray(array)
    pixels = pixels[..., np.newaxis] if pixels.ndim == 2 else pixels
    if metadata is None:
        metadata = Metadata(alpha=pixels.ndim == 3 and pixels.shape[2] in (2, 4))
    elif pixels.ndim == 3 and pixels.shape[2] not in (2, 4):
        metadata = replace(metadata, alpha=False, cmyk=False)  # of another image, with other channels
    spec = ImageSpec.of(pixels, alpha=metadata.alpha)
    output_format = format_of(path) if format is None else format_named(format)
    output_format.check(spec, metadata, path)
    encoding = Encoding(quality, compression)
    with replacing(path, overwrite=overwrite) as file:
        sink = open_sink(file, spec, metadata, output_format, encoding, name=str(path))
        sink.write(Window.whole(spec), pixels)
        sink.finish()
