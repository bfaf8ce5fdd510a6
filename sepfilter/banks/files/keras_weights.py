"""The arrays of a Keras layer, and convolutions made of them: Keras has channels last and outputs behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sepfilter.banks.files.error_text import printable
from sepfilter.banks.files.keras_container import Container
from sepfilter.banks.files.onnx_keras_graph import Weighted
from sepfilter.errors import BankError
from sepfilter.kernels.arrays import FloatArray


class Arrays:
    """The arrays of one layer.

    Parameters
    ----------
    container : Container
        The file.
    layer : str
        The name of the layer.
    paths : mapping of str to str
        Where each is, by what it is: ``kernel``, ``bias``, ...
    """

    def __init__(self, container: Container, layer: str, paths: Mapping[str, str]) -> None:
        self._container = container
        self._paths = dict(paths)
        self.layer = layer

    def __contains__(self, role: str) -> bool:
        return role in self._paths

    def roles(self) -> list[str]:
        """What there is."""
        return list(self._paths)

    def renamed(self, names: Mapping[str, str]) -> Arrays:
        """Some of the arrays under other names."""
        paths = {new: self._paths[old] for old, new in names.items() if old in self._paths}
        return Arrays(self._container, self.layer, paths)

    def shape(self, role: str, dimensions: int = 0) -> tuple[int, ...]:
        """The shape of an array.

        Raises
        ------
        BankError
            There is none, it is no array of real numbers, or it has other than so many dimensions.
        """
        shape = self._container.shape(self._path(role))
        if dimensions and (len(shape) != dimensions or 0 in shape):
            raise BankError(f"its {role} has shape {shape} instead of {dimensions} dimensions")
        return shape

    def read(self, role: str) -> FloatArray:
        """The numbers of an array."""
        return self._container.read(self._path(role))

    def _path(self, role: str) -> str:
        """Where it is."""
        if role not in self._paths:
            raise BankError(f"its {role} is not in the file: save the model together with its weights")
        return self._paths[role]


def ordinary(arrays: Arrays, role: str, groups: int, **settings: Any) -> Weighted:
    """An ordinary convolution, of an array (kh, kw, Cin / groups, Cout), with its bias.

    Raises
    ------
    BankError
        Arrays are missing or of other shapes.
    """
    high, wide, inputs, outputs = arrays.shape(role, 4)
    if groups < 1 or outputs % groups:
        raise BankError(f"its {outputs} outputs are in {groups} groups")
    has_bias = _has_bias(arrays, outputs)

    def read() -> tuple[npt.NDArray[np.floating], FloatArray | None]:
        return arrays.read(role).transpose(3, 2, 0, 1), arrays.read("bias") if has_bias else None

    return Weighted((outputs, inputs, high, wide), groups, read, **settings)


def depthwise(arrays: Arrays, *, bias: bool, **settings: Any) -> Weighted:
    """A depthwise convolution, of an array (kh, kw, C, m), with its bias or that of another layer left out.

    Raises
    ------
    BankError
        Arrays are missing or of other shapes.
    """
    high, wide, channels, multiplier = arrays.shape("depthwise_kernel", 4)
    shape = (channels * multiplier, 1, high, wide)
    has_bias = bias and _has_bias(arrays, shape[0])

    def read() -> tuple[npt.NDArray[np.floating], FloatArray | None]:
        weights = arrays.read("depthwise_kernel").transpose(2, 3, 0, 1).reshape(shape)
        return weights, arrays.read("bias") if has_bias else None

    return Weighted(shape, channels, read, **settings)


def _has_bias(arrays: Arrays, outputs: int) -> bool:
    """True where there is a bias, which must suit."""
    if "bias" not in arrays:
        return False
    if arrays.shape("bias") != (outputs,):
        raise BankError(f"its bias has shape {arrays.shape('bias')} for {outputs} outputs")
    return True


def layer_arrays(container: Container, names: tuple[str, ...], group: str, roles: list[str]) -> Arrays:
    """The arrays of a layer.

    Parameters
    ----------
    container : Container
        The file.
    names : tuple of str
        The names of the models that the layer is in, and its own.
    group : str
        Where Keras 3 keeps it.
    roles : list of str
        What its arrays are called, in the order in which Keras 3 numbers them.
    """
    label = "/".join(names)
    numbered = [f"{group}/vars/{place}" for place in range(len(roles))]
    if numbered[0] in container.arrays:
        paths = {role: path for role, path in zip(roles, numbered, strict=True) if path in container.arrays}
    else:
        paths = _named(container, names)
    if "depthwise_kernel" in roles and "kernel" in paths:
        paths["depthwise_kernel"] = paths["kernel"]
    missing = [role for role in roles if role not in paths]
    if missing:
        raise BankError(f"its {missing[0]} is not in the file: save the model together with its weights")
    return Arrays(container, label, paths)


def _named(container: Container, names: tuple[str, ...]) -> dict[str, str]:
    """The arrays below the group of a whole layer or model, by their own names."""
    for root in ("model_weights/", ""):
        prefix = f"{root}{names[0]}/"
        inside = container.below(prefix)
        for depth in range(len(names) if len(names) > 1 else 0):
            wanted = "/".join(names[-1 - depth :])
            found = [one for one in inside if f"/{one.rpartition('/')[0]}".endswith(f"/{wanted}")]
            if len({one.rpartition("/")[0] for one in found}) == 1:
                return {role_of(one): one for one in found}
        if inside and len(names) == 1:
            if len({one.rpartition("/")[0] for one in inside}) > 1:
                raise BankError(f"{printable(names[0])!r} has arrays of several layers")
            return {role_of(one): one for one in inside}
    return {}


def role_of(path: str) -> str:
    """What an array is: TensorFlow adds ``:0`` to its name."""
    return path.rpartition("/")[2].partition(":")[0]
