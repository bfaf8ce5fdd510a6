"""WebP files: the header read here, the pixels decoded by libwebp, as a whole."""

from __future__ import annotations

from io import BytesIO
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import numpy.typing as npt

from sepfilter.geometry import ImageSpec
from sepfilter.images.decoding import DecodedSource, closed_on_failure, decoding, no_page
from sepfilter.images.source import Opening, Source
from sepfilter.images.webp.chunks import read_header

Pixels = npt.NDArray[Any]


def open_webp(file: BinaryIO, opening: Opening) -> Source:
    """Open a WebP file and read its header.

    Parameters
    ----------
    file : binary file
        Can seek; it is closed where opening fails.
    opening : Opening
        Name, page and limits. Pages are the frames of an animation, each as it is seen.

    Raises
    ------
    ImageReadError
        The file is truncated, its header is broken, or there is no such page.
    LimitError
        It is larger than the limits.
    """
    name = opening.name
    with closed_on_failure(file), decoding(name):
        header = read_header(file)
        frames = header.metadata.frames
        if not 0 <= opening.page < frames:
            raise no_page(name, opening.page, frames)
        spec = ImageSpec(header.height, header.width, 4 if header.alpha else 3, "uint8", header.alpha)
        # An animation is put together on two canvases beside the result.
        channels = spec.channels + 8 * header.animated
        opening.limits.check(name, height=spec.height, width=spec.width, channels=channels, sample_bytes=1)

    def decode() -> Pixels:
        file.seek(0)
        content = file.read()
        if header.animated:
            return _composited(content, opening.page, alpha=spec.alpha)
        return imagecodecs.webp_decode(content, hasalpha=spec.alpha)

    return DecodedSource(file, name, spec, header.metadata, decode)


def _composited(content: bytes, page: int, *, alpha: bool) -> Pixels:
    """A frame of an animation as it is seen, on top of those before it; imagecodecs gives it alone."""
    from PIL import WebPImagePlugin

    with WebPImagePlugin.WebPImageFile(BytesIO(content)) as image:
        image.seek(page)
        return np.array(image.convert("RGBA" if alpha else "RGB"))
