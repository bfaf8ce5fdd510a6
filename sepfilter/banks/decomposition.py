"""From an ordinary convolution to a depthwise and a pointwise layer, by the SVD of each input channel.

What input channel c adds to all outputs is a matrix M of shape (kh * kw, Cout): a column for each output
channel, its kernel unrolled. By the singular value decomposition M = sum_j s_j u_j v_j^T. The first d
terms are the closest matrix of rank d (Eckart and Young, 1936). They are d kernels that filter the channel,
sqrt(s_j) u_j, and the weights sqrt(s_j) v_j by which the results are mixed: a depthwise layer of multiplier
d, and a pointwise one. The root of s_j on either side keeps both factors of one size, which float32 suits.

A channel whose matrix has fewer than d terms gets kernels of 0 for the others. Where the channels are in
groups, M has the columns of its group alone, and what mixes is a 1 x 1 convolution in as many groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from sepfilter.banks.bank import Bank
from sepfilter.banks.layer import Layer
from sepfilter.banks.layers import Conv, Depthwise, Pointwise
from sepfilter.errors import BankError, OptionError
from sepfilter.geometry import MOST_CHANNELS
from sepfilter.kernels.arrays import FloatArray
from sepfilter.plans.decomposition_table import DecompositionRow, DecompositionTable, no_such_multiplier

STORED: Final = "float32"
"""Type of the weights in files and in the engine."""

_ROUNDING: Final = 2.0**-24
"""Of a number to float32, relative: a matrix so rounded is off by at most this share of its norm."""

_DOUBLE_ROUNDING: Final = 2.0**-52

_MOST_WORK: Final = 2**34
"""Weights times multipliers that a table is made for: two minutes' work."""

_BLOCK: Final = 2**18
"""Weights whose errors are held at a time, 2 MiB: a block of 32 MiB took half as long again."""


def can_be_decomposed(layer: Layer) -> bool:
    """True for an ordinary convolution: of several taps, and not one that is depthwise already."""
    is_depthwise = layer.channel_groups > 1 and layer.channel_groups == layer.input_channels
    return isinstance(layer, Conv) and layer.kernel != (1, 1) and not is_depthwise


