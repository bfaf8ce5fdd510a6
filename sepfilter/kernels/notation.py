"""What a KERNEL on the command line or in Python means: the one place that decides.

A KERNEL is, in this order:

1. ``-``: standard input
2. ``@FILE``, or anything with a ``/``: a file; where there is none it may be a preset or text with
   fractions (``sharpen:1/3``, ``1/4 1/2 1/4``)
3. a preset: ``gaussian:3``
4. the name of an existing file
5. text

What files and text hold is told apart in `kernel_content`, which presets do without: most runs never load it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy.typing as npt

from sepfilter.errors import KernelError
from sepfilter.kernels.kernel import AnyKernel, Gradient, Kernel
from sepfilter.kernels.preset import nearest
from sepfilter.kernels.presets import PRESETS, named_kernel

MAX_TITLE: Final = 40

_TYPED: Final = "kernel"
"""How errors call what was typed in: its place is told by row and column, not by repeating it."""


def parse_kernel(
    text: str, *, stdin: Callable[[], bytes] | None = None, folder: Path | None = None
) -> AnyKernel:
    """Find out what a KERNEL means and build it, see the top of this module.

    Parameters
    ----------
    text : str
        ``"gaussian:3"``, ``"edge.csv"``, ``"0 -1 0; -1 5 -1; 0 -1 0"``, ``"[[1, 2, 1]]"``, ...
    stdin : callable, optional
        Returns the bytes of standard input; without it ``-`` is refused.
    folder : Path, optional
        As in `parse_cascade`.

    Returns
    -------
    Kernel or Gradient
        A Gradient for ``sobel``, ``scharr``, ``prewitt`` and ``roberts`` alone.

    Raises
    ------
    KernelError
        Nothing of that name exists, the kernel is malformed, or it is a list of several.

    See Also
    --------
    parse_cascade : takes lists too.

    Examples
    --------
    >>> parse_kernel("gaussian:3").width
    25
    >>> parse_kernel("1 2 1; 2 4 2; 1 2 1").sum
    16.0
    """
    cascade = parse_cascade(text, stdin=stdin, folder=folder)
    if len(cascade) > 1:
        raise KernelError(
            f"{_title(text)!r}: a list of {len(cascade)} kernels, where one is wanted: parse_cascade takes "
            "a list, and so does -k of apply"
        )
    return cascade[0]


def parse_cascade(
    text: str, *, stdin: Callable[[], bytes] | None = None, folder: Path | None = None
) -> tuple[AnyKernel, ...]:
    """Find out what a KERNEL means, which may be a list of kernels that run one after the other.

    Parameters
    ----------
    text : str
        As in `parse_kernel`, or an ImageMagick list such as ``"3x1: 1,2,1; 1x3: 1,2,1"``.
    stdin : callable, optional
        Returns the bytes of standard input; without it ``-`` is refused.
    folder : Path, optional
        Where files are looked up, for a KERNEL that stands in a file itself: only regular files are read
        then, as reading others may never end. Unless given, where the program runs.

    Returns
    -------
    tuple of Kernel or Gradient
        In the order in which they run, at least one.

    Raises
    ------
    KernelError
        Nothing of that name exists, or the kernel is malformed.

    Examples
    --------
    >>> [kernel.width for kernel in parse_cascade("3x1: 1,2,1; 1x3: 1,2,1")]
    [3, 1]
    """
    is_there = _exists if folder is None else _is_regular
    path = (folder or Path()) / text.removeprefix("@")
    if is_preset(text) and not ("/" in text and is_there(path)):
        return (named_kernel(text),)
    from sepfilter.kernels.kernel_content import from_bytes, from_file, from_text, reads_as_text

    if text == "-":
        if stdin is None:
            raise KernelError("-: no standard input here: give a file or the kernel itself")
        return from_bytes(stdin(), "stdin", suffix="")
    if text.startswith("@") or (text and is_there(path)) or ("/" in text and not reads_as_text(text)):
        if folder is not None and not is_there(path):
            raise KernelError(f"{path}: there is no such file")
        return from_file(path)
    if reads_as_text(text):
        return _titled(from_text(text, _TYPED), text)
    raise KernelError(
        f"{text[:80]!r}: no kernel or file of that name"
        + (
            nearest(text.partition(":")[0], list(PRESETS))
            or (f": files are looked up in {folder}" if folder is not None else "")
            or ": give a preset (sepfilter kernels lists them), a file, or rows as '1 2 1; 2 4 2'"
        )
    )


def is_preset(text: str) -> bool:
    """True for a preset's name, with or without parameters."""
    return text.partition(":")[0].strip().lower() in PRESETS


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


def _titled(kernels: tuple[Kernel, ...], text: str) -> tuple[Kernel, ...]:
    """Kernels typed in, called as they were typed unless they have a name of their own."""
    return tuple(
        replace(kernel, name=_title(text) + kernel.name.removeprefix(_TYPED))
        if kernel.name == _TYPED or kernel.name.startswith(f"{_TYPED}, kernel ")
        else kernel
        for kernel in kernels
    )


def _exists(path: Path) -> bool:
    """True where there is a file or folder."""
    try:
        return path.exists()
    except (OSError, ValueError):  # a name too long or with a NUL byte is none
        return False


def _is_regular(path: Path) -> bool:
    """True for a regular file."""
    return _exists(path) and path.is_file()
