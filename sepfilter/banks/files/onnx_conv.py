"""The Conv of ONNX."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.banks.files.onnx_attributes import Attributes
from sepfilter.banks.files.onnx_keras_graph import Pair, Weighted
from sepfilter.banks.files.onnx_tensors import Constants
from sepfilter.banks.padding import VALID, Padding
from sepfilter.errors import BankError
from sepfilter.kernels.arrays import FloatArray

_SAME: Final = {"SAME_UPPER": "same", "SAME_LOWER": "same-lower"}


def convolution(node: Any, given: Attributes, constants: Constants, _: int) -> Weighted:
    """A convolution of images with constant weights.

    Parameters
    ----------
    node : onnx.NodeProto
        Of the operator Conv.
    given : Attributes
        Its attributes.
    constants : Constants
        Where its weights are.

    Raises
    ------
    BankError
        It is of sound or volumes, its weights are no constants, or an attribute is not sound.
    """
    if len(node.input) not in (2, 3):
        raise BankError(f"it has {len(node.input)} inputs instead of 2 or 3")
    shape = constants.shape(node.input[1])
    if len(shape) != 4:
        raise BankError(f"it is {len(shape) - 2}-D, and images need 2-D ones")
    outputs, inputs, high, wide = shape
    groups = given.whole("group", 1)
    if groups < 1 or outputs % groups:
        raise BankError(f"its {outputs} outputs are in {groups} groups")
    if given.numbers("kernel_shape", (high, wide)) != (high, wide):
        raise BankError(f"its kernel_shape is not that of its weights, {high} x {wide}")
    weights, bias = node.input[1], node.input[2] if len(node.input) == 3 else ""
    if bias and constants.shape(bias) != (outputs,):
        raise BankError(f"its bias has shape {constants.shape(bias)} for {outputs} outputs")

    def read() -> tuple[npt.NDArray[np.floating], FloatArray | None]:
        return constants.read(weights), constants.vector(bias, "bias") if bias else None

    return Weighted(
        shape=(outputs, inputs, high, wide),
        groups=groups,
        read=read,
        stride=_pair(given, "strides"),
        dilation=_pair(given, "dilations"),
        padding=_padding(given),
    )


def _pair(given: Attributes, name: str) -> Pair:
    """Strides or dilations."""
    numbers = given.numbers(name, (1, 1))
    if len(numbers) != 2 or min(numbers) < 1:
        raise BankError(f"its {name} are {list(numbers)[:4]} instead of two numbers from 1")
    return numbers[0], numbers[1]


def _padding(given: Attributes) -> Padding:
    """Padding: by amounts, or by a rule."""
    rule = given.text("auto_pad", "NOTSET")
    if rule in _SAME:
        return Padding(_SAME[rule])
    if rule not in ("NOTSET", "VALID", ""):
        raise BankError(f"its auto_pad is {rule!r}")
    pads = given.numbers("pads", (0, 0, 0, 0))
    if rule == "VALID" or not any(pads):
        return VALID
    if len(pads) != 4:
        raise BankError(f"it has {len(pads)} pads instead of 4")
    return Padding("explicit", (pads[0], pads[1], pads[2], pads[3]))
