"""From the names on the command line to the images that are read: folders, lists of names, streams."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import Final

from sepfilter.errors import ImageReadError, OptionError
from sepfilter.images.formats import OUTPUT_FORMATS
from sepfilter.images.paths.places import Identity, identity_of, status_of
from sepfilter.values import value

# A batch may have a hundred thousand paths, and pathlib takes several times as long as os.path.
# ruff: noqa: PTH112, PTH118, PTH119, PTH122, PTH206

STANDARD_STREAM: Final = "-"
"""Standard input among inputs, standard output as an output."""

READ_ONLY_EXTENSIONS: Final = frozenset({
    ".apng", ".avifs", ".blp", ".bw", ".cur", ".dcx", ".dds", ".dib", ".fit", ".fits", ".flc",
    ".fli", ".ftc", ".ftu", ".gbr", ".gif", ".icb", ".icns", ".ico", ".im", ".j2c", ".j2k", ".jfif",
    ".jpc", ".jpf", ".jpx", ".msp", ".pbm", ".pcd", ".pcx", ".psd", ".pxr", ".qoi", ".ras", ".rgb",
    ".rgba", ".sgi", ".vda", ".vst", ".xbm", ".xpm",
})  # fmt: skip
"""Of images that are read, and written under another extension."""

READ_EXTENSIONS: Final = READ_ONLY_EXTENSIONS.union(*(one.extensions for one in OUTPUT_FORMATS))
"""What tells an image in a folder. Only there: a file that is given is told by its content."""

_DIGITS: Final = re.compile("([0-9]+)")


@value
class Input:
    """One image to read: a file, or a page of it.

    Attributes
    ----------
    path : str
        What to open; ``-`` for standard input.
    relative : str
        The path below the folder that was given, which an output folder repeats; of a file that was
        given itself, its name.
    page : int
        Page or frame, from 1.
    pages : int
        Of the same file, each an input of its own.
    """

    path: str
    relative: str
    page: int = 1
    pages: int = 1

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return "stdin" if self.path == STANDARD_STREAM else self.path

    @property
    def label(self) -> str:
        """What it is called among others.

        Examples
        --------
        >>> Input("scans/a.tif", "a.tif", page=2, pages=3).label
        'scans/a.tif[2]'
        """
        return self.path if self.pages == 1 else f"{self.path}[{self.page}]"

    @classmethod
    def given(cls, path: str) -> Input:
        """An input that was named itself.

        Examples
        --------
        >>> Input.given("holidays/beach.jpg")
        Input(path='holidays/beach.jpg', relative='beach.jpg', page=1, pages=1)
        """
        return cls(path, "stdin" if path == STANDARD_STREAM else os.path.basename(path.rstrip(os.sep)))


def expand_inputs(paths: Sequence[str], *, recursive: bool, exclude: str | None = None) -> list[Input]:
    """Put the images below a folder in its place.

    Files stay as they are given, whatever they are called and whether they exist or not. In folders
    images are told by their extensions; hidden files and folders are left out, and symbolic links to
    folders are not followed.

    Parameters
    ----------
    paths : sequence of str
        Files, folders, or ``-``.
    recursive : bool
        Folders are allowed.
    exclude : str, optional
        The folder that results go to: where it lies inside a given one it is not read again.

    Returns
    -------
    list of Input
        In the order given; the images of a folder in natural order, 2 before 10.

    Raises
    ------
    OptionError
        A folder is given without `recursive`, or there is no input at all.
    ImageReadError
        A folder cannot be read.
    """
    excluded = None if exclude is None else _identity(exclude)
    found: list[Input] = []
    for path in paths:
        if path == STANDARD_STREAM or not os.path.isdir(path):
            found.append(Input.given(path))
        elif not recursive:
            raise OptionError(f"{path}: is a folder: give --recursive to filter the images in it and below")
        else:
            below = sorted(_images_below(path, excluded), key=_natural)
            found += [Input(os.path.join(path, relative), relative) for relative in below]
    if not found:
        raise OptionError(_nothing_found(paths))
    return found


def listed_inputs(text: bytes, *, nul: bool) -> list[str]:
    r"""Read a list of names, as ``find`` prints it.

    Parameters
    ----------
    text : bytes
        One name a line, where empty lines do not count and lines may end as on Windows; names that
        are no UTF-8 stay what they are.
    nul : bool
        Names end with a NUL byte instead, and may hold line ends.

    Raises
    ------
    OptionError
        There is no name in it, or NUL bytes where lines are expected.

    Examples
    --------
    >>> listed_inputs(b"a.png\r\nb c.png\n", nul=False)
    ['a.png', 'b c.png']
    >>> listed_inputs(b"a.png\0two\nlines.png\0", nul=True)
    ['a.png', 'two\nlines.png']
    """
    if nul:
        names = text.split(b"\0")
    elif b"\0" in text:
        raise OptionError(
            "--files-from: the list holds NUL bytes: give -0 if they separate the names, or save it as UTF-8"
        )
    else:
        names = [line.removesuffix(b"\r") for line in text.removeprefix(b"\xef\xbb\xbf").split(b"\n")]
    listed = [os.fsdecode(name) for name in names if name]
    if not listed:
        raise OptionError("--files-from: the list is empty: it must name at least one image")
    return listed


def _images_below(root: str, excluded: Identity | None) -> Iterator[str]:
    """Paths of images, relative to the folder."""
    pending = [""]
    while pending:
        folder = pending.pop()
        for entry in _entries(os.path.join(root, folder) if folder else root):
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                if excluded is None or _identity(entry.path) != excluded:
                    pending.append(os.path.join(folder, entry.name))
            elif os.path.splitext(entry.name)[1].lower() in READ_EXTENSIONS and not entry.is_dir():
                yield os.path.join(folder, entry.name)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """What a folder holds; one that is closed to us must not pass for an empty one."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise ImageReadError(f"{folder}: the folder cannot be read: {error.strerror or error}") from error


def _identity(folder: str) -> Identity | None:
    """What a folder is on the disk, by whatever name; nothing if it is missing."""
    try:
        status = status_of(folder)
    except (OSError, ValueError):
        return None
    return None if status is None else identity_of(status)


def _natural(relative: str) -> tuple[list[list[str | int]], str]:
    """A key that puts 2 before 10, folder by folder, and lets case decide only where nothing else does."""
    return [
        [int(piece) if place % 2 else piece.casefold() for place, piece in enumerate(_DIGITS.split(part))]
        for part in relative.split(os.sep)
    ], relative


def _nothing_found(paths: Sequence[str]) -> str:
    """What is missing."""
    if not paths:
        return "no input: name an image, or - for standard input"
    folders = ", ".join(paths[:3]) + (", ..." if len(paths) > 3 else "")
    return f"{folders}: no image in it or below: in folders they are told by extensions, as .png: name others"
