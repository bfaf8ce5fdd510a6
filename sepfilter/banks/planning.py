"""From a bank and an image's shape to what every layer makes, how, and what that costs."""

from __future__ import annotations

from collections import Counter
from typing import Final

from sepfilter.banks.bank import Bank
from sepfilter.banks.layer import Layer, Shape
from sepfilter.banks.layers import Depthwise, Pointwise
from sepfilter.banks.padding import VALID
from sepfilter.banks.separation import Separation, separation_of, term_multiplications
from sepfilter.geometry import ImageSpec
from sepfilter.plans.bank_plan import BankPlan, LayerPlan
from sepfilter.values import value


def plan_bank(bank: Bank, spec: ImageSpec, *, separates: bool = True) -> BankPlan:
    """Work out shapes and counts.

    Parameters
    ----------
    bank : Bank
        For as many channels as the image has.
    spec : ImageSpec
        The image.
    separates : bool
        Run depthwise kernels of low rank as sums of two passes.

    Raises
    ------
    ShapeError
        It is smaller than a kernel.
    """
    shape: Shape = (spec.height, spec.width, spec.channels)
    plans = []
    for layer in bank.layers:
        plans.append(_plan_layer(layer, shape, separates=separates))
        shape = plans[-1].output
    multiplications, parameters = _ordinary(bank, plans)
    return BankPlan(bank.name, spec, str(bank.input_scale), tuple(plans), multiplications, parameters)


def _plan_layer(layer: Layer, shape: Shape, *, separates: bool) -> LayerPlan:
    """One layer."""
    height, width, channels = layer.output_shape(shape)
    way = _Way.of(layer, separates=separates)
    pixels = height * width
    multiplications = pixels * way.multiplications
    return LayerPlan(
        name=layer.name,
        kind=layer.kind,
        input=shape,
        output=(height, width, channels),
        kernel=layer.kernel,
        stride=layer.stride,
        dilation=layer.dilation,
        pads=layer.pads(*shape[:2]),
        border=str(layer.edges),
        padding=str(layer.padding or VALID),
        activation=str(layer.activation),
        method=way.method,
        ranks=way.ranks,
        separated=way.separated,
        direct_multiplications=pixels * layer.rows_of_weights().size,
        multiplications=multiplications,
        # A sum of n products takes n - 1, and the bias one more.
        additions=multiplications - pixels * (way.sums - (0 if layer.bias is None else channels)),
        parameters=layer.parameters,
        reason=way.reason,
    )


@value
class _Way:
    """How a layer is run; counts are for one pixel of its output, over all channels."""

    method: str
    reason: str
    multiplications: int
    sums: int
    ranks: tuple[tuple[int, int], ...] = ()
    separated: int = 0

    @classmethod
    def of(cls, layer: Layer, *, separates: bool) -> _Way:
        """The way that is taken, and what it costs."""
        weights = layer.rows_of_weights()
        if not isinstance(layer, Depthwise):
            return cls("direct", _REASONS[layer.kind], weights.size, len(weights))
        step = layer.stride[1]
        found = separation_of(layer, separates=separates)
        terms, direct = int(found.terms.sum()), weights[found.terms == 0]
        separated = len(weights) - len(direct)
        return cls(
            method="direct" if not separated else "separable" if not len(direct) else "mixed",
            reason=_why(found, layer) if separates else "asked for",
            multiplications=terms * term_multiplications(*layer.kernel, step) + direct.size,
            sums=terms * step + len(weights),
            ranks=tuple(sorted(Counter(found.ranks.tolist()).items())),
            separated=separated,
        )


_REASONS: Final = {
    "pointwise": "a product of matrices for each pixel",
    "conv": "every tap of every input channel",
}


def _why(found: Separation, layer: Depthwise) -> str:
    """Why the kernels of a depthwise layer run as they do."""
    high, wide = layer.kernel
    if min(high, wide) == 1:
        return "kernels of one row or column are 1-D as they are"
    term = term_multiplications(high, wide, layer.stride[1])
    if not found.terms.any():
        least = max(int(found.ranks.min()), 1)
        return (
            f"the least rank is {least}: {least * term} multiplications a sample would not be fewer "
            f"than {high * wide}"
        )
    counts = Counter(found.terms[found.terms > 0].tolist())
    return "; ".join(
        f"{count} of {len(found.terms)} kernels have rank {rank}: {rank * term} multiplications a sample "
        f"instead of {high * wide}"
        for rank, count in sorted(counts.items())
    )


def _ordinary(bank: Bank, plans: list[LayerPlan]) -> tuple[int, int]:
    """Multiplications and parameters with an ordinary convolution for each depthwise layer and its mixing."""
    multiplications = parameters = 0
    blocks: list[list[int]] = []
    for place, layer in enumerate(bank.layers):
        joins = isinstance(layer, Pointwise) and blocks and isinstance(bank.layers[blocks[-1][0]], Depthwise)
        if joins and layer.stride == (1, 1):
            blocks[-1].append(place)
        else:
            blocks.append([place])
    for block in blocks:
        first, last = plans[block[0]], plans[block[-1]]
        groups = 1 if first.kind == "depthwise" else bank.layers[block[0]].channel_groups
        weights = first.kernel[0] * first.kernel[1] * first.input[2] // groups * last.output[2]
        multiplications += weights * last.output[0] * last.output[1]
        parameters += weights + (0 if bank.layers[block[-1]].bias is None else last.output[2])
    return multiplications, parameters
