"""What a KERNEL means: standard input, a file, a preset, text in any notation, an array."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.errors import KernelError
from sepfilter.kernels.kernel import AnyKernel, DenseTaps, FactoredTaps, Gradient, Kernel
from sepfilter.kernels.kernel_files import MAX_FILE_BYTES
from sepfilter.kernels.notation import as_kernel, parse_cascade, parse_kernel
from sepfilter.kernels.presets import PRESETS


def taps(kernel: AnyKernel) -> list[list[float]]:
    """The taps of what has to be a single kernel."""
    assert isinstance(kernel, Kernel)
    rows: list[list[float]] = kernel.taps.tolist()
    return rows


def npy(array: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    """The bytes of a .npy file."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("k.txt", b"1 2\n3 4\n", [[1, 2], [3, 4]]),
        ("k.txt", b"1;2;3", [[1], [2], [3]]),
        ("k.csv", b"1;2;3", [[1, 2, 3]]),
        ("K.CSV", b"\xef\xbb\xbf1;2\r\n3;4\r\n", [[1, 2], [3, 4]]),
        ("k.csv", b"# made by hand\n0.25,0.5,0.25\n", [[0.25, 0.5, 0.25]]),
        ("k.csv", b"1;2 # first\r\n\r\n3;4", [[1, 2], [3, 4]]),
        ("k.json", b"[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ("k.json", b"\xef\xbb\xbf[1.5, 2]", [[1.5, 2]]),
        ("no_suffix", b"\t1/4 1/2\t1/4", [[0.25, 0.5, 0.25]]),
        ("k.npy", npy(np.array([[1, 2], [3, 4]], dtype="u1")), [[1, 2], [3, 4]]),
        ("k.npy", npy(np.asfortranarray([[1.5, 2], [3, 4]], dtype=">f4")), [[1.5, 2], [3, 4]]),
        ("k.npy", npy(np.array([1.0, 2.0])), [[1, 2]]),
        ("misnamed.txt", npy(np.array([[7]])), [[7]]),
        ("k.mat", b"2 1\n3 4\n", [[3, 4]]),
        ("k.mat", b"2 2 10 0\n1,2\n3 \t4\n", [[0.1, 0.2], [0.3, 0.4]]),
        ("k.MAT", b"3 1 4\n1 2 1", [[0.25, 0.5, 0.25]]),
        ("k.mat", b"[[1, 2]]", [[1, 2]]),
        ("k.txt", b"3 2\n1 2 1\n2 4 2\n", [[1, 2, 1], [2, 4, 2]]),
        ("k.csv", b"3,2,2,0\n1,2,1\n2,4,2\n", [[0.5, 1, 0.5], [1, 2, 1]]),
        ("k.txt", b"2 2\n1 2\n3 4\n", [[2, 2], [1, 2], [3, 4]]),
        ("k.txt", b"# mine\n3x2:\n 1,2,1\n 2,4,2\n", [[1, 2, 1], [2, 4, 2]]),
        ("k.txt", b"(1,2;3,4)\n", [[1, 2], [3, 4]]),
        ("k.json", b'{"kernel": [["1/4", 0.5]], "scale": 2}', [[0.125, 0.25]]),
    ],
)
def test_a_kernel_file_is_read(folder: Path, name: str, content: bytes, expected: list[list[float]]) -> None:
    """Text, CSV, JSON and .npy files are read alike by name, by @name and by path."""
    (folder / name).write_bytes(content)
    for text in (name, f"@{name}", f"./{name}", str(folder / name)):
        assert taps(parse_kernel(text)) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the kernel is empty"),
        (b"\xef\xbb\xbf\r\n", "the kernel is empty"),
        (b"1 2\n3 x", "row 2, column 2: 'x' is not a finite number"),
        (b"caf\xe9 1 2", "not a kernel file: neither UTF-8 text nor .npy or .npz"),
        ("1 2".encode("utf-16"), "not a kernel file: neither UTF-8 text nor .npy or .npz"),
        (b"\x89PNG\r\n\x1a\n\xff\xff", "not a kernel file"),
        (npy(np.ones((3, 3)))[:-1], "not a sound .npy file of numbers"),
        (npy(np.ones((3, 3)))[:20], "not a sound .npy file of numbers"),
        (b"\x93NUMPY", "not a sound .npy file of numbers"),
        (npy(np.ones((2, 2, 2))), r"this array has shape \(2, 2, 2\)"),
        (
            npy(np.array([[1, 1j]])),
            "row 1, column 2: 1j is complex: taps must be real numbers, not complex128",
        ),
        (npy(np.array([["1"]])), "taps must be real numbers, not <U1"),
        (npy(np.array([[1, np.nan]])), "row 1, column 2: a tap must be a finite number"),
    ],
)
def test_a_malformed_file_is_refused(folder: Path, content: bytes, message: str) -> None:
    """The error names the file and what is wrong in it."""
    (folder / "bad.dat").write_bytes(content)
    with pytest.raises(KernelError, match=f"^bad.dat: .*{message}"):
        parse_kernel("@bad.dat")


