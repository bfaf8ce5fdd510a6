"""Layers by NumPy: the reference that the compiled engine is held against, and its stand-in.

Sums are made tap by tap, input channel by input channel, for all samples of a block alike: so a sample does
not depend on the block that it is in.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sepfilter.banks.layer import Layer, RunLayer
from sepfilter.banks.layers import Depthwise
from sepfilter.banks.separation import separation_of

Samples = npt.NDArray[Any]


def numpy_layer(layer: Layer, *, separates: bool = True) -> RunLayer:
    """Make ready to run a layer; see `native_layer`.

    Parameters
    ----------
    layer : Layer
        For a known number of channels.
    separates : bool
        Run depthwise kernels of low rank as sums of two passes.

    Returns
    -------
    callable
        ``run(block, out)``, of any one type of floats.
    """
    sums = _depthwise(layer, separates=separates) if isinstance(layer, Depthwise) else _mixing(layer)

    def run(block: Samples, out: Samples) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            sums(block, out)
            if layer.bias is not None:
                out += layer.bias.astype(out.dtype)
            out[...] = layer.activation.applied(out)

    return run


def _met(layer: Layer, block: Samples, i: int, j: int, shape: tuple[int, ...]) -> Samples:
    """The samples that a tap meets, for each output."""
    (down, along), (high, wide) = layer.stride, layer.dilation
    rows = slice(i * high, i * high + (shape[0] - 1) * down + 1, down)
    columns = slice(j * wide, j * wide + (shape[1] - 1) * along + 1, along)
    return block[rows, columns]


def _depthwise(layer: Depthwise, *, separates: bool) -> RunLayer:
    """Sums of a depthwise layer."""
    kernels = layer.rows_of_weights()[:, 0]
    found = separation_of(layer, separates=separates)
    high, wide = layer.kernel

    def sums(block: Samples, out: Samples) -> None:
        for place, kernel in enumerate(kernels):
            channel = block[..., place // layer.multiplier]
            sum_ = np.zeros(out.shape[:2], out.dtype)
            if not found.terms[place]:
                for i, j in np.ndindex(high, wide):
                    sum_ += _met(layer, channel, i, j, out.shape) * out.dtype.type(kernel[i, j])
            for term in range(found.terms[place]):
                across = np.zeros((len(out), channel.shape[1]), out.dtype)
                for i in range(high):
                    rows = i * layer.dilation[0] + np.arange(len(out)) * layer.stride[0]
                    across += channel[rows] * out.dtype.type(found.columns[place, term, i])
                for j in range(wide):
                    columns = j * layer.dilation[1] + np.arange(out.shape[1]) * layer.stride[1]
                    sum_ += across[:, columns] * out.dtype.type(found.rows[place, term, j])
            out[..., place] = sum_

    return sums


def _mixing(layer: Layer) -> RunLayer:
    """Sums of a pointwise or ordinary layer."""
    weights, groups = layer.rows_of_weights(), layer.channel_groups
    outputs, inputs = len(weights) // groups, weights.shape[1]

    def sums(block: Samples, out: Samples) -> None:
        out[...] = 0
        for group in range(groups):
            part = slice(group * outputs, (group + 1) * outputs)
            for i, j in np.ndindex(*layer.kernel):
                met = _met(layer, block, i, j, out.shape)
                for c in range(inputs):
                    factors = weights[part, c, i, j].astype(out.dtype)
                    out[..., part] += met[..., group * inputs + c, np.newaxis] * factors

    return sums
