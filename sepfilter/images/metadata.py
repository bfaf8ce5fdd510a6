"""What an image file says beside its pixels."""

from __future__ import annotations

from sepfilter.values import value


@value
class Metadata:
    r"""What is carried from an input to an output that can hold it.

    Attributes
    ----------
    format : str or None
        ``PNG``, ``JPEG``, ...: what the file was.
    alpha : bool
        The last channel is opacity.
    cmyk : bool
        The four channels are inks.
    icc : bytes or None
        Colour profile.
    exif : bytes or None
        EXIF block, from ``Exif\0\0`` on; its orientation is gone, since the pixels have been turned.
    xmp : bytes or None
        XMP packet; its orientation is gone as well.
    dpi : (float, float) or None
        Resolution, horizontal and vertical.
    frames : int
        Pages or frames of the file, of which one was read.
    orientation : int
        EXIF orientation in which a backend found the pixels, 1 to 8; 1 in an opened image, which is upright.
    subsampling : str or None
        Of a JPEG's chroma: ``4:4:4``, ``4:2:2`` or ``4:2:0``.
    warnings : tuple of str
        What was found amiss and left out, in words.
    """

    format: str | None = None
    alpha: bool = False
    cmyk: bool = False
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    frames: int = 1
    orientation: int = 1
    subsampling: str | None = None
    warnings: tuple[str, ...] = ()
