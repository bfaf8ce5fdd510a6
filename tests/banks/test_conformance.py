"""Standard convolution cases, held against results that other programs agree on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from sepfilter.banks.bank import Bank
from sepfilter.banks.layer import Layer
from sepfilter.banks.layers import Conv, Depthwise

CASES: Final = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "bank"
PATHS: Final = sorted(CASES.glob("*/case.npz"))


def as_layer(weights: np.ndarray, bias: np.ndarray, attributes: dict[str, Any], channels: int) -> Layer:
    """A case as a layer: depthwise where each input channel is a group of its own."""
    shared = {
        "bias": bias, "stride": tuple(attributes["strides"]), "dilation": tuple(attributes["dilations"]),
        "padding": " ".join(map(str, attributes["pads"])),
    }  # fmt: skip
    groups = attributes["group"]
    if groups == channels and groups > 1:
        multiplier = len(weights) // groups
        return Depthwise(weights.reshape(groups, multiplier, *weights.shape[2:]), **shared)
    return Conv(weights, groups=groups, **shared)


@pytest.mark.skipif(not PATHS, reason="the corpus of conformance cases is not here")
@pytest.mark.parametrize("path", PATHS or [Path()], ids=lambda path: path.parent.name)
def test_results_are_those_of_the_standard_cases(path: Path) -> None:
    """Every image of a standard case comes out within 1e-5 of the result that goes with it."""
    case = np.load(path, allow_pickle=False)
    layer = as_layer(case["w"], case["b"], json.loads(bytes(case["attrs"])), case["x"].shape[1])
    bank = Bank([layer])
    for image, expected in zip(case["x"], case["y"], strict=True):
        result = bank(image.transpose(1, 2, 0))
        np.testing.assert_allclose(result.transpose(2, 0, 1), expected, rtol=0, atol=1e-5)
