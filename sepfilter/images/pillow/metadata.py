"""What goes with the pixels of an image that Pillow opened."""

from __future__ import annotations

from typing import Any, Final

from PIL import Image, JpegImagePlugin

from sepfilter.images.decoding import left_out
from sepfilter.images.exif import PREFIX, orientation, upright_xmp
from sepfilter.images.limits import MAX_METADATA
from sepfilter.images.metadata import Metadata
from sepfilter.images.resolution import sensible

_SUBSAMPLINGS: Final = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}

_TEXT_OF_PNG: Final = "Raw profile type exif"


def gathered(image: Image.Image, *, alpha: bool, cmyk: bool, frames: int) -> Metadata:
    """Profile, EXIF, XMP and resolution; blocks that are too large are left out.

    A TIFF is turned by its plugin while decoding: its orientation is 1. Its EXIF is the file's own tags,
    strip sizes and all, and is not carried.

    Parameters
    ----------
    image : Image
        Opened, and decoded where its blocks may come last.
    alpha, cmyk : bool
        What its channels are.
    frames : int
        Pages or frames of the file.
    """
    is_tiff = image.format == "TIFF"
    exif = None if is_tiff else _exif(image.info)
    xmp = _bytes(image.info.get("xmp"))
    blocks: dict[str, bytes | None] = {
        "icc": _bytes(image.info.get("icc_profile")), "exif": exif,
        "xmp": upright_xmp(xmp) if is_tiff else xmp,
    }  # fmt: skip
    too_large = [field for field, block in blocks.items() if block and len(block) > MAX_METADATA]
    kept: dict[str, Any] = {field: None if field in too_large else block for field, block in blocks.items()}
    return Metadata(
        format=image.format,
        alpha=alpha,
        cmyk=cmyk,
        dpi=_resolution(image.info.get("dpi")),
        frames=frames,
        subsampling=_subsampling(image),
        orientation=1 if is_tiff else orientation(exif, xmp),
        warnings=tuple(map(left_out, too_large)),
        **kept,
    )


def _subsampling(image: Image.Image) -> str | None:
    """Chroma of a JPEG against luma, where there is chroma."""
    if not isinstance(image, JpegImagePlugin.JpegImageFile) or image.mode != "RGB":
        return None
    return _SUBSAMPLINGS.get(JpegImagePlugin.get_sampling(image))


def _exif(info: dict[str | tuple[int, int], Any]) -> bytes | None:
    """The EXIF block, with its prefix; old programs put it into a PNG as hexadecimal text."""
    block = _bytes(info.get("exif"))
    text = info.get(_TEXT_OF_PNG)
    if block is None and isinstance(text, str):
        words = text.split(maxsplit=2)  # the word "exif", a length, the digits
        try:
            block = bytes.fromhex(words[2]) if len(words) == 3 else None
        except ValueError:  # a broken EXIF block does not spoil the picture
            block = None
    return PREFIX + block if block and not block.startswith(PREFIX) else block or None


def _bytes(block: Any) -> bytes | None:
    """A block, if it is one."""
    if isinstance(block, str):
        block = block.encode("utf-8", "replace")
    return block if isinstance(block, bytes) and block else None


def _resolution(dpi: Any) -> tuple[float, float] | None:
    """Dots per inch, where they are two sensible numbers."""
    try:
        across, down = (float(value) for value in dpi)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return sensible(across, down)
