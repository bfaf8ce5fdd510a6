"""Pages of inputs: which of them are read, each as an input of its own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from sepfilter.errors import LimitError, SepfilterError, UnsupportedImageError
from sepfilter.images.paths.inputs import STANDARD_STREAM, Input
from sepfilter.images.source import open_source
from sepfilter.pipeline.opening import limits_of
from sepfilter.results import Reading

MOST_PAGES: Final = 10_000
"""Pages of one file that are read with ``--page all``: small files can claim to have very many."""


def paged(inputs: Iterable[Input], reading: Reading) -> Iterator[Input]:
    """Say of every input which page is read, or put its pages in its place.

    Pages are counted from headers. A file that cannot be opened or has too many pages counts as one, and
    so does a stream, which cannot be opened twice: what is wrong is said when it is read.

    Parameters
    ----------
    inputs : iterable of Input
        Files, or ``-``.
    reading : Reading
        Which page; and how files are to be opened.

    Yields
    ------
    Input
        One for each page that is read, in order.
    """
    if reading.page != "all":
        yield from (replace(one, page=reading.page) for one in inputs)
        return
    for one in inputs:
        count = _count(one.path, reading)
        yield from (replace(one, page=page, pages=count) for page in range(1, count + 1))


def check_all_pages(one: Input, count: int, name: str) -> None:
    """Refuse, with ``--page all``, a file of which not all pages are inputs.

    Parameters
    ----------
    one : Input
        A page of it.
    count : int
        The pages that it has.
    name : str
        The file, in messages.

    Raises
    ------
    LimitError
        There are too many.
    UnsupportedImageError
        They came through a stream.
    """
    if count > MOST_PAGES:
        raise LimitError(
            f"{name}: has more than {MOST_PAGES:,} pages, the most that --page all reads: "
            "give --page N, one at a time"
        )
    if count > one.pages:
        raise UnsupportedImageError(
            f"{name}: has {count:,} pages, and a stream can be read only once: save it as a file, "
            "or give --page N"
        )


def _count(path: str, reading: Reading) -> int:
    """How many pages of a file are read."""
    if path == STANDARD_STREAM or not os.path.isfile(path):  # noqa: PTH113 - of a hundred thousand paths
        return 1
    try:
        source = open_source(path, input_format=reading.input_format, limits=limits_of(reading))
    except (SepfilterError, MemoryError):
        return 1
    try:
        count = source.metadata.frames
    finally:
        source.close()
    return count if count <= MOST_PAGES else 1
