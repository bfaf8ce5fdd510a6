"""What a layer has beside weights and bias, as files say it; and the input scale of a bank.

All formats share the words: ``stride``, ``dilation``, ``padding``, ``border``, ``activation``, ``groups``.
Where a format holds text alone, numbers stand in it with spaces between: ``"2 1"``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from sepfilter.banks.activation import Activation
from sepfilter.banks.files.error_text import shown, told
from sepfilter.banks.files.nested_numbers import nested_numbers
from sepfilter.banks.input_scale import AS_THEY_ARE, InputScale
from sepfilter.banks.layer import Layer
from sepfilter.banks.layers import Conv, Depthwise
from sepfilter.banks.padding import Padding
from sepfilter.errors import BankError
from sepfilter.kernels.json_text import load_json
from sepfilter.kernels.numbers import number_text
from sepfilter.plans.border import Border

ATTRIBUTES: Final = ("stride", "dilation", "padding", "border", "activation", "groups")
KINDS: Final = ("depthwise", "pointwise", "conv")

_WHOLE: Final = re.compile(r"\d{1,9}", re.ASCII)
_SCALE_KEYS: Final = ("white", "mean", "deviation")


def layer_options(found: Mapping[str, Any]) -> dict[str, Any]:
    """Read those of `ATTRIBUTES` that are given, but for ``groups``, as arguments of a layer.

    Parameters
    ----------
    found : mapping
        By name; text, numbers and lists as they stand in the file.

    Raises
    ------
    BankError
        One of them is not what it should be; the message begins with its name.
    """
    options: dict[str, Any] = {}
    for name in ATTRIBUTES[:-1]:
        if name in found:
            with told(name):
                options[name] = _READ[name](found[name])
    return options


def groups_of(found: Mapping[str, Any]) -> int | None:
    """The number of groups, None where none is given.

    Raises
    ------
    BankError
        It is no whole number.
    """
    if "groups" not in found:
        return None
    with told("groups"):
        numbers = _whole_numbers(found["groups"])
        if len(numbers) != 1 or numbers[0] < 1:
            raise BankError(f"{shown(found['groups'])}: give one whole number, at least 1")
    return numbers[0]


def shared_of(value: Any) -> bool:
    """Whether all channels share the kernels of a depthwise layer.

    Raises
    ------
    BankError
        It is neither true nor false.
    """
    if not isinstance(value, bool):
        raise BankError(f"shared: {shown(value)}: give true or false")
    return value


def attribute_texts(layer: Layer) -> dict[str, str]:
    """The attributes of a layer that are not the usual ones, as text that `layer_options` reads."""
    texts = {
        name: " ".join(map(str, pair))
        for name, pair in (("stride", layer.stride), ("dilation", layer.dilation))
        if pair != (1, 1)
    }
    if layer.padding is not None:
        texts["padding"] = str(layer.padding)
    if layer.border is not None:
        texts["border"] = str(layer.border)
    if layer.activation.name != "none":
        texts["activation"] = str(layer.activation)
    if isinstance(layer, Conv) and layer.groups != 1:
        texts["groups"] = str(layer.groups)
    if isinstance(layer, Depthwise) and layer.shared:
        texts["shared"] = "true"
    return texts


def input_scale_of(value: Any) -> InputScale:
    """Read an input scale: a number, text, or an object of ``white``, ``mean`` and ``deviation``.

    Raises
    ------
    BankError
        It is none of those.

    Examples
    --------
    >>> input_scale_of("255"), input_scale_of(255) == input_scale_of({"white": 255})
    (InputScale(white=255.0, mean=(0.0,), deviation=(1.0,)), True)
    """
    with told("input_scale"):
        if isinstance(value, str) and value.lstrip().startswith("{"):
            value = load_json(value, "input_scale")
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = number_text(float(value))
        if isinstance(value, str):
            return InputScale.parse(value)
        if not isinstance(value, dict) or not value or not set(value) <= set(_SCALE_KEYS):
            raise BankError(
                f"{shown(value)}: give what white is, as '255', 'mean/deviation', or an object of "
                f"{', '.join(_SCALE_KEYS)}"
            )
        numbers = {
            key: tuple(nested_numbers(one if isinstance(one, list) else [one]).ravel().tolist())
            for key, one in value.items()
            if one is not None
        }
        white = numbers.pop("white", (None,))
        if len(white) != 1:
            raise BankError("white: give one number")
        return InputScale(white[0], **numbers)


def input_scale_text(scale: InputScale) -> str | None:
    """Write one so that `input_scale_of` gives the same; None for samples as they are."""
    if scale == AS_THEY_ARE:
        return None
    mean, deviation = (",".join(map(repr, part)) for part in (scale.mean, scale.deviation))
    if scale.white is not None and scale.mean == (0.0,) and scale.deviation == (1.0,):
        return repr(scale.white)
    if scale.white == 1.0:
        return f"{mean}/{deviation}"
    return json.dumps({key: getattr(scale, key) for key in _SCALE_KEYS})


def _whole_numbers(value: Any) -> list[int]:
    """A whole number or several, in text or a list."""
    parts = re.split(r"[\s,]+", value.strip()) if isinstance(value, str) else value
    numbers = [str(part) for part in (parts if isinstance(parts, list) else [parts])]
    if not numbers or not all(_WHOLE.fullmatch(number) for number in numbers):
        raise BankError(f"{shown(value)}: give whole numbers")
    return [int(number) for number in numbers]


def _pair(value: Any) -> tuple[int, int]:
    """One number for both, or two: down and along."""
    numbers = _whole_numbers(value)
    if len(numbers) > 2:
        raise BankError(f"{shown(value)}: give one whole number, or two: down and along")
    return numbers[0], numbers[-1]


def _padding(value: Any) -> Padding:
    """A mode or amounts."""
    if isinstance(value, str):
        return Padding.parse(value)
    numbers = _whole_numbers(value)
    if len(numbers) not in (1, 4):
        raise BankError(f"{shown(value)}: give one number, or four: top, left, bottom, right")
    return Padding.explicit(numbers)


def _border(value: Any) -> Border:
    """A mode, with its value."""
    if not isinstance(value, str):
        raise BankError(f"{shown(value)}: give text, as 'constant:0' or 'reflect'")
    return Border.parse(value)


def _activation(value: Any) -> Activation:
    """Text, or an object with the alphas under the name."""
    if isinstance(value, str):
        return Activation.parse(value)
    if not isinstance(value, dict) or len(value) != 1:
        raise BankError(f'{shown(value)}: give text, as "relu6", or an object, as {{"prelu": [0.1, 0.2]}}')
    ((name, alphas),) = value.items()
    numbers = nested_numbers(alphas if isinstance(alphas, list) else [alphas])
    return Activation(name, tuple(numbers.ravel().tolist()))


_READ: Final[Mapping[str, Any]] = {
    "stride": _pair,
    "dilation": _pair,
    "padding": _padding,
    "border": _border,
    "activation": _activation,
}
