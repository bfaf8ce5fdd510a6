"""How segments of a TIFF are compressed: differences of neighbours first, then deflate or Zstandard."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.errors import ImageWriteError
from sepfilter.images.decoding import has_imagecodecs
from sepfilter.images.tiff.tags import DEFLATE, DIFFERENCES, FLOAT_DIFFERENCES, NO_PREDICTOR, ZSTD
from sepfilter.values import value

Pixels = npt.NDArray[Any]

_LEVELS: Final = {None: 1, "fast": 1, "deflate": 6, "small": 9}
_ZSTD_LEVEL: Final = 1


@value
class SegmentEncoder:
    """How a strip or tile becomes bytes.

    Attributes
    ----------
    compression, predictor : int
        As the tags of a TIFF file number them.
    compress : callable
        What bytes become.
    """

    compression: int
    predictor: int
    compress: Callable[[bytes], bytes]

    def encode(self, segment: Pixels) -> bytes:
        """The bytes of a strip or tile, shape (rows, columns, C); safe to call from several threads."""
        if self.predictor == NO_PREDICTOR:
            return self.compress(segment.astype(segment.dtype.newbyteorder("<"), copy=False).tobytes())
        return self.compress(
            (float_differences if self.predictor == FLOAT_DIFFERENCES else differences)(segment)
        )


def segment_encoder(compression: str | None, dtype: str) -> SegmentEncoder | None:
    """Choose how segments are compressed; None where they are not.

    Parameters
    ----------
    compression : str or None
        ``none``, ``deflate`` (level 6), ``zstd``, ``fast`` (deflate, level 1, like None) or ``small``
        (deflate, level 9).
    dtype : str
        Sample type: integers are stored as differences (predictor 2), floats as differences of their bytes
        (predictor 3), or as they are where imagecodecs is missing, which alone could undo that.

    Raises
    ------
    ImageWriteError
        For ``zstd`` where imagecodecs cannot be imported.
    """
    if compression == "none":
        return None
    predictor = DIFFERENCES
    if dtype.startswith("float"):
        predictor = FLOAT_DIFFERENCES if has_imagecodecs() else NO_PREDICTOR
    if compression == "zstd":
        return SegmentEncoder(ZSTD, predictor, _zstd())
    return SegmentEncoder(DEFLATE, predictor, _deflate(_LEVELS[compression]))


def differences(segment: Pixels) -> bytes:
    """Each pixel less the one to its left (TIFF 6.0, section 14), low byte first."""
    stored = np.array(segment, segment.dtype.newbyteorder("<"))
    np.subtract(segment[:, 1:], segment[:, :-1], out=stored[:, 1:])
    return stored.tobytes()


def float_differences(segment: Pixels) -> bytes:
    """The bytes of each row, high bytes of all samples first, less those one pixel before.

    As in Adobe Photoshop TIFF Technical Note 3, 2005.
    """
    rows, columns, channels = segment.shape
    size = segment.dtype.itemsize
    high_first = np.ascontiguousarray(segment, segment.dtype.newbyteorder(">")).view(np.uint8)
    by_place = high_first.reshape(rows, columns * channels, size).swapaxes(1, 2).reshape(rows, -1)
    stored = by_place.copy()
    stored[:, channels:] -= by_place[:, :-channels]
    return stored.tobytes()


def _deflate(level: int) -> Callable[[bytes], bytes]:
    """The fastest deflate at hand: ISA-L for level 1, libdeflate for others, else zlib."""
    try:
        if level == 1:
            from isal import isal_zlib

            return lambda data: isal_zlib.compress(data, level)
        import imagecodecs

        return lambda data: bytes(imagecodecs.deflate_encode(data, level=level))
    except ImportError:
        return lambda data: zlib.compress(data, level)


def _zstd() -> Callable[[bytes], bytes]:
    """Zstandard, whose frames tell their size."""
    try:
        import imagecodecs
    except ImportError as error:
        raise ImageWriteError("compression zstd needs imagecodecs: install it, or use deflate") from error
    return lambda data: bytes(imagecodecs.zstd_encode(data, level=_ZSTD_LEVEL))
