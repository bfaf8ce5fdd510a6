"""Banks typed at the shell."""

from __future__ import annotations

from pathlib import Path

import pytest

from sepfilter.banks.files.shell import bank_from_shell
from sepfilter.banks.layers import Depthwise
from sepfilter.errors import BankError
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.notation import parse_kernel


def taps(text: str) -> list[list[float]]:
    """The taps of a kernel."""
    kernel = parse_kernel(text)
    assert isinstance(kernel, Kernel)
    return kernel.taps.tolist()


def test_one_kernel_is_for_all_channels() -> None:
    """As many as the matrix takes; any number without one."""
    alone = bank_from_shell(["sobel-x"], None).layers[0]
    assert isinstance(alone, Depthwise)
    assert alone.shared
    both = bank_from_shell(["sobel-x"], "1 1 1").layers[0]
    assert both.weights.tolist() == [[taps("sobel-x")]] * 3


def test_several_kernels_are_one_a_channel() -> None:
    """In the order in which they are given."""
    layer = bank_from_shell(["sobel-x", "1 2 1; 2 4 2; 1 2 1"], None).layers[0]
    assert layer.weights.tolist() == [[taps("sobel-x")], [[[1, 2, 1], [2, 4, 2], [1, 2, 1]]]]
    assert layer.input_channels == 2


def test_a_matrix_alone_is_a_bank() -> None:
    """Rows of numbers, or a file with them."""
    assert bank_from_shell([], "0.3 0.6 0.1; 1 0 0").layers[0].weights.tolist() == [
        [0.3, 0.6, 0.1],
        [1, 0, 0],
    ]


def test_files_and_standard_input_are_read(tmp_path: Path) -> None:
    """As wherever a kernel is taken."""
    (tmp_path / "m.csv").write_text("1,2\n3,4\n")
    bank = bank_from_shell(["-"], str(tmp_path / "m.csv"), stdin=lambda: b"1 2 1")
    assert bank.layers[0].weights.tolist() == [[[[1, 2, 1]]]] * 2
    assert bank.layers[1].weights.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("depthwise", "pointwise", "message"),
    [
        ([], None, "a bank without layers: give --depthwise or --pointwise"),
        (["sobel"], None, "--depthwise 'sobel': a magnitude .*give sobel-x or sobel-y"),
        (
            ["sobelx"],
            None,
            "--depthwise 'sobelx': no kernel or file of that name: did you mean sobel-x",
        ),
        (["1 2; 3"], None, "--depthwise '1 2; 3': .*row 2"),
        (["-"], None, "--depthwise '-': -: no standard input"),
        (
            ["sobel-x", "sobel-y"],
            "1 1 1",
            "layer 'pointwise' takes 3 channels, but layer 'depthwise' makes 2",
        ),
        ([], "sobel-x", "--pointwise 'sobel-x': no matrix: give rows of numbers"),
        ([], "none.csv", "--pointwise 'none.csv': .*no kernel or file of that name"),
        ([], "1 x", "--pointwise '1 x': .*column 2"),
    ],
)
def test_what_is_wrong(depthwise: list[str], pointwise: str | None, message: str) -> None:
    """The error names the option."""
    with pytest.raises(BankError, match=message):
        bank_from_shell(depthwise, pointwise)
