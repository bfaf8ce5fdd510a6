"""The two orders that weights are stored in: PyTorch's, which is ours, and Keras'.

=========  ============================================  ======================
kind       torch                                         keras
=========  ============================================  ======================
depthwise  (C * m, 1, kh, kw) or (C, m, kh, kw)          (kh, kw, C, m)
pointwise  (Cout, Cin) or (Cout, Cin, 1, 1)              (1, 1, Cin, Cout)
conv       (Cout, Cin / groups, kh, kw)                  (kh, kw, Cin / groups, Cout)
=========  ============================================  ======================

Weights of two dimensions are (Cout, Cin) in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.banks.layer import Layer
from sepfilter.banks.layers import Conv, Depthwise
from sepfilter.errors import BankError

Array = npt.NDArray[Any]

LAYOUTS: Final = ("torch", "keras")

_MOST_USUAL_SIDE: Final = 31


def torch_shape(shape: tuple[int, ...], layout: str) -> tuple[int, ...]:
    """A stored shape of 4 dimensions as (outputs, inputs, kh, kw), for keras as (m or outputs, inputs, ...).

    Examples
    --------
    >>> torch_shape((3, 3, 16, 32), "keras"), torch_shape((8, 4), "keras")
    ((32, 16, 3, 3), (8, 4))
    """
    if layout == "keras" and len(shape) == 4:
        return shape[3], shape[2], shape[0], shape[1]
    return shape


def kind_by_shape(shape: tuple[int, ...], layout: str) -> str:
    """What weights of a shape are where nothing else says it.

    Examples
    --------
    >>> kind_by_shape((32, 1, 3, 3), "torch"), kind_by_shape((3, 3, 32, 1), "keras")
    ('depthwise', 'depthwise')
    >>> kind_by_shape((64, 32, 1, 1), "torch"), kind_by_shape((64, 32, 3, 3), "torch")
    ('pointwise', 'conv')
    """
    if len(shape) == 2:
        return "pointwise"
    first, second, high, wide = torch_shape(shape, layout)
    if high * wide == 1:
        return "pointwise"
    single, several = (second, first) if layout == "torch" else (first, second)
    return "depthwise" if single == 1 and several > 1 else "conv"


def arranged(weights: Array, kind: str, layout: str, groups: int | None) -> Array:
    """Weights in the order that our layers have them.

    Parameters
    ----------
    weights : ndarray
        Of 2 or 4 dimensions, as stored.
    kind : str
        depthwise, pointwise or conv.
    layout : str
        torch or keras.
    groups : int or None
        Of a depthwise layer as many as it takes channels; None where that is not said.

    Raises
    ------
    BankError
        No layer of this kind has such weights.
    """
    if weights.ndim == 2:
        if kind != "pointwise":
            raise BankError(f"weights of shape {weights.shape}: a {kind} layer has 4 dimensions")
        return weights
    if layout == "keras":
        weights = weights.transpose((2, 3, 0, 1) if kind == "depthwise" else (3, 2, 0, 1))
    if kind == "pointwise":
        if weights.shape[2:] != (1, 1):
            raise BankError(
                f"weights with {weights.shape[2]} x {weights.shape[3]} taps: a pointwise layer has one"
            )
        return weights[:, :, 0, 0]
    if kind == "depthwise" and groups is not None and groups != len(weights):
        if layout == "keras" or weights.shape[1] != 1 or len(weights) % groups:
            raise BankError(f"weights of shape {weights.shape}: no depthwise layer of {groups} groups")
        return weights.reshape(groups, -1, *weights.shape[2:])
    return weights


def fitted(layers: Sequence[Layer], is_open: Sequence[bool], layout: str) -> list[Layer]:
    """Give layers the groups that no file of weights says: as the channels of the layer before need it.

    PyTorch's weights (6, 1, kh, kw) are depthwise for 6 channels or for 3 with multiplier 2, and those of
    an ordinary convolution do not say in how many groups it is.

    Parameters
    ----------
    layers : sequence of Layer
        In order.
    is_open : sequence of bool
        For each, whether its groups are to be found.
    layout : str
        Of the file: Keras' says what the multiplier is.
    """
    made: int | None = None
    found = []
    for layer, may_change in zip(layers, is_open, strict=True):
        if may_change and made and layer.input_channels != made:
            layer = _regrouped(layer, made, layout)
        found.append(layer)
        made = layer.output_channels
    return found


def _regrouped(layer: Layer, channels: int, layout: str) -> Layer:
    """The layer for so many channels, if it can be."""
    if isinstance(layer, Depthwise) and layout == "torch" and layer.multiplier == 1 and not layer.shared:
        if not layer.channel_groups % channels:
            weights = layer.weights.reshape(channels, -1, *layer.kernel)
            return replace(layer, weights=weights)
    elif isinstance(layer, Conv):
        groups, rest = divmod(channels, layer.weights.shape[1])
        if not rest and not layer.weights.shape[0] % groups:
            return replace(layer, groups=groups)
    return layer


def are_usual(kernels: Iterable[tuple[int, int]]) -> bool:
    """True where all kernels are square, or 1-D with a middle, and of at most 31 taps a side.

    Examples
    --------
    >>> are_usual([(3, 3), (1, 7)]), are_usual([(8, 1)]), are_usual([(64, 64)])
    (True, False, False)
    """
    return all(
        max(high, wide) <= _MOST_USUAL_SIDE
        and (high == wide or (min(high, wide) == 1 and high * wide % 2 == 1))
        for high, wide in kernels
    )


def likely_layout(shapes: Sequence[tuple[int, ...]]) -> str | None:
    """The only layout in which all kernels of a file are usual, None where both or neither are.

    Examples
    --------
    >>> likely_layout([(32, 1, 3, 3), (64, 32)]), likely_layout([(3, 3, 32, 1)])
    ('torch', 'keras')
    >>> likely_layout([(3, 3, 3, 3)]) is None
    True
    """
    found = [
        layout
        for layout in LAYOUTS
        if are_usual(torch_shape(shape, layout)[2:] for shape in shapes if len(shape) == 4 and 0 not in shape)  # type: ignore[misc]
    ]
    return found[0] if len(found) == 1 else None


def are_same(layers: Sequence[Layer], others: Sequence[Layer]) -> bool:
    """True where the weights of both are the same, layer by layer."""
    return len(layers) == len(others) and all(
        one.kind == other.kind and np.array_equal(one.weights, other.weights, equal_nan=True)
        for one, other in zip(layers, others, strict=True)
    )
