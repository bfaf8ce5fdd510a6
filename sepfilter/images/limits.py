"""Limits that hostile files run into before any memory is taken for them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sepfilter.errors import LimitError
from sepfilter.geometry import ImageSpec
from sepfilter.values import value

MAX_PIXELS: Final = 2**30
"""Pixels of an image that is held whole, where nothing else is asked for."""

MAX_METADATA: Final = 2**20
"""Bytes of a profile, of EXIF or of XMP: larger ones are left out."""

_SHARE_OF_MEMORY: Final = 0.75
_CGROUPS: Final = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


@value
class Limits:
    """How much one image may take.

    Attributes
    ----------
    max_pixels : int
        Of an image that is decoded as a whole.
    max_memory : int or None
        Bytes; None for three quarters of what the machine, or the control group, has.
    """

    max_pixels: int = MAX_PIXELS
    max_memory: int | None = None

    @property
    def memory(self) -> int:
        """Bytes that the pixels of one image may take."""
        return usable_memory() if self.max_memory is None else self.max_memory

    def check_image(self, name: str, spec: ImageSpec, *, whole: bool = True) -> None:
        """Refuse an image that takes no more than its own samples: `check` of its spec.

        Parameters
        ----------
        name : str
            The file, for the message.
        spec : ImageSpec
            The pixels that will be decoded.
        whole : bool
            They are held as a whole, not strip by strip.

        Raises
        ------
        LimitError
            The message names the option that raises the limit.
        """
        self.check(
            name,
            height=spec.height,
            width=spec.width,
            channels=spec.channels,
            sample_bytes=spec.sample_bytes,
            whole=whole,
        )

    def check(
        self,
        name: str,
        *,
        height: int,
        width: int,
        sample_bytes: int,
        channels: int = 1,
        whole: bool = True,
        beside: int = 0,
    ) -> None:
        """Refuse what a header claims, before memory is taken for it.

        Parameters
        ----------
        name : str
            The file, for the message.
        height, width, channels, sample_bytes : int
            The picture that will be decoded.
        whole : bool
            It is held as a whole, not strip by strip.
        beside : int
            Bytes that are needed besides.

        Raises
        ------
        LimitError
            The message names the option that raises the limit.
        """
        pixels = height * width
        if whole and pixels > self.max_pixels:
            raise LimitError(
                f"{name}: has {pixels:,} pixels, {width} x {height}, and the limit for an image that is read "
                f"as a whole is {self.max_pixels:,}: --max-pixels raises it"
            )
        needed = pixels * channels * sample_bytes if whole else width * channels * sample_bytes
        needed += beside
        allowed = self.memory
        if needed > allowed:
            raise LimitError(
                f"{name}: its pixels take {needed:,} bytes of memory, and {allowed:,} are allowed: "
                "--max-memory raises the limit"
            )


DEFAULT_LIMITS: Final = Limits()
"""The limits where nothing was asked for."""


def usable_memory() -> int:
    """Three quarters of the bytes that the machine or the control group has."""
    import os

    available = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in _CGROUPS:
        try:
            text = path.read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            available.append(int(text))
    return int(_SHARE_OF_MEMORY * min(available))
