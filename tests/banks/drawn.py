"""Layers and images that Hypothesis draws."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from sepfilter.banks.layer import Layer
from sepfilter.banks.layers import Conv, Depthwise, Pointwise

PADDINGS = ("valid", "same", "same-lower", "1 0 2 1", "2")
BORDERS = ("constant", "constant:-2.5", "reflect", "mirror", "nearest", "wrap")
ACTIVATIONS = (
    "none", "relu", "relu6", "leaky_relu:0.2", "prelu:0.3", "hard_swish", "sigmoid", "tanh", "softmax",
)  # fmt: skip


@st.composite
def layers(draw: st.DrawFn, channels: int, *, sliding: bool = True) -> Layer:
    """A layer of any kind for so many channels."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    small = st.integers(1, 3)
    options: dict[str, Any] = {"activation": draw(st.sampled_from(ACTIVATIONS))}
    kind = draw(st.sampled_from(["depthwise", "pointwise", "conv"] if sliding else ["pointwise"]))
    if kind != "pointwise":
        options |= {
            "stride": draw(st.tuples(small, small)),
            "dilation": draw(st.tuples(small, small)),
            "padding": draw(st.sampled_from(PADDINGS)),
            "border": draw(st.sampled_from(BORDERS)),
        }
    size = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    if kind == "depthwise":
        weights = random.normal(size=(channels, draw(small), *size))
        for kernel in weights[:, 0][random.random(channels) < 0.5]:
            kernel[...] = np.outer(random.normal(size=size[0]), random.normal(size=size[1]))
        outputs = weights.shape[0] * weights.shape[1]
        make: type[Layer] = Depthwise
    else:
        groups = draw(st.sampled_from([n for n in range(1, channels + 1) if channels % n == 0]))
        groups = groups if kind == "conv" else 1
        outputs = groups * draw(st.integers(1, 20))
        shape = (outputs, channels // groups, *size) if kind == "conv" else (outputs, channels)
        weights = random.normal(size=shape)
        make = Conv if kind == "conv" else Pointwise
        if kind == "conv":
            options["groups"] = groups
    if draw(st.booleans()):
        options["bias"] = random.normal(size=outputs)
    return make(weights, **options)


@st.composite
def banks(draw: st.DrawFn, channels: int, most: int = 3) -> list[Layer]:
    """Layers that chain."""
    chained: list[Layer] = []
    for _ in range(draw(st.integers(1, most))):
        chained.append(draw(layers(channels)))
        channels = chained[-1].output_channels or channels
    return chained
