"""Refusing what Pillow would read with silent loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PIL import Image

from sepfilter.errors import UnsupportedImageError

_BITS_PER_SAMPLE: Final = 258
_COMPRESSION: Final = 259
_PHOTOMETRIC: Final = 262
_SAMPLES_PER_PIXEL: Final = 277
_COLOUR_MAP: Final = 320
_SAMPLE_FORMAT: Final = 339
_FAX: Final = (2, 3, 4)
_BC6H: Final = 6
_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_WHITE_IS_ZERO: Final = 0
_NARROW_MODES: Final = (
    "1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr",
)  # fmt: skip
_ADVICE: Final = "convert it to 8 bits with another program first, or to a .npy array to keep its depth"


def refuse_loss(image: Image.Image, name: str) -> None:
    """Check an opened, not yet decoded image.

    Parameters
    ----------
    image : Image
        What its plugin knows of it is compared with what the file declares.
    name : str
        The file, in the message.

    Raises
    ------
    UnsupportedImageError
        Its samples are wider than what Pillow would keep of them, or Pillow would misread them.
    """
    if image.mode == "LAB":
        raise UnsupportedImageError(f"{name}: Lab colours are not filtered: convert it to RGB first")
    depth = _declared_depth(image)
    if image.mode in _NARROW_MODES and depth > 8:
        raise UnsupportedImageError(
            f"{name}: {depth} bits a sample in {image.mode} would be reduced to 8: {_ADVICE}"
        )
    _refuse_dropped_channels(image, name)
    if image.format == "FITS" and image.mode.startswith("I;16"):
        raise UnsupportedImageError(f"{name}: signed 16-bit samples would be read as unsigned: {_ADVICE}")
    if image.mode == "F" and depth > 32:
        raise UnsupportedImageError(
            f"{name}: {depth}-bit floats would be reduced to 32 bits: store it as a .npy array"
        )
    tags = getattr(image, "tag_v2", {})
    if image.mode.startswith("I;16") and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        raise UnsupportedImageError(
            f"{name}: 16-bit samples with white as 0 would be read inverted: {_ADVICE}"
        )
    if image.format == "TIFF":
        _refuse_misread_tiff(image, name)
    if image.mode.startswith("I") and image.info.get("transparency") is not None:
        raise UnsupportedImageError(
            f"{name}: the transparent grey of a 16-bit image would be lost: {_ADVICE}"
        )


def _refuse_misread_tiff(image: Image.Image, name: str) -> None:
    """Of some TIFF files Pillow finds the right mode, or a wider one, and the wrong values."""
    tags = getattr(image, "tag_v2", {})
    kind = tags.get(_SAMPLE_FORMAT, (1,))
    wrong = None
    if image.mode == "L" and kind == (2,):
        wrong = "signed 8-bit samples would be read as unsigned"
    elif image.mode == "I" and kind == (1,):
        wrong = "unsigned 32-bit samples would be read as signed"
    elif image.mode == "I" and tags.get(_BITS_PER_SAMPLE) == (16,):
        wrong = "signed 16-bit samples would be read as 32-bit ones"
    elif image.mode in ("1", "L") and _PHOTOMETRIC not in tags and tags.get(_COMPRESSION) not in _FAX:
        wrong = "samples that do not say whether 0 is black would be read inverted"
    elif image.mode == "P" and max(tags.get(_COLOUR_MAP, (0,))) < 256:
        wrong = "a palette of 8-bit colours would be read as black"
    if wrong:
        raise UnsupportedImageError(f"{name}: {wrong}: {_ADVICE}")


def _refuse_dropped_channels(image: Image.Image, name: str) -> None:
    """A TIFF may have more samples a pixel than the mode that Pillow chose for it."""
    if image.format != "TIFF":
        return
    samples = int(getattr(image, "tag_v2", {}).get(_SAMPLES_PER_PIXEL, 1))
    if image.mode == "RGBX" or samples > len(image.getbands()):
        raise UnsupportedImageError(
            f"{name}: of its {samples} channels only some would be read: store it as a .npy array"
        )


def _declared_depth(image: Image.Image) -> int:
    """Bits a sample according to the file; 8 where it is not known to be more."""
    depths = [8]
    tags = getattr(image, "tag_v2", None)
    if tags is not None:
        depths += [int(bits) for bits in tags.get(_BITS_PER_SAMPLE, ())]
    for tile in getattr(image, "tile", ()):
        if tile[0] == "SGI16" or (tile[0] == "bcn" and tile[3][0] == _BC6H):
            depths.append(16)
        arguments = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        for argument in arguments:
            if isinstance(argument, str) and not argument.startswith("BGR;"):  # packed 5-6-5
                depths += [bits for bits in (16, 32, 64) if f";{bits}" in argument]
            elif image.format == "PPM" and isinstance(argument, int) and argument > 255:
                depths.append(16)
    if image.format in _DEPTH_IN_BYTES:
        length, depth_in = _DEPTH_IN_BYTES[image.format]
        depths.append(depth_in(_first_bytes(image, length)))
    return max(depths)


def _first_bytes(image: Image.Image, length: int) -> bytes:
    """The beginning of the image's file, which stays where it was."""
    file = getattr(image, "fp", None) or getattr(image, "_fp", None)
    if file is None:
        return b""
    place = file.tell()
    file.seek(0)
    head: bytes = file.read(length)
    file.seek(place)
    return head


def _depth_in_icon(head: bytes) -> int:
    """The depth of the deepest PNG inside."""
    headers = head.split(_PNG_SIGNATURE)[1:]
    return max((header[16] for header in headers if len(header) > 16), default=8)


def _depth_in_avif(head: bytes) -> int:
    """What the pixel information box declares."""
    at = head.find(b"pixi")
    channels = head[at + 8] if 0 <= at < len(head) - 8 else 0
    return max(head[at + 9 : at + 9 + channels], default=8)


def _depth_in_jpeg2000(head: bytes) -> int:
    """What the SIZ marker declares: the number of components at 38, then three bytes for each."""
    at = head.find(b"\xff\x51")
    if at < 0 or at + 40 > len(head):
        return 8
    components = int.from_bytes(head[at + 38 : at + 40], "big")
    return max(((depth & 0x7F) + 1 for depth in head[at + 40 : at + 40 + 3 * components : 3]), default=8)


_DEPTH_IN_BYTES: Final[dict[str | None, tuple[int, Callable[[bytes], int]]]] = {
    "JPEG2000": (65536, _depth_in_jpeg2000),
    "AVIF": (65536, _depth_in_avif),
    "ICO": (16 * 2**20, _depth_in_icon),
    "ICNS": (16 * 2**20, _depth_in_icon),
}
"""Formats whose plugins do not tell: how many bytes to look at, and how."""
