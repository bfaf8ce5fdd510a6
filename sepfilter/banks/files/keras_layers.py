"""What the layers of a Keras model stand for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from sepfilter.banks.activation import NONE, Activation
from sepfilter.banks.files.error_text import printable
from sepfilter.banks.files.keras_activation import LAYERS, activation_of, layer_activation
from sepfilter.banks.files.keras_settings import Settings, printed
from sepfilter.banks.files.keras_weights import Arrays, depthwise, ordinary
from sepfilter.banks.files.onnx_keras_graph import (
    Activates,
    Affine,
    Foreign,
    Pads,
    Part,
    Passes,
    normalization,
)
from sepfilter.banks.input_scale import InputScale
from sepfilter.banks.padding import VALID, Padding
from sepfilter.errors import BankError
from sepfilter.kernels.arrays import FloatArray

Find = Callable[[list[str]], Arrays]
Parts = list[tuple[str, Part]]

_PASSED: Final = frozenset({
    "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout", "Identity",
    "ActivityRegularization", "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation",
    "RandomContrast",
})  # fmt: skip
"""Layers that do something in training alone."""


def parts_of(kind: str, settings: Settings, find: Find) -> Parts:
    """The parts of a layer, each with what is added to its name.

    Parameters
    ----------
    kind : str
        Its class.
    settings : Settings
        Its configuration.
    find : callable
        Gives its arrays; takes what Keras calls them, in the order in which Keras numbers them.
    """
    label = printable(kind, 40)
    try:
        if kind in LAYERS:
            return [("", _activates(layer_activation(kind, settings)))]
        if kind in _PASSED:
            return [("", Passes())]
        read = _READERS.get(kind)
        if read is None:
            return [("", Foreign(f"cannot be run: {_UNKNOWN.get(kind, f'{label} is no part of a bank')}"))]
        if settings.get("data_format") not in (None, "channels_last"):
            raise BankError(
                f"its data_format is {printed(settings.get('data_format'))}: channels must come last"
            )
        return read(settings, find)
    except BankError as error:
        return [("", Foreign(f"cannot be run: {label}: {error}"))]


def _conv(settings: Settings, find: Find) -> Parts:
    """An ordinary convolution."""
    arrays = find(_with_bias(["kernel"], settings))
    made = ordinary(arrays, "kernel", settings.whole("groups", 1), **_placing(settings), **_after(settings))
    return [("", made)]


def _depthwise(settings: Settings, find: Find) -> Parts:
    """A depthwise convolution."""
    arrays = find(_with_bias(["depthwise_kernel"], settings))
    return [("", depthwise(arrays, bias=True, **_placing(settings), **_after(settings)))]


def _separable(settings: Settings, find: Find) -> Parts:
    """Depthwise without bias, then pointwise with bias and activation."""
    arrays = find(_with_bias(["depthwise_kernel", "pointwise_kernel"], settings))
    after = _after(settings)
    return [
        ("/depthwise", depthwise(arrays, bias=False, **_placing(settings))),
        ("/pointwise", ordinary(arrays, "pointwise_kernel", 1, padding=VALID, **after)),
    ]


def _with_bias(roles: list[str], settings: Settings) -> list[str]:
    """The arrays, with the bias where there is one."""
    return [*roles, "bias"] if settings.flag("use_bias", True) else roles


def _placing(settings: Settings) -> dict[str, Any]:
    """Stride, dilation and padding."""
    padding = settings.get("padding") or "valid"
    if padding not in ("valid", "same"):
        raise BankError(f"its padding is {printed(padding)} instead of valid or same")
    return {
        "stride": settings.pair("strides"),
        "dilation": settings.pair("dilation_rate"),
        "padding": Padding(padding),
    }


def _after(settings: Settings) -> dict[str, Any]:
    """The activation that is a layer's own."""
    return {"activation": activation_of(settings.get("activation"))}


def _activates(activation: Activation) -> Part:
    """An activation; linear changes nothing."""
    return Passes() if activation == NONE else Activates(activation)


