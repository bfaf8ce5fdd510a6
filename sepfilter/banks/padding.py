"""How far a layer reaches beyond the edges of its input."""

from __future__ import annotations

import re
from typing import Final

from sepfilter.errors import BankError
from sepfilter.values import value

PADDING_MODES: Final = ("valid", "same", "same-lower", "explicit")

_AMOUNTS: Final = re.compile(r"\d{1,9}(?:[\s,]+\d{1,9}){3}|\d{1,9}", re.ASCII)


@value
class Padding:
    """What is added around an input before a layer slides over it.

    Parameters
    ----------
    mode : str
        ``valid``: nothing. ``same``: so much that the output has ``ceil(size / stride)`` samples; what
        cannot be shared evenly is more at the bottom and right, as in TensorFlow and ONNX's SAME_UPPER.
        ``same-lower``: more at the top and left, ONNX's SAME_LOWER. ``explicit``: `amounts`.
    amounts : (int, int, int, int)
        Samples at the top, left, bottom and right, at least 0; PyTorch's ``padding=1`` is (1, 1, 1, 1).

    Raises
    ------
    BankError
        There is no such mode, or an amount is no whole number, at least 0.

    Examples
    --------
    >>> Padding("same").around(size=6, extent=3, stride=2)
    (0, 1)
    >>> Padding.parse("1 1 1 1").around(size=6, extent=3, stride=2, axis=1)
    (1, 1)
    """

    mode: str = "valid"
    amounts: tuple[int, int, int, int] = (0, 0, 0, 0)

    def __post_init__(self) -> None:
        if self.mode not in PADDING_MODES:
            raise BankError(f"padding {self.mode!r}: use {_CHOICES}")
        amounts = tuple(self.amounts)
        if len(amounts) != 4 or not all(isinstance(one, int) and 0 <= one < 2**30 for one in amounts):
            raise BankError(f"padding {self.amounts!r}: give four whole numbers, at least 0: {_ORDER}")
        object.__setattr__(self, "amounts", amounts)

    @classmethod
    def parse(cls, text: str) -> Padding:
        """Read ``valid``, ``same``, ``same-lower``, one number for all sides, or four of them.

        Raises
        ------
        BankError
            It is none of those.
        """
        if text in PADDING_MODES[:3]:
            return cls(text)
        if not _AMOUNTS.fullmatch(text.strip()):
            raise BankError(f"padding {text!r}: use {_CHOICES}")
        return cls.explicit([int(one) for one in re.split(r"[\s,]+", text.strip())])

    @classmethod
    def explicit(cls, amounts: list[int]) -> Padding:
        """Take one number for all sides, or four: top, left, bottom, right."""
        top, left, bottom, right = amounts * 4 if len(amounts) == 1 else amounts
        return cls("explicit", (top, left, bottom, right))

    def around(self, size: int, extent: int, stride: int, axis: int = 0) -> tuple[int, int]:
        """How many samples are added before and after an axis.

        Parameters
        ----------
        size : int
            Samples of the input along it.
        extent : int
            Samples that the kernel spans, gaps of a dilation included.
        stride : int
            Step between outputs.
        axis : int
            0 for rows, 1 for columns.
        """
        if self.mode == "valid":
            return 0, 0
        if self.mode == "explicit":
            return self.amounts[axis], self.amounts[axis + 2]
        total = max((-(-size // stride) - 1) * stride + extent - size, 0)
        less, more = total // 2, total - total // 2
        return (less, more) if self.mode == "same" else (more, less)

    def __str__(self) -> str:
        return " ".join(map(str, self.amounts)) if self.mode == "explicit" else self.mode


_ORDER: Final = "top, left, bottom, right"
_CHOICES: Final = f"valid, same, same-lower, or numbers as '1 1 1 1' for {_ORDER}"

VALID: Final = Padding()
