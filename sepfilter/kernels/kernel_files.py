"""The bytes of kernel files: a limit, what is text, and what is somebody else's format."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sepfilter.errors import KernelError

MAX_FILE_BYTES: Final = 16 * 2**20

_MATLAB_MAGIC: Final = (b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file")
_HDF5_MAGIC: Final = b"\x89HDF\r\n\x1a\n"
_HDF5_OFFSET: Final = 512


def read_kernel_file(path: Path) -> bytes:
    """Read a file, at most a byte more than `MAX_FILE_BYTES` of it.

    Raises
    ------
    KernelError
        It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise KernelError(f"{path}: the kernel file cannot be read: {reason}") from None


def check_length(content: bytes, name: str) -> None:
    """Refuse what is longer than any kernel.

    Raises
    ------
    KernelError
        There is more than `MAX_FILE_BYTES` of it.
    """
    if len(content) > MAX_FILE_BYTES:
        raise KernelError(f"{name}: larger than {MAX_FILE_BYTES // 2**20} MiB: that is no kernel")


def text_of(content: bytes, name: str, suffix: str) -> str:
    """Decode a kernel in text.

    Parameters
    ----------
    content : bytes
        The whole file.
    name : str
        How errors call it.
    suffix : str
        Of the file, in lower case: MATLAB's older files are told by it alone.

    Raises
    ------
    KernelError
        It is MATLAB's binary format, or no UTF-8 text.

    Examples
    --------
    >>> text_of(b"1 2 1", "k", ".txt")
    '1 2 1'
    """
    is_hdf5 = content[:8] == _HDF5_MAGIC or content[_HDF5_OFFSET:][:8] == _HDF5_MAGIC
    if content.startswith(_MATLAB_MAGIC) or is_hdf5 or (suffix == ".mat" and b"\0" in content[:20]):
        raise KernelError(
            f"{name}: MATLAB's binary format is not read: in MATLAB, writematrix(kernel, 'kernel.csv') "
            "writes one that is"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise KernelError(f"{name}: not a kernel file: neither UTF-8 text nor .npy or .npz") from None