def _prelu(_: Settings, find: Find) -> Parts:
    """Slopes for channels alone."""
    arrays = find(["alpha"])
    shape = arrays.shape("alpha")
    if len(shape) != 3 or shape[:2] != (1, 1):
        raise BankError(
            f"it has slopes of shape {shape}: only slopes shared over space (shared_axes=[1, 2]) are run"
        )
    return [("", Activates(Activation("prelu", tuple(arrays.read("alpha").ravel().tolist()))))]


def _normalization(settings: Settings, find: Find) -> Parts:
    """Batch normalization as in inference."""
    if settings.get("axis") not in (None, -1, 3, [-1], [3]):
        raise BankError(f"it is along axis {printed(settings.get('axis'))}: only channels, the last one, are")
    if settings.flag("renorm", False):
        raise BankError("its renorm is set")
    scale, center = settings.flag("scale", True), settings.flag("center", True)
    roles = ["gamma"] * scale + ["beta"] * center + ["moving_mean", "moving_variance"]
    arrays, epsilon = find(roles), settings.number("epsilon", 1e-3)
    shapes = {arrays.shape(role) for role in roles}
    if len(shapes) != 1 or len(channels := shapes.pop()) != 1:
        raise BankError("its arrays are not all of one length")

    def read() -> tuple[FloatArray, FloatArray]:
        gamma = arrays.read("gamma") if scale else np.ones(channels)
        beta = arrays.read("beta") if center else np.zeros(channels)
        return normalization(gamma, beta, arrays.read("moving_mean"), arrays.read("moving_variance"), epsilon)

    return [("", Affine(channels[0], read, f"batch normalization {printable(arrays.layer)!r}"))]


def _rescaling(settings: Settings, _: Find) -> Parts:
    """A factor and an offset."""
    scale, offset = settings.numbers("scale", 1.0), settings.numbers("offset", 0.0)
    size = max(len(scale), len(offset))
    if len(scale) not in (1, size) or len(offset) not in (1, size):
        raise BankError(f"it has {len(scale)} factors and {len(offset)} offsets")
    what = "rescaling"
    if min(scale) > 0:
        deviation = tuple(1 / (255 * one) for one in scale)
        pairs = np.broadcast_arrays(np.array(offset), np.array(deviation))
        scaled = InputScale(1.0, tuple((-pairs[0] * pairs[1] + 0.0).tolist()), deviation)
        what = f"rescaling as --input-scale {scaled} does for samples up to 255"
    return [("", Affine(size, partial(_rescaled, scale, offset), what))]


def _rescaled(scale: list[float], offset: list[float]) -> tuple[FloatArray, FloatArray]:
    """As arrays."""
    return np.array(scale), np.array(offset)


def _zero_padding(settings: Settings, _: Find) -> Parts:
    """Zeros around rows and columns."""
    found = settings.get("padding")
    pair = found if isinstance(found, list) and len(found) == 2 else [found, found]
    rows, columns = (one if isinstance(one, list) else [one, one] for one in pair)
    amounts = [*rows, *columns]
    if len(amounts) != 4 or not all(type(one) is int and 0 <= one < 2**30 for one in amounts):
        raise BankError(f"its padding is {printed(found)}")
    return [("", Pads((amounts[0], amounts[2], amounts[1], amounts[3])))]


_READERS: Final[dict[str, Callable[[Settings, Find], Parts]]] = {
    "Conv2D": _conv,
    "DepthwiseConv2D": _depthwise,
    "SeparableConv2D": _separable,
    "PReLU": _prelu,
    "BatchNormalization": _normalization,
    "Rescaling": _rescaling,
    "ZeroPadding2D": _zero_padding,
}

_UNKNOWN: Final = {
    "Lambda": "Lambda holds code, which is never run",
    "Dense": "Dense is a layer over whole images, not a convolution",
    "Flatten": "Flatten ends the image",
    "Conv2DTranspose": "Conv2DTranspose is a transposed convolution",
    "Conv1D": "Conv1D is 1-D, and images need 2-D ones",
    "Conv3D": "Conv3D is 3-D, and images need 2-D ones",
    "Add": "Add joins two branches: it is no part of a chain",
    "Concatenate": "Concatenate joins two branches: it is no part of a chain",
    "Multiply": "Multiply joins two branches: it is no part of a chain",
    "Normalization": "Normalization is of the input: give mean/255 and sqrt(variance)/255 as --input-scale "
    "where it is of samples up to 255",
}
