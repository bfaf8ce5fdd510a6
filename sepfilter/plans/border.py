"""What a kernel sees beyond the edge of the image."""

from __future__ import annotations

from math import isfinite
from typing import Final

from sepfilter.errors import OptionError
from sepfilter.values import value

BORDER_MODES: Final = ("reflect", "mirror", "nearest", "wrap", "constant")


@value
class Border:
    """How an image of samples ``a b c d`` goes on beyond its edges, in SciPy's names.

    ========  =========================  ======================================
    mode      pattern                    meaning
    ========  =========================  ======================================
    reflect   ``b a | a b c d | d c``    mirrored about the edge of the image
    mirror    ``c b | a b c d | c b``    mirrored about the centre of the edge pixel
    nearest   ``a a | a b c d | d d``    the edge pixel goes on
    wrap      ``c d | a b c d | a b``    periodic
    constant  ``V V | a b c d | V V``    the value V
    ========  =========================  ======================================

    Parameters
    ----------
    mode : str
        One of those above.
    value : float
        V, in units of the source, finite; it may lie outside the range of the samples.

    Examples
    --------
    >>> Border.parse("constant:-1.5")
    Border(mode='constant', value=-1.5)
    """

    mode: str = "reflect"
    value: float = 0.0

    def __post_init__(self) -> None:
        if self.mode not in BORDER_MODES:
            raise OptionError(f"border {self.mode!r}: use one of {_choices(self.mode)}")
        object.__setattr__(self, "value", float(self.value))
        if not isfinite(self.value):
            raise OptionError(f"border constant:{self.value}: the value must be finite")

    @classmethod
    def parse(cls, text: str) -> Border:
        """Read ``reflect``, ``constant`` (0) or ``constant:V``."""
        mode, colon, value = text.partition(":")
        if not colon:
            return cls(mode)
        if mode != "constant":
            raise OptionError(f"border {text!r}: only constant takes a value, as constant:128")
        try:
            return cls(mode, float(value))
        except ValueError as error:
            if isinstance(error, OptionError):
                raise
            raise OptionError(f"border {text!r}: {value!r} is not a number, as in constant:128") from None

    def is_whole_within(self, low: float, high: float) -> bool:
        """True where a constant, if there is one, is a whole number of this interval."""
        return self.mode != "constant" or (self.value.is_integer() and low <= self.value <= high)

    def __str__(self) -> str:
        if self.mode != "constant":
            return self.mode
        short = f"{self.value:g}"
        return f"constant:{short if float(short) == self.value else repr(self.value)}"


def _choices(mode: str) -> str:
    """The modes, and the one that a misspelt one may stand for."""
    from difflib import get_close_matches

    near = get_close_matches(mode.lower(), BORDER_MODES, n=1)
    return ", ".join(BORDER_MODES) + (f": did you mean {near[0]}?" if near else "")