def decompose(layer: Conv, multiplier: int) -> tuple[Depthwise, Pointwise | Conv]:
    """Split a convolution layer in a depthwise and a pointwise one that come closest to it.

    Parameters
    ----------
    layer : Conv
        Weights (Cout, Cin / groups, kh, kw), finite. Stride, dilation, padding and border become the
        depthwise layer's, bias and activation the pointwise one's.
    multiplier : int
        Kernels for each input channel, 1 to ``min(kh * kw, Cout / groups)``, which is exact.

    Returns
    -------
    depthwise : Depthwise
        Weights (Cin, multiplier, kh, kw), float64; the tap farthest from 0 of each kernel is positive.
    pointwise : Pointwise or Conv
        Weights (Cout, Cin * multiplier); of a layer with groups a 1 x 1 convolution with as many, weights
        (Cout, Cin / groups * multiplier, 1, 1).

    Raises
    ------
    BankError
        The multiplier is out of range, a weight is not finite, or there would be too many channels between
        the layers.

    Examples
    --------
    >>> kernels = [[[[1.0, 2.0, 1.0]]], [[[2.0, 4.0, 2.0]]], [[[-1.0, 0.0, 1.0]]]]
    >>> depthwise, pointwise = decompose(Conv(kernels), 2)
    >>> taps, mixing = depthwise.weights.reshape(2, 3), pointwise.weights
    >>> (mixing @ taps + 0.0).round(12).tolist()
    [[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [-1.0, 0.0, 1.0]]
    """
    _check(layer)
    _check_multiplier(layer, multiplier)
    inputs, groups = layer.input_channels, layer.groups
    columns, rows, _ = _factors(_matrices(layer))
    kernels = np.swapaxes(columns[:, :, :multiplier], 1, 2)
    depthwise = Depthwise(
        kernels.reshape(inputs, multiplier, *layer.kernel),
        stride=layer.stride,
        dilation=layer.dilation,
        padding=layer.padding,
        border=layer.border,
        name=_part(layer, "depthwise"),
    )
    by_group = rows[:, :multiplier].reshape(groups, inputs // groups * multiplier, -1)
    mixing = np.swapaxes(by_group, 1, 2).reshape(layer.output_channels, -1)
    if groups == 1:
        name = _part(layer, "pointwise")
        return depthwise, Pointwise(mixing, layer.bias, activation=layer.activation, name=name)
    name, weights = _part(layer, "conv"), mixing[:, :, np.newaxis, np.newaxis]
    return depthwise, Conv(weights, layer.bias, activation=layer.activation, name=name, groups=groups)


def decomposition_table(layer: Conv, *, levels: float = 1.0) -> DecompositionTable:
    """Find what each multiplier costs, and how far it is off.

    Parameters
    ----------
    layer : Conv
        As for `decompose`.
    levels : float
        The largest input; the least is 0.

    Returns
    -------
    DecompositionTable
        With E the weights less what the factors, rounded to float32 as they are stored, multiply to:
        ``relative_error`` is the Frobenius norm of E over that of the weights, ``worst_case_error`` the
        greatest of all output channels' ``levels * max(sum of positive E, sum of -negative E)``. An input
        of 0 and `levels` reaches it. Zeros around an image are such inputs. It is of the outputs before
        the activation, and without the rounding of the arithmetic.

    Raises
    ------
    BankError
        A weight is not finite, or there are too many.
    OptionError
        `levels` is not more than 0, or not finite.

    Examples
    --------
    >>> table = decomposition_table(Conv([[[[0.75, 0.0]]], [[[0.0, 1.0]]]], name="a"), levels=255)
    >>> [(row.multiplier, round(row.relative_error, 6), round(row.worst_case_error, 4)) for row in table.rows]
    [(1, 0.6, 191.25), (2, 0.0, 0.0)]
    """
    _check(layer)
    if not 0 < levels < float("inf"):
        raise OptionError(f"levels {levels}: the largest input must be more than 0, and finite")
    outputs, inputs, high, wide = layer.weights.shape
    most = _most_terms(layer)
    if layer.weights.size * most > _MOST_WORK:
        raise BankError(
            f"{layer.label}: {outputs:,} x {inputs:,} kernels of {high:,} x {wide:,} taps are too many to "
            f"decompose in {most:,} ways"
        )
    squares, worst, ranks = _errors(layer, most)
    norm = float(np.linalg.norm(layer.weights / _scale(layer.weights)))
    bias, channels = 0 if layer.bias is None else layer.bias.size, layer.input_channels
    rows = []
    for place in range(most):
        count = (place + 1) * (high * wide * channels + inputs * outputs)
        error = float(np.sqrt(squares[place])) / norm if norm else 0.0
        rows.append(DecompositionRow(place + 1, error, levels * float(worst[place]), count, count + bias))
    return DecompositionTable(
        name=layer.name or layer.kind,
        shape=(outputs, inputs, high, wide),
        groups=layer.groups,
        levels=levels,
        stored=STORED,
        multiplications=layer.weights.size,
        parameters=layer.parameters,
        ranks=(int(ranks.min()), int(ranks.max())),
        rows=tuple(rows),
    )


def decompose_bank(bank: Bank, multipliers: Sequence[int]) -> Bank:
    """Split those layers of a bank that can be, each by its multiplier, and keep the others.

    Raises
    ------
    BankError
        As `decompose`.
    """
    left = iter(multipliers)
    layers: list[Layer] = []
    for layer in bank.layers:
        if isinstance(layer, Conv) and can_be_decomposed(layer):
            layers += decompose(layer, next(left))
        else:
            layers.append(layer)
    return replace(bank, layers=tuple(layers))


def _check(layer: Conv) -> None:
    """Refuse weights that have no decomposition."""
    if not layer.is_finite:
        raise BankError(f"{layer.label}: NaN or infinite weights cannot be decomposed: replace them first")


def _check_multiplier(layer: Conv, multiplier: int) -> None:
    """Refuse a multiplier without terms, or with more channels than a layer may have."""
    most, between = _most_terms(layer), layer.input_channels * multiplier
    if not 1 <= multiplier <= most:
        raise BankError(no_such_multiplier(layer.name or layer.kind, multiplier, most, most))
    if between > MOST_CHANNELS:
        raise BankError(
            f"{layer.label}: multiplier {multiplier} makes {between:,} channels of its "
            f"{layer.input_channels:,}, and at most {MOST_CHANNELS:,} are taken: give a smaller one"
        )


def _part(layer: Conv, kind: str) -> str:
    """The name of one of the layers that a layer becomes."""
    return f"{layer.name}.{kind}" if layer.name else kind


def _most_terms(layer: Conv) -> int:
    """The most terms that an input channel's matrix can have."""
    return min(layer.kernel[0] * layer.kernel[1], layer.output_channels // layer.groups)


def _scale(weights: FloatArray) -> float:
    """The largest magnitude, or 1 where all are 0."""
    return float(max(weights.max(), -weights.min())) or 1.0


def _matrices(layer: Conv) -> FloatArray:
    """What each input channel adds to the outputs of its group, shape (Cin, kh * kw, Cout / groups)."""
    outputs, inputs, high, wide = layer.weights.shape
    split = layer.weights.reshape(layer.groups, outputs // layer.groups, inputs, high * wide)
    return split.transpose(0, 2, 3, 1).reshape(layer.input_channels, high * wide, -1)


def _factors(matrices: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Columns (n, kh * kw, R) and rows (n, R, Cout), and the singular values (n, R) whose roots they have."""
    try:
        left, values, right = np.linalg.svd(matrices, full_matrices=False)
    except np.linalg.LinAlgError as error:
        raise BankError(f"the weights cannot be decomposed: {error}") from None
    noise = max(matrices.shape[1:]) * _DOUBLE_ROUNDING * values[:, :1]
    values = np.where(values > noise, values, 0.0)
    farthest = np.argmax(np.abs(left), axis=1)[:, np.newaxis]
    signs = np.where(np.take_along_axis(left, farthest, axis=1) < 0, -1.0, 1.0)
    root = np.sqrt(values)
    columns = left * (signs * root[:, np.newaxis])
    rows = right * (np.swapaxes(signs, 1, 2) * root[:, :, np.newaxis])
    return columns, rows, values


def _errors(layer: Conv, most: int) -> tuple[FloatArray, FloatArray, npt.NDArray[np.intp]]:
    """Of 1, 2, ... terms the squared errors, weights scaled to 1, and worst cases; ranks of all channels."""
    matrices, scale = _matrices(layer), _scale(layer.weights)
    inputs = layer.weights.shape[1]
    squares, worst = np.zeros(most), np.zeros(most)
    ranks: list[npt.NDArray[np.intp]] = []
    for group in range(layer.groups):
        above, below = np.zeros((2, most, matrices.shape[2]))
        for block in _blocks(matrices[group * inputs : (group + 1) * inputs]):
            columns, rows, values = _factors(block)
            norms = scale * np.linalg.norm(block / scale, axis=(1, 2))
            ranks.append(np.count_nonzero(values > _ROUNDING * norms[:, np.newaxis], axis=1))
            for place, rest in enumerate(_rests(block, columns, rows)):
                total, magnitude = rest.sum(axis=0), np.abs(rest).sum(axis=0)
                above[place] += (magnitude + total) / 2
                below[place] += (magnitude - total) / 2
                scaled = (rest / scale).ravel()
                squares[place] += scaled @ scaled
        worst = np.maximum(worst, np.maximum(above, below).max(axis=1))
    return squares, worst, np.concatenate(ranks)


def _blocks(matrices: FloatArray) -> Iterator[FloatArray]:
    """A few matrices at a time."""
    step = max(1, _BLOCK // matrices[0].size)
    for start in range(0, len(matrices), step):
        yield matrices[start : start + step]


def _rests(matrices: FloatArray, columns: FloatArray, rows: FloatArray) -> Iterator[FloatArray]:
    """What 1, 2, ... terms of rounded factors leave, (n * kh * kw, Cout): one array, changed in place."""
    columns, rows = (one.astype(STORED).astype(np.float64) for one in (columns, rows))
    rest = matrices.copy()
    for place in range(columns.shape[2]):
        rest -= columns[:, :, place, np.newaxis] * rows[:, place, np.newaxis, :]
        yield rest.reshape(-1, rest.shape[2])
