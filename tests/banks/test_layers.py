"""What layers take, make and refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sepfilter.banks.activation import Activation
from sepfilter.banks.bank import Bank
from sepfilter.banks.layer import Layer
from sepfilter.banks.layers import Conv, Depthwise, Pointwise
from sepfilter.banks.padding import Padding
from sepfilter.errors import BankError


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (Depthwise(np.ones((3, 2, 5, 5))), (12, 12, 3), (8, 8, 6)),
        (Depthwise(np.ones((3, 1, 3, 3)), stride=2, padding="same"), (7, 8, 3), (4, 4, 3)),
        (Depthwise(np.ones((3, 1, 3, 3)), stride=(1, 3), dilation=2), (9, 9, 3), (5, 2, 3)),
        (Pointwise(np.ones((256, 3))), (8, 8, 3), (8, 8, 256)),
        (Conv(np.ones((4, 3, 3, 2)), padding="1 0 2 1"), (6, 5, 3), (7, 5, 4)),
        (Conv(np.ones((6, 2, 3, 2)), groups=2), (6, 5, 4), (4, 4, 6)),
    ],
)
def test_a_layer_knows_the_shape_that_it_makes(
    layer: Layer, shape: tuple[int, int, int], expected: tuple[int, int, int]
) -> None:
    """Stride, dilation, padding, multiplier and groups tell what becomes of an input's shape."""
    assert layer.output_shape(shape) == expected


@pytest.mark.parametrize(
    ("size", "extent", "stride", "expected"),
    [(5, 3, 2, (1, 1)), (6, 3, 2, (0, 1)), (7, 3, 2, (1, 1)), (4, 4, 1, (1, 2)), (2, 1, 2, (0, 0))],
)
def test_same_is_tensorflows(size: int, extent: int, stride: int, expected: tuple[int, int]) -> None:
    """The output has size / stride samples, rounded up, and what is odd goes to the end; SAME_LOWER turns it."""
    assert Padding("same").around(size, extent, stride) == expected
    assert Padding("same-lower").around(size, extent, stride) == expected[::-1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Depthwise(np.ones((3, 5, 5))),
            r"depthwise layer: weights of shape \(3, 5, 5\): .* has \(channels",
        ),
        (lambda: Pointwise([["a"]]), "pointwise layer: weights must be real numbers"),
        (lambda: Pointwise(np.ones((2, 3)), bias=[1.0]), r"a bias of shape \(1,\): give 2 numbers"),
        (lambda: Conv(np.ones((4, 3, 1, 1)), groups=3, name="c"), "layer 'c': 4 output channels in 3 groups"),
        (lambda: Conv(np.ones((1, 1, 3, 3)), stride=0), "stride 0: give whole numbers from 1"),
        (lambda: Conv(np.ones((1, 1, 3, 3)), dilation=(1, 2, 3)), r"dilation \(1, 2, 3\)"),
        (lambda: Conv(np.ones((1, 1, 3, 3)), padding="some"), "padding 'some': use valid, same"),
        (
            lambda: Conv(np.ones((1, 1, 3, 3)), border="refelct"),
            "border 'refelct': use one of .* did you mean reflect",
        ),
        (
            lambda: Pointwise([[1.0]], activation="rellu"),
            r"activation 'rellu': use one of none, relu, .*: did you mean relu\?",
        ),
        (
            lambda: Pointwise(np.ones((3, 1)), activation="prelu:1 2"),
            "prelu has 2 alphas, and there are 3 channels",
        ),
        (lambda: Pointwise(np.ones((5000, 1))), "1 channels become 5,000: at most 4,096"),
        (lambda: Activation.parse("relu:3"), "activation relu with 1 alphas"),
        (lambda: Activation.parse("prelu:x"), "'x' are no numbers"),
        (lambda: Pointwise([[1e39]]), r"weights: 1e\+39 is beyond float32"),
        (lambda: Pointwise([[1.0]], name="a\x1b[31m"), r"'a\\x1b\[31m': is no name for a layer"),
        (lambda: Bank([]), "bank: has no layers"),
        (
            lambda: Bank([Depthwise(np.ones((3, 1, 5, 5))), Pointwise(np.ones((2, 4)), name="mix")]),
            "layer 'mix' takes 4 channels, but layer 'depthwise' makes 3",
        ),
        (
            lambda: Bank([Depthwise(np.ones((1, 2, 5, 5)), shared=True), Pointwise(np.ones((2, 3)))]),
            "takes 3 channels, which layer 'depthwise' of multiplier 2 cannot make",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make: Any, message: str) -> None:
    """A malformed layer or chain is told in a line that names the layer and what would do."""
    with pytest.raises(BankError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_layers_are_values() -> None:
    """Equal layers are equal, and their weights cannot be changed."""
    layer = Pointwise([[1, 2]], bias=[3])
    assert layer == Pointwise(np.array([[1.0, 2.0]]), bias=(3.0,))
    with pytest.raises(ValueError, match="read-only"):
        layer.weights[0, 0] = 5


def test_padding_and_border_are_filled_in_where_a_layer_does_not_say() -> None:
    """The defaults of a bank reach the layers that have none of their own."""
    bank = Bank([Conv(np.ones((1, 1, 3, 3))), Conv(np.ones((1, 1, 3, 3)), padding="valid")])
    filled = bank.filled(padding=Padding("same"))
    assert [str(layer.padding) for layer in filled.layers] == ["same", "valid"]


def test_layers_without_a_name_are_called_by_kind_and_place() -> None:
    """Only where there are several of a kind do names have numbers."""
    one, other = Conv(np.ones((1, 1, 3, 3))), Pointwise([[1.0]])
    assert [layer.name for layer in Bank([one, other, one]).layers] == ["conv 1", "pointwise", "conv 3"]
