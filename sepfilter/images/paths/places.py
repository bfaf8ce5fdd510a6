"""Where the path of an output leads on the disk: links followed, what is there, what is missing."""

from __future__ import annotations

import errno
import os
import stat
import unicodedata
from dataclasses import dataclass, field
from typing import Final

from sepfilter.errors import ImageWriteError
from sepfilter.values import value

# A batch may have a hundred thousand paths, and pathlib takes several times as long as os.path.
# ruff: noqa: PTH114, PTH116

Identity = tuple[int, int]
"""Device and inode: the same for all names of a file."""

Key = tuple[Identity, str]
"""An existing folder, and a path below it that is the same for all spellings some disk takes for one."""

_USUAL_NAME_BYTES: Final = 255


@value
class Folder:
    """The folder of an output, which may be missing in part.

    Attributes
    ----------
    real : str
        The nearest folder on the way to it that exists, without links.
    missing : tuple of str
        The folders between `real` and the folder itself; empty where it exists.
    identity : (int, int)
        Device and inode of `real`.
    is_folder : bool
        `real` is a folder, not a file.
    writable : bool
        Files can be made in `real`.
    name_bytes : int
        How long a name may be there.
    """

    real: str
    missing: tuple[str, ...]
    identity: Identity
    is_folder: bool
    writable: bool
    name_bytes: int

    def key_below(self, *names: str) -> Key:
        """What stands below `real`."""
        return self.identity, _folded("/".join(names))

    @property
    def keys_to_make(self) -> list[Key]:
        """Keys of the folders that are missing."""
        return [self.key_below(*self.missing[:count]) for count in range(1, len(self.missing) + 1)]


@value
class Place:
    """What a path leads to.

    Attributes
    ----------
    path : str
        As it was given.
    folder : Folder
        Where the file is or will be, behind links.
    name : str
        Its name there.
    key : Key
        Equal for paths that some disk would take for one, by case or by Unicode normalization.
    status : os.stat_result or None
        Of what is there now.
    """

    path: str
    folder: Folder
    name: str
    key: Key
    status: os.stat_result | None

    @property
    def identity(self) -> Identity | None:
        """Device and inode of what is there now."""
        return None if self.status is None else identity_of(self.status)

    @property
    def is_file(self) -> bool:
        """True for a regular file, which has a content to lose."""
        return self.status is not None and stat.S_ISREG(self.status.st_mode)

    @property
    def is_folder(self) -> bool:
        """True for a folder."""
        return self.status is not None and stat.S_ISDIR(self.status.st_mode)

    @property
    def is_special(self) -> bool:
        """True for a device, a pipe or a socket: written directly, and never replaced."""
        return self.status is not None and not self.is_file and not self.is_folder

    def check_name(self) -> None:
        """Refuse a name that the disk cannot take.

        Raises
        ------
        ImageWriteError
            It is too long, or a folder that has to be made for it has too long a name.
        """
        for name in (*self.folder.missing, self.name):
            if len(os.fsencode(name)) > self.folder.name_bytes:
                raise _too_long(self.path, f" ({self.folder.name_bytes} bytes at most)")

    def check_writable(self) -> None:
        """Refuse a place where no file can be made.

        Raises
        ------
        ImageWriteError
            Its folder is a file or not writable; or it is a device or a pipe that is not.
        """
        folder = self.folder
        if self.is_special:
            if not os.access(self.path, os.W_OK):
                raise ImageWriteError(f"{self.path}: cannot be written: permission denied")
        elif not folder.is_folder:
            raise ImageWriteError(f"{self.path}: cannot be written: {folder.real} is a file, not a folder")
        elif not folder.writable:
            raise ImageWriteError(
                f"{self.path}: cannot be written: the folder {folder.real} is not writable: choose another"
            )


@dataclass(slots=True)
class Places:
    """Looks paths up, and folders only once."""

    _folders: dict[str, Folder] = field(default_factory=dict)

    def of(self, path: str) -> Place:
        """Look at what a path leads to.

        Raises
        ------
        ImageWriteError
            It is no path that a file could have.
        """
        try:
            status = status_of(path)
            parent, name = os.path.split(os.path.realpath(path) if os.path.islink(path) else path)
            if parent not in self._folders:
                self._folders[parent] = _looked_at(parent)
        except ValueError as error:  # a NUL, or characters that no name can have
            raise ImageWriteError(f"{path!r}: is no name for a file") from error
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise _too_long(path, "") from error
            raise ImageWriteError(f"{path}: cannot be written: {error.strerror or error}") from error
        folder = self._folders[parent]
        return Place(path, folder, name, folder.key_below(*folder.missing, name), status)


def identity_of(status: os.stat_result) -> Identity:
    """Device and inode."""
    return status.st_dev, status.st_ino


def status_of(path: str) -> os.stat_result | None:
    """What is there; nothing too where a closed folder hides it.

    Raises
    ------
    OSError
        For any other reason than that nothing is there.
    ValueError
        No file can have such a name.
    """
    try:
        return os.stat(path)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None


def _looked_at(folder: str) -> Folder:
    """The nearest existing folder, and what it allows."""
    real = os.path.realpath(folder)
    missing: list[str] = []
    while (status := status_of(real)) is None:
        real, name = os.path.split(real)
        missing.insert(0, name)
    is_folder = stat.S_ISDIR(status.st_mode)
    return Folder(
        real,
        tuple(missing),
        identity_of(status),
        is_folder,
        writable=is_folder and os.access(real, os.W_OK | os.X_OK),
        name_bytes=_name_bytes(real),
    )


def _name_bytes(folder: str) -> int:
    """How long a name may be in a folder, where the system tells."""
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):
        return _USUAL_NAME_BYTES


def _folded(path: str) -> str:
    """A path without its case and its way of composing characters (Unicode's canonical caseless match)."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())


def _too_long(path: str, limit: str) -> ImageWriteError:
    """What to do about a long name."""
    return ImageWriteError(f"{path}: cannot be written: the name is too long{limit}: choose a shorter one")
