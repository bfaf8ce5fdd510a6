from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepfilter.banks import decomposition
from sepfilter.banks.bank import Bank
from sepfilter.banks.decomposition import can_be_decomposed, decompose, decompose_bank, decomposition_table
from sepfilter.banks.layer import Layer
from sepfilter.banks.layers import Conv, Depthwise, Pointwise
from sepfilter.errors import BankError, OptionError

Weights = npt.NDArray[Any]


def random_weights(*shape: int, seed: int = 0) -> Weights:
    """Weights as training may leave them."""
    return np.random.default_rng(seed).normal(0, 0.3, shape)


def multiplied(depthwise: Layer, mixing: Layer, groups: int = 1, dtype: str = "float64") -> Weights:
    """The weights of the ordinary convolution that two layers are, tap by tap."""
    kernels, mixed = (layer.weights.astype(dtype).astype(np.float64) for layer in (depthwise, mixing))
    channels, multiplier, high, wide = kernels.shape
    inputs, outputs = channels // groups, len(mixed)
    mixed = mixed.reshape(outputs, inputs, multiplier)
    weights = np.zeros((outputs, inputs, high, wide))
    for o in range(outputs):
        first = o // (outputs // groups) * inputs
        for c in range(inputs):
            for j in range(multiplier):
                weights[o, c] += mixed[o, c, j] * kernels[first + c, j]
    return weights


def convolved(weights: Weights, image: Weights, groups: int = 1) -> Weights:
    """The one output pixel of an image of the kernels' size, shape (Cin, kh, kw), by plain loops."""
    outputs, inputs, high, wide = weights.shape
    result = np.zeros(outputs)
    for o in range(outputs):
        first = o // (outputs // groups) * inputs
        for c in range(inputs):
            for i in range(high):
                for j in range(wide):
                    result[o] += weights[o, c, i, j] * image[first + c, i, j]
    return result


@st.composite
def layers(draw: st.DrawFn) -> Conv:
    """Small convolutions of any shape, some in groups, some of low rank."""
    groups = draw(st.integers(1, 3))
    outputs, inputs = draw(st.integers(1, 6)) * groups, draw(st.integers(1, 3))
    high, wide = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weights = generator.normal(size=(outputs, inputs, high, wide)) * 10.0 ** draw(st.integers(-8, 8))
    if draw(st.booleans()):
        weights[...] = weights[:1] * np.arange(outputs).reshape(-1, 1, 1, 1)
    return Conv(weights, groups=groups, name="drawn")


