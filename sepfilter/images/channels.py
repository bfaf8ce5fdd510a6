"""One file for each channel: rows split over sinks, the files' names, and whether so many can be open."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.errors import LimitError, OptionError
from sepfilter.geometry import Window
from sepfilter.images.sink import Sink
from sepfilter.values import value

Pixels = npt.NDArray[Any]

_FIELD: Final = re.compile(r"\{channel(?::([^{}]*))?\}")
_NUMBER: Final = re.compile(r"\d{0,3}d?", re.ASCII)
_PIECE_BYTES: Final = 2**24
_SQUARE: Final = 2**14
_OTHER_FILES: Final = 64


@value
class ChannelSinks:
    """A `Sink` that hands each channel of its rows to a sink of its own.

    Each sink that writes a file keeps that open: opened by `sepfilter.safe_write.replacing`, C channels take
    C open files at a time, and one more for a moment when each is closed. `check_open_files` tells before
    anything is opened whether the system allows it. Sinks that hold the whole image (see `CollectingSink`)
    hold all channels together.

    Parameters
    ----------
    sinks : sequence of Sink
        One for each channel, in order, each of a single channel.
    threads : int
        At most this many sinks are written to at a time.
    """

    sinks: Sequence[Sink]
    threads: int = 1

    def write(self, window: Window, pixels: Pixels) -> None:
        """Take whole rows, shape (h, width, C)."""
        if pixels.shape[2] != len(self.sinks):
            raise ValueError(f"rows of {pixels.shape[2]} channels, for {len(self.sinks)} sinks")
        rows = max(1, _PIECE_BYTES // (pixels[:1].nbytes or 1))
        for y in range(0, window.height, rows):
            piece = planes(pixels[y : y + rows])
            place = Window(window.y + y, window.x, piece.shape[1], window.width)
            self._hand_over(place, piece[..., np.newaxis])

    def finish(self) -> None:
        """Finish each."""
        for sink in self.sinks:
            sink.finish()

    def _hand_over(self, place: Window, piece: Pixels) -> None:
        """Write a piece, shape (C, h, width, 1)."""
        if self.threads == 1 or len(self.sinks) == 1:
            for sink, plane in zip(self.sinks, piece, strict=True):
                sink.write(place, plane)
            return
        with ThreadPoolExecutor(self.threads) as pool:
            for _ in pool.map(lambda sink, plane: sink.write(place, plane), self.sinks, piece):
                pass


def planes(pixels: Pixels, out: Pixels | None = None) -> Pixels:
    """Put the samples of each channel together.

    Parameters
    ----------
    pixels : ndarray
        Shape (h, w, C).
    out : ndarray, optional
        Shape (C, h, w), to be filled.

    Returns
    -------
    ndarray
        Shape (C, h, w): `out`, or a new array in C order.

    Examples
    --------
    >>> planes(np.array([[[1, 2], [3, 4]]])).tolist()
    [[[1, 3]], [[2, 4]]]
    """
    height, width, channels = pixels.shape
    if out is None:
        out = np.empty((channels, height, width), pixels.dtype)
    # Squares that stay in the cache: twice as fast as one assignment at 256 channels.
    step = max(64, _SQUARE // channels)
    for y in range(height):
        for x in range(0, width, step):
            out[:, y, x : x + step] = pixels[y, x : x + step].T
    return out


def channel_path(template_path: str, channel: int, channels: int) -> str:
    """Put the number of a channel into a path.

    Parameters
    ----------
    template_path : str
        With ``{channel}``, which becomes the number with as many zeros before it that names sort; or with
        a width as in ``{channel:03}``. Other braces stay as they are.
    channel : int
        The number, from 1.
    channels : int
        The largest number.

    Raises
    ------
    OptionError
        No ``{channel}`` is in it, or one that is not written as a whole number.

    Examples
    --------
    >>> channel_path("out/{channel}.png", 7, 64), channel_path("c{channel:03}.tif", 7, 64)
    ('out/07.png', 'c007.tif')
    """
    if not 1 <= channel <= channels:
        raise ValueError(f"channel {channel} of {channels}: they count from 1")
    fields = _FIELD.findall(template_path)
    if not fields:
        raise OptionError(
            f"{template_path}: all channels would be written to one file: put {{channel}} into it, "
            "as 'out/{stem}-{channel}.png'"
        )
    for width in fields:
        if not _NUMBER.fullmatch(width):
            raise OptionError(
                f"{template_path}: {{channel:{width}}} is no way to write a number here: "
                "use {channel}, or a width as in {channel:03}"
            )
    padded = f"0{len(str(channels))}"
    return _FIELD.sub(lambda found: format(channel, found[1] or padded), template_path)


def check_open_files(channels: int) -> None:
    """Refuse more files than the system lets this process have open, before the first is opened.

    The limit is raised as far as is needed and allowed: up to the hard one.

    Parameters
    ----------
    channels : int
        Files that will be written at a time; the process keeps 64 more for its other needs.

    Raises
    ------
    LimitError
        The message tells what else there is.
    """
    try:
        import resource
    except ImportError:  # a system without such limits
        return
    needed = channels + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _allows(soft, needed):
        return
    allowed = needed if _allows(hard, needed) else hard
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (ValueError, OSError):  # macOS says infinite and means less
        allowed = soft
    if allowed < needed:
        raise LimitError(
            f"{channels:,} channels in a file each: {needed:,} files would be open at a time, and the system "
            f"allows {allowed:,}: write a .npy file or a multi-page TIFF, or raise the limit with "
            f"'ulimit -n {needed}'"
        )


def _allows(limit: int, needed: int) -> bool:
    """True for a limit that is high enough; a negative one stands for none."""
    return limit < 0 or limit >= needed
