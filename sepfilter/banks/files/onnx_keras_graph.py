"""A trained network as its parts in order: what files of ONNX and of Keras have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from sepfilter.banks.activation import NONE, Activation
from sepfilter.banks.padding import Padding
from sepfilter.kernels.arrays import FloatArray
from sepfilter.values import value

MOST_NUMBERS: Final = 2**26
"""Numbers of one array of weights: what memory is bounded by; the largest of known networks has a quarter."""

Pair: TypeAlias = tuple[int, int]


@value
class Weighted:
    """A convolution of any kind.

    Attributes
    ----------
    shape : (int, int, int, int)
        Of its weights as `read` gives them: (Cout, Cin / groups, kh, kw).
    groups : int
        Parts of the channels; as many as channels for a depthwise one.
    read : callable
        Gives weights and bias, or None for no bias; raises BankError.
    padding : Padding or None
        None where the file does not say.
    says_border : bool
        True where what is padded is known to be zeros.
    """

    shape: tuple[int, int, int, int]
    groups: int
    read: Callable[[], tuple[npt.NDArray[np.floating], FloatArray | None]]
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    padding: Padding | None = None
    says_border: bool = True
    activation: Activation = NONE


@value
class Affine:
    """A factor and a number to add, one for all channels or one a channel: batch normalization, for one.

    Attributes
    ----------
    size : int
        1 or the channels.
    read : callable
        Gives factors and numbers, each of shape (size,) or (1,); raises BankError.
    what : str
        In words.
    """

    size: int
    read: Callable[[], tuple[FloatArray, FloatArray]]
    what: str


@value
class Activates:
    """An activation."""

    activation: Activation


@value
class Pads:
    """Zeros around the input of a convolution: top, left, bottom, right."""

    amounts: tuple[int, int, int, int]


@value
class Passes:
    """What changes nothing when a network is run."""


@value
class Foreign:
    """What no bank does, and why."""

    reason: str


Part: TypeAlias = Weighted | Affine | Activates | Pads | Passes | Foreign


@value
class Node:
    """A part in its place.

    Attributes
    ----------
    name : str
        What ``--select`` takes.
    takes : tuple of str
        What it is made of, weights aside.
    makes : str
        What others call its result.
    """

    name: str
    takes: tuple[str, ...]
    makes: str
    part: Part


def normalization(
    gamma: FloatArray, beta: FloatArray, mean: FloatArray, variance: FloatArray, epsilon: float
) -> tuple[FloatArray, FloatArray]:
    """Batch normalization with constants, as the factors and numbers to add of an `Affine`.

    Examples
    --------
    >>> one = np.ones(1)
    >>> [part.tolist() for part in normalization(one, one, 2 * one, 3 * one, 1.0)]
    [[0.5], [0.0]]
    """
    with np.errstate(all="ignore"):
        factors = gamma / np.sqrt(variance + epsilon)
        return factors, beta - mean * factors
