"""Numbers in an ONNX file: initializers and constants, measured before they are read."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from sepfilter.banks.files.bfloat16 import widened
from sepfilter.banks.files.error_text import printable
from sepfilter.banks.files.onnx_keras_graph import MOST_NUMBERS
from sepfilter.errors import BankError
from sepfilter.kernels.arrays import FloatArray

# By the numbers of TensorProto.DataType: what raw bytes hold, and the field for numbers that are not raw.
_TYPES: Final = {
    1: ("<f4", "float_data"),
    10: ("<f2", "int32_data"),
    11: ("<f8", "double_data"),
    16: ("<u2", "int32_data"),
}
_BFLOAT16: Final = 16
_INT64: Final = 7


class Constants:
    """What is constant in a graph, by name.

    Parameters
    ----------
    graph : onnx.GraphProto
        Its initializers, Constant nodes, and what Identity makes of those.
    """

    def __init__(self, graph: Any) -> None:
        self._tensors: dict[str, Any] = {one.name: one for one in graph.initializer}
        for node in graph.node:
            if not node.output:
                continue
            if node.op_type == "Constant":
                for attribute in node.attribute:
                    self._tensors[node.output[0]] = _constant(attribute)
            elif node.op_type == "Identity" and node.input and node.input[0] in self._tensors:
                self._tensors[node.output[0]] = self._tensors[node.input[0]]

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of one, sound and within limits, its type one of real numbers.

        Raises
        ------
        BankError
            There is none of that name, or it is nothing that weights can be.
        """
        tensor = self._tensors.get(name)
        where = printable(name)
        if tensor is None:
            raise BankError(f"{where!r} is no constant of the file")
        if isinstance(tensor, np.ndarray):
            return tuple(map(int, tensor.shape))
        dims = tuple(map(int, tensor.dims))
        if len(dims) > 8 or min(dims, default=1) < 1 or math.prod(dims) > MOST_NUMBERS:
            shown = " x ".join(map(str, dims[:8]))
            raise BankError(f"{where!r} has {shown} numbers: from 1 to {MOST_NUMBERS:,} are taken")
        if tensor.data_type not in _TYPES:
            raise BankError(
                f"{where!r} is of ONNX type {tensor.data_type}: float32, float16, bfloat16 and float64 are "
                "read, quantized weights are not"
            )
        return dims

    def read(self, name: str) -> FloatArray:
        """The numbers of one, in its shape.

        Raises
        ------
        BankError
            As for `shape`, or it holds more or fewer numbers than its shape says.
        """
        shape = self.shape(name)
        tensor = self._tensors[name]
        if isinstance(tensor, np.ndarray):
            return tensor.astype(np.float64)
        dtype, field = _TYPES[tensor.data_type]
        wanted = math.prod(shape)
        raw = tensor.HasField("raw_data")
        numbers = getattr(tensor, field)
        there = len(tensor.raw_data) / np.dtype(dtype).itemsize if raw else len(numbers)
        if there != wanted or tensor.HasField("segment"):
            raise BankError(
                f"{printable(name)!r} of shape {shape} has {wanted} numbers, but {there:g} are there: "
                "the file is damaged"
            )
        if raw:
            array = np.frombuffer(tensor.raw_data, dtype)
        elif field == "int32_data":
            array = (np.array(numbers, np.int64) & 0xFFFF).astype("<u2").view(dtype)
        else:
            array = np.array(numbers, dtype)
        if tensor.data_type == _BFLOAT16:
            array = widened(array)
        with np.errstate(invalid="ignore"):  # NaN may be of a kind that signals
            return array.reshape(shape).astype(np.float64)

    def vector(self, name: str, what: str) -> FloatArray:
        """The numbers of one that are in a row.

        Raises
        ------
        BankError
            As for `read`, or it has another number of dimensions.
        """
        numbers = self.read(name)
        if numbers.ndim != 1:
            raise BankError(
                f"{what} {printable(name)!r} has shape {numbers.shape}: numbers in a row were expected"
            )
        return numbers

    def over_channels(self, name: str, *, rows_too: bool = False) -> FloatArray:
        """Numbers that are one for all channels, or one a channel, shape (n,).

        Parameters
        ----------
        name : str
            Of shape (), (1,), (C, 1, 1), (1, C, 1, 1) or another that is one number.
        rows_too : bool
            Take (C,) too, as operators did before shapes were matched from the right.

        Raises
        ------
        BankError
            As for `read`, or it has another shape.
        """
        shape = self.shape(name)
        size = math.prod(shape)
        channels = shape[-3] if len(shape) in (3, 4) else 1
        if size not in (1, channels) and not (rows_too and len(shape) == 1):
            raise BankError(f"{printable(name)!r} of shape {shape} is neither one number nor one a channel")
        return self.read(name).reshape(-1)

    def whole_numbers(self, name: str) -> tuple[int, ...]:
        """A few 64-bit integers, as amounts of padding are.

        Raises
        ------
        BankError
            It is something else.
        """
        tensor = self._tensors.get(name)
        if tensor is None or isinstance(tensor, np.ndarray) or tensor.data_type != _INT64:
            raise BankError(f"{printable(name)!r} is no constant of 64-bit integers")
        raw = tensor.raw_data
        if len(raw) % 8 or len(raw) > 128 or len(tensor.int64_data) > 16:
            raise BankError(f"{printable(name)!r} is damaged, or of more than 16 integers")
        numbers = (
            np.frombuffer(raw, "<i8")
            if tensor.HasField("raw_data")
            else np.array(tensor.int64_data, np.int64)
        )
        return tuple(numbers.tolist())


def refuse_external(model: Any, name: str) -> None:
    """Refuse a model with numbers in other files.

    Raises
    ------
    BankError
        An initializer or constant is elsewhere.
    """
    tensors = list(model.graph.initializer)
    tensors += [one.t for node in model.graph.node if node.op_type == "Constant" for one in node.attribute]
    for tensor in tensors:
        if tensor.data_location == 1 or tensor.external_data:
            raise BankError(
                f"{name}: weights ({printable(tensor.name)!r} for one) are in another file, which is not "
                "opened: put them all into one, with Python: import onnx; "
                "onnx.save(onnx.load('MODEL.onnx'), 'WHOLE.onnx')"
            )


def _constant(attribute: Any) -> Any:
    """What a Constant node holds: a tensor, or numbers that are written out."""
    if attribute.name == "value_float":
        return np.array(attribute.f, np.float32)
    if attribute.name == "value_floats":
        return np.array(attribute.floats, np.float32)
    return attribute.t
