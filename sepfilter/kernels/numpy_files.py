"""NumPy's files: ``.npy`` with the taps, ``.npz`` with taps or factors.

.npy = an array of real numbers, (kh, kw) or (kw,)
.npz = "kernel", or any single array: taps as in a .npy
     | "columns" (R, kh) and "rows" (R, kw): the kernel is the sum of their outer products
       with "anchor": two whole numbers (y, x), and "offset": one number, if need be

Nothing is unpickled. What a header promises is held against the bytes that are there before an array
is made, and no more than `MAX_FILE_BYTES` is unpacked from a ``.npz``, however much it says it holds.
"""

from __future__ import annotations

import io
import math
import zipfile
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.errors import KernelError
from sepfilter.kernels.arrays import FloatArray
from sepfilter.kernels.exact import MAX_SIDE, ExactFactors, ExactTaps, ExactTerm
from sepfilter.kernels.kernel import Kernel, are_whole
from sepfilter.kernels.kernel_files import MAX_FILE_BYTES
from sepfilter.kernels.npy_header import read_npy_header
from sepfilter.kernels.outer_products import sum_of_outer_products
from sepfilter.kernels.text_taps import check_size, exact_taps

Array = npt.NDArray[Any]

_ZIP_MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06")
_EXTRAS: Final = ("anchor", "offset")
_PACKINGS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def is_npz(content: bytes) -> bool:
    """True for the bytes of a ``.npz`` file, or of any other ZIP archive."""
    return content.startswith(_ZIP_MAGIC)


def kernel_from_npy(content: bytes, name: str) -> Kernel:
    """Read the taps from a ``.npy`` file.

    Parameters
    ----------
    content : bytes
        The whole file.
    name : str
        How errors and reports call the kernel.

    Raises
    ------
    KernelError
        The file is not sound, or its array is not made of real numbers in one or two dimensions.

    Examples
    --------
    >>> kernel_from_npy(kernel_to_npy(Kernel.from_taps([[1, 2]]))[0], "k").taps.tolist()
    [[1.0, 2.0]]
    """
    return _kernel(_array(content, name), name)


