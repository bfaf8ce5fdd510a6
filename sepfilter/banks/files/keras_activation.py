"""Activations as Keras names them, by themselves and as layers."""

from __future__ import annotations

from typing import Any, Final

from sepfilter.banks.activation import NONE, Activation
from sepfilter.banks.files.keras_settings import Settings, printed
from sepfilter.errors import BankError

_PLAIN: Final = {
    "linear": "none",
    "relu": "relu",
    "relu6": "relu6",
    "hard_silu": "hard_swish",
    "hard_swish": "hard_swish",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "softmax": "softmax",
}

LAYER_SLOPE: Final = 0.3
"""Of the layer LeakyReLU where its configuration has none."""

NAME_SLOPE: Final = 0.2
"""Of the activation called leaky_relu, which is another than the layer's."""

LAYERS: Final = frozenset({"ReLU", "LeakyReLU", "Softmax", "Activation"})


def activation_of(given: Any) -> Activation:
    """What is said of an activation: a name, nothing, or a layer.

    Parameters
    ----------
    given : object
        From the JSON of a configuration.

    Raises
    ------
    BankError
        No bank has it.
    """
    if given is None:
        return NONE
    if isinstance(given, dict):
        kind, config = given.get("class_name"), given.get("config")
        if isinstance(kind, str) and isinstance(config, dict) and kind in LAYERS:
            return layer_activation(kind, Settings(config))
        given = (
            config
            if kind == "function" and given.get("module") in ("builtins", "keras.activations")
            else kind
        )
    if given == "leaky_relu":
        return Activation("leaky_relu", (NAME_SLOPE,))
    if not isinstance(given, str) or given not in _PLAIN:
        raise BankError(f"its activation {printed(given)} is none that a bank has")
    return Activation(_PLAIN[given])


def layer_activation(kind: str, settings: Settings) -> Activation:
    """The activation that a layer is.

    Parameters
    ----------
    kind : str
        One of `LAYERS`.
    settings : Settings
        Its configuration.

    Raises
    ------
    BankError
        No bank has it.
    """
    if kind == "Activation":
        return activation_of(settings.get("activation"))
    if kind == "LeakyReLU":
        name = "negative_slope" if settings.get("negative_slope") is not None else "alpha"
        return Activation("leaky_relu", (settings.number(name, LAYER_SLOPE),))
    if kind == "Softmax":
        if settings.get("axis") not in (None, -1, 3, [-1], [3]):
            raise BankError(
                f"it is over axis {printed(settings.get('axis'))}: only a softmax over channels is run"
            )
        return Activation("softmax")
    slope, threshold = settings.number("negative_slope", 0.0), settings.number("threshold", 0.0)
    most = None if settings.get("max_value") is None else settings.number("max_value", 0.0)
    if threshold == 0 and most is None:
        return Activation("leaky_relu", (slope,)) if slope else Activation("relu")
    if threshold == 0 and most == 6 and not slope:
        return Activation("relu6")
    raise BankError(
        f"it has threshold {threshold:g}, slope {slope:g} and greatest value {most}: only 6 is run"
    )
