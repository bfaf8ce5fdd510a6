"""Where the bytes of an output go: a file that appears when it is complete, or standard output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import BinaryIO, cast

from sepfilter.errors import ImageReadError, ImageWriteError, OptionError
from sepfilter.images.paths.inputs import STANDARD_STREAM
from sepfilter.images.paths.targets import Target
from sepfilter.results import Writing
from sepfilter.safe_write import make_folder, replacing
from sepfilter.temporary_file import Times


@contextmanager
def destination(target: Target, path: str, writing: Writing, stdout: BinaryIO | None) -> Iterator[BinaryIO]:
    """Open an output.

    Parameters
    ----------
    target : Target
        A file or standard output. What was written to the latter before an error stays written.
    path : str
        The input, whose modification time the output may get.
    writing : Writing
        What may be replaced.
    stdout : binary file, optional
        Standard output.

    Raises
    ------
    ImageWriteError, OutputExistsError
        The file, its folder or the stream cannot be written.
    """
    if target.is_stdout:
        with _stream(stdout) as file:
            yield file
        return
    if target.folder_to_make is not None:
        make_folder(Path(target.folder_to_make))
    times = None
    if writing.keep_time and path != STANDARD_STREAM:
        times = _times_of(path)
    with replacing(target.path, overwrite=writing.overwrite or writing.in_place, times=times) as file:
        yield file


def _times_of(path: str) -> Times:
    """When an input was last read and changed."""
    try:
        status = Path(path).stat()
    except OSError as error:
        raise ImageReadError(f"{path}: cannot be read: {error.strerror or error}") from error
    return status.st_atime_ns, status.st_mtime_ns


@contextmanager
def _stream(stdout: BinaryIO | None) -> Iterator[BinaryIO]:
    """Standard output, whose errors are ours; a reader gone away is no error."""
    if stdout is None:
        raise OptionError("-o -: there is no standard output: give a file")
    try:
        yield cast("BinaryIO", _Written(stdout))
        stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        if isinstance(error, ImageWriteError):
            raise
        raise ImageWriteError(f"standard output cannot be written: {error.strerror or error}") from error


@dataclass(slots=True, eq=False)
class _Written(RawIOBase):
    """A stream that encoders can only write to: neither seek in nor reach around."""

    stream: BinaryIO

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Pass bytes on, all of them: an unbuffered stream may take some at a time."""
        content = memoryview(data).cast("B")
        sent = 0
        while sent < len(content):
            sent += self.stream.write(content[sent:])
        return sent
