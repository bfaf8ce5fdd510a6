"""What the weights of a bank expect of samples: as they are, white as a number, or normalized."""

from __future__ import annotations

import re
from math import isfinite
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.errors import BankError, ShapeError
from sepfilter.geometry import full_scale
from sepfilter.values import value

Samples = npt.NDArray[Any]


@value
class InputScale:
    """How samples become what the first layer takes: ``(sample / (full / white) - mean) / deviation``.

    Parameters
    ----------
    white : float or None
        What full white becomes; None for samples as they are.
    mean, deviation : tuple of float
        Of each channel, or one number for all.

    Raises
    ------
    BankError
        A number is not finite, or a deviation or white is 0 or less.

    Examples
    --------
    >>> InputScale.parse("1").of(np.full((1, 1, 1), 255, np.uint8)).item()
    1.0
    >>> InputScale.parse("0.5,0.5,0.5/0.25").of(np.full((1, 1, 3), 255, np.uint8)).tolist()
    [[[2.0, 2.0, 2.0]]]
    """

    white: float | None = None
    mean: tuple[float, ...] = (0.0,)
    deviation: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        divisors = (*self.deviation, *([] if self.white is None else [self.white]))
        sound = all(map(isfinite, (*self.mean, *divisors))) and all(
            _LEAST <= one <= _MOST for one in divisors
        )
        if not sound or any(abs(one) > _MOST for one in self.mean):
            raise BankError(
                f"input scale: white {self.white}, mean {self.mean}, deviation {self.deviation}: {_WANTED}"
            )

    @classmethod
    def parse(cls, text: str) -> InputScale:
        """Read ``1``, ``255`` or another white, or ``mean/deviation``, each one number or one a channel.

        Raises
        ------
        BankError
            It is none of those.
        """
        parts = text.split("/")
        numbers = [_numbers(part) for part in parts] if len(parts) < 3 else []
        if len(numbers) == 1 and len(numbers[0]) == 1:
            return cls(numbers[0][0])
        if len(numbers) != 2 or not all(numbers):
            raise BankError(f"input scale {text!r}: {_WANTED}")
        return cls(1.0, numbers[0], numbers[1])

    def check(self, channels: int) -> None:
        """Refuse means or deviations of other channels.

        Raises
        ------
        ShapeError
            There are neither one nor as many.
        """
        for what, numbers in (("means", self.mean), ("deviations", self.deviation)):
            if len(numbers) not in (1, channels):
                raise ShapeError(
                    f"input scale: {len(numbers)} {what} for {channels} channels: give one, or one a channel"
                )

    def of(self, pixels: Samples, dtype: npt.DTypeLike = np.float32) -> Samples:
        """Samples as the first layer takes them, floats of a type, shape (h, W, C), contiguous."""
        values: Samples = np.ascontiguousarray(pixels, dtype)
        number = values.dtype.type
        if self.white is not None:
            full = full_scale(pixels.dtype.name)
            # Whole numbers either way: 255 is one of float32's numbers, and 1/255 is not.
            upwards = self.white > full
            values = values * number(self.white / full) if upwards else values / number(full / self.white)
        if any(self.mean):
            values = values - np.asarray(self.mean, values.dtype)
        if any(one != 1.0 for one in self.deviation):
            values = values / np.asarray(self.deviation, values.dtype)
        return values

    def __str__(self) -> str:
        if self.white is None:
            return "as they are"
        if self.mean == (0.0,) and self.deviation == (1.0,):
            return f"{self.white:g}"
        return "/".join(",".join(f"{one:g}" for one in part) for part in (self.mean, self.deviation))


_DECIMAL: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WANTED: Final = "give what white is, as 1 or 255, or mean/deviation as 0.485,0.456,0.406/0.229,0.224,0.225"

_LEAST, _MOST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)


def _numbers(text: str) -> tuple[float, ...]:
    """Decimals between commas or spaces; none where one of them is something else."""
    found = text.replace(",", " ").split()
    return tuple(map(float, found)) if all(map(_DECIMAL.fullmatch, found)) else ()


AS_THEY_ARE: Final = InputScale()
