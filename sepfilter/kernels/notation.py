"""What a KERNEL on the command line or in Python means: the one place that decides.

A KERNEL is, in this order:

1. ``-``: standard input
2. ``@FILE``, or anything with a ``/``: a file; where there is none it may be a preset or text with
   fractions (``sharpen:1/3``, ``1/4 1/2 1/4``)
3. a preset: ``gaussian:3``
4. the name of an existing file
5. text

Bytes, of a file or standard input, are a ``.npy`` or ``.npz`` by how they begin, MATLAB's and
refused likewise, and else text. Text is, in this order:

1. JSON, if it begins with ``[`` or ``{`` (`kernel_json`)
2. a libvips matrix, if the file is called ``.mat`` (`libvips`)
3. G'MIC's, if it stands in parentheses (`gmic`)
4. ImageMagick's, if a colon is in it (`imagemagick`)
5. a libvips matrix, if it fits one and would be ragged as rows
6. rows of numbers (`matrix_text`)

So a ``;`` starts another kernel after ImageMagick's ``WxH:`` only; in a file called ``.csv`` it
separates columns; everywhere else it ends a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy.typing as npt

from sepfilter.errors import KernelError
from sepfilter.kernels.gmic import is_gmic, kernel_from_gmic
from sepfilter.kernels.imagemagick import has_a_size, is_imagemagick, kernels_from_imagemagick
from sepfilter.kernels.json_text import is_json
from sepfilter.kernels.kernel import AnyKernel, Gradient, Kernel
from sepfilter.kernels.kernel_files import check_length, read_kernel_file, text_of
from sepfilter.kernels.kernel_json import kernel_from_json
from sepfilter.kernels.libvips import fits_libvips, kernel_from_libvips
from sepfilter.kernels.matrix_text import looks_like_a_matrix, matrix_from_text
from sepfilter.kernels.numpy_files import is_npy, is_npz, kernel_from_npy, kernel_from_npz
from sepfilter.kernels.preset import nearest
from sepfilter.kernels.presets import PRESETS, named_kernel

MAX_TITLE: Final = 40

_TYPED: Final = "kernel"
"""How errors call what was typed in: its place is told by row and column, not by repeating it."""


def parse_kernel(text: str, *, stdin: Callable[[], bytes] | None = None) -> AnyKernel:
    """Find out what a KERNEL means and build it, see the top of this module.

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
    cascade = parse_cascade(text, stdin=stdin)
    if len(cascade) > 1:
        raise KernelError(
            f"{_title(text)!r}: a list of {len(cascade)} kernels, where one is wanted: parse_cascade takes "
            "a list, and so does -k of apply"
        )
    return cascade[0]


def parse_cascade(text: str, *, stdin: Callable[[], bytes] | None = None) -> tuple[AnyKernel, ...]:
    """Find out what a KERNEL means, which may be a list of kernels that run one after the other.

    Parameters
    ----------
    text : str
        As in `parse_kernel`, or an ImageMagick list such as ``"3x1: 1,2,1; 1x3: 1,2,1"``.
    stdin : callable, optional
        Returns the bytes of standard input; without it ``-`` is refused.

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
    if text == "-":
        if stdin is None:
            raise KernelError("-: no standard input here: give a file or the kernel itself")
        return _from_bytes(stdin(), "stdin", suffix="")
    if text.startswith("@"):
        return _from_file(Path(text[1:]))
    is_preset = text.partition(":")[0].strip().lower() in PRESETS
    if "/" in text and (_is_file(text) or not (is_preset or _reads_as_text(text))):
        return _from_file(Path(text))
    if is_preset:
        return (named_kernel(text),)
    if _is_file(text):
        return _from_file(Path(text))
    if _reads_as_text(text):
        return _titled(_from_text(text, _TYPED), text)
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


def _titled(kernels: tuple[Kernel, ...], text: str) -> tuple[Kernel, ...]:
    """Kernels typed in, called as they were typed unless they have a name of their own."""
    return tuple(
        replace(kernel, name=_title(text) + kernel.name.removeprefix(_TYPED))
        if kernel.name == _TYPED or kernel.name.startswith(f"{_TYPED}, kernel ")
        else kernel
        for kernel in kernels
    )


def _reads_as_text(text: str) -> bool:
    """True for what is meant as the kernel itself, well-formed or not."""
    return is_json(text) or is_gmic(text) or has_a_size(text) or looks_like_a_matrix(text)


def _is_file(text: str) -> bool:
    """True where a file or folder of this name exists."""
    try:
        return bool(text) and Path(text).exists()
    except (OSError, ValueError):  # a name too long or with a NUL byte is none
        return False


def _from_file(path: Path) -> tuple[Kernel, ...]:
    """Read a kernel file."""
    return _from_bytes(read_kernel_file(path), str(path), path.suffix.lower())


def _from_bytes(content: bytes, name: str, suffix: str) -> tuple[Kernel, ...]:
    """Tell NumPy's formats by how they begin; all else is text."""
    check_length(content, name)
    if is_npy(content):
        return (kernel_from_npy(content, name),)
    if is_npz(content):
        return (kernel_from_npz(content, name),)
    return _from_text(text_of(content, name, suffix), name, suffix)


def _from_text(text: str, name: str, suffix: str = "") -> tuple[Kernel, ...]:
    """Tell the notations apart, in the order that the top of this module states."""
    if is_json(text):
        return (kernel_from_json(text, name),)
    if suffix == ".mat":
        return (kernel_from_libvips(text, name),)
    if is_gmic(text):
        return (kernel_from_gmic(text, name),)
    if is_imagemagick(text):
        return kernels_from_imagemagick(text, name)
    if fits_libvips(text):
        return (kernel_from_libvips(text, name),)
    return (matrix_from_text(text, name=name, columns_by_semicolon=suffix == ".csv"),)
