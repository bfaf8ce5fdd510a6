"""What is printed of a bank: shapes and counts in a table, and how it compares."""

from __future__ import annotations

import numpy as np
import pytest

from sepfilter.banks.bank import Bank
from sepfilter.banks.layers import Conv, Depthwise, Pointwise
from sepfilter.geometry import ImageSpec
from sepfilter.reports.bank_text import bank_text

SPEC = ImageSpec(12, 12, 3, "uint8")
RANDOM = np.random.default_rng(0)


def test_the_textbook_has_a_line_for_each_layer_and_the_totals() -> None:
    """Numbers stand below one another."""
    bank = Bank([Depthwise(RANDOM.normal(size=(3, 1, 5, 5))), Pointwise(np.ones((256, 3)))], name="textbook")
    assert bank_text(bank.plan(SPEC)).splitlines()[:9] == [
        "textbook: 2 layers, 12x12x3 -> 8x8x256",
        "",
        "layer                 kind       kernel  input    output   multiplications  parameters",
        "depthwise             depthwise  5 x 5   12x12x3  8x8x3              4,800          75",
        "pointwise             pointwise  1 x 1   8x8x3    8x8x256           49,152         768",
        "in all                                                              53,952         843",
        "ordinary convolution                                             1,228,800      19,200",
        "",
        "22.8 times fewer multiplications than ordinary convolution of the same shape",
    ]


@pytest.mark.parametrize(
    ("bank", "expected"),
    [
        (Bank([Conv(np.ones((4, 3, 3, 3)))]), "as many multiplications as ordinary"),
        (
            Bank([Depthwise(RANDOM.normal(size=(3, 9, 3, 3))), Pointwise(np.ones((4, 27)))]),
            "3.25 times more multiplications than ordinary",
        ),
        (
            Bank(
                [
                    Depthwise(
                        np.ones((3, 1, 5, 5)), stride=2, dilation=(1, 2), padding="same", activation="relu"
                    )
                ]
            ),
            "depthwise: 3 of 3 kernels have rank 1: 15 multiplications a sample instead of 25; stride 2 x 2; "
            "dilation 1 x 2; padding same of constant:0; activation relu",
        ),
        (Bank([Depthwise(np.ones((3, 1, 5, 5)))]), "as it is run: 1,920, for kernels of low rank go as 1-D"),
    ],
)
def test_remarks_say_what_the_table_has_no_room_for(bank: Bank, expected: str) -> None:
    """How it compares, and the settings of layers that are not the usual."""
    assert expected in bank_text(bank.plan(SPEC))
