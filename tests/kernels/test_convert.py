"""Writing kernels for other programs: what each notation holds, what is said, what is refused."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from sepfilter.errors import KernelError, OptionError
from sepfilter.kernels.convert import NOTATIONS, convert
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.notation import parse_cascade, parse_kernel
from sepfilter.kernels.numbers import decimal_text, parse_number

SUFFIXES = {"libvips": ".mat", "json": ".json", "csv": ".csv", "npy": ".npy", "npz": ".npz"}
KERNELS = (
    "sobel-x",
    "gaussian:0.7",
    "emboss",
    "1/3 1/7; 2 3",
    "box:3",
    "binomial:5",
    "1e-300 1e300 0.1",
    "gabor:2",
)


def kernel(text: str) -> Kernel:
    """A single kernel."""
    found = parse_kernel(text)
    assert isinstance(found, Kernel)
    return found


def placed(text: str, anchor: tuple[int, int], offset: float = 0.0) -> Kernel:
    """A kernel with another anchor and offset."""
    return Kernel("k", kernel(text).form, anchor, offset)


@pytest.mark.parametrize("to", NOTATIONS)
@pytest.mark.parametrize("text", KERNELS)
def test_every_notation_is_read_as_the_same_taps(tmp_path, to: str, text: str) -> None:
    """What is written is found out to be that notation by its content and name, and has the same taps."""
    one = kernel(text)
    if to == "gmic":
        one = Kernel(one.name, one.form, ((one.height - 1) // 2, (one.width - 1) // 2))
    path = tmp_path / f"k{SUFFIXES.get(to, '.txt')}"
    path.write_bytes(convert([one], to).content)
    (back,) = parse_cascade(str(path))
    assert isinstance(back, Kernel)
    assert back.taps.tolist() == one.taps.tolist()
    assert back.anchor == one.anchor


@pytest.mark.parametrize("text", KERNELS)
@pytest.mark.parametrize("to", ["json", "npz"])
def test_factors_are_read_as_the_same_kernel(tmp_path, to: str, text: str) -> None:
    """The sum of the factors is the kernel, to float64's precision."""
    one = kernel(text)
    path = tmp_path / f"k.{to}"
    path.write_bytes(convert([one], to, factors=True).content)
    back = kernel(str(path))
    assert np.allclose(back.taps, one.taps, rtol=1e-12, atol=1e-14 * np.abs(one.taps).max())


def test_factors_for_imagemagick_are_a_column_and_a_row() -> None:
    """A separable kernel becomes two that run one after the other, with its anchor."""
    assert convert([kernel("sobel-x")], "imagemagick", factors=True).content == b"1x3: 1 2 1; 3x1: -1,0,1\n"
    assert (
        convert([kernel("box:2")], "imagemagick", factors=True).content
        == b"1x2+0+1: 1 1; 2x1+1+0: 0.25,0.25\n"
    )
    column, row = parse_cascade(convert([kernel("gaussian:1")], "imagemagick", factors=True).content.decode())
    assert np.array_equal(column.taps * row.taps, kernel("gaussian:1").taps)


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("sobel-x", ["written for ImageMagick's -morphology Correlate: -morphology Convolve turns"]),
        (
            "gaussian:1",
            ["for ImageMagick's -morphology Correlate or -morphology Convolve: this kernel is the same"],
        ),
        ("1 2", ["written for ImageMagick's"]),
        ("1 1", ["written for ImageMagick's"]),
        (
            "1/3",
            ["for ImageMagick's", "fractions are rounded to float64: imagemagick cannot hold all of them"],
        ),
        ('{"kernel": [1], "offset": 128}', ["for ImageMagick's", "the offset 128 of .* is not in the file"]),
    ],
)
def test_imagemagick_gets_the_operator_to_use(text: str, notes: list[str]) -> None:
    """Correlate takes the kernel as it is written; Convolve too where turning changes nothing, even anchors included."""
    found = convert([kernel(text)], "imagemagick").notes
    assert len(found) == len(notes)
    for note, expected in zip(found, notes, strict=True):
        assert note.startswith(expected) or expected.split(" .* ")[0] in note