def test_a_pickle_in_a_npy_file_is_not_run(folder: Path) -> None:
    """Objects in a .npy file are refused without unpickling them."""

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (folder / "trapped",))

    content = npy(np.array([[Trap()]], dtype=object), allow_pickle=True)
    (folder / "k.npy").write_bytes(content)
    with pytest.raises(KernelError, match="holds Python objects, which are never loaded"):
        parse_kernel("k.npy")
    assert not (folder / "trapped").exists()
    np.load(io.BytesIO(content), allow_pickle=True)  # the trap does work
    assert (folder / "trapped").exists()


@pytest.mark.parametrize("text", ["@none.txt", "./none.txt", "no/such/kernel.npy", "@sobel"])
def test_a_missing_file_is_named(folder: Path, text: str) -> None:
    """A file that cannot be read is an error with its path and the reason, whatever it is called."""
    with pytest.raises(KernelError, match=r"(none|kernel|sobel).*cannot be read: No such file"):
        parse_kernel(text)


def test_a_folder_is_no_kernel_file(folder: Path) -> None:
    """A folder of the name given is named as the reason."""
    (folder / "stuff").mkdir()
    with pytest.raises(KernelError, match="stuff: the kernel file cannot be read: Is a directory"):
        parse_kernel("stuff")


def test_a_huge_file_is_refused_before_it_is_parsed(folder: Path) -> None:
    """Somebody's video given as the kernel is turned down at once."""
    with (folder / "film.txt").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(KernelError, match=r"film\.txt: larger than 16 MiB"):
        parse_kernel("film.txt")


@pytest.mark.parametrize("text", ["x" * 5000, "a\0b"])
def test_a_name_no_file_can_have_is_no_kernel(text: str) -> None:
    """Text too long, or with a NUL byte in it, is told as an unknown kernel."""
    with pytest.raises(KernelError, match="no kernel or file of that name") as caught:
        parse_kernel(text)
    assert len(str(caught.value)) < 300


def test_standard_input_is_read_when_asked_for() -> None:
    """``-`` is what the callable gives, as text or as .npy; its errors are about stdin."""
    assert taps(parse_kernel("-", stdin=lambda: b"1 2; 3 4")) == [[1, 2], [3, 4]]
    assert taps(parse_kernel("-", stdin=lambda: npy(np.eye(2)))) == [[1, 0], [0, 1]]
    with pytest.raises(KernelError, match=r"^stdin: row 1, column 2: 'x' is not"):
        parse_kernel("-", stdin=lambda: b"1 x")


def test_standard_input_is_left_alone_otherwise() -> None:
    """The callable is not called unless the kernel is ``-``."""
    calls: list[str] = []

    def stdin() -> bytes:
        calls.append("read")
        return b"1"

    parse_kernel("-1 0 1", stdin=stdin)
    parse_kernel("sobel", stdin=stdin)
    assert calls == []
    parse_kernel("-", stdin=stdin)
    assert calls == ["read"]


