"""The formats that Pillow reads for us, by their names."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from PIL import Image

from sepfilter.errors import OptionError
from sepfilter.images.source import INPUT_FORMATS

_NEVER_OPENED: Final = frozenset(
    {"EPS", "WMF", "FPX", "MIC", "GRIB", "HDF5", "BUFR", "MPEG", "PDF", "PALM", "IPTC"}
)
"""Handled by other programs, by stubs, or a wrapping of any other format: nothing that filters an image
should start Ghostscript."""


def decoded_by_pillow() -> list[str]:
    """Pillow's names of the formats that it decodes itself, in the order in which it tries them."""
    Image.init()
    return [name for name in Image.ID if name not in _NEVER_OPENED]


def pillow_name(name: str) -> str:
    """Pillow's name of a format.

    Parameters
    ----------
    name : str
        That name, or a file name extension of the format, in any case.

    Raises
    ------
    OptionError
        There is none of that name; the message has the nearest ones.

    Examples
    --------
    >>> pillow_name("gif"), pillow_name("jp2")
    ('GIF', 'JPEG2000')
    """
    wanted = name.strip().removeprefix(".").upper()
    known = decoded_by_pillow()
    by_extension = Image.registered_extensions().get(f".{wanted.lower()}", "")
    for found in (wanted, by_extension):
        if found in known:
            return found
    names = sorted({one.lower() for one in known} | {one.names[0] for one in INPUT_FORMATS})
    near = get_close_matches(wanted.lower(), names, n=2)
    advice = f"did you mean {' or '.join(near)}?" if near else f"use one of {', '.join(names)}"
    raise OptionError(f"input format {name!r} is not read: {advice}")
