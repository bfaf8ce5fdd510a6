"""A file without a name until it is complete: what kills the process takes the unfinished file away too."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedWriter, FileIO, UnsupportedOperation
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

Times = tuple[int, int]
"""When a file was last read and last changed, in nanoseconds since 1970."""

_USUAL_MODE: Final = 0o666
"""Before the user's umask."""


class CompleteWriter(BufferedWriter):
    """A file for writing that keeps its descriptor to itself.

    Encoders that find a descriptor write to it on their own, and those of Pillow and NumPy take a
    short write, which is how a disk fills up, for a whole one. Without it they come through here,
    where every byte is written or an error is raised.

    Examples
    --------
    >>> with CompleteWriter(FileIO(os.devnull, "w")) as file:
    ...     file.write(b"abc")
    3
    """

    def __init__(self, raw: FileIO) -> None:
        super().__init__(raw)
        self.descriptor: Final = raw.fileno()

    def fileno(self) -> NoReturn:
        """Say that there is none.

        Raises
        ------
        UnsupportedOperation
            Always.
        """
        raise UnsupportedOperation("this file is written by its own methods only")


@contextmanager
def written_apart(target: Path, *, overwrite: bool, times: Times | None = None) -> Iterator[BinaryIO]:
    """Open a file that gets the name `target` once the block ended well and its bytes are on the disk.

    Where the system has files without a name, the unfinished one is such a file. Elsewhere it is a
    hidden one beside the target, removed whatever exception comes.

    Parameters
    ----------
    target : Path
        An absolute path without symbolic links. What is replaced there gives the new file its
        permissions and, as far as the user may, its owner.
    overwrite : bool
        Replace what stands at `target`.
    times : (int, int), optional
        Access and modification time, in nanoseconds since 1970.

    Yields
    ------
    file object
        Open for writing bytes.

    Raises
    ------
    FileExistsError
        Something stands at `target` at the end, and `overwrite` is False.
    OSError
        The folder or the disk refuses.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp(), "a.bin").resolve()
    >>> with written_apart(target, overwrite=False) as file:
    ...     _ = file.write(b"abc")
    ...     target.exists()
    False
    >>> target.read_bytes()
    b'abc'
    """
    spare = str(target.with_name(f".sepfilter-{os.urandom(8).hex()}.tmp"))
    try:
        nameless = open_nameless(target.parent)
        if nameless is not None:
            with nameless as file:
                yield file
                file.flush()  # later bytes would change the time
                _dress(file.descriptor, target, times)
                _complete(file)
                _give_name(file, spare, target, overwrite=overwrite)
        else:
            with _open_named(spare, target) as file:
                yield file
                _complete(file)
            _dress(spare, target, times)
            _rename(spare, target, overwrite=overwrite)
        _sync_folder(target.parent)
    finally:
        # A call of C, and nothing before it: a signal's exception cannot come in between.
        try:  # noqa: SIM105
            os.unlink(spare)  # noqa: PTH108
        except OSError:
            pass


def open_nameless(folder: Path) -> CompleteWriter | None:
    """Open a file that has no name yet, in a folder's file system, where that can be.

    Only Linux has such files, on most file systems, and only ``/proc`` lets one be named later.

    Parameters
    ----------
    folder : Path
        Where the name will be.

    Returns
    -------
    CompleteWriter or None
        None where there are no such files, or the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> file = open_nameless(Path(tempfile.gettempdir()))
    >>> if file:
    ...     file.close()
    """
    flag = getattr(os, "O_TMPFILE", 0)
    if not flag:
        return None
    try:
        raw = FileIO(folder, "w", opener=lambda path, _: os.open(path, flag | os.O_WRONLY, _USUAL_MODE))
    except OSError:  # whatever the reason: if it holds for named files too, those tell it better
        return None
    file = CompleteWriter(raw)
    if os.path.lexists(_shown_as(file)):
        return file
    file.close()
    return None


def _shown_as(file: CompleteWriter) -> str:
    """Where Linux shows an open file, named or not."""
    return f"/proc/self/fd/{file.descriptor}"


def _open_named(spare: str, target: Path) -> CompleteWriter:
    """A new file that nobody may read who may not read the one it replaces."""
    mode = _USUAL_MODE
    with suppress(OSError):
        mode = stat.S_IMODE(target.stat().st_mode) | stat.S_IWUSR
    return CompleteWriter(FileIO(spare, "x", opener=lambda path, flags: os.open(path, flags, mode)))


def _complete(file: CompleteWriter) -> None:
    """Learn now, while the old file stands, of errors that only show when the disk is reached."""
    file.flush()
    os.fsync(file.descriptor)


def _dress(file: int | str, target: Path, times: Times | None) -> None:
    """Give a file, by descriptor or name, the permissions of what it replaces and the times asked for."""
    with suppress(FileNotFoundError):
        os.chmod(file, stat.S_IMODE(target.stat().st_mode))  # noqa: PTH101
    if times:
        os.utime(file, ns=times)


def _give_name(file: CompleteWriter, spare: str, target: Path, *, overwrite: bool) -> None:
    """Name a nameless file. Nothing replaces by linking, so that takes a second name for a moment."""
    try:
        _link(file, str(target))
    except FileExistsError:
        if not overwrite:
            raise
        owners = _owners_to_keep(target, os.fstat(file.descriptor))
        _link(file, spare)  # a kill between these two would leave the second name: nothing else is done here
        _replace(spare, target, owners)


def _link(file: CompleteWriter, path: str) -> None:
    """Give a nameless file an absolute path, unless something stands there.

    The folder's descriptor does not matter to an absolute path; with one Python follows the link.
    """
    os.link(_shown_as(file), path, dst_dir_fd=file.descriptor, follow_symlinks=True)


def _rename(spare: str, target: Path, *, overwrite: bool) -> None:
    """Move a file to its target, which a link cannot replace by accident, as a rename can."""
    if not overwrite:
        try:
            os.link(spare, target)
        except FileExistsError:
            raise
        except OSError:  # no second names in this file system
            if os.path.lexists(target):
                raise FileExistsError(f"{target} was made meanwhile") from None
        else:
            return  # the spare name is removed by the caller
    _replace(spare, target, _owners_to_keep(target, os.stat(spare)))  # noqa: PTH116


def _owners_to_keep(target: Path, new: os.stat_result) -> list[tuple[int, int]]:
    """What `chown` is to be told, one at a time as users may give away groups but not files."""
    owners = []
    with suppress(FileNotFoundError):
        old = target.lstat()
        if old.st_gid != new.st_gid:
            owners.append((-1, old.st_gid))
        if old.st_uid != new.st_uid:
            owners.append((old.st_uid, -1))
    return owners


def _replace(spare: str, target: Path, owners: list[tuple[int, int]]) -> None:
    """Take the place of a file; its owner last of all, as what is given away may not be changed."""
    for owner, group in owners:
        with suppress(OSError):
            os.chown(spare, owner, group)
    os.replace(spare, target)  # noqa: PTH105


def _sync_folder(folder: Path) -> None:
    """Have the name on the disk too, where the system can; the content already is."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
