"""What a filter bank makes of an image, layer by layer, and how much arithmetic that takes: plain values."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Final

from sepfilter.geometry import ImageSpec
from sepfilter.plans.operations import Operations
from sepfilter.plans.output_map import OutputMap
from sepfilter.values import value

Shape = tuple[int, int, int]

RAW: Final = OutputMap(1.0, 0.0, "float", "float32")
"""Results as they are."""


@value
class LayerPlan:
    """One layer on its input.

    Attributes
    ----------
    name, kind : str
        What it is called; depthwise, pointwise or conv.
    input, output : (int, int, int)
        Height, width and channels.
    kernel, stride, dilation : (int, int)
        Down and along.
    pads : (int, int, int, int)
        Samples added at the top, left, bottom and right.
    border, padding, activation : str
        In words.
    method : str
        ``direct``, ``separable``, or ``mixed``: some kernels as two 1-D passes, the others directly.
    ranks : tuple of (int, int)
        Of a depthwise layer: how many kernels have each rank, by rank.
    separated : int
        Of a depthwise layer: kernels that are run as two 1-D passes or a sum of such.
    direct_multiplications : int
        The textbook's: every tap of every kernel.
    multiplications : int
        The same for the way that is taken.
    additions : int
        Of the way that is taken, bias included.
    parameters : int
        Weights and bias.
    reason : str
        Why this way, in words.
    """

    name: str
    kind: str
    input: Shape
    output: Shape
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: tuple[int, int, int, int]
    border: str
    padding: str
    activation: str
    method: str
    ranks: tuple[tuple[int, int], ...]
    separated: int
    direct_multiplications: int
    multiplications: int
    additions: int
    parameters: int
    reason: str

    @property
    def halo(self) -> tuple[int, int, int, int]:
        """Samples above, below, left and right of an output's own that it is made of, at least 0."""
        return _halo((self,))

    @property
    def operations(self) -> Operations:
        """Its counts; taps of 0 are multiplied as others are."""
        return Operations(
            self.multiplications,
            self.multiplications,
            self.additions,
            self.direct_multiplications,
            prod(self.output),
        )


@value
class BankPlan:
    """A filter bank on an image.

    Attributes
    ----------
    name : str
        What the bank is called.
    spec : ImageSpec
        The image.
    input_scale : str
        What its weights expect of samples, in words.
    layers : tuple of LayerPlan
        From first to last.
    ordinary_multiplications, ordinary_parameters : int
        Of ordinary convolutions from the same inputs to the same outputs: one in place of each depthwise
        layer together with the pointwise ones that follow it, with its kernel size and their bias.
    output : OutputMap
        How results become output samples.
    """

    name: str
    spec: ImageSpec
    input_scale: str
    layers: tuple[LayerPlan, ...]
    ordinary_multiplications: int
    ordinary_parameters: int
    output: OutputMap = RAW

    @property
    def shape(self) -> Shape:
        """Height, width and channels of the result."""
        return self.layers[-1].output

    @property
    def output_spec(self) -> ImageSpec:
        """The result; the last of four channels is opacity."""
        height, width, channels = self.shape
        return ImageSpec(height, width, channels, self.output.dtype, alpha=channels == 4)

    @property
    def precision(self) -> str:
        """Sums are made in float32, as networks make them."""
        return "float"

    @property
    def halo(self) -> tuple[int, int, int, int]:
        """Samples of the image above, below, left and right that the first result reaches beyond its own."""
        return _halo(self.layers)

    @property
    def operations(self) -> Operations:
        """All layers together."""
        return Operations.total((layer.operations for layer in self.layers), prod(self.shape))

    @property
    def direct_multiplications(self) -> int:
        """The textbook's count over all layers."""
        return self.operations.direct_multiplications

    @property
    def multiplications(self) -> int:
        """The same for the ways that are taken."""
        return self.operations.multiplications

    @property
    def executed_multiplications(self) -> int:
        """What is really multiplied."""
        return self.operations.executed_multiplications

    @property
    def additions(self) -> int:
        """Over all layers."""
        return self.operations.additions

    @property
    def parameters(self) -> int:
        """Over all layers."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def ratio(self) -> float:
        """How many times more the ordinary convolution takes than the layers by the textbook."""
        return self.ordinary_multiplications / self.direct_multiplications

    @property
    def method(self) -> str:
        """How the depthwise layers are run; direct where there is none."""
        ways = {layer.method for layer in self.layers if layer.kind == "depthwise"} or {"direct"}
        return ways.pop() if len(ways) == 1 else "mixed"


def _halo(layers: Sequence[LayerPlan]) -> tuple[int, int, int, int]:
    """How far the first output reaches around the first sample, through layers one after the other."""
    before, after, step = [0, 0], [0, 0], [1, 1]
    for layer in layers:
        for axis in (0, 1):
            reach = (layer.kernel[axis] - 1) * layer.dilation[axis]
            before[axis] += layer.pads[axis] * step[axis]
            after[axis] += (reach - layer.pads[axis]) * step[axis]
            step[axis] *= layer.stride[axis]
    return max(before[0], 0), max(after[0], 0), max(before[1], 0), max(after[1], 0)
