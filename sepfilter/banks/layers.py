"""The layers that banks are made of: depthwise, pointwise and ordinary convolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace
from typing import ClassVar, Self

import numpy as np

from sepfilter.banks.layer import Layer
from sepfilter.banks.separation import Separation
from sepfilter.errors import BankError
from sepfilter.kernels.arrays import FloatArray
from sepfilter.values import value


@value
class Depthwise(Layer):
    """Kernels for each channel alone: weights (C, m, kh, kw), m the depth multiplier.

    Output channel ``c * m + j`` is input channel c filtered by ``weights[c, j]``. With ``shared`` the
    weights are (1, m, kh, kw), the same for every channel of any number. `separations` remembers what
    `separation_of` has found.

    Examples
    --------
    >>> layer = Depthwise(np.ones((3, 2, 5, 5)))
    >>> layer.output_shape((12, 12, 3))
    (8, 8, 6)
    """

    kind: ClassVar[str] = "depthwise"
    layout: ClassVar[str] = "(channels, multiplier, kernel height, kernel width)"

    shared: bool = False
    separations: list[Separation] = field(init=False, default_factory=list, compare=False, repr=False)

    @property
    def multiplier(self) -> int:
        """Output channels for each input channel."""
        return int(self.weights.shape[1])

    @property
    def input_channels(self) -> int | None:
        """Channels that it takes; None for any number."""
        return None if self.shared else int(self.weights.shape[0])

    @property
    def output_channels(self) -> int | None:
        """Channels that it makes; None where it takes any number."""
        return None if self.shared else int(self.weights.shape[0] * self.weights.shape[1])

    @property
    def channel_groups(self) -> int:
        """One for each input channel."""
        return int(self.weights.shape[0])

    def rows_of_weights(self) -> FloatArray:
        """The kernel of each output channel, shape (C * m, 1, kh, kw)."""
        return self.weights.reshape(-1, 1, *self.kernel)

    def for_channels(self, channels: int) -> Self:
        """The same layer for an input of so many channels; a shared kernel is repeated for each."""
        if not self.shared:
            return Layer.for_channels(self, channels)
        return replace(
            self,
            weights=np.repeat(self.weights, channels, axis=0),
            bias=None if self.bias is None else np.tile(self.bias, channels),
            shared=False,
        )


@value
class Pointwise(Layer):
    """A mixing of channels, pixel by pixel: weights (Cout, Cin)."""

    kind: ClassVar[str] = "pointwise"
    layout: ClassVar[str] = "(output channels, input channels)"

    @property
    def kernel(self) -> tuple[int, int]:
        """A single tap."""
        return 1, 1

    @property
    def input_channels(self) -> int:
        """Channels that it takes."""
        return int(self.weights.shape[1])

    @property
    def output_channels(self) -> int:
        """Channels that it makes."""
        return int(self.weights.shape[0])

    def rows_of_weights(self) -> FloatArray:
        """The weights of each output channel, shape (Cout, Cin, 1, 1)."""
        return self.weights[:, :, np.newaxis, np.newaxis]


@value
class Conv(Layer):
    """An ordinary convolution layer: weights (Cout, Cin / groups, kh, kw).

    Parameters
    ----------
    groups : int
        Parts of the channels: the output channels of each are made of as many input channels of its own.
    """

    kind: ClassVar[str] = "conv"
    layout: ClassVar[str] = "(output channels, input channels / groups, kernel height, kernel width)"

    groups: int = 1

    def __post_init__(self) -> None:
        outputs = len(np.atleast_1d(self.weights))
        if not isinstance(self.groups, int) or self.groups < 1 or outputs % self.groups:
            raise BankError(
                f"{self.label}: {outputs} output channels in {self.groups!r} groups: "
                "give a number of groups that divides them"
            )
        Layer.__post_init__(self)

    @property
    def channel_groups(self) -> int:
        """As given."""
        return self.groups

    @property
    def input_channels(self) -> int:
        """Channels that it takes."""
        return int(self.weights.shape[1]) * self.groups

    @property
    def output_channels(self) -> int:
        """Channels that it makes."""
        return int(self.weights.shape[0])

    def rows_of_weights(self) -> FloatArray:
        """The weights of each output channel."""
        return self.weights


def named(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Layers, each with a name: its kind, with its place where there are several of one kind."""
    kinds = [layer.kind for layer in layers]
    return tuple(
        layer
        if layer.name
        else replace(layer, name=layer.kind if kinds.count(layer.kind) == 1 else f"{layer.kind} {place}")
        for place, layer in enumerate(layers, 1)
    )
