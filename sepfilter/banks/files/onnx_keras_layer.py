"""The layer that a convolution and what follows it make: depthwise, pointwise or ordinary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sepfilter.banks.activation import NONE, Activation
from sepfilter.banks.files.onnx_keras_graph import Affine, Weighted
from sepfilter.banks.layer import ZEROS, Layer
from sepfilter.banks.layers import Conv, Depthwise, Pointwise
from sepfilter.banks.padding import VALID, Padding
from sepfilter.errors import BankError
from sepfilter.kernels.arrays import FloatArray

Array = npt.NDArray[Any]


def make_layer(
    name: str, convolution: Weighted | None, affines: Sequence[Affine], activation: Activation
) -> Layer:
    """The layer; without a convolution it is a depthwise one of 1 x 1 taps.

    Raises
    ------
    BankError
        Weights are missing or malformed, or shapes do not fit.
    """
    if convolution is None:
        size = max([len(activation.alphas), *(one.size for one in affines)], default=1)
        weights, bias = folded(np.ones((max(size, 1), 1, 1, 1)), None, affines, name)
        return Depthwise(
            weights,
            bias=bias,
            padding=VALID,
            border=ZEROS,
            activation=activation,
            name=name,
            shared=size <= 1,
        )
    weights, bias = folded(*convolution.read(), affines, name)
    if weights.shape != convolution.shape:
        raise BankError(f"layer {name!r}: weights of shape {weights.shape} instead of {convolution.shape}")
    settings: dict[str, Any] = {
        "bias": bias,
        "stride": convolution.stride,
        "dilation": convolution.dilation,
        "padding": convolution.padding,
        "border": ZEROS if convolution.says_border else None,
        "activation": activation,
        "name": name,
    }
    kind = kind_of(convolution)
    if kind == "depthwise":
        outputs, _, high, wide = convolution.shape
        multiplier = outputs // convolution.groups
        return Depthwise(weights.reshape(convolution.groups, multiplier, high, wide), **settings)
    if kind == "pointwise":
        if convolution.says_border:
            settings["padding"] = VALID
        return Pointwise(weights[:, :, 0, 0], **settings)
    return Conv(weights, groups=convolution.groups, **settings)


def kind_of(convolution: Weighted) -> str:
    """Depthwise, pointwise or conv; a 1 x 1 convolution of a single channel is pointwise."""
    outputs, inputs, high, wide = convolution.shape
    padding = convolution.padding or VALID
    # TensorFlow's and ONNX's "same" adds nothing around a single tap, whatever the stride.
    plain = padding.mode != "explicit" or not any(padding.amounts)
    if (high, wide) == (1, 1) and convolution.groups == 1 and plain:
        return "pointwise"
    if inputs == 1 and outputs % convolution.groups == 0:
        return "depthwise"
    return "conv"


def folded(
    weights: Array, bias: FloatArray | None, affines: Sequence[Affine], name: str
) -> tuple[Array, FloatArray | None]:
    """Weights and bias with what is multiplied and added after them, worked out in float64."""
    for affine in affines:
        factors, shifts = affine.read()
        channels = len(weights)
        if len(factors) not in (1, channels) or len(shifts) not in (1, channels):
            raise BankError(
                f"layer {name!r}: {affine.what} has {max(len(factors), len(shifts))} channels, not {channels}"
            )
        with np.errstate(all="ignore"):
            weights = weights.astype(np.float64) * factors.reshape(-1, 1, 1, 1)
            bias = np.broadcast_to((0.0 if bias is None else bias) * factors + shifts, (channels,))
    return weights, bias


def describe(convolution: Weighted | None, affines: Sequence[Affine], activation: Activation) -> str:
    """What a layer is, in words."""
    after = [] if activation == NONE else [activation.name]
    if convolution is None:
        return ", ".join(["depthwise, 1 x 1", *(one.what for one in affines), *after])
    outputs, inputs, high, wide = convolution.shape
    kind = kind_of(convolution)
    words = [kind, f"{inputs * convolution.groups} -> {outputs} channels"]
    if kind == "conv" and convolution.groups > 1:
        words.append(f"{convolution.groups} groups")
    if kind != "pointwise":
        words.append(f"{high} x {wide}")
    for what, pair in (("stride", convolution.stride), ("dilation", convolution.dilation)):
        if pair != (1, 1):
            words.append(f"{what} {pair[0]}" if pair[0] == pair[1] else f"{what} {pair[0]} x {pair[1]}")
    if kind != "pointwise":
        words.append(_padding(convolution.padding))
    return ", ".join([*words, *(f"{one.what} folded in" for one in affines), *after])


def _padding(padding: Padding | None) -> str:
    """Padding in words."""
    if padding is None:
        return "padding not said"
    return f"padding {padding}" if padding.mode == "explicit" else str(padding)
