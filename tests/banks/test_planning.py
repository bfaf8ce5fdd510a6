"""Shapes and counts of banks, the textbook's first."""

from __future__ import annotations

import numpy as np
import pytest

from sepfilter.banks.bank import Bank
from sepfilter.banks.layer import Layer
from sepfilter.banks.layers import Conv, Depthwise, Pointwise
from sepfilter.geometry import ImageSpec

RANDOM = np.random.default_rng(0)


def test_the_textbook_comes_out() -> None:
    """12x12x3 with 5x5 to 256: 4,800 and 49,152 multiplications, not 1,228,800."""
    bank = Bank([Depthwise(RANDOM.normal(size=(3, 1, 5, 5))), Pointwise(np.ones((256, 3)))])
    plan = bank.plan(ImageSpec(12, 12, 3, "uint8"))
    assert [layer.direct_multiplications for layer in plan.layers] == [4_800, 49_152]
    assert plan.multiplications == 53_952
    assert plan.ordinary_multiplications == 1_228_800
    assert [layer.parameters for layer in plan.layers] == [75, 768]
    assert plan.ordinary_parameters == 19_200


def test_a_multiplier_makes_as_many_channels_more() -> None:
    """Depth multiplier 2 on 12x12x3 gives 8x8x6."""
    plan = Bank([Depthwise(np.ones((3, 2, 5, 5)))]).plan(ImageSpec(12, 12, 3, "uint8"))
    assert plan.shape == (8, 8, 6)
    assert plan.direct_multiplications == 9_600


def test_kernels_of_rank_1_are_counted_as_two_passes() -> None:
    """A Gaussian of 5 x 5 takes 10 multiplications a sample, a full one beside it 25."""
    weights = RANDOM.normal(size=(3, 1, 5, 5))
    weights[0, 0] = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])
    (layer,) = Bank([Depthwise(weights, padding="same")]).plan(ImageSpec(10, 10, 3, "uint8")).layers
    assert (layer.method, layer.ranks, layer.separated) == ("mixed", ((1, 1), (5, 2)), 1)
    assert layer.multiplications == 100 * (10 + 25 + 25)
    assert "1 of 3 kernels have rank 1: 10 multiplications a sample instead of 25" in layer.reason


def test_a_stride_along_makes_a_pass_down_dearer() -> None:
    """With stride 3 along, columns are filtered that no output is made of: 3 x 3 in two passes is no gain."""
    kernel = np.outer([1, 2, 1], [1, 0, -1])[np.newaxis, np.newaxis]
    plans = [
        Bank([Depthwise(kernel, stride=(1, along))]).plan(ImageSpec(12, 12, 1, "uint8")).layers[0]
        for along in (1, 3)
    ]
    assert [plan.method for plan in plans] == ["separable", "direct"]


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([Conv(np.ones((8, 3, 3, 3)))], 27 * 8 * 100),
        ([Conv(np.ones((6, 1, 3, 3)), groups=3)], 9 * 6 * 100),
        ([Depthwise(np.ones((3, 2, 3, 3)))], 9 * 3 * 6 * 100),
        ([Pointwise(np.ones((8, 3)), stride=1), Pointwise(np.ones((2, 8)))], (24 + 16) * 144),
        (
            [Depthwise(np.ones((3, 1, 3, 3))), Pointwise(np.ones((8, 3))), Depthwise(np.ones((8, 1, 1, 1)))],
            (27 * 8 + 8 * 8) * 100,
        ),
    ],
)
def test_the_ordinary_convolution_stands_for_each_block(layers: list[Layer], expected: int) -> None:
    """A depthwise layer and the mixing behind it are one ordinary layer; others stand for themselves."""
    assert Bank(layers).plan(ImageSpec(12, 12, 3, "uint8")).ordinary_multiplications == expected


@pytest.mark.parametrize(
    ("layers", "halo"),
    [
        ([Conv(np.ones((1, 1, 3, 5)))], (0, 2, 0, 4)),
        ([Conv(np.ones((1, 1, 3, 5)), padding="same")], (1, 1, 2, 2)),
        ([Conv(np.ones((1, 1, 3, 3)), padding="4"), Conv(np.ones((1, 1, 3, 3)))], (4, 0, 4, 0)),
        (
            [
                Depthwise(np.ones((1, 1, 3, 3)), stride=2, padding="1"),
                Conv(np.ones((1, 1, 3, 3)), dilation=2, padding="2"),
            ],
            (5, 5, 5, 5),
        ),
    ],
)
def test_the_halo_is_what_the_first_result_reaches(
    layers: list[Layer], halo: tuple[int, int, int, int]
) -> None:
    """Strides widen what later layers reach, and padding before one is taken back by the next."""
    plan = Bank(layers).plan(ImageSpec(30, 30, 1, "uint8"))
    assert plan.halo == halo


def test_what_is_multiplied_is_what_is_counted() -> None:
    """Taps of 0 are multiplied as others are, and so counted."""
    plan = Bank([Depthwise(np.eye(5)[np.newaxis, np.newaxis])]).plan(ImageSpec(9, 9, 1, "uint8"))
    assert plan.executed_multiplications == plan.multiplications == 25 * 25
