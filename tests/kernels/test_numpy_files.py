"""`.npy` and `.npz` files: round trips, and files made to do harm."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.errors import KernelError
from sepfilter.kernels.kernel import DenseTaps, FactoredTaps, Kernel
from sepfilter.kernels.numpy_files import (
    factors_to_npz,
    kernel_from_npy,
    kernel_from_npz,
    kernel_to_npy,
    kernel_to_npz,
)

FEW = settings(max_examples=30, deadline=None)
TAPS = st.lists(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3), min_size=1, max_size=5
)


def npy(array: np.ndarray, version: tuple[int, int] = (1, 0)) -> bytes:
    """The bytes of a .npy file."""
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version, allow_pickle=True)
    return file.getvalue()


def npz(**arrays: object) -> bytes:
    """The bytes of a .npz file."""
    file = io.BytesIO()
    np.savez(file, **{name: np.asarray(array) for name, array in arrays.items()})
    return file.getvalue()


def claiming(shape: str, dtype: str = "<f8", data: bytes = b"") -> bytes:
    """A .npy file whose header says what it likes."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header + b"\n" + data


@given(TAPS)
@FEW
def test_taps_come_back_from_both(rows: list[list[float]]) -> None:
    """A kernel of float64 taps is the same after either file, bit for bit."""
    kernel = Kernel.from_taps(rows, name="k")
    assert kernel_from_npy(kernel_to_npy(kernel)[0], "k") == kernel
    assert kernel_from_npz(kernel_to_npz(kernel)[0], "k") == kernel


@given(TAPS, st.integers(0, 2), st.floats(-1e9, 1e9))
@FEW
def test_npz_keeps_anchor_and_offset(rows: list[list[float]], ax: int, offset: float) -> None:
    """What a .npy has no place for is in a .npz."""
    kernel = Kernel("k", Kernel.from_taps(rows).form, (0, ax), offset)
    assert kernel_from_npz(kernel_to_npz(kernel)[0], "k") == kernel


def test_factors_come_back_as_factors() -> None:
    """One column and one row stay what they are; several are summed up."""
    columns, rows = np.array([[1.0, 2, 1], [0, 1, 0]]), np.array([[1.0, 0.5], [3, 4]])
    kernel = Kernel("k", Kernel.from_factors(columns[0], rows[0]).form, (0, 1), 2.0)
    back = kernel_from_npz(factors_to_npz(kernel, columns[:1], rows[:1]), "k")
    assert isinstance(back.form, FactoredTaps)
    assert (back.taps.tolist(), back.anchor, back.offset) == (kernel.taps.tolist(), (0, 1), 2.0)
    both = kernel_from_npz(npz(columns=columns, rows=rows), "k")
    assert both.taps.tolist() == (columns.T @ rows).tolist()


def test_whole_factors_are_exact() -> None:
    """Integer factors, one term or two, give a kernel of exact integers."""
    one = kernel_from_npz(npz(columns=[1, 2, 1], rows=[-1, 0, 1]), "k")
    assert isinstance(one.form, FactoredTaps)
    assert one.form.exact is not None
    two = kernel_from_npz(npz(columns=[[1, 0], [0, 1]], rows=[[1, 2], [3, 4]]), "k")
    assert isinstance(two.form, DenseTaps)
    assert two.form.exact is not None
    assert two.form.exact.numerators == ((1, 2), (3, 4))


def test_long_integers_are_exact() -> None:
    """An integer beyond 2^53 is kept as it is, beside its float64."""
    kernel = kernel_from_npy(npy(np.array([[2**63 - 1]])), "k")
    assert isinstance(kernel.form, DenseTaps)
    assert kernel.form.exact is not None
    assert kernel.form.exact.sum == Fraction(2**63 - 1)


@pytest.mark.parametrize("name", ["kernel", "taps", "arr_0"])
def test_the_only_array_is_the_kernel(name: str) -> None:
    """Whatever it is called; beside others it is the one called kernel."""
    assert kernel_from_npz(npz(**{name: [[1, 2]]}), "k").taps.tolist() == [[1, 2]]
    assert kernel_from_npz(npz(kernel=[[3]], other=[[1, 2]]), "k").taps.tolist() == [[3]]


def test_rounding_is_said() -> None:
    """A third does not fit float64, a quarter does."""
    from sepfilter.kernels.notation import parse_kernel

    for text, is_rounded in (("1/3", True), ("1/4", False), ("box:3", True), ("box:4", False)):
        kernel = parse_kernel(text)
        assert isinstance(kernel, Kernel)
        assert kernel_to_npy(kernel)[1] is is_rounded
        assert kernel_to_npz(kernel)[1] is is_rounded


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_both_versions_of_the_format_are_read(version: tuple[int, int]) -> None:
    """The header may be short or long."""
    assert kernel_from_npy(npy(np.eye(2), version), "k").taps.tolist() == [[1, 0], [0, 1]]


