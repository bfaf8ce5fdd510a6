"""What a kernel file, standard input or text holds: which of the notations it is in.

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

from pathlib import Path

from sepfilter.kernels.gmic import is_gmic, kernel_from_gmic
from sepfilter.kernels.imagemagick import has_a_size, is_imagemagick, kernels_from_imagemagick
from sepfilter.kernels.json_text import is_json
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.kernel_files import check_length, read_kernel_file, text_of
from sepfilter.kernels.kernel_json import kernel_from_json
from sepfilter.kernels.libvips import fits_libvips, kernel_from_libvips
from sepfilter.kernels.matrix_text import looks_like_a_matrix, matrix_from_text
from sepfilter.kernels.npy_header import is_npy
from sepfilter.kernels.numpy_files import is_npz, kernel_from_npy, kernel_from_npz


def reads_as_text(text: str) -> bool:
    """True for what is meant as the kernel itself, well-formed or not."""
    return is_json(text) or is_gmic(text) or has_a_size(text) or looks_like_a_matrix(text)


def from_file(path: Path) -> tuple[Kernel, ...]:
    """Read a kernel file.

    Raises
    ------
    KernelError
        It cannot be read, or holds no kernel.
    """
    return from_bytes(read_kernel_file(path), str(path), path.suffix.lower())


def from_bytes(content: bytes, name: str, suffix: str) -> tuple[Kernel, ...]:
    """Tell NumPy's formats by how they begin; all else is text.

    Parameters
    ----------
    content : bytes
        Of a file or standard input.
    name : str
        How it is called in messages.
    suffix : str
        Of the file, in lower case; empty where there is none.
    """
    check_length(content, name)
    if is_npy(content):
        return (kernel_from_npy(content, name),)
    if is_npz(content):
        return (kernel_from_npz(content, name),)
    return from_text(text_of(content, name, suffix), name, suffix)


def from_text(text: str, name: str, suffix: str = "") -> tuple[Kernel, ...]:
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
