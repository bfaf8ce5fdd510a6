"""WebP output: encoded by Pillow, which can keep colours where nothing is seen of them."""

from __future__ import annotations

from functools import partial
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, WebPImagePlugin

from sepfilter.geometry import ImageSpec
from sepfilter.images.collected import CollectingSink
from sepfilter.images.metadata import Metadata
from sepfilter.images.sink import Encoding

Pixels = npt.NDArray[Any]

# libwebp's effort, 0 to 6. Its default, 4, takes two to three times as long for lossy files that are
# a twentieth smaller; lossless ones come out the same.
_METHOD: Final = 2

# Of a lossless file the quality is a second effort. Pillow's default, 80, takes 1.3 to 1.7 times as long for
# the same size; 0 takes half, for files a fifth larger where the picture is smooth, twice as large in charts.
_LOSSLESS_EFFORT: Final = 51


def open_webp_sink(file: BinaryIO, spec: ImageSpec, metadata: Metadata, encoding: Encoding) -> CollectingSink:
    """Begin to write a WebP file: lossless, unless a quality is given.

    Grey is written as RGB, which is all that WebP has. libwebp leaves out an opacity that is full everywhere.

    Parameters
    ----------
    file : binary file
        Written to at the end, once.
    spec : ImageSpec
        1 or 3 channels and perhaps opacity, 8 bits each.
    metadata : Metadata
        Profile, EXIF, XMP.
    encoding : Encoding
        Its quality counts.
    """
    return CollectingSink(spec, partial(_write, file, metadata, encoding.quality))


def _write(file: BinaryIO, metadata: Metadata, quality: int | None, pixels: Pixels) -> None:
    """Encode the pixels and write the file."""
    lossless = quality is None
    options: dict[str, Any] = {"icc_profile": metadata.icc, "exif": metadata.exif, "xmp": metadata.xmp}
    Image.fromarray(_in_colour(pixels)).save(
        file,
        WebPImagePlugin.WebPImageFile.format,
        lossless=lossless,
        quality=_LOSSLESS_EFFORT if lossless else quality,
        method=_METHOD,
        exact=True,
        **{name: block for name, block in options.items() if block},
    )


def _in_colour(pixels: Pixels) -> Pixels:
    """Grey in three channels, opacity behind them."""
    if pixels.shape[2] > 2:
        return pixels
    return np.ascontiguousarray(pixels[..., [0, 0, 0, 1][: pixels.shape[2] + 2]])