def test_without_standard_input_a_dash_is_refused() -> None:
    """In Python there is no standard input to read a kernel from."""
    with pytest.raises(KernelError, match="no standard input here"):
        parse_kernel("-")


def test_a_preset_goes_before_a_file(folder: Path) -> None:
    """A file called like a preset is reached by ``@`` or a path only."""
    (folder / "identity").write_text("1 2 3")
    assert taps(parse_kernel("identity")) == [[1]]
    assert taps(parse_kernel("@identity")) == [[1, 2, 3]]
    assert taps(parse_kernel("./identity")) == [[1, 2, 3]]


def test_a_file_goes_before_text(folder: Path) -> None:
    """A file whose name reads as a matrix is the file."""
    (folder / "1 2").write_text("3 4 5")
    assert taps(parse_kernel("1 2")) == [[3, 4, 5]]
    (folder / "1").mkdir()
    (folder / "1" / "2").write_text("6")
    assert taps(parse_kernel("1/2")) == [[6]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1/4 1/2 1/4", [[0.25, 0.5, 0.25]]),
        ("1/2", [[0.5]]),
        ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ("-1 0 1", [[-1, 0, 1]]),
        ("0 -1 0; -1 5 -1; 0 -1 0", [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
        ("3x2: 1,2,1 2,4,2", [[1, 2, 1], [2, 4, 2]]),
        ("1x1:5", [[5]]),
        ("3x1:1/4,1/2,1/4", [[0.25, 0.5, 0.25]]),
        ("(5)", [[5]]),
        ("1,2;3,4", [[1, 2], [3, 4]]),
        ('{"kernel": ["1/4", "1/2"]}', [[0.25, 0.5]]),
        ("sharpen:1/4", [[0, -0.25, 0], [-0.25, 2, -0.25], [0, -0.25, 0]]),
    ],
)
def test_what_is_no_file_and_has_numbers_is_a_matrix(
    folder: Path, text: str, expected: list[list[float]]
) -> None:
    """Text with numbers is the matrix itself, fractions with their slash included."""
    assert taps(parse_kernel(text)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sobell", r"'sobell': no kernel or file of that name: did you mean sobel\b"),
        ("gausian:3", "'gausian:3': no kernel or file of that name: did you mean gaussian"),
        ("Lapalcian", "did you mean laplacian"),
        ("zzz.csv", "'zzz.csv': no kernel or file of that name: give a preset .*, a file, or rows"),
        ("", "the kernel is empty"),
        ("1 2; 3", "^kernel: row 2 has 1 columns"),
        ("3x3:1,2", "^kernel: 3x3 means 9 values, but 2 follow"),
        ("[", "^kernel: not valid JSON"),
    ],
)
def test_what_means_nothing_is_refused(folder: Path, text: str, message: str) -> None:
    """A misspelt preset gets its nearest matches, anything else the ways to give a kernel."""
    with pytest.raises(KernelError, match=message):
        parse_kernel(text)


def test_every_preset_can_be_parsed() -> None:
    """Each name in the list of presets is understood as a KERNEL, with a value where it needs one."""
    for name, preset in PRESETS.items():
        needs = any(p.default is None and not p.derived for p in preset.parameters)
        kernel = parse_kernel(f"{name}:2" if needs else name)
        assert isinstance(kernel, Gradient) == (name in {"sobel", "scharr", "prewitt", "roberts"})


def test_python_may_give_a_kernel_in_any_form() -> None:
    """A kernel, a gradient, text, an array and nested lists are all taken."""
    kernel, gradient = parse_kernel("box:3"), parse_kernel("sobel")
    assert as_kernel(kernel) is kernel
    assert as_kernel(gradient) is gradient
    assert as_kernel("box:3") == kernel
    assert taps(as_kernel(np.eye(2))) == [[1, 0], [0, 1]]
    assert taps(as_kernel([[1, 2, 1]])) == [[1, 2, 1]]


