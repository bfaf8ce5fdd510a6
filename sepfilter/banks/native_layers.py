"""Layers by the compiled engine: weights packed once, then a call for each block."""

from __future__ import annotations

from math import lcm
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.banks.activation import ACTIVATIONS
from sepfilter.banks.layer import Layer, RunLayer
from sepfilter.banks.layers import Depthwise
from sepfilter.banks.separation import Separation, separation_of
from sepfilter.engine import _native
from sepfilter.kernels.arrays import FloatArray

Samples = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]

MOST_SHARES: Final = 64
"""Parts of a depthwise layer that one call takes; `native/layer_module.c` has the same."""

_BLOCK: Final = _native.LAYER_BLOCK


def native_layer(layer: Layer, *, separates: bool = True) -> RunLayer:
    """Make ready to run a layer.

    Parameters
    ----------
    layer : Layer
        For a known number of channels.
    separates : bool
        Run depthwise kernels of low rank as sums of two passes.

    Returns
    -------
    callable
        ``run(block, out)``: the block has shape (h, w, C), float32 and C-contiguous, and holds all that
        the outputs are made of, padding included; so is the output, (h', w', Cout).
    """
    kernel, stride, dilation, groups = layer.kernel, layer.stride, layer.dilation, layer.channel_groups
    kind = ACTIVATIONS.index(layer.activation.name)
    alphas = np.array(layer.activation.alphas, np.float32)
    if isinstance(layer, Depthwise):
        shares = _shares(layer, separates=separates)
        return lambda block, out: _native.depthwise(
            block, out, kernel, stride, dilation, shares, kind, alphas
        )
    weights, start = _packed(layer)
    return lambda block, out: _native.mix(
        block, out, kernel, stride, dilation, groups, weights, start, kind, alphas
    )


def _packed(layer: Layer) -> tuple[Floats, Floats]:
    """Weights as groups x blocks of outputs x taps x outputs of a block, and what sums begin with."""
    weights, groups = layer.rows_of_weights(), layer.channel_groups
    outputs = len(weights) // groups
    blocks = -(-outputs // _BLOCK)
    taps = weights[0].size  # kernel row, kernel column, input channel: as they lie in a block of pixels
    by_tap = weights.transpose(0, 2, 3, 1).reshape(groups, outputs, taps)
    packed = np.zeros((groups, blocks * _BLOCK, taps), np.float32)
    packed[:, :outputs] = by_tap
    start = np.zeros((groups, blocks * _BLOCK), np.float32)
    if layer.bias is not None:
        start[:, :outputs] = layer.bias.reshape(groups, outputs)
    in_blocks = packed.reshape(groups, blocks, _BLOCK, taps).transpose(0, 1, 3, 2)
    return np.ascontiguousarray(in_blocks).ravel(), start.ravel()


def _shares(layer: Depthwise, *, separates: bool) -> tuple[Any, ...]:
    """The kernels that are run alike, together."""
    found = separation_of(layer, separates=separates)
    terms = found.terms
    if len(np.unique(terms)) > MOST_SHARES:
        terms = np.where(terms > 0, terms.max(), 0)
    return tuple(
        _share(layer, np.flatnonzero(terms == number), int(number), found) for number in np.unique(terms)
    )


def _share(layer: Depthwise, places: npt.NDArray[np.intp], terms: int, found: Separation) -> tuple[Any, ...]:
    """Some kernels, of so many terms each, as the engine takes them."""
    count = len(places)
    # Few channels lie side by side until they fill blocks; many are filled up to whole blocks.
    channels = count if count <= _BLOCK else -(-count // _BLOCK) * _BLOCK
    period = lcm(channels, _BLOCK)
    take, put = np.full((2, channels), -1, np.int32)
    take[:count], put[:count] = places // layer.multiplier, places

    def spread(factors: FloatArray) -> Floats:
        """Factors of each kernel, shape (kernels, ...), as lines of a period, one after the other."""
        lines = np.zeros((factors[0].size, channels), np.float32)
        lines[:, :count] = factors.reshape(count, -1).T
        return np.tile(lines, period // channels).ravel()

    start = spread(np.zeros(count) if layer.bias is None else layer.bias[places])
    if not terms:
        return take, put, start, spread(layer.rows_of_weights()[places])
    return take, put, start, spread(found.columns[places, :terms]), spread(found.rows[places, :terms])
