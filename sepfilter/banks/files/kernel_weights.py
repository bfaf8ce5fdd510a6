"""Kernels and matrices in the notations that ``-k`` takes, as weights of layers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from sepfilter.banks.files.error_text import shown, told
from sepfilter.banks.files.nested_numbers import is_number, nested_numbers
from sepfilter.errors import BankError
from sepfilter.kernels.arrays import FloatArray
from sepfilter.kernels.kernel import AnyKernel, Gradient, Kernel
from sepfilter.kernels.kernel_content import from_file, from_text
from sepfilter.kernels.notation import is_preset, parse_cascade, parse_kernel

MOST_WEIGHTS: Final = 2**26
"""Of a layer that is given by kernels: 512 MiB as float64."""

_Found = TypeVar("_Found", bound=AnyKernel)


def kernel_of(value: Any, folder: Path) -> Kernel:
    """Read one kernel of a bank file.

    Parameters
    ----------
    value : str, list or dict
        A preset, the name of a file, text such as ``"1 2 1; 2 4 2"``; rows of numbers; ``{"file": ...}``,
        or an object as a JSON kernel has it.
    folder : Path
        Where names of files are looked up: the bank file's.

    Raises
    ------
    BankError
        It is no single kernel with its anchor in the middle.
    """
    with told(f"kernel {shown(value)}" if isinstance(value, str) else "kernel"):
        return _centred(_any_kernel(value, folder))


def is_taps(value: Any) -> bool:
    """True for a kernel given by numbers: a row, or rows."""
    while isinstance(value, list) and value and isinstance(value[0], list):
        if len(value[0]) and isinstance(value[0][0], list):
            return False
        value = value[0]
    return isinstance(value, list) and bool(value) and is_number(value[0])


def stacked(kernels: Sequence[Sequence[Kernel]]) -> tuple[FloatArray, FloatArray | None]:
    """Weights and bias of a depthwise layer; smaller kernels lie about the middle of the largest.

    Parameters
    ----------
    kernels : sequence of sequences of Kernel
        For each channel as many.

    Returns
    -------
    weights : ndarray
        Shape (C, m, kh, kw).
    bias : ndarray or None
        The offsets of the kernels, shape (C * m,); None where all are 0.

    Raises
    ------
    BankError
        The channels have different numbers of kernels, or there are too many taps.
    """
    multiplier = len(kernels[0])
    for place, channel in enumerate(kernels, 1):
        if len(channel) != multiplier:
            raise BankError(
                f"kernels: {len(channel)} for channel {place} and {multiplier} for the first: "
                "give as many for each channel"
            )
    every = [kernel for channel in kernels for kernel in channel]
    height, width = max(one.height for one in every), max(one.width for one in every)
    if len(every) * height * width > MOST_WEIGHTS:
        raise BankError(
            f"kernels: {len(every):,} of {height:,} x {width:,} taps: at most {MOST_WEIGHTS:,} taps are taken"
        )
    weights = np.zeros((len(every), height, width))
    for target, kernel in zip(weights, every, strict=True):
        top, left = height // 2 - kernel.anchor[0], width // 2 - kernel.anchor[1]
        target[top : top + kernel.height, left : left + kernel.width] = kernel.taps
    offsets = np.array([kernel.offset for kernel in every])
    return weights.reshape(len(kernels), multiplier, height, width), offsets if offsets.any() else None


def matrix_of(value: Any, folder: Path) -> FloatArray:
    """Read the matrix of a pointwise layer: nested numbers, text as ``"0.3 0.6 0.1; 1 0 0"``, or a file.

    Raises
    ------
    BankError
        It is no matrix.
    """
    with told("matrix"):
        if isinstance(value, list):
            return np.atleast_2d(nested_numbers(value))
        if isinstance(value, str) and is_preset(value):
            raise BankError(
                f"{shown(value)}: a kernel, not a matrix: give rows of numbers, as '0.3 0.6 0.1; 1 0 0'"
            )
        kernel = _any_kernel(value, folder)
        if isinstance(kernel, Gradient) or kernel.offset:
            raise BankError(f"{shown(value)}: more than a matrix: give rows of numbers alone")
        return kernel.taps


def weights_of(value: Any, folder: Path) -> FloatArray:
    """Read weights in the layer's own layout: nested numbers, or ``{"file": "w.npy"}``.

    Raises
    ------
    BankError
        They are no array of numbers.
    """
    if not isinstance(value, dict):
        return nested_numbers(value)
    from sepfilter.banks.files.npy_arrays import array_of_npy
    from sepfilter.banks.files.source import MOST_BYTES, read_up_to
    from sepfilter.kernels.npy_header import is_npy

    path = _named_file(value, folder)
    content = read_up_to(path, MOST_BYTES, str(path), "keep the weights in .npz or .safetensors")
    return array_of_npy(content, str(path)) if is_npy(content) else _one(from_file(path)).taps


def kernel_of_shell(text: str, stdin: Callable[[], bytes] | None) -> Kernel:
    """Read one kernel of the command line.

    Raises
    ------
    BankError
        It is no single kernel with its anchor in the middle.
    """
    with told(f"--depthwise {shown(text)}"):
        return _centred(parse_kernel(text, stdin=stdin))


def matrix_of_shell(text: str, stdin: Callable[[], bytes] | None) -> FloatArray:
    """Read the matrix of the command line, or from the file or standard input that it names.

    Raises
    ------
    BankError
        It is no matrix.
    """
    with told(f"--pointwise {shown(text)}"):
        found = None if is_preset(text) else parse_kernel(text, stdin=stdin)
        if not isinstance(found, Kernel) or found.offset:
            raise BankError("no matrix: give rows of numbers, as '0.3 0.6 0.1; 1 0 0', or a file with them")
        return found.taps


def _any_kernel(value: Any, folder: Path) -> AnyKernel:
    """A kernel in any of its notations."""
    if isinstance(value, list):
        return Kernel.from_taps(nested_numbers(value))
    if isinstance(value, dict):
        if "file" in value:
            return _one(from_file(_named_file(value, folder)))
        try:
            text = json.dumps(value)
        except TypeError:
            raise BankError("holds what is neither text nor a number") from None
        return _one(from_text(text, "kernel"))
    if not isinstance(value, str):
        raise BankError(f'{shown(value)}: give a preset, rows of numbers, or {{"file": "k.csv"}}')
    return _one(parse_cascade(value, folder=folder))


def _centred(kernel: AnyKernel) -> Kernel:
    """The kernel, if a layer can have it."""
    if isinstance(kernel, Gradient):
        raise BankError(
            "a magnitude of two derivatives, which no layer computes: "
            f"give {kernel.name}-x or {kernel.name}-y"
        )
    if kernel.anchor != (kernel.height // 2, kernel.width // 2):
        raise BankError(
            f"its anchor {kernel.anchor} is not the middle, {(kernel.height // 2, kernel.width // 2)}: "
            "surround the taps with zeros until it is"
        )
    return kernel


def _one(kernels: Sequence[_Found]) -> _Found:
    """The kernel of a list of one."""
    if len(kernels) != 1:
        raise BankError(f"a list of {len(kernels)} kernels, where one is wanted")
    return kernels[0]


def _named_file(value: dict[str, Any], folder: Path) -> Path:
    """The file that an object names."""
    name = value.get("file")
    if len(value) != 1 or not isinstance(name, str) or not name:
        raise BankError('an object that is not {"file": "NAME"} alone: give one, or numbers')
    return _regular(folder / name)


def _regular(path: Path) -> Path:
    """The path, unless reading it may never end."""
    if not _is_file(path):
        raise BankError(f"{path}: there is no such file")
    return path


def _is_file(path: Path) -> bool:
    """True for a regular file."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long or with a NUL byte is none
        return False
