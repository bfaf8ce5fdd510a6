"""Where pixels come from: a file or standard input, opened by its content, not by its name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import numpy.typing as npt

from sepfilter.errors import ImageReadError, ShapeError, UnsupportedImageError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.decoding import closed_on_failure
from sepfilter.images.limits import DEFAULT_LIMITS, Limits
from sepfilter.images.metadata import Metadata
from sepfilter.values import value

Pixels = npt.NDArray[Any]


class Source(Protocol):
    """An image that can be described without decoding it, and read from top to bottom."""

    @property
    def spec(self) -> ImageSpec:
        """Its shape and type as read: expanded."""

    @property
    def metadata(self) -> Metadata:
        """What goes with the pixels."""

    @property
    def strip_rows(self) -> int:
        """Rows that are decoded together; the height where the image is decoded as a whole."""

    def read(self, window: Window) -> Pixels:
        """The pixels of a part, shape (h, w, C), of the machine's byte order; read-only.

        Windows are asked for from top to bottom: each begins no higher than where the one before ended,
        unless `strip_rows` is the height.
        """

    def close(self) -> None:
        """Let go of the file."""


@value
class Opening:
    """How a file is to be opened.

    Attributes
    ----------
    name : str
        The file, in messages.
    page : int
        Page or frame, from 0.
    limits : Limits
        What its header may claim.
    """

    name: str
    page: int = 0
    limits: Limits = DEFAULT_LIMITS


Backend = Callable[[BinaryIO, Opening], Source]
"""Opens a file, from its beginning; closes it when opening fails."""

_LONGEST_MAGIC: Final = 16


@value
class InputFormat:
    """A format that is known by its first bytes.

    Attributes
    ----------
    names : tuple of str
        As on the command line, and as its files' extensions say.
    magics : tuple of bytes
        What files begin with; a ``?`` stands for any byte.
    opener : str
        The `Backend`, as ``module.function`` of this room.
    needs : str or None
        The library it cannot do without; Pillow takes over where that cannot be imported.
    """

    names: tuple[str, ...]
    magics: tuple[bytes, ...]
    opener: str
    needs: str | None = None

    def matches(self, head: bytes) -> bool:
        """True for the first bytes of such a file."""
        return any(
            len(head) >= len(magic)
            and all(sign in (0x3F, byte) for sign, byte in zip(magic, head, strict=False))
            for magic in self.magics
        )


INPUT_FORMATS: Final = (
    InputFormat(("png",), (b"\x89PNG\r\n\x1a\n",), "png.source.open_png", "imagecodecs"),
    InputFormat(("jpeg", "jpg", "mpo"), (b"\xff\xd8\xff",), "jpeg.source.open_jpeg", "imagecodecs"),
    InputFormat(("webp",), (b"RIFF????WEBP",), "webp.source.open_webp", "imagecodecs"),
    InputFormat(
        ("tiff", "tif"), (b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0", b"MM\0+\0\x08\0\0"),
        "tiff.source.open_tiff", "tifffile",
    ),
    InputFormat(
        ("pnm", "ppm", "pgm", "pbm"),
        tuple(bytes((0x50, kind, space)) for kind in b"123456" for space in b"\n \t\r#"),
        "pnm.source.open_pnm",
    ),
    InputFormat(("pam",), (b"P7\n",), "pnm.pam.open_pam"),
    InputFormat(("pfm",), (b"PF\n", b"Pf\n", b"PF\r", b"Pf\r", b"PF ", b"Pf "), "pnm.source.open_pfm"),
    InputFormat(("npy",), (b"\x93NUMPY",), "npy.open_npy"),
)  # fmt: skip
"""Formats with a backend of their own; Pillow reads all others."""


def open_source(
    path: str | Path,
    *,
    content: bytes | None = None,
    input_format: str | None = None,
    page: int = 0,
    limits: Limits = DEFAULT_LIMITS,
) -> Source:
    """Open an image and read its header.

    Parameters
    ----------
    path : str or Path
        The file; with `content` only its name in messages.
    content : bytes, optional
        The whole file, where it came through a pipe.
    input_format : str, optional
        A format's name, to overrule what the content looks like.
    page : int
        Page or frame, from 0.
    limits : Limits
        What its header may claim.

    Returns
    -------
    Source
        Upright: its EXIF orientation is applied.

    Raises
    ------
    ImageReadError
        The file is missing, is no image, or its header is broken.
    UnsupportedImageError
        Reading it would silently lose something.
    LimitError
        It is larger than the limits.
    """
    if not str(path):
        raise ImageReadError("'': the name of an input is empty: give a file")
    try:
        file: BinaryIO = Path(path).open("rb") if content is None else BytesIO(content)  # noqa: SIM115 - the source closes it
        head = file.read(_LONGEST_MAGIC)
        file.seek(0)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageReadError(f"{path}: cannot be read: {reason}") from error
    if not head:
        file.close()
        raise ImageReadError(f"{path}: is empty: there is no image in it")
    from sepfilter.images.upright import upright

    with closed_on_failure(file):
        backend = _backend_for(head) if input_format is None else backend_named(input_format)
    try:
        return upright(backend(file, Opening(str(path), page, limits)))
    except ShapeError as error:
        raise UnsupportedImageError(f"{path}: {error}") from error


def backend_named(name: str) -> Backend:
    """What opens files of one format, whatever they look like.

    Parameters
    ----------
    name : str
        Of the format, in any case; or an extension of its files.

    Raises
    ------
    OptionError
        There is no such format.
    """
    wanted = name.lower().removeprefix(".")
    for one in INPUT_FORMATS:
        if wanted in one.names:
            return _opener(one)
    from sepfilter.images.pillow.source import opener_of

    return opener_of(name)


def _backend_for(head: bytes) -> Backend:
    """What opens a file that begins so."""
    for one in INPUT_FORMATS:
        if one.matches(head):
            return _opener(one)
    from sepfilter.images.pillow.source import open_pillow

    return open_pillow


def _opener(one: InputFormat) -> Backend:
    """The backend of a format, or Pillow where its library cannot be imported."""
    try:
        if one.needs is not None:
            importlib.import_module(one.needs)
    except ImportError:
        from sepfilter.images.pillow.stand_in import in_place_of

        return in_place_of(str(one.needs), one.names[0])
    module, _, function = one.opener.rpartition(".")
    found: Backend = getattr(importlib.import_module(f"sepfilter.images.{module}"), function)
    return found
