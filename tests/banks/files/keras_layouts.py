"""Keras files in the layouts of its versions, written with h5py alone, and what their layers make by definition."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

h5py = pytest.importorskip("h5py")

Array = npt.NDArray[np.floating]

RANDOM = np.random.default_rng(9)


@dataclass(frozen=True)
class Made:
    """A layer as Keras has it; a model has layers and no arrays."""

    kind: str
    name: str
    arrays: Mapping[str, Array] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    takes: Sequence[str] | None = None
    layers: Sequence[Made] = ()
    module: str = "keras.layers"


def numbers(*shape: int) -> Array:
    """Random float32."""
    return RANDOM.normal(size=shape).astype(np.float32)


def config_of(layers: Sequence[Made], version: int, result: str | None = None) -> dict[str, Any]:
    """The configuration of a model: Sequential, or functional if the layers say what they take."""
    functional = any(one.takes is not None for one in layers)
    inside = [_layer_config(one, version) for one in layers]
    settings: dict[str, Any] = {"name": "model", "layers": inside}
    if functional:
        settings["output_layers"] = [[result or layers[-1].name, 0, 0]]
    return {"class_name": "Functional" if functional else "Sequential", "config": settings}


def _layer_config(made: Made, version: int) -> dict[str, Any]:
    """The configuration of a layer."""
    if made.layers:
        config = config_of(made.layers, version)
        config["config"]["name"] = made.name
    else:
        config = {"class_name": made.kind, "config": {"name": made.name, **made.settings}}
    if version == 3:
        config["module"] = made.module
    if made.takes is None:
        return config
    config["name"] = made.name
    tensors: list[Any] = [
        {"class_name": "__keras_tensor__", "config": {"keras_history": [one, 0, 0]}} for one in made.takes
    ]
    calls3 = [{"args": tensors if len(tensors) < 2 else [tensors], "kwargs": {"mask": None}}]
    calls2 = [[[one, 0, 0, {}] for one in made.takes]]
    config["inbound_nodes"] = [] if not made.takes else calls3 if version == 3 else calls2
    return config


def write_whole_h5(path: Path, layers: Sequence[Made], version: int, **options: Any) -> Path:
    """A whole model in HDF5, as Keras 2 and Keras 3 save it."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config_of(layers, version, **options))
        _write_named(file.create_group("model_weights"), layers, version)
    return path


def write_weights_keras2(path: Path, layers: Sequence[Made]) -> Path:
    """Weights alone, by layer name and in order."""
    with h5py.File(path, "w") as file:
        _write_named(file, layers, 2)
    return path


def _write_named(root: h5py.Group, layers: Sequence[Made], version: int) -> None:
    """Arrays by the names of layers and their own; Keras 2 adds ``:0``."""
    root.attrs["layer_names"] = np.array([one.name.encode() for one in layers])
    for one in layers:
        group, names = root.create_group(one.name), []
        for inner, prefix in [(one, one.name), *((each, f"{one.name}/{each.name}") for each in one.layers)]:
            for role, array in inner.arrays.items():
                kept = (
                    "kernel"
                    if version == 3 and inner.kind == "DepthwiseConv2D" and "kernel" in role
                    else role
                )
                names.append(f"{prefix}/{kept}{':0' if version == 2 else ''}")
                group[names[-1]] = array
        group.attrs["weight_names"] = np.array([name.encode() for name in names] or [b""])[: len(names)]


def write_weights_keras3(path: Path | Any, layers: Sequence[Made], *, says_names: bool = True) -> Any:
    """Weights alone, by class and number."""
    with h5py.File(path, "w") as file:
        _write_numbered(file, layers, says_names=says_names)
    return path


def _write_numbered(root: h5py.Group, layers: Sequence[Made], *, says_names: bool) -> None:
    """Arrays by number, below groups by class and number."""
    counts: dict[str, int] = {}
    for one in layers:
        stem = GROUPS[one.kind]
        name = f"{stem}_{counts[stem]}" if counts.get(stem) else stem
        counts[stem] = counts.get(stem, 0) + 1
        group = root.create_group(f"layers/{name}")
        own = group.create_group("vars")
        if says_names:
            own.attrs["name"] = one.name
        for place, array in enumerate(one.arrays.values()):
            own[str(place)] = array
        if one.layers:
            _write_numbered(group, one.layers, says_names=says_names)


def write_keras(path: Path, layers: Sequence[Made], *, says_names: bool = True, **options: Any) -> Path:
    """A ``.keras`` file."""
    inside = path.with_suffix(".tmp.h5")
    write_weights_keras3(inside, layers, says_names=says_names)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps(config_of(layers, 3, **options)))
        archive.write(inside, "model.weights.h5")
    inside.unlink()
    return path


GROUPS = {
    "Conv2D": "conv2d",
    "DepthwiseConv2D": "depthwise_conv2d",
    "SeparableConv2D": "separable_conv2d",
    "BatchNormalization": "batch_normalization",
    "PReLU": "p_re_lu",
    "ReLU": "re_lu",
    "LeakyReLU": "leaky_re_lu",
    "InputLayer": "input_layer",
    "Sequential": "sequential",
    "Activation": "activation",
    "Rescaling": "rescaling",
    "Dropout": "dropout",
    "Softmax": "softmax",
    "Add": "add",
    "Lambda": "lambda",
    "ZeroPadding2D": "zero_padding2d",
}


def convolved(
    image: Array,
    kernel: Array,
    *,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    same: bool = False,
    groups: int = 1,
) -> Array:
    """What Keras' Conv2D with a kernel (kh, kw, Cin / groups, Cout) makes of an image, in float64."""
    image, kernel = image.astype(np.float64), kernel.astype(np.float64)
    spans = [(kernel.shape[axis] - 1) * dilation[axis] + 1 for axis in (0, 1)]
    if same:
        pads = []
        for axis in (0, 1):
            outputs = -(-image.shape[axis] // stride[axis])
            more = max((outputs - 1) * stride[axis] + spans[axis] - image.shape[axis], 0)
            pads.append((more // 2, more - more // 2))
        image = np.pad(image, (*pads, (0, 0)))
    rows, columns = ((image.shape[axis] - spans[axis]) // stride[axis] + 1 for axis in (0, 1))
    made = np.zeros((rows, columns, kernel.shape[3]))
    inputs, outputs = kernel.shape[2], kernel.shape[3] // groups
    for y, x in np.ndindex(rows, columns):
        top, left = y * stride[0], x * stride[1]
        window = image[top : top + spans[0] : dilation[0], left : left + spans[1] : dilation[1]]
        for group in range(groups):
            part = kernel[..., group * outputs : (group + 1) * outputs]
            taken = window[..., group * inputs : (group + 1) * inputs]
            made[y, x, group * outputs : (group + 1) * outputs] = np.tensordot(taken, part, 3)
    return made


def depthwise_convolved(image: Array, kernel: Array, **options: Any) -> Array:
    """What Keras' DepthwiseConv2D with a kernel (kh, kw, C, m) makes: m outputs of the first channel come first."""
    return np.concatenate(
        [
            convolved(image[..., [channel]], kernel[:, :, [channel], :], **options)
            for channel in range(kernel.shape[2])
        ],
        axis=2,
    )
