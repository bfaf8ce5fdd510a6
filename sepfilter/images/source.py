"""Where pixels come from: a file or standard input, opened by its content, not by its name."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import numpy.typing as npt

from sepfilter.errors import ImageReadError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.metadata import Metadata

Pixels = npt.NDArray[Any]

NPY_MAGIC: Final = b"\x93NUMPY"


class Source(Protocol):
    """An image that can be described without decoding it, and read."""

    @property
    def spec(self) -> ImageSpec:
        """Its shape and type as read: upright, expanded."""

    @property
    def metadata(self) -> Metadata:
        """What goes with the pixels."""

    def read(self, window: Window) -> Pixels:
        """The pixels of a part, shape (h, w, C); read-only."""

    def close(self) -> None:
        """Let go of the file."""


def open_source(path: str | Path, *, content: bytes | None = None) -> Source:
    """Open an image and read its header.

    Parameters
    ----------
    path : str or Path
        The file; with `content` only its name in messages.
    content : bytes, optional
        The whole file, where it came through a pipe.

    Raises
    ------
    ImageReadError
        The file is missing, is no image, or its header is broken.
    UnsupportedImageError
        Reading it would silently lose something.
    """
    if not str(path):
        raise ImageReadError("'': the name of an input is empty: give a file")
    try:
        file: BinaryIO = Path(path).open("rb") if content is None else BytesIO(content)  # noqa: SIM115 - the source closes it
        magic = file.read(len(NPY_MAGIC))
        file.seek(0)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageReadError(f"{path}: cannot be read: {reason}") from error
    if not magic:
        file.close()
        raise ImageReadError(f"{path}: is empty: there is no image in it")
    if magic == NPY_MAGIC:
        from sepfilter.images.npy import NpySource

        return NpySource(file, str(path))
    from sepfilter.images.pillow_source import PillowSource

    return PillowSource(file, str(path))