LONG = npy(np.array([[0, 1, np.longdouble("1e400")]]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (claiming("(4096, 4096)"), "its header promises 134217728 bytes of them, but 0 follow"),
        (claiming("(4097, 1)"), "4097 x 1 taps, but 4096 a side is the limit"),
        (claiming("(1000000000, 1000000000)"), "4096 a side is the limit"),
        (claiming("(5000,)"), "1 x 5000 taps, but 4096 a side is the limit"),
        (claiming("(-1, 2)"), r"this array has shape \(-1, 2\)"),
        (claiming("(0,)"), "the kernel is empty"),
        (claiming("(0, 3)"), "the kernel is empty"),
        (claiming("()", data=bytes(8)), r"this array has shape \(\)"),
        (claiming("(1, 1, 1)", data=bytes(8)), r"this array has shape \(1, 1, 1\)"),
        (claiming("(1, 2)", data=bytes(8)), "promises 16 bytes of them, but 8 follow"),
        (claiming("(1, 1)", data=bytes(16)), "promises 8 bytes of them, but 16 follow"),
        (claiming("(1, 1)", "|O"), "holds Python objects, which are never loaded"),
        (claiming("(1, 1)", "<M8[s]", bytes(8)), "taps must be real numbers, not datetime64"),
        (claiming("(1, 2)", "<c8", struct.pack("<4f", 1, 0, 1, 2)), r"row 1, column 2: \(1\+2j\) is complex"),
        (
            claiming("(1, 1)", "<f8", struct.pack("<d", float("nan"))),
            "row 1, column 1: a tap must be a finite number",
        ),
        (
            claiming("(1, 2)", "<f8", struct.pack("<2d", 1, float("inf"))),
            "row 1, column 2: a tap must be a finite",
        ),
        (LONG, "row 1, column 3: a tap must be a finite number"),
        (claiming("(1, 'x')"), "not a sound .npy file of numbers"),
        (claiming("__import__('os')"), "not a sound .npy file of numbers"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{", "not a sound .npy file of numbers"),
        (b"\x93NUMPY\x09\x00", "not a sound .npy file of numbers"),
        (npy(np.eye(2), (3, 0)), "of version 3.0, not 1.0 or 2.0"),
    ],
    ids=lambda value: str(value)[-30:],
)
def test_a_malformed_npy_is_refused(content: bytes, message: str) -> None:
    """The error is one line with the reason, and row and column of a tap."""
    with pytest.raises(KernelError, match=f"^mine: .*{message}") as caught:
        kernel_from_npy(content, "mine")
    assert "\n" not in str(caught.value)


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.target,))


def test_a_pickle_in_a_npz_is_not_run(tmp_path: Path) -> None:
    """Objects in an archive are refused without unpickling them."""
    file = io.BytesIO()
    np.savez(file, kernel=np.array([Trap(tmp_path / "trapped")], dtype=object))
    with pytest.raises(KernelError, match="holds Python objects, which are never loaded"):
        kernel_from_npz(file.getvalue(), "k")
    assert not (tmp_path / "trapped").exists()


def bomb(size: int) -> bytes:
    """An archive of some kilobytes with a .npy of zeros of this size in it."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("kernel.npy", "w") as member,
    ):
        member.write(claiming(f"({size // 8 // 4096}, 4096)"))
        for _ in range(size // 2**20):
            member.write(bytes(2**20))
    return file.getvalue()


def test_an_archive_is_not_unpacked_beyond_the_limit() -> None:
    """An archive that says it holds 64 MiB takes no more memory than the limit of a file allows."""
    content = bomb(64 * 2**20)
    assert len(content) < 2**17
    tracemalloc.start()
    with pytest.raises(KernelError, match="unpacks to more than 16 MiB"):
        kernel_from_npz(content, "k")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 48 * 2**20


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npz(), "which array is the kernel. It holds none"),
        (npz(a=[1], b=[2]), "which array is the kernel. It holds a, b"),
        (npz(columns=[[1]], other=[[2]]), "It holds columns, other"),
        (npz(columns=[[1], [2]], rows=[[1]]), "are no factors: give both as many lines"),
        (npz(columns=np.zeros((0, 3)), rows=np.zeros((0, 3))), "are no factors|empty"),
        (npz(kernel=[[1]], anchor=[0]), "the anchor is two whole numbers"),
        (npz(kernel=[[1]], anchor=[-1, -1]), "the anchor is two whole numbers"),
        (npz(kernel=[[1]], anchor=[0, 1]), r"the anchor \(0, 1\) lies outside"),
        (npz(kernel=[[1]], offset=[1, 2]), "the offset is one number"),
        (npz(kernel=[[1]], offset=np.nan), "the offset must be a finite number"),
        (npz(kernel=[[[1]]]), r"kernel: a kernel has rows and columns; this array has shape \(1, 1, 1\)"),
        (npz(columns=[[1e200]], rows=[[1e200]]), "beyond what float64 can hold"),
        (npz(columns=[[1e200], [1]], rows=[[1e200], [1]]), "row 1, column 1: a tap must be a finite number"),
        (npz(kernel=[[1, 2]])[:-30], "not a sound .npz file"),
        (b"PK\x03\x04" + bytes(50), "not a sound .npz file"),
    ],
    ids=lambda value: str(value)[-30:],
)
def test_a_malformed_npz_is_refused(content: bytes, message: str) -> None:
    """The error is one line that says what is missing or wrong."""
    with pytest.raises(KernelError, match=f"^mine(, |: ).*({message})") as caught:
        kernel_from_npz(content, "mine")
    assert "\n" not in str(caught.value)


@given(st.integers(0, 400), st.integers(0, 255))
@settings(max_examples=100, deadline=None)
def test_a_damaged_file_is_a_kernel_or_an_error(place: int, value: int) -> None:
    """One byte changed anywhere gives finite taps or a `KernelError`, never another exception."""
    for content, read in (
        (npy(np.eye(3)), kernel_from_npy),
        (npz(columns=[[1, 2]], rows=[[3]]), kernel_from_npz),
    ):
        damaged = bytearray(content)
        damaged[place % len(damaged)] = value
        try:
            kernel = read(bytes(damaged), "k")
        except KernelError:
            continue
        assert np.isfinite(kernel.taps).all()
