"""What an image file says beside its pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is carried from an input to an output that can hold it.

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
        EXIF block; its orientation is gone, since the pixels have been turned.
    dpi : (float, float) or None
        Resolution, horizontal and vertical.
    frames : int
        Pages or frames of the file, of which the first was read.
    """

    format: str | None = None
    alpha: bool = False
    cmyk: bool = False
    icc: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    frames: int = 1

    def in_grey(self) -> Metadata:
        """The same for the picture in grey: a profile for colours does not describe it."""
        return replace(self, icc=None)
