"""A filter bank: layers one after the other, from an image to channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sepfilter.banks.input_scale import AS_THEY_ARE, InputScale
from sepfilter.banks.layer import ZEROS, Layer
from sepfilter.banks.layers import named
from sepfilter.banks.padding import VALID, Padding
from sepfilter.errors import BankError, ShapeError
from sepfilter.geometry import ImageSpec
from sepfilter.plans.border import Border
from sepfilter.values import value

if TYPE_CHECKING:
    from sepfilter.plans.bank_plan import BankPlan

Samples = npt.NDArray[Any]


@value
class Bank:
    """Layers that run one after the other.

    Parameters
    ----------
    layers : sequence of Depthwise, Pointwise or Conv
        From first to last, at least one; each takes as many channels as the one before makes.
    name : str
        What reports call it.
    input_scale : InputScale
        What the weights expect of an image's samples.

    Raises
    ------
    BankError
        There is no layer, or one does not take what the one before makes; the message names it.

    Examples
    --------
    >>> from sepfilter.banks.layers import Depthwise, Pointwise
    >>> bank = Bank([Depthwise(np.ones((3, 1, 5, 5))), Pointwise(np.ones((256, 3)))])
    >>> plan = bank.plan(ImageSpec(12, 12, 3, "float32"))
    >>> plan.shape, plan.direct_multiplications, plan.ordinary_multiplications
    ((8, 8, 256), 53952, 1228800)
    >>> bank(np.ones((12, 12, 3), np.float32))[0, 0, :2].tolist()
    [75.0, 75.0]
    """

    layers: tuple[Layer, ...]
    name: str = "bank"
    input_scale: InputScale = AS_THEY_ARE

    def __post_init__(self) -> None:
        layers = named(tuple(self.layers))
        if not layers:
            raise BankError(f"{self.name}: has no layers: give at least one")
        object.__setattr__(self, "layers", _chained(layers, self.name))

    @property
    def input_channels(self) -> int | None:
        """Channels that it takes; None for any number."""
        return self.layers[0].input_channels

    @property
    def output_channels(self) -> int | None:
        """Channels that it makes; None where it takes any number."""
        return self.layers[-1].output_channels

    @property
    def nonfinite_layers(self) -> list[str]:
        """Names of the layers with weights that are NaN or infinite."""
        return [layer.name for layer in self.layers if not layer.is_finite]

    def filled(self, padding: Padding = VALID, border: Border = ZEROS) -> Bank:
        """The same bank, with padding and border said for the layers that do not say their own."""
        return replace(self, layers=tuple(layer.filled(padding, border) for layer in self.layers))

    def for_channels(self, channels: int) -> Bank:
        """The same bank for images of so many channels: a kernel for all is repeated for each.

        Raises
        ------
        ShapeError
            It takes another number.
        """
        takes = self.input_channels
        if takes is not None:
            if takes != channels:
                raise ShapeError(_mismatch(self.name, takes, channels))
            return self
        layers, made = [], channels
        for layer in self.layers:
            layers.append(layer.for_channels(made))
            made = layers[-1].output_channels or made
        return replace(self, layers=tuple(layers))

    def plan(self, spec: ImageSpec) -> BankPlan:
        """Shapes and counts, without any pixels.

        Parameters
        ----------
        spec : ImageSpec
            The image; all of its channels are filtered.

        Raises
        ------
        ShapeError
            The bank takes another number of channels, or the image is smaller than a kernel.
        """
        from sepfilter.banks.planning import plan_bank

        return plan_bank(self.for_channels(spec.channels), spec)

    def __call__(
        self, image: npt.ArrayLike, *, threads: int | None = None, out: Samples | None = None
    ) -> Samples:
        """Run the layers on an image.

        Parameters
        ----------
        image : array-like
            Shape (H, W) or (H, W, C), of a type of samples as in `ImageSpec`.
        threads : int, optional
            At most this many; the result does not depend on it.
        out : ndarray, optional
            Float32, of the result's shape, C-contiguous; written to instead of a new array.

        Returns
        -------
        ndarray
            Shape (H', W', Cout), float32.

        Raises
        ------
        ShapeError
            The bank takes another number of channels, the image is smaller than a kernel, or `out` does
            not suit.
        """
        from sepfilter.banks.running import run_bank

        return run_bank(self, np.asarray(image), threads=threads, out=out)


def _chained(layers: Sequence[Layer], bank: str) -> tuple[Layer, ...]:
    """The layers, each taking what the one before makes; those for any number get it where it is clear."""
    known = next((place for place, layer in enumerate(layers) if layer.input_channels is not None), None)
    if known is None:
        return tuple(layers)
    channels = layers[known].input_channels or 1
    for layer in reversed(layers[:known]):
        multiplier = layer.weights.shape[1]
        if channels % multiplier:
            raise BankError(
                f"{bank}: {layers[known].label} takes {channels} channels, which {layer.label} of multiplier "
                f"{multiplier} cannot make"
            )
        channels //= multiplier
    chained: list[Layer] = []
    for layer in layers:
        if layer.input_channels not in (None, channels):
            before = chained[-1].label if chained else "the image"
            raise BankError(
                f"{bank}: {layer.label} takes {layer.input_channels} channels, but {before} makes {channels}"
            )
        chained.append(layer.for_channels(channels))
        channels = chained[-1].output_channels or channels
    return tuple(chained)


def _mismatch(name: str, takes: int, channels: int) -> str:
    """What to do about an image of other channels."""
    told = {(1, 3): ": give --grey", (3, 1): ": give a colour image, or leave out --grey"}
    advice = told.get((takes, channels), "")
    noun = "channel" if takes == 1 else "channels"
    called = "the bank" if name == "bank" else f"the bank {name}"
    return f"{called} takes {takes} {noun}, and the image has {channels}{advice}"