def kernel_from_npz(content: bytes, name: str) -> Kernel:
    """Read taps or factors from a ``.npz`` file.

    Parameters
    ----------
    content : bytes
        The whole file.
    name : str
        How errors and reports call the kernel.

    Raises
    ------
    KernelError
        The file is not sound, unpacks to more than 16 MiB, or it is not clear which array is the kernel.

    Examples
    --------
    >>> kernel = Kernel("k", Kernel.from_taps([[1, 2]]).form, (0, 0))
    >>> kernel_from_npz(kernel_to_npz(kernel)[0], "k").anchor
    (0, 0)
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            chosen = _chosen(list(members), name)
            arrays = _unpack(
                archive, {key: members[key] for key in (*chosen, *_EXTRAS) if key in members}, name
            )
    except KernelError:
        raise
    except Exception as error:  # zipfile raises many kinds for archives that are not sound
        reason = " ".join(str(error).split())[:200]
        raise KernelError(f"{name}: not a sound .npz file: {reason}") from None
    if len(chosen) == 1:
        kernel = _kernel(arrays[chosen[0]], name)
    else:
        kernel = _from_factors(arrays["columns"], arrays["rows"], name)
    return Kernel(
        name, kernel.form, _anchor(arrays.get("anchor"), kernel, name), _offset(arrays.get("offset"), name)
    )


def kernel_to_npy(kernel: Kernel) -> tuple[bytes, bool]:
    """Write the taps as a float64 array; anchor and offset are the caller's to check.

    Returns
    -------
    content : bytes
        The whole file.
    rounded : bool
        True where a fraction was rounded to float64.
    """
    file = io.BytesIO()
    np.save(file, kernel.taps, allow_pickle=False)
    return file.getvalue(), _is_rounded(kernel)


def kernel_to_npz(kernel: Kernel) -> tuple[bytes, bool]:
    """Write taps, anchor and offset; the same as `kernel_to_npy` else."""
    return _archive(kernel, {"kernel": kernel.taps}), _is_rounded(kernel)


def factors_to_npz(kernel: Kernel, columns: FloatArray, rows: FloatArray) -> bytes:
    """Write factors, shapes (R, kh) and (R, kw), with anchor and offset."""
    return _archive(kernel, {"columns": columns, "rows": rows})


def _array(content: bytes, name: str, dimensions: tuple[int, ...] = (1, 2)) -> Array:
    """The array in the bytes of a ``.npy`` file, which is never larger than they are."""
    try:
        header = read_npy_header(io.BytesIO(content))
    except ValueError as error:
        reason = " ".join(str(error).split())[:200]
        raise KernelError(f"{name}: not a sound .npy file of numbers: {reason}") from None
    shape, dtype = header.shape, header.dtype
    if dtype.hasobject:
        raise KernelError(f"{name}: holds Python objects, which are never loaded: save an array of numbers")
    if dtype.kind not in "biufc":
        raise KernelError(f"{name}: taps must be real numbers, not {dtype}")
    if len(shape) not in dimensions or min(shape, default=0) < 0:
        raise KernelError(f"{name}: a kernel has rows and columns; this array has shape {shape}")
    check_size(*(shape if len(shape) == 2 else (1, math.prod(shape))), name)
    if not header.fits(len(content)):
        raise KernelError(
            f"{name}: not a sound .npy file of numbers: its header promises {header.promised} bytes of them, "
            f"but {len(content) - header.start} follow"
        )
    return _real(header.array(memoryview(content)[header.start :]), name)


def _real(array: Array, name: str) -> Array:
    """Refuse complex numbers, naming the first that is not real."""
    if array.dtype.kind != "c":
        return array
    rows = array.reshape(-1, array.shape[-1]) if array.ndim and array.size else np.zeros((1, 1))
    imaginary = np.argwhere(rows.imag != 0)
    y, x = imaginary[0].tolist() if len(imaginary) else (0, 0)
    raise KernelError(
        f"{name}: row {y + 1}, column {x + 1}: {rows[y, x]} is complex: taps must be real numbers, "
        f"not {array.dtype}"
    )


def _kernel(array: Array, name: str) -> Kernel:
    """The taps; whole numbers stay exact however large."""
    if array.dtype.kind in "iu" and array.size and max(array.shape) <= MAX_SIDE:
        rows = np.atleast_2d(array).tolist()
        exact = ExactTaps.of([[Fraction(tap) for tap in row] for row in rows])
        return Kernel.from_taps(array, name=name, exact=exact)
    return Kernel.from_taps(array, name=name)


def _chosen(names: list[str], name: str) -> tuple[str, ...]:
    """The arrays that make the kernel."""
    if "kernel" in names:
        return ("kernel",)
    if "columns" in names and "rows" in names:
        return "columns", "rows"
    arrays = [one for one in names if one not in _EXTRAS]
    if len(arrays) == 1:
        return (arrays[0],)
    shown = ", ".join(arrays)[:80] or "none"
    raise KernelError(
        f"{name}: which array is the kernel? It holds {shown}: call one 'kernel', or two 'columns' and 'rows'"
    )


def _unpack(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], name: str) -> dict[str, Array]:
    """Read the arrays named, no more of each than its limit."""
    arrays = {}
    for key, info in members.items():
        where = f"{name}, {key[:40]}"
        if info.compress_type not in _PACKINGS:
            raise KernelError(f"{where}: packed in an unusual way: save it again with numpy.savez")
        with archive.open(info) as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise KernelError(
                f"{where}: unpacks to more than {MAX_FILE_BYTES // 2**20} MiB: that is no kernel"
            )
        arrays[key] = _array(content, where, (0, 1) if key in _EXTRAS else (1, 2))
    return arrays


def _from_factors(columns: Array, rows: Array, name: str) -> Kernel:
    """The sum of outer products of the rows of both arrays."""
    columns, rows = np.atleast_2d(columns), np.atleast_2d(rows)
    if len(columns) != len(rows) or 0 in (*columns.shape, *rows.shape):
        raise KernelError(
            f"{name}: columns of shape {columns.shape} and rows of shape {rows.shape} are no factors: "
            "give both as many lines, at least one"
        )
    with np.errstate(over="ignore"):
        left, right = columns.astype(np.float64), rows.astype(np.float64)
    exact = None
    if are_whole(left) and are_whole(right):
        pairs = zip(left.tolist(), right.tolist(), strict=True)
        exact = ExactFactors(
            tuple(ExactTerm(tuple(map(int, column)), tuple(map(int, row))) for column, row in pairs), 1
        )
    return sum_of_outer_products(left, right, exact, name)


def _anchor(array: Array | None, kernel: Kernel, name: str) -> tuple[int, int]:
    """The anchor as two whole numbers, by default the kernel's own."""
    if array is None:
        return kernel.anchor
    if array.shape != (2,) or array.dtype.kind not in "iu" or array.min() < 0:
        raise KernelError(f"{name}: the anchor is two whole numbers (y, x) from 0, not {array.tolist()}")
    return int(array[0]), int(array[1])


def _offset(array: Array | None, name: str) -> float:
    """The offset as one number, by default 0."""
    if array is None:
        return 0.0
    if array.size != 1:
        raise KernelError(f"{name}: the offset is one number, not an array of shape {array.shape}")
    return float(array.item())


def _archive(kernel: Kernel, arrays: dict[str, FloatArray]) -> bytes:
    """The bytes of a ``.npz`` file with what the kernel is beside its taps."""
    extras: dict[str, Array] = {}
    if kernel.anchor != (kernel.height // 2, kernel.width // 2):
        extras["anchor"] = np.array(kernel.anchor)
    if kernel.offset:
        extras["offset"] = np.array(kernel.offset)
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays, **extras)
    return file.getvalue()


def _is_rounded(kernel: Kernel) -> bool:
    """True where float64 does not hold the fractions exactly."""
    exact = exact_taps(kernel)
    if exact is None:
        return False
    taps = zip(exact.numerators, kernel.taps.tolist(), strict=True)
    return any(
        Fraction(numerator, exact.denominator) != value
        for numerators, values in taps
        for numerator, value in zip(numerators, values, strict=True)
    )
