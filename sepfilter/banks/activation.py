"""The non-linearities that may follow a layer."""

from __future__ import annotations

from math import isfinite
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.errors import BankError
from sepfilter.values import value

Samples = npt.NDArray[Any]

ACTIVATIONS: Final = (
    "none", "relu", "relu6", "leaky_relu", "prelu", "hard_swish", "sigmoid", "tanh", "softmax",
)  # fmt: skip
"""In the order in which the compiled engine numbers them."""

_MOST: Final = float(np.finfo(np.float32).max)
_SLOPE: Final = 0.01
"""Of a leaky ReLU where none is given, as in PyTorch and ONNX."""


@value
class Activation:
    """What is done to each sample after a layer.

    Parameters
    ----------
    name : str
        ``none``; ``relu``: max(x, 0); ``relu6``: min(max(x, 0), 6); ``leaky_relu`` and ``prelu``: x, or
        alpha * x where it is negative; ``hard_swish``: x * relu6(x + 3) / 6; ``sigmoid``; ``tanh``;
        ``softmax``: exp(x) over its sum, over the channels of a pixel.
    alphas : tuple of float
        Of ``leaky_relu`` one, 0.01 unless given; of ``prelu`` one, or one a channel; else none.

    Raises
    ------
    BankError
        There is no such activation, or it takes other alphas.

    Examples
    --------
    >>> Activation.parse("leaky_relu:0.1").applied(np.array([[[-2.0, 3.0]]])).tolist()
    [[[-0.2, 3.0]]]
    """

    name: str = "none"
    alphas: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.name not in ACTIVATIONS:
            raise BankError(f"activation {self.name!r}: {_advice(self.name)}")
        alphas = tuple(map(float, self.alphas))
        if self.name == "leaky_relu" and not alphas:
            alphas = (_SLOPE,)
        wanted = {"leaky_relu": len(alphas) == 1, "prelu": len(alphas) >= 1}.get(self.name, not alphas)
        if not wanted:
            raise BankError(f"activation {self.name} with {len(alphas)} alphas: {_TAKES}")
        if any(isfinite(one) and abs(one) > _MOST for one in alphas):
            raise BankError(
                f"activation {self.name}: alpha {max(alphas, key=abs):g} is beyond float32: scale it"
            )
        object.__setattr__(self, "alphas", alphas)

    @classmethod
    def parse(cls, text: str) -> Activation:
        """Read a name, with alphas after a colon where it takes some: ``prelu:0.1 0.2 0.3``.

        Raises
        ------
        BankError
            It is no activation.
        """
        name, _, numbers = text.strip().partition(":")
        try:
            alphas = tuple(float(one) for one in numbers.replace(",", " ").split())
        except ValueError:
            raise BankError(f"activation {text!r}: {numbers!r} are no numbers: {_TAKES}") from None
        return cls(name, alphas)

    def check(self, channels: int) -> None:
        """Refuse as many alphas as suit no layer of so many channels.

        Raises
        ------
        BankError
            There is neither one nor one for each channel.
        """
        if len(self.alphas) > 1 and len(self.alphas) != channels:
            raise BankError(
                f"prelu has {len(self.alphas)} alphas, and there are {channels} channels: "
                "give one, or one a channel"
            )

    def has_finite_alphas(self) -> bool:
        """True where no alpha is NaN or infinite."""
        return all(map(isfinite, self.alphas))

    def applied(self, values: Samples) -> Samples:
        """The samples after it, shape (h, w, C), of their own type; sample by sample but for softmax."""
        number = values.dtype.type
        result: Samples = values
        if self.name == "relu":
            result = np.maximum(values, number(0))
        elif self.name == "relu6":
            result = np.clip(values, number(0), number(6))
        elif self.name in ("leaky_relu", "prelu"):
            result = np.where(values < 0, values * np.asarray(self.alphas, values.dtype), values)
        elif self.name == "hard_swish":
            result = values * np.clip(values + number(3), number(0), number(6)) / number(6)
        elif self.name == "sigmoid":
            with np.errstate(over="ignore"):
                result = np.reciprocal(number(1) + np.exp(-values))
        elif self.name == "tanh":
            result = np.tanh(values)
        elif self.name == "softmax":
            powers = np.exp(values - values.max(axis=2, keepdims=True))
            result = powers / powers.sum(axis=2, keepdims=True)
        return result

    def __str__(self) -> str:
        if not self.alphas:
            return self.name
        return f"{self.name}:{' '.join(repr(one) for one in self.alphas)}"


NONE: Final = Activation()

_TAKES: Final = "leaky_relu takes one, as leaky_relu:0.1; prelu one, or one a channel; the others none"


def _advice(name: str) -> str:
    """The names, and the one that a misspelt one may stand for."""
    from difflib import get_close_matches

    near = get_close_matches(name.lower().replace("-", "_"), ACTIVATIONS, n=1)
    return f"use one of {', '.join(ACTIVATIONS)}" + (f": did you mean {near[0]}?" if near else "")
