"""What a KERNEL on the command line or in Python means: a preset, a file, text or an array."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from sepfilter.errors import KernelError
from sepfilter.kernels.kernel import AnyKernel, Gradient, Kernel
from sepfilter.kernels.matrix_text import looks_like_a_matrix, matrix_from_text
from sepfilter.kernels.preset import nearest
from sepfilter.kernels.presets import PRESETS, named_kernel

MAX_TITLE: Final = 40

MAX_FILE_BYTES: Final = 16 * 2**20
_NPY_MAGIC: Final = b"\x93NUMPY"


def parse_kernel(text: str, *, stdin: Callable[[], bytes] | None = None) -> AnyKernel:
    """Find out what a KERNEL means and build it.

    In this order: ``-`` is standard input; ``@FILE`` and anything with a ``/`` in it is a file
    (unless no such file exists and it reads as numbers: ``1/4 1/2 1/4``); a preset; an existing
    file; a matrix as text.

    Parameters
    ----------
    text : str
        ``"gaussian:3"``, ``"edge.csv"``, ``"0 -1 0; -1 5 -1; 0 -1 0"``, ``"[[1, 2, 1]]"``, ...
    stdin : callable, optional
        Returns the bytes of standard input; without it ``-`` is refused.

    Returns
    -------
    Kernel or Gradient
        A Gradient for ``sobel``, ``scharr``, ``prewitt`` and ``roberts`` alone.

    Raises
    ------
    KernelError
        Nothing of that name exists, or the matrix is malformed.

    Examples
    --------
    >>> parse_kernel("gaussian:3").width
    25
    >>> parse_kernel("1 2 1; 2 4 2; 1 2 1").sum
    16.0
    """
    if text == "-":
        if stdin is None:
            raise KernelError("-: no standard input here: give a file or the kernel itself")
        return _from_bytes(stdin(), "stdin", suffix="")
    if text.startswith("@"):
        return _from_file(Path(text[1:]))
    if "/" in text and (_is_file(text) or not looks_like_a_matrix(text)):
        return _from_file(Path(text))
    if text.partition(":")[0].strip().lower() in PRESETS:
        return named_kernel(text)
    if _is_file(text):
        return _from_file(Path(text))
    if looks_like_a_matrix(text):
        return replace(matrix_from_text(text, name="kernel"), name=_title(text))
    raise KernelError(
        f"{text[:80]!r}: no kernel or file of that name"
        + (
            nearest(text.partition(":")[0], list(PRESETS))
            or ": give a preset (sepfilter kernels lists them), a file, or rows as '1 2 1; 2 4 2'"
        )
    )


def as_kernel(kernel: AnyKernel | str | npt.ArrayLike) -> AnyKernel:
    """Take a kernel in any form that Python code may give it.

    Parameters
    ----------
    kernel : Kernel, Gradient, str or array-like
        Strings go through `parse_kernel`; arrays and nested lists are taps, shape (kh, kw).

    Examples
    --------
    >>> as_kernel([[1, 2, 1]]).width
    3
    """
    if isinstance(kernel, (Kernel, Gradient)):
        return kernel
    if isinstance(kernel, str):
        return parse_kernel(kernel)
    return Kernel.from_taps(kernel)


def _title(text: str) -> str:
    """How a kernel typed in is called in reports: as it was typed, unless that is long."""
    typed = " ".join(text.split())
    return typed if len(typed) <= MAX_TITLE else f"{typed[: MAX_TITLE - 3]}..."


def _is_file(text: str) -> bool:
    """True where a file or folder of this name exists."""
    try:
        return bool(text) and Path(text).exists()
    except (OSError, ValueError):  # a name too long or with a NUL byte is none
        return False


def _from_file(path: Path) -> Kernel:
    """Read a kernel file, at most `MAX_FILE_BYTES` of it."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise KernelError(f"{path}: the kernel file cannot be read: {reason}") from None
    return _from_bytes(content, str(path), path.suffix.lower())


def _from_bytes(content: bytes, name: str, suffix: str) -> Kernel:
    """Tell NumPy's format by its magic; all else is text."""
    if len(content) > MAX_FILE_BYTES:
        raise KernelError(f"{name}: larger than {MAX_FILE_BYTES // 2**20} MiB: that is no kernel")
    if content.startswith(_NPY_MAGIC):
        return _from_npy(content, name)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise KernelError(f"{name}: not a kernel file: neither UTF-8 text nor .npy") from None
    return matrix_from_text(text, name=name, columns_by_semicolon=suffix == ".csv")


def _from_npy(content: bytes, name: str) -> Kernel:
    """Read a `.npy` array of numbers; pickled objects are refused."""
    try:
        taps = np.load(io.BytesIO(content), allow_pickle=False)
    except Exception as error:  # a header is parsed as Python, which fails in many ways
        reason = " ".join(str(error).split())[:200]
        raise KernelError(f"{name}: not a sound .npy file of numbers: {reason}") from None
    return Kernel.from_taps(taps, name=name)