@pytest.mark.parametrize("to", ["imagemagick", "csv", "text", "gmic", "npy"])
def test_a_lost_offset_is_said(to: str) -> None:
    """Where there is no place for the offset, it is said."""
    notes = convert([placed("1 2 1", (0, 1), 0.5)], to).notes
    assert any("the offset 0.5 of k is not in the file" in note for note in notes)


@pytest.mark.parametrize("to", ["json", "npz", "libvips"])
def test_a_kept_offset_needs_no_words(to: str) -> None:
    """JSON, .npz and libvips hold it."""
    assert convert([placed("1 2 1", (0, 1), 0.5)], to).notes == ()


@pytest.mark.parametrize("to", ["libvips", "csv", "text", "gmic", "npy"])
def test_an_anchor_that_cannot_be_written_is_refused(to: str) -> None:
    """Moving the anchor would move the image."""
    with pytest.raises(
        KernelError, match=rf"its anchor is row 0, column 0 .* {to} has no anchor and means row 0, column 1"
    ):
        convert([placed("1 2 1", (0, 0))], to)


def test_even_kernels_have_another_centre_in_gmic() -> None:
    """G'MIC takes the tap left of and above ours."""
    with pytest.raises(KernelError, match="gmic has no anchor and means row 0, column 0"):
        convert([kernel("1 2; 3 4")], "gmic")
    assert convert([placed("1 2; 3 4", (0, 0))], "gmic").content == b"(1,2;3,4)\n"


@pytest.mark.parametrize(
    ("text", "to", "factors", "error", "message"),
    [
        (
            "sobel",
            "json",
            False,
            KernelError,
            "sobel: a gradient is two kernels: convert sobel-x and sobel-y",
        ),
        ("1x1:1; 1x1:2", "json", False, KernelError, "a list of 2 kernels: json holds one"),
        ("laplacian", "imagemagick", True, KernelError, "its rank is 2, and two kernels .* have rank 1"),
        ("0 0; 0 0", "json", True, KernelError, "all taps are 0: there are no factors"),
        ("box:3", "csv", True, OptionError, "csv holds no factors: use --to imagemagick, json or npz"),
        ("box:3", "xml", False, OptionError, "'xml': no such notation: give one of imagemagick"),
    ],
)
def test_what_cannot_be_written_is_refused(
    text: str, to: str, factors: bool, error: type[Exception], message: str
) -> None:
    """The error says what to use instead."""
    with pytest.raises(error, match=message):
        convert(parse_cascade(text), to, factors=factors)


def test_a_list_comes_back_from_imagemagick() -> None:
    """A cascade is written as a list, and with factors each of its kernels as two."""
    cascade = parse_cascade("3x3+0+0: 1,2,1 2,4,2 1,2,1; 2x1: 1,2")
    written = convert(cascade, "imagemagick").content.decode()
    assert [one.form for one in parse_cascade(written)] == [one.form for one in cascade]
    assert len(parse_cascade(convert(cascade, "imagemagick", factors=True).content.decode())) == 4


def test_a_file_too_large_to_be_read_again_is_said() -> None:
    """A Gaussian of a million taps is written, with the smaller way named."""
    one = Kernel.from_factors(np.full(1200, 1 / 7), np.full(1200, 1 / 3))
    notes = convert([one], "text").notes
    assert any(
        "more than the 16 that sepfilter reads: --factors --to npz is smaller" in note for note in notes
    )


@pytest.mark.parametrize(
    "value", [Fraction(n, 10**k) for n in (0, 1, -125, 10**20 + 1) for k in (0, 1, 7, 30, 250)]
)
def test_a_decimal_is_exact_and_short(value: Fraction) -> None:
    """Decimals are read back as the same fraction, in no more characters than Python's own."""
    text = decimal_text(value)
    assert text is not None
    number = parse_number(text)
    assert number is not None
    assert number.exact == value


@pytest.mark.parametrize("value", [Fraction(1, 3), Fraction(1, 2**2000), Fraction(10**500)])
def test_no_decimal_is_given_where_none_is_exact(value: Fraction) -> None:
    """Thirds end never, and longer numbers would not be read back exactly."""
    assert decimal_text(value) is None