@given(layers())
def test_the_largest_multiplier_is_exact(layer: Conv) -> None:
    """With as many kernels as a channel can need, the layers multiply to the weights, to 1e-12 of them."""
    outputs, _, high, wide = layer.weights.shape
    depthwise, mixing = decompose(layer, min(high * wide, outputs // layer.groups))
    error = np.abs(multiplied(depthwise, mixing, layer.groups) - layer.weights).max()
    assert error <= 1e-12 * np.abs(layer.weights).max()


@given(layers())
def test_errors_are_those_of_the_layers_in_float32(layer: Conv) -> None:
    """Relative error and worst case are of the weights that a file will hold."""
    table = decomposition_table(layer, levels=255)
    for row in table.rows:
        kept = multiplied(*decompose(layer, row.multiplier), layer.groups, "float32")
        rest = (layer.weights - kept).reshape(len(kept), -1)
        norm = float(np.linalg.norm(layer.weights))
        worst = max(np.maximum(rest, 0).sum(axis=1).max(), np.maximum(-rest, 0).sum(axis=1).max())
        assert row.relative_error == pytest.approx(np.linalg.norm(rest) / (norm or 1), rel=1e-6, abs=1e-12)
        assert row.worst_case_error == pytest.approx(255 * worst, rel=1e-6, abs=255e-12 * norm)


@given(layers())
def test_relative_errors_fall_with_the_multiplier(layer: Conv) -> None:
    """More kernels never come less close, but for rounding to float32."""
    errors = [row.relative_error for row in decomposition_table(layer).rows]
    assert all(after <= before + 1e-7 for before, after in pairwise(errors))
    assert errors[decomposition_table(layer).exact_multiplier - 1] <= 2e-7


@given(layers())
def test_the_exact_multiplier_is_the_greatest_rank(layer: Conv) -> None:
    """NumPy's rank of each input channel's matrix, at the same tolerance, says so too."""
    table = decomposition_table(layer)
    outputs, inputs, _, _ = layer.weights.shape
    ranks = []
    for group in np.split(layer.weights, layer.groups):
        for c in range(inputs):
            matrix = group[:, c].reshape(outputs // layer.groups, -1)
            ranks.append(np.linalg.matrix_rank(matrix, tol=2.0**-24 * np.linalg.norm(matrix)))
    assert table.ranks == (min(ranks), max(ranks))
    assert table.exact_multiplier == max(1, *ranks)


@pytest.mark.parametrize("multiplier", [1, 2, 5, 8])
def test_a_single_channel_comes_as_close_as_its_rank_allows(multiplier: int) -> None:
    """Eckart and Young: what is left has the norm of the singular values left out."""
    layer = Conv(random_weights(16, 1, 3, 3))
    values = np.linalg.svd(layer.weights.reshape(16, 9), compute_uv=False)
    rest = layer.weights - multiplied(*decompose(layer, multiplier))
    assert np.linalg.norm(rest) == pytest.approx(np.sqrt(np.sum(values[multiplier:] ** 2)), rel=1e-12)
    row = decomposition_table(layer).row(multiplier)
    assert row.relative_error == pytest.approx(np.linalg.norm(rest) / np.linalg.norm(values), rel=1e-6)


@pytest.mark.parametrize(("groups", "levels"), [(1, 1.0), (1, 255.0), (2, 1.0)])
def test_an_input_of_nothing_and_full_levels_reaches_the_worst_case(groups: int, levels: float) -> None:
    """An image that is white where the errors of an output channel have one sign, through plain loops."""
    layer = Conv(random_weights(8, 3, 3, 2), groups=groups)
    row = decomposition_table(layer, levels=levels).row(2)
    kept = multiplied(*decompose(layer, 2), groups, "float32")
    inputs, outputs = 3, 8 // groups
    differences = []
    for o in range(8):
        for sign in (1, -1):
            image = np.zeros((inputs * groups, 3, 2))
            first = o // outputs * inputs
            image[first : first + inputs] = levels * (sign * (layer.weights - kept)[o] > 0)
            differences.append(convolved(layer.weights, image, groups) - convolved(kept, image, groups))
    assert row.worst_case_error == pytest.approx(np.abs(differences).max(), rel=1e-9)


def test_no_input_within_levels_exceeds_the_worst_case() -> None:
    """A thousand images of any samples from 0 to the levels stay below it."""
    layer = Conv(random_weights(5, 2, 3, 3))
    bound = decomposition_table(layer, levels=255).row(3).worst_case_error
    rest = layer.weights - multiplied(*decompose(layer, 3), dtype="float32")
    images = np.random.default_rng(1).choice([0.0, 255.0, 100.0], (1000, 2, 3, 3))
    assert np.abs(np.tensordot(images, rest, axes=([1, 2, 3], [1, 2, 3]))).max() <= bound


def test_errors_do_not_depend_on_how_many_channels_are_taken_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Blocks of one channel give what all at once do."""
    layer = Conv(random_weights(6, 5, 3, 3))
    whole = decomposition_table(layer)
    monkeypatch.setattr(decomposition, "_BLOCK", 1)
    parts = decomposition_table(layer)
    for one, other in zip(whole.rows, parts.rows, strict=True):
        assert one.worst_case_error == pytest.approx(other.worst_case_error, rel=1e-9)
        assert one.relative_error == pytest.approx(other.relative_error, rel=1e-9)
    assert whole.ranks == parts.ranks


def test_counts_are_the_textbooks() -> None:
    """A 5 x 5 layer from 3 to 256 channels: 19,200 multiplications a pixel become 843 at multiplier 1."""
    table = decomposition_table(Conv(random_weights(256, 3, 5, 5), np.zeros(256)))
    assert (table.multiplications, table.parameters) == (19_200, 19_456)
    first, second = table.rows[:2]
    assert (first.multiplications, first.parameters) == (5 * 5 * 3 + 3 * 256, 843 + 256)
    assert second.multiplications == 2 * 843
    assert table.ratio(first) == 19_200 / 843
    assert len(table.rows) == 25


def test_counts_are_what_the_layers_have() -> None:
    """Parameters of each row are those of the layers made, bias and groups included."""
    layer = Conv(random_weights(8, 3, 3, 3), np.ones(8), groups=2)
    for row in decomposition_table(layer).rows:
        made = decompose(layer, row.multiplier)
        assert row.parameters == sum(one.parameters for one in made)
        assert row.multiplications == sum(one.weights.size for one in made)


def test_a_layer_hands_on_what_it_has() -> None:
    """Stride, dilation, padding and border to the depthwise layer; bias and activation to the pointwise."""
    layer = Conv(
        random_weights(4, 2, 3, 3),
        [1, 2, 3, 4],
        (2, 1),
        (1, 2),
        "1 2 3 4",
        "reflect",
        "prelu:1 2 3 4",
        "stem",
    )
    depthwise, pointwise = decompose(layer, 2)
    for name in ("stride", "dilation", "padding", "border"):
        assert getattr(depthwise, name) == getattr(layer, name)
    assert (depthwise.bias, depthwise.activation.name, depthwise.name) == (None, "none", "stem.depthwise")
    assert pointwise.bias is not None
    assert pointwise.bias.tolist() == [1, 2, 3, 4]
    assert (pointwise.activation, pointwise.name) == (layer.activation, "stem.pointwise")
    assert (pointwise.stride, pointwise.dilation) == ((1, 1), (1, 1))
    assert (pointwise.padding, pointwise.border) == (None, None)


def test_shapes_of_outputs_stay() -> None:
    """The two layers make what the one did, and chain."""
    layer = Conv(random_weights(4, 2, 3, 3), stride=2, dilation=2, padding="same", name="a")
    assert Bank(decompose(layer, 3)).layers[-1].output_channels == 4
    depthwise, pointwise = decompose(layer, 3)
    assert isinstance(depthwise, Depthwise)
    assert isinstance(pointwise, Pointwise)
    assert pointwise.output_shape(depthwise.output_shape((20, 30, 2))) == layer.output_shape((20, 30, 2))


def test_groups_stay_apart() -> None:
    """What mixes a layer of groups is a 1 x 1 convolution of as many groups."""
    depthwise, mixing = decompose(Conv(random_weights(6, 2, 3, 3), groups=3, name="a"), 2)
    assert depthwise.weights.shape == (6, 2, 3, 3)
    assert isinstance(mixing, Conv)
    assert (mixing.weights.shape, mixing.groups, mixing.name) == ((6, 4, 1, 1), 3, "a.conv")


def test_channels_of_lower_rank_get_kernels_of_zero() -> None:
    """A channel of rank 1 beside one of rank 2 has one kernel, and one of 0 with weights of 0."""
    weights = np.zeros((3, 2, 1, 3))
    weights[:, 0, 0] = [[1, 2, 1], [2, 4, 2], [3, 6, 3]]
    weights[:, 1, 0] = [[1, 2, 1], [1, 0, -1], [0, 0, 0]]
    depthwise, pointwise = decompose(Conv(weights), 3)
    assert np.any(depthwise.weights != 0, axis=(2, 3)).tolist() == [[True, False, False], [True, True, False]]
    assert not pointwise.weights[:, [1, 2, 5]].any()
    table = decomposition_table(Conv(weights))
    assert (table.ranks, table.exact_multiplier, len(table.rows)) == ((1, 2), 2, 3)


def test_both_factors_of_a_term_are_of_one_size() -> None:
    """The singular value is shared: each kernel has the norm of the weights that mix it."""
    depthwise, pointwise = decompose(Conv(random_weights(16, 3, 3, 3)), 4)
    kernels = np.linalg.norm(depthwise.weights.reshape(12, 9), axis=1)
    assert kernels == pytest.approx(np.linalg.norm(pointwise.weights, axis=0), rel=1e-12)


def test_the_tap_farthest_from_zero_is_positive() -> None:
    """Signs do not depend on the library that decomposes."""
    kernels = decompose(Conv(random_weights(16, 3, 3, 3)), 9)[0].weights.reshape(27, 9)
    assert np.all(kernels.max(axis=1) > -kernels.min(axis=1))


def test_weights_of_zero_are_exact_at_once() -> None:
    """No error, and no division by their norm."""
    table = decomposition_table(Conv(np.zeros((4, 2, 3, 3))))
    assert (table.exact_multiplier, table.ranks) == (1, (0, 0))
    assert [(row.relative_error, row.worst_case_error) for row in table.rows] == [(0, 0)] * 4


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30])
def test_very_small_and_large_weights_have_a_table(scale: float) -> None:
    """No overflow of squares; what float32 cannot hold is an error of all of it."""
    rows = decomposition_table(Conv(random_weights(4, 2, 3, 3) * scale)).rows
    assert rows[-1].relative_error <= (1.0001 if scale < 1e-100 else 1e-7)
    assert np.isfinite([row.worst_case_error for row in rows]).all()


def test_only_convolutions_of_several_taps_are_decomposed() -> None:
    """Not 1 x 1 convolutions, those that are depthwise already, or layers of other kinds."""
    assert can_be_decomposed(Conv(np.ones((4, 2, 1, 3))))
    assert can_be_decomposed(Conv(np.ones((4, 1, 3, 3))))
    assert can_be_decomposed(Conv(np.ones((4, 2, 3, 3)), groups=2))
    assert not can_be_decomposed(Conv(np.ones((4, 2, 1, 1))))
    assert not can_be_decomposed(Conv(np.ones((4, 1, 3, 3)), groups=2))
    assert not can_be_decomposed(Depthwise(np.ones((2, 1, 3, 3))))
    assert not can_be_decomposed(Depthwise(np.ones((1, 1, 3, 3)), shared=True))
    assert not can_be_decomposed(Pointwise(np.ones((2, 2))))


def test_layers_of_other_kinds_stay_in_a_bank() -> None:
    """Each convolution gets its own multiplier, in order."""
    bank = Bank(
        (
            Conv(random_weights(4, 3, 3, 3), name="a"),
            Pointwise(random_weights(5, 4), name="b"),
            Conv(random_weights(2, 5, 3, 3), name="c"),
        ),
        name="all",
    )
    made = decompose_bank(bank, [3, 1])
    assert [layer.name for layer in made.layers] == [
        "a.depthwise",
        "a.pointwise",
        "b",
        "c.depthwise",
        "c.pointwise",
    ]
    assert [layer.weights.shape for layer in made.layers] == [
        (3, 3, 3, 3),
        (4, 9),
        (5, 4),
        (5, 1, 3, 3),
        (2, 5),
    ]
    assert made.name == "all"


MISTAKES = [
    # weights, multiplier, what the message says
    (np.full((2, 2, 3, 3), np.nan), 1, "layer 'a': NaN or infinite weights cannot be decomposed"),
    (np.full((2, 2, 3, 3), np.inf), 1, "layer 'a': NaN or infinite weights cannot be decomposed"),
    (np.full((2, 2, 3, 3), 1e39), 1, "layer 'a': weights: 1e\\+39 is beyond float32"),
    (np.ones((2, 2, 3, 3)), 0, "layer 'a': no decomposition of multiplier 0: give 1 to 2, exact from 2 on"),
    (
        np.ones((20, 2, 3, 3)),
        10,
        "layer 'a': no decomposition of multiplier 10: give 1 to 9, exact from 9 on",
    ),
    (np.ones((1, 2, 3, 3)), 2, "layer 'a': no decomposition of multiplier 2: 1 is the only one"),
    (
        np.ones((3, 2000, 1, 3)),
        3,
        "layer 'a': multiplier 3 makes 6,000 channels of its 2,000, and at most 4,096",
    ),
]


@pytest.mark.parametrize(("weights", "multiplier", "message"), MISTAKES)
def test_what_cannot_be_decomposed_is_refused(weights: Weights, multiplier: int, message: str) -> None:
    """With the layer, the reason and what to do."""
    with pytest.raises(BankError, match=message):
        decompose(Conv(weights, name="a"), multiplier)


def test_a_table_that_would_take_hours_is_refused() -> None:
    """2,600 kernels of 50 x 52 taps have 2,600 multipliers, each with 7 million errors to add up."""
    weights = np.ones((2600, 1, 50, 52), np.float32)
    with pytest.raises(BankError, match="too many to decompose in 2,600 ways"):
        decomposition_table(Conv(weights))


@pytest.mark.parametrize("levels", [0.0, -1.0, float("nan"), float("inf")])
def test_levels_are_positive_and_finite(levels: float) -> None:
    """Others are refused."""
    with pytest.raises(OptionError, match="more than 0, and finite"):
        decomposition_table(Conv(np.ones((2, 2, 3, 3))), levels=levels)


def test_a_table_refuses_multipliers_that_it_lacks() -> None:
    """Below 1 and beyond what can have terms, with the least that is exact."""
    table = decomposition_table(Conv(np.ones((4, 2, 3, 3)), name="a"))
    with pytest.raises(BankError, match="no decomposition of multiplier 5: give 1 to 4, exact from 1 on"):
        table.row(5)


@given(layers(), st.floats(0, 10))
def test_the_least_multiplier_within_an_error_is_chosen(layer: Conv, limit: float) -> None:
    """None before it is within; where none is, it is the exact one."""
    table = decomposition_table(layer)
    chosen = table.within(limit)
    assert all(row.worst_case_error > limit for row in table.rows[: chosen.multiplier - 1])
    assert chosen.worst_case_error <= limit or chosen.multiplier == table.exact_multiplier
