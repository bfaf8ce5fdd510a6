"""What may be asked of a plan, checked as it is built."""

from __future__ import annotations

from math import isfinite
from typing import Final

import numpy as np
import numpy.typing as npt

from sepfilter.errors import OptionError, ShapeError
from sepfilter.geometry import SAMPLE_TYPES, sample_type
from sepfilter.plans.border import Border
from sepfilter.plans.precision import PRECISIONS
from sepfilter.values import value

PADDINGS: Final = ("same", "valid")
METHODS: Final = ("auto", "direct", "separable", "fft")
WAYS: Final = {
    "auto": ("direct", "separable", "box", "coarse", "fft"),
    "direct": ("direct",),
    "separable": ("separable", "box"),
    "fft": ("fft",),
}
"""What each method may run a kernel by."""

ALPHAS: Final = ("premultiply", "separate", "keep")


@value
class Options:
    """The options of `make_plan`, with the values they have unless given.

    Parameters
    ----------
    border : str or Border
        What lies beyond the edges: reflect, mirror, nearest, wrap, constant or constant:V.
    padding : str
        ``same`` size as the image, or ``valid``: only where the whole kernel lies on the image.
    method : str
        auto, direct, separable, or fft: Fourier transforms.
    precision : str
        auto; exact, the correctly rounded exact result; fast, 16-bit taps for 8-bit images; float;
        double.
    rank : int, optional
        Keep this many separable terms at most, an approximation where the kernel's rank is higher.
    max_error : float, optional
        Results may be off by so many levels at worst: then the smallest rank that is within it, or a coarser
        grid for wide Gaussians, is taken where that is cheaper than the exact ways.
    levels : float, optional
        For float images: the value of full white, which error bounds are stated for (default 1).
    scale, offset : float
        ``scale * sum + offset``, the offset in units of the output type.
    output_range : str
        clip, abs, offset, stretch or float.
    dtype : dtype-like, optional
        Sample type of the output, by default the source's.
    alpha : str
        What happens to opacity: premultiply, separate or keep.

    Raises
    ------
    OptionError
        A value is none of those, or two options contradict one another.
    """

    border: str | Border = "reflect"
    padding: str = "same"
    method: str = "auto"
    precision: str = "auto"
    rank: int | None = None
    max_error: float | None = None
    levels: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    output_range: str = "clip"
    dtype: npt.DTypeLike | None = None
    alpha: str = "premultiply"

    @property
    def edges(self) -> Border:
        """The border, read."""
        return self.border if isinstance(self.border, Border) else Border.parse(self.border)

    def __post_init__(self) -> None:
        if not isinstance(self.border, (str, Border)):
            raise OptionError(f"border {self.border!r}: it must be text, as constant:128")
        _ = self.edges
        self._check_words()
        self._check_numbers()
        self._check_contradictions()

    def _check_words(self) -> None:
        """Words must be among those that are known."""
        for name, choices in (
            ("padding", PADDINGS),
            ("method", METHODS),
            ("precision", PRECISIONS),
            ("alpha", ALPHAS),
        ):
            value = getattr(self, name)
            if value not in choices:
                raise OptionError(f"{name} {value!r}: use one of {', '.join(choices)}")
        if self.dtype is not None:
            try:
                sample_type(self.dtype)
            except ShapeError as error:
                near = _misspelt(self.dtype)
                advice = f"dtype {self.dtype!r}: did you mean {near}?" if near else f"dtype: {error}"
                raise OptionError(advice) from None

    def _check_numbers(self) -> None:
        """Numbers must be numbers, and in range."""
        for name in ("scale", "offset", "rank", "max_error", "levels"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, (int, float, np.number)):
                raise OptionError(f"{name.replace('_', ' ')} {value!r}: it must be a number")
        if self.rank is not None:
            if self.rank < 0 or not float(self.rank).is_integer():
                raise OptionError(f"rank {self.rank}: it must be a whole number, at least 0")
            object.__setattr__(self, "rank", int(self.rank))
        if self.max_error is not None and not (isfinite(self.max_error) and self.max_error >= 0):
            raise OptionError(f"max error {self.max_error}: it must be a number of levels, at least 0")
        if self.levels is not None and not (isfinite(self.levels) and self.levels > 0):
            raise OptionError(f"levels {self.levels}: it must be a number above 0")

    def _check_contradictions(self) -> None:
        """No option may make another meaningless."""
        if self.rank is not None and self.max_error is not None:
            raise OptionError("rank and max error both choose the rank: give one of them")
        if self.method in ("direct", "fft") and (self.rank is not None or self.max_error is not None):
            way = "a direct pass" if self.method == "direct" else "a Fourier transform"
            raise OptionError(f"{way} has no rank: leave out rank and max error, or the method")


def _misspelt(dtype: npt.DTypeLike) -> str | None:
    """The sample type that a name which NumPy does not know may stand for."""
    from difflib import get_close_matches

    try:
        np.dtype(dtype)
    except TypeError:
        return next(iter(get_close_matches(str(dtype).lower(), SAMPLE_TYPES, n=1)), None)
    return None
