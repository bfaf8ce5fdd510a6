"""What the operators of an ONNX graph stand for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, Final

import numpy as np

from sepfilter.banks.activation import Activation
from sepfilter.banks.files.error_text import printable
from sepfilter.banks.files.onnx_attributes import Attributes
from sepfilter.banks.files.onnx_conv import convolution
from sepfilter.banks.files.onnx_keras_graph import (
    Activates,
    Affine,
    Foreign,
    Node,
    Pads,
    Part,
    Passes,
    normalization,
)
from sepfilter.banks.files.onnx_tensors import Constants, refuse_external
from sepfilter.errors import BankError
from sepfilter.kernels.arrays import FloatArray

_STANDARD: Final = ("", "ai.onnx")


def nodes_of(model: Any, name: str) -> list[Node]:
    """The nodes of a model's graph but for its constants, in order.

    Raises
    ------
    BankError
        Weights are in other files.
    """
    refuse_external(model, name)
    graph = model.graph
    constants = Constants(graph)
    versions = [one.version for one in model.opset_import if one.domain in _STANDARD]
    reader = _Reader(graph, constants, min(versions, default=1))
    return [reader.node(place, one) for place, one in enumerate(graph.node) if not reader.is_constant(one)]


class _Reader:
    """Reads the nodes of one graph."""

    def __init__(self, graph: Any, constants: Constants, opset: int) -> None:
        self._constants = constants
        self._opset = opset
        self._inputs = {one.name for one in graph.input}
        self._results = {one.name for one in graph.output}
        self._users = Counter(taken for node in graph.node for taken in node.input)
        gates = {gate: source for node in graph.node for gate, source in self._gate(node)}
        self._swishes: dict[str, str] = {}
        self._gates: set[str] = set()
        for node in graph.node:
            if node.op_type == "Mul" and len(node.input) == 2 and node.output:
                for source, gate in (tuple(node.input), tuple(node.input)[::-1]):
                    if gates.get(gate) == source:
                        self._swishes[node.output[0]] = source
                        self._gates.add(gate)

    def is_constant(self, node: Any) -> bool:
        """True for nodes that make constants, and for a gate that is read with the product after it."""
        return bool(node.output) and (node.output[0] in self._constants or node.output[0] in self._gates)

    def node(self, place: int, node: Any) -> Node:
        """A node as what it stands for."""
        makes = node.output[0] if node.output else f" {place}"
        name = node.name or makes.strip() or f"{node.op_type} {place}"
        taken = [one for one in node.input if one and one not in self._constants]
        if makes in self._swishes:
            return Node(name, (self._swishes[makes],), makes, Activates(Activation("hard_swish")))
        try:
            part = self._part(node)
        except BankError as error:
            part = Foreign(f"cannot be run: {printable(node.op_type, 40)}: {error}")
        if not isinstance(part, Foreign) and len(taken) != 1:
            part = Foreign(f"cannot be run: {printable(node.op_type, 40)} of {len(taken)} inputs that vary")
        if any(self._users[one] or one in self._results for one in node.output[1:] if one):
            part = Foreign(f"cannot be run: {printable(node.op_type, 40)} whose further outputs are used")
        return Node(name, tuple(taken), makes, part)

    def _part(self, node: Any) -> Part:
        """What a node stands for, wherever it is."""
        kind = printable(node.op_type, 40)
        if node.domain not in _STANDARD:
            return Foreign(
                f"cannot be run: {kind} of {printable(node.domain, 40)}, which is not of ONNX itself"
            )
        read = _OPERATORS.get(node.op_type)
        if node.op_type == "Transpose" and self._turns_image(node):
            return Passes()
        if read is None:
            return Foreign(f"cannot be run: {_UNKNOWN.get(node.op_type, f'{kind} is no part of a bank')}")
        return read(node, Attributes(node), self._constants, self._opset)

    def _turns_image(self, node: Any) -> bool:
        """True where channels go from last to first before everything, or back after everything."""
        order = Attributes(node).numbers("perm", ())
        if order == (0, 3, 1, 2):
            return bool(node.input) and node.input[0] in self._inputs
        return order == (0, 2, 3, 1) and bool(node.output) and node.output[0] in self._results

    def _gate(self, node: Any) -> list[tuple[str, str]]:
        """What a node makes and takes, if it can be the gate of x * hard_sigmoid(x), used once."""
        if node.op_type != "HardSigmoid" or len(node.input) != 1 or not node.output:
            return []
        try:
            given = Attributes(node)
            alpha, beta = given.number("alpha", 0.2), given.number("beta", 0.5)
        except BankError:
            return []
        gate = node.output[0]
        swishes = abs(alpha - 1 / 6) < 1e-6 and abs(beta - 0.5) < 1e-6
        return (
            [(gate, node.input[0])]
            if swishes and self._users[gate] == 1 and gate not in self._results
            else []
        )


def _activates(activation: str, *_: Any) -> Part:
    """An activation without numbers."""
    return Activates(Activation(activation))


def _leaky_relu(_: Any, given: Attributes, *__: Any) -> Part:
    """The slope is an attribute."""
    return Activates(Activation("leaky_relu", (given.number("alpha", 0.01),)))


def _prelu(node: Any, _: Attributes, constants: Constants, opset: int) -> Part:
    """The slopes are constants."""
    if len(node.input) != 2:
        raise BankError("its slopes are missing")
    slopes = constants.over_channels(node.input[1], rows_too=opset < 7)
    return Activates(Activation("prelu", tuple(slopes.tolist())))


def _softmax(_: Any, given: Attributes, __: Constants, opset: int) -> Part:
    """Over channels alone."""
    axis = given.whole("axis", -1 if opset >= 13 else 1)
    if axis not in (1, -3) or opset < 13:
        together = f"axis {axis}" + (" and all that follow" if opset < 13 else "")
        raise BankError(f"it is over {together}: only a softmax over channels is run")
    return Activates(Activation("softmax"))


def _clip(node: Any, given: Attributes, constants: Constants, _: int) -> Part:
    """The limits are attributes or constants."""
    low, high = given.number("min", -inf), given.number("max", inf)
    limits = [
        default if len(node.input) <= place or not node.input[place] else _one(constants, node.input[place])
        for place, default in ((1, low), (2, high))
    ]
    if limits == [0.0, 6.0]:
        return Activates(Activation("relu6"))
    if limits[0] == 0.0 and limits[1] >= float(np.finfo(np.float32).max):
        return Activates(Activation("relu"))
    raise BankError(f"it is from {limits[0]:g} to {limits[1]:g}: only 0 to 6 is run, which is relu6")


def _batch_normalization(node: Any, given: Attributes, constants: Constants, opset: int) -> Part:
    """As in inference: the mean and variance are constants."""
    if len(node.input) != 5:
        raise BankError(f"it has {len(node.input)} inputs instead of 5")
    if given.whole("training_mode", 0) or not given.whole("spatial", 1):
        raise BankError("it is in training mode, or not by channel")
    if opset < 7 and not given.whole("is_test", 0):
        raise BankError("it is in training mode: export the model for inference")
    shapes = {constants.shape(one) for one in node.input[1:]}
    if len(shapes) != 1 or len(channels := shapes.pop()) != 1:
        raise BankError("its four constants are not all of one length")
    what = f"batch normalization {printable(node.name)!r}" if node.name else "batch normalization"
    epsilon = given.number("epsilon", 1e-5)
    return Affine(channels[0], partial(_normalization, constants, tuple(node.input[1:]), epsilon), what)


def _normalization(
    constants: Constants, names: tuple[str, ...], epsilon: float
) -> tuple[FloatArray, FloatArray]:
    """Factors and numbers to add."""
    gamma, beta, mean, variance = (constants.vector(one, "batch normalization:") for one in names)
    return normalization(gamma, beta, mean, variance, epsilon)


def _arithmetic(node: Any, _: Attributes, constants: Constants, opset: int) -> Part:
    """Add, Sub, Mul and Div, of which one side is constant."""
    fixed = [place for place, one in enumerate(node.input) if one in constants]
    if len(node.input) != 2 or len(fixed) != 1:
        raise BankError("of two branches: it is no part of a chain")
    if opset < 7:
        raise BankError(f"in opset {opset}: export the model with opset 7 or newer")
    if node.op_type == "Div" and fixed == [0]:
        raise BankError("a number divided by samples")
    numbers = constants.over_channels(node.input[fixed[0]])

    def read() -> tuple[FloatArray, FloatArray]:
        one, zero = np.ones(1), np.zeros(1)
        if node.op_type == "Add":
            return one, numbers
        if node.op_type == "Sub":
            return (one, -numbers) if fixed == [1] else (-one, numbers)
        with np.errstate(all="ignore"):
            return numbers if node.op_type == "Mul" else 1 / numbers, zero

    what = {"Add": "addition", "Sub": "subtraction", "Mul": "multiplication", "Div": "division"}[node.op_type]
    return Affine(len(numbers), read, f"{what} of constants")


def _passes(node: Any, *_: Any) -> Part:
    """Identity, and Dropout but for training."""
    if len(node.input) > 2 and node.input[2]:
        raise BankError("it may be in training mode: export the model for inference")
    return Passes()


def _pad(node: Any, given: Attributes, constants: Constants, _: int) -> Part:
    """Zeros around rows and columns, as attributes; as inputs the amounts are integers."""
    amounts = constants.whole_numbers(node.input[1]) if len(node.input) > 1 else given.numbers("pads", ())
    if len(amounts) != 8 or any(amounts[place] for place in (0, 1, 4, 5)) or min(amounts) < 0:
        raise BankError(f"of {list(amounts)[:8]}: only zeros around rows and columns are added")
    if given.text("mode", "constant") != "constant" or given.number("value", 0.0):
        raise BankError("with other than zeros")
    if len(node.input) > 3 and node.input[3]:
        raise BankError("of chosen axes")
    if len(node.input) > 2 and node.input[2] and _one(constants, node.input[2]):
        raise BankError("with other than zeros")
    return Pads((amounts[2], amounts[3], amounts[6], amounts[7]))


def _one(constants: Constants, name: str) -> float:
    """A single constant."""
    numbers = constants.over_channels(name)
    if len(numbers) != 1:
        raise BankError(f"{printable(name)!r} is not a single number")
    return float(numbers[0])


_OPERATORS: Final[dict[str, Callable[..., Part]]] = {
    "Conv": convolution,
    "Relu": partial(_activates, "relu"),
    "Sigmoid": partial(_activates, "sigmoid"),
    "Tanh": partial(_activates, "tanh"),
    "HardSwish": partial(_activates, "hard_swish"),
    "LeakyRelu": _leaky_relu,
    "PRelu": _prelu,
    "Softmax": _softmax,
    "Clip": _clip,
    "BatchNormalization": _batch_normalization,
    "Add": _arithmetic,
    "Sub": _arithmetic,
    "Mul": _arithmetic,
    "Div": _arithmetic,
    "Identity": _passes,
    "Dropout": _passes,
    "Pad": _pad,
}

_UNKNOWN: Final = {
    "Gemm": "Gemm is a layer over whole images, not a convolution",
    "MatMul": "MatMul is a layer over whole images, not a convolution",
    "Flatten": "Flatten ends the image",
    "ConvTranspose": "ConvTranspose is a transposed convolution",
    "ConvInteger": "ConvInteger has quantized weights",
    "QLinearConv": "QLinearConv has quantized weights",
    "QuantizeLinear": "QuantizeLinear is of a quantized network",
    "DequantizeLinear": "DequantizeLinear is of a quantized network",
}
