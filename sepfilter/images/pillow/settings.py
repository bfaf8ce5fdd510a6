"""What Pillow keeps for the whole process, changed only while one of our images is in its hands."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from PIL import Image


@dataclass(slots=True)
class _Shared:
    """The images that are being read now, by any thread, and how to restore what was before them."""

    lock: Lock = field(default_factory=Lock)
    pixels: list[int] = field(default_factory=list)
    before: ExitStack = field(default_factory=ExitStack)


_SHARED: Final = _Shared()


@contextmanager
def pillow_settings(most_pixels: int) -> Iterator[None]:
    """Have Pillow warn of nothing, and refuse images within images only above a number of pixels.

    Its own limit, `PIL.Image.MAX_IMAGE_PIXELS`, and the filters of warnings belong to the process: the first
    image in sets them, the last one out puts them back, and in between the largest number asked for holds.

    Parameters
    ----------
    most_pixels : int
        Above it, give or take one, `PIL.Image.DecompressionBombError` is raised.
    """
    shared = _SHARED
    with shared.lock:
        if not shared.pixels:
            shared.before.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            shared.before.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
        shared.pixels.append(most_pixels)
        Image.MAX_IMAGE_PIXELS = _pillows_limit()
    try:
        yield
    finally:
        with shared.lock:
            shared.pixels.remove(most_pixels)
            if shared.pixels:
                Image.MAX_IMAGE_PIXELS = _pillows_limit()
            else:
                shared.before.close()


def _pillows_limit() -> int:
    """Pillow warns above its limit, and raises above twice as much."""
    return (max(_SHARED.pixels) + 1) // 2
