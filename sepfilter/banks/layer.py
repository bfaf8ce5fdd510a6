"""What all layers of a bank have: weights, bias, stride, dilation, padding, border, activation, a name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt

from sepfilter.banks.activation import NONE, Activation
from sepfilter.banks.padding import VALID, Padding
from sepfilter.errors import BankError, OptionError, ShapeError
from sepfilter.geometry import MOST_CHANNELS
from sepfilter.kernels.arrays import FloatArray, read_only
from sepfilter.plans.border import Border
from sepfilter.values import value

Shape = tuple[int, int, int]
RunLayer = Callable[[npt.NDArray[Any], npt.NDArray[Any]], None]
"""``run(block, out)``: makes a layer's outputs from a block with all that they are made of."""

MOST_SIDE: Final = 4096
"""Taps along a side, strides and dilations: what memory for a row's context is bounded by."""

ZEROS: Final = Border("constant")


@value
class Layer:
    """What all layers have; see `Depthwise`, `Pointwise` and `Conv`.

    ``out[y, x] = activation(bias + sum weights[i, j] * in[y * sy + i * dy - top, x * sx + j * dx - left])``,
    correlation, with the sums over input channels that the kind of layer says.

    Parameters
    ----------
    weights : array-like
        As the kind of layer has them; finite, kept as float64, used as float32.
    bias : array-like, optional
        One number for each output channel.
    stride, dilation : int or (int, int)
        Down and along: the step between outputs, and the one between taps.
    padding : Padding or str, optional
        Unless given, the bank's, which is ``valid`` unless that is given.
    border : Border or str, optional
        What the padding is filled with; unless given, the bank's, which are zeros unless those are.
    activation : Activation or str
        What follows.
    name : str
        What messages and reports call it.

    Raises
    ------
    BankError
        Shapes do not fit, or a number is out of range; the message names the layer.
    """

    kind: ClassVar[str] = "layer"
    layout: ClassVar[str] = ""

    weights: npt.NDArray[np.float64]
    bias: FloatArray | None = None
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: Padding | None = None
    border: Border | None = None
    activation: Activation = NONE
    name: str = ""

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "weights", self._numbers(self.weights, "weights"))
        if not self.name.isprintable():
            raise BankError(
                f"{self.name!r}: is no name for a layer: letters that cannot be printed are in it"
            )
        if self.weights.ndim != self.layout.count(",") + 1 or not self.weights.size:
            raise BankError(
                f"{self.label}: weights of shape {self.weights.shape}: a {self.kind} layer has {self.layout}"
            )
        for side, length in zip(("high", "wide"), self.kernel, strict=True):
            if length > MOST_SIDE:
                raise BankError(
                    f"{self.label}: kernels {length:,} taps {side}: at most {MOST_SIDE:,} are taken"
                )
        for name in ("stride", "dilation"):
            set_field(self, name, self._pair(name))
        try:
            self._set_parsed()
            self.activation.check(self.output_channels or 1)
        except (BankError, OptionError) as error:
            raise BankError(f"{self.label}: {error}") from None
        if (self.output_channels or 0) > MOST_CHANNELS or (self.input_channels or 0) > MOST_CHANNELS:
            raise BankError(
                f"{self.label}: {self.input_channels:,} channels become {self.output_channels:,}: "
                f"at most {MOST_CHANNELS:,} are taken"
            )
        if self.bias is not None:
            set_field(self, "bias", self._numbers(self.bias, "bias"))
            if self.bias.shape != (len(self.rows_of_weights()),):
                raise BankError(
                    f"{self.label}: a bias of shape {self.bias.shape}: "
                    f"give {len(self.rows_of_weights())} numbers, one for each output channel"
                )

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"layer {self.name!r}" if self.name else f"{self.kind} layer"

    @property
    def kernel(self) -> tuple[int, int]:
        """Taps down and along."""
        return self.weights.shape[-2], self.weights.shape[-1]

    @property
    def extent(self) -> tuple[int, int]:
        """Samples that the taps span, gaps of a dilation included."""
        down, along = self.kernel
        return (down - 1) * self.dilation[0] + 1, (along - 1) * self.dilation[1] + 1

    @property
    def input_channels(self) -> int | None:
        """Channels that it takes; None for any number."""
        raise NotImplementedError

    @property
    def output_channels(self) -> int | None:
        """Channels that it makes; None where it takes any number."""
        raise NotImplementedError

    @property
    def channel_groups(self) -> int:
        """Groups that the channels are in: outputs of a group are made of its inputs alone."""
        return 1

    def rows_of_weights(self) -> FloatArray:
        """The weights of each output channel, shape (Cout, Cin / groups, kh, kw)."""
        raise NotImplementedError

    @property
    def parameters(self) -> int:
        """Numbers that it has: weights and bias."""
        return self.weights.size + (0 if self.bias is None else self.bias.size)

    @property
    def is_finite(self) -> bool:
        """True where no weight, bias or alpha is NaN or infinite."""
        numbers = [self.weights] if self.bias is None else [self.weights, self.bias]
        return all(bool(np.isfinite(one).all()) for one in numbers) and self.activation.has_finite_alphas()

    def filled(self, padding: Padding, border: Border) -> Self:
        """The same layer, with padding and border said."""
        return replace(self, padding=self.padding or padding, border=self.border or border)

    def for_channels(self, channels: int) -> Self:
        """The same layer for an input of so many channels.

        Raises
        ------
        BankError
            It takes another number.
        """
        if self.input_channels != channels:
            raise BankError(f"{self.label}: takes {_channels(self.input_channels)}, not {channels}")
        return self

    @property
    def edges(self) -> Border:
        """The border: zeros unless it is said."""
        return self.border or ZEROS

    def pads(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Samples that are added at the top, left, bottom and right of an input of a size."""
        padding = self.padding or VALID
        top, bottom = padding.around(height, self.extent[0], self.stride[0], axis=0)
        left, right = padding.around(width, self.extent[1], self.stride[1], axis=1)
        return top, left, bottom, right

    def output_shape(self, shape: Shape) -> Shape:
        """Height, width and channels that an input becomes.

        Raises
        ------
        BankError
            It has other channels.
        ShapeError
            It is smaller than the kernel.
        """
        height, width, channels = shape
        layer = self.for_channels(channels)
        top, left, bottom, right = self.pads(height, width)
        rows = (height + top + bottom - self.extent[0]) // self.stride[0] + 1
        columns = (width + left + right - self.extent[1]) // self.stride[1] + 1
        if rows < 1 or columns < 1:
            high, wide = self.extent
            raise ShapeError(
                f"{self.label}: its kernels span {high} x {wide} samples, and its input has {height} x "
                f"{width}: give a larger image, or pad the layer"
            )
        return rows, columns, layer.output_channels or channels

    def _numbers(self, numbers: npt.ArrayLike, what: str) -> FloatArray:
        """Real numbers as float64."""
        try:
            array = np.asarray(numbers)
            if array.dtype.kind not in "biuf":
                raise TypeError(f"they are {array.dtype}")
            with np.errstate(invalid="ignore"):  # NaNs of float32 that signal
                numbers = read_only(array)
        except (TypeError, ValueError) as error:
            raise BankError(f"{self.label}: {what} must be real numbers: {error}") from None
        beyond = np.isfinite(numbers) & (np.abs(numbers) > np.finfo(np.float32).max)
        if beyond.any():
            raise BankError(
                f"{self.label}: {what}: {numbers[beyond][0]:g} is beyond float32, the type of sums: scale it"
            )
        return numbers

    def _pair(self, name: str) -> tuple[int, int]:
        """A stride or dilation as two numbers."""
        given: Any = getattr(self, name)
        pair = (given, given) if isinstance(given, (int, np.integer)) else tuple(given)
        whole = all(isinstance(one, (int, np.integer)) and 1 <= one <= MOST_SIDE for one in pair)
        if len(pair) != 2 or not whole:
            raise BankError(
                f"{self.label}: {name} {given!r}: give whole numbers from 1 to {MOST_SIDE:,}, down and along"
            )
        return int(pair[0]), int(pair[1])

    def _set_parsed(self) -> None:
        """Read padding, border and activation where they are text."""
        for name, kind in (("padding", Padding), ("border", Border), ("activation", Activation)):
            given: Any = getattr(self, name)
            if isinstance(given, str):
                object.__setattr__(self, name, kind.parse(given))


def _channels(number: int | None) -> str:
    """The number with its noun."""
    return "1 channel" if number == 1 else f"{number} channels"