def test_known_factors_and_dense_taps_keep_their_form() -> None:
    """A Gaussian is held as its factors, a matrix as its taps."""
    gaussian, matrix = parse_kernel("gaussian:2"), parse_kernel("1 2; 3 4")
    assert isinstance(gaussian, Kernel)
    assert isinstance(gaussian.form, FactoredTaps)
    assert isinstance(matrix, Kernel)
    assert isinstance(matrix.form, DenseTaps)


def test_a_list_is_a_cascade() -> None:
    """An ImageMagick list is several kernels, in order; all else is a cascade of one."""
    first, second = parse_cascade("3x1: 1,2,1; 1x2: 3,4")
    assert taps(first) == [[1, 2, 1]]
    assert taps(second) == [[3], [4]]
    assert [kernel.name for kernel in parse_cascade("sobel")] == ["sobel"]
    assert len(parse_cascade("1 2; 3 4")) == 1


def test_a_list_is_refused_where_one_kernel_is_wanted() -> None:
    """`parse_kernel` points to what takes a list."""
    with pytest.raises(
        KernelError, match="a list of 2 kernels, where one is wanted: parse_cascade takes a list"
    ):
        parse_kernel("3x1: 1,2,1; 1x3: 1,2,1")


def test_kernels_are_called_as_they_were_typed_or_call_themselves(folder: Path) -> None:
    """Text is its own name, a list counts its kernels, a file is its path, and JSON may have a name."""
    (folder / "k.txt").write_text("1x1:1; 1x1:2")
    assert [one.name for one in parse_cascade("1x1:1; 1x1:2")] == [
        "1x1:1; 1x1:2, kernel 1",
        "1x1:1; 1x1:2, kernel 2",
    ]
    assert [one.name for one in parse_cascade("k.txt")] == ["k.txt, kernel 1", "k.txt, kernel 2"]
    assert parse_kernel('{"kernel": [1], "name": "kernels"}').name == "kernels"
    assert parse_kernel("1 2").name == "1 2"


@pytest.mark.parametrize(
    "start", [b"MATLAB 5.0 MAT-file, Platform: PCWIN64", b"MATLAB 7.3 MAT-file", b"\x89HDF\r\n\x1a\n"]
)
@pytest.mark.parametrize("name", ["k.mat", "k.dat"])
def test_matlab_files_are_recognised(folder: Path, start: bytes, name: str) -> None:
    """MATLAB's binary formats are refused with the way to export, whatever the file is called."""
    (folder / name).write_bytes(start + bytes(600))
    with pytest.raises(KernelError, match=f"^{name}: MATLAB's binary format is not read: .*writematrix"):
        parse_kernel(name)


def test_other_matlab_files_are_recognised(folder: Path) -> None:
    """HDF5 behind a block of the user's own, and MATLAB 4 by the name of the file, are told too."""
    (folder / "h.dat").write_bytes(bytes(512) + b"\x89HDF\r\n\x1a\n")
    (folder / "four.mat").write_bytes(bytes(4) + b"\x03\0\0\0")
    for name in ("h.dat", "four.mat"):
        with pytest.raises(KernelError, match="MATLAB's binary format is not read"):
            parse_kernel(name)


STARTS = st.sampled_from(
    [b"", b"[", b"{", b"(", b"3x1:", b"2 1\n", b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"\xef\xbb\xbf"]
)
CONTENTS = st.binary(max_size=40) | st.text('0123456789.,:;x+-/ \n()[]{}#nae"', max_size=40).map(str.encode)


@given(STARTS, CONTENTS)
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_finite_kernels_or_an_error(start: bytes, content: bytes) -> None:
    """Whatever stands on standard input gives kernels of finite taps, or a `KernelError` of one line."""
    problem, cascade = "", ()
    try:
        cascade = parse_cascade("-", stdin=lambda: start + content)
    except KernelError as error:
        problem = str(error)
    assert "\n" not in problem
    assert all(np.isfinite(taps(kernel)).all() for kernel in cascade)
