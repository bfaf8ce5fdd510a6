"""Layers by their definition: loops over outputs and taps in float64, slow and plain."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sepfilter.banks.activation import Activation
from sepfilter.banks.layer import ZEROS, Layer

Image = npt.NDArray[np.float64]


def run_naively(layer: Layer, image: npt.ArrayLike) -> Image:
    """What a layer makes of an image of shape (H, W) or (H, W, C), as float64 of shape (H', W', Cout).

    Parameters
    ----------
    layer : Depthwise, Pointwise or Conv
        Unset padding is ``valid``, and an unset border zeros.
    image : array-like
        Channels last.
    """
    samples = np.atleast_3d(np.asarray(image, np.float64))
    height, width, channels = samples.shape
    layer = layer.for_channels(channels)
    weights, bias = layer.rows_of_weights(), layer.bias
    outputs, inputs, high, wide = weights.shape
    top, left, bottom, right = layer.pads(height, width)
    (down, along), (dy, dx) = layer.stride, layer.dilation
    rows = (height + top + bottom - (high - 1) * dy - 1) // down + 1
    columns = (width + left + right - (wide - 1) * dx - 1) // along + 1
    made = np.zeros((rows, columns, outputs))
    for channel in range(outputs):
        first = channel // (outputs // layer.channel_groups) * inputs
        for y in range(rows):
            for x in range(columns):
                total = 0.0 if bias is None else float(bias[channel])
                for i in range(high):
                    for j in range(wide):
                        pixel = _pixel(samples, y * down + i * dy - top, x * along + j * dx - left, layer)
                        total += float(np.dot(weights[channel, :, i, j], pixel[first : first + inputs]))
                made[y, x, channel] = total
    return _activated(made, layer.activation)


def run_all_naively(layers: Sequence[Layer], image: npt.ArrayLike) -> Image:
    """What layers make of an image, one after the other."""
    made = np.atleast_3d(np.asarray(image, np.float64))
    for layer in layers:
        made = run_naively(layer, made)
    return made


def _pixel(samples: Image, y: int, x: int, layer: Layer) -> Image:
    """The channels of a pixel, which may lie outside."""
    border = layer.border or ZEROS
    row, column = _inside(y, samples.shape[0], border.mode), _inside(x, samples.shape[1], border.mode)
    if row is None or column is None:
        return np.full(samples.shape[2], border.value)
    return samples[row, column]


def _inside(place: int, size: int, mode: str) -> int | None:
    """Where the sample at a place comes from; None for the constant."""
    if 0 <= place < size:
        return place
    if mode == "constant":
        return None
    if mode == "nearest":
        return min(max(place, 0), size - 1)
    if mode == "wrap":
        return place % size
    if mode == "mirror":
        period = max(2 * size - 2, 1)
        return min(place % period, (-place) % period)
    return min(place % (2 * size), (-1 - place) % (2 * size))


def _activated(values: Image, activation: Activation) -> Image:
    """Each sample after the activation."""
    made = np.empty_like(values)
    for y, x in np.ndindex(values.shape[:2]):
        pixel = values[y, x]
        if activation.name == "softmax":
            powers = [math.exp(one - pixel.max()) for one in pixel]
            made[y, x] = [power / math.fsum(powers) for power in powers]
            continue
        for channel, one in enumerate(pixel):
            alpha = activation.alphas[channel % len(activation.alphas)] if activation.alphas else 0.0
            made[y, x, channel] = _one(activation.name, float(one), alpha)
    return made


def _one(name: str, x: float, alpha: float) -> float:
    """One sample after an activation other than softmax."""
    if name == "relu":
        return x if x > 0 else 0.0
    if name == "relu6":
        return min(max(x, 0.0), 6.0)
    if name in ("leaky_relu", "prelu"):
        return x if x >= 0 else alpha * x
    if name == "hard_swish":
        return x * min(max(x + 3, 0.0), 6.0) / 6
    if name == "sigmoid":
        return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
    if name == "tanh":
        return math.tanh(x)
    assert name == "none", name
    return x
