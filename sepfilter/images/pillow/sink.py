"""BMP, TGA, JPEG 2000 and AVIF, which Pillow writes when the whole image is there."""

from __future__ import annotations

from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from sepfilter.geometry import ImageSpec
from sepfilter.images.collected import CollectingSink
from sepfilter.images.metadata import Metadata
from sepfilter.images.sink import Encoding

Pixels = npt.NDArray[Any]


def open_bmp_sink(file: BinaryIO, spec: ImageSpec, metadata: Metadata, encoding: Encoding) -> CollectingSink:  # noqa: ARG001
    """Begin a BMP: grey or RGB, uint8.

    Parameters
    ----------
    file : binary file
        A pipe will do.
    spec : ImageSpec
        Of the image.
    metadata : Metadata
        Its resolution is written.
    encoding : Encoding
        The format has no choice.
    """
    return _sink(file, spec, "BMP", **({"dpi": metadata.dpi} if metadata.dpi else {}))


def open_tga_sink(file: BinaryIO, spec: ImageSpec, metadata: Metadata, encoding: Encoding) -> CollectingSink:  # noqa: ARG001
    """Begin a TGA, uncompressed: grey or RGB, with or without opacity, uint8.

    Parameters are those of `open_bmp_sink`; the format has no place for metadata.
    """
    return _sink(file, spec, "TGA")


def open_jp2_sink(file: BinaryIO, spec: ImageSpec, metadata: Metadata, encoding: Encoding) -> CollectingSink:  # noqa: ARG001
    """Begin a JPEG 2000 in its lossless mode: uint8 as a TGA, or grey of uint16.

    Parameters are those of `open_bmp_sink`; no metadata are written.
    """
    return _sink(file, spec, "JPEG2000", irreversible=False)


def open_avif_sink(file: BinaryIO, spec: ImageSpec, metadata: Metadata, encoding: Encoding) -> CollectingSink:
    """Begin an AVIF: uint8 as a TGA, stored in colour.

    Parameters
    ----------
    file : binary file
        A pipe will do.
    spec : ImageSpec
        Of the image.
    metadata : Metadata
        Profile, EXIF and XMP are written; the chroma is subsampled as it was.
    encoding : Encoding
        Quality, 75 if not given, and threads.
    """
    options: dict[str, Any] = {"max_threads": encoding.threads}
    if encoding.quality is not None:
        options["quality"] = encoding.quality
    if metadata.subsampling is not None:
        options["subsampling"] = metadata.subsampling
    blocks = {"icc_profile": metadata.icc, "exif": metadata.exif, "xmp": metadata.xmp}
    return _sink(file, spec, "AVIF", **options, **{name: block for name, block in blocks.items() if block})


def _sink(file: BinaryIO, spec: ImageSpec, file_format: str, **options: Any) -> CollectingSink:
    """A sink that has Pillow encode the whole image in a format."""
    Image.init()
    if file_format not in Image.SAVE:
        raise ValueError("Pillow was built without it on this machine")

    def encode(pixels: Pixels) -> None:
        image = Image.fromarray(np.squeeze(pixels, axis=2) if spec.channels == 1 else pixels)
        buffer = BytesIO()  # Pillow's encoders take a short write, as on a full disk, for a whole one
        image.save(buffer, file_format, **options)
        file.write(buffer.getbuffer())

    return CollectingSink(spec, encode)
