"""Files of several images, one after another, as Netpbm's binary formats allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, TypeVar

from sepfilter.images.decoding import no_page
from sepfilter.images.source import Opening

PAGES_COUNTED: Final = 2**14
"""Images of one file that are counted; a page after them is still found."""

Header = TypeVar("Header")


def find_page(headers: Callable[[], Iterator[Header]], opening: Opening) -> tuple[Header, int]:
    """The header of the image that is wanted, and how many images the file has.

    Parameters
    ----------
    headers : callable
        Begins to read the headers of a file, from the first.
    opening : Opening
        Which page.

    Raises
    ------
    ImageReadError
        There is no such page.
    """
    coming = headers()
    header = next(islice(coming, opening.page, None), None)
    if header is None:
        raise no_page(opening.name, opening.page, sum(1 for _ in headers()))
    seen = opening.page + 1
    return header, seen + sum(1 for _ in islice(coming, max(0, PAGES_COUNTED - seen)))
