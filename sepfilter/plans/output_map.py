"""How filtered values become output samples: scale, offset, range, type, one rounding."""

from __future__ import annotations

from dataclasses import replace
from math import frexp, isfinite
from typing import Final

import numpy as np
import numpy.typing as npt

from sepfilter.errors import OptionError
from sepfilter.geometry import WIDE_TYPES, ImageSpec, full_scale, sample_type
from sepfilter.values import value

RANGES: Final = ("clip", "abs", "offset", "stretch", "float")


@value
class OutputMap:
    """``scale * value + offset``, then the range, then one rounding half to even, then saturation.

    ========  ==================================================================
    range     what happens to values outside the output type
    ========  ==================================================================
    clip      they saturate
    abs       the absolute value is taken first: edges of both signs
    offset    half of the output's range is added first: 0 becomes mid-grey
    stretch   the smallest value becomes 0, the largest full white
    float     nothing: samples stay float, unrounded
    ========  ==================================================================

    Parameters
    ----------
    scale : float
        Multiplies the filter's result; finite.
    offset : float
        Added after that, in units of the output type; finite.
    range : str
        One of those above.
    dtype : str
        Sample type of the output.
    spread : (float, float), optional
        For ``stretch``, once it is known: the smallest and the largest value after scale and offset.
    """

    scale: float
    offset: float
    range: str
    dtype: str
    spread: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.range not in RANGES:
            raise OptionError(f"range {self.range!r}: use one of {', '.join(RANGES)}")
        for name in ("scale", "offset"):
            if not isfinite(getattr(self, name)):
                raise OptionError(f"{name} {getattr(self, name)}: it must be a finite number")
        if self.range == "float" and self.is_integer:
            raise OptionError(
                f"range float keeps fractions, but samples of type {self.dtype} have none: "
                "choose another range, or float32"
            )

    @property
    def is_integer(self) -> bool:
        """True where values are rounded and saturate."""
        return not self.dtype.startswith("float")

    @property
    def limits(self) -> tuple[float, float]:
        """Smallest and largest sample: of the type, or black and white for float samples."""
        if not self.is_integer:
            return 0.0, 1.0
        info = np.iinfo(self.dtype)
        return float(info.min), float(info.max)

    @property
    def total_offset(self) -> float:
        """The offset, with half of the output's range added for ``offset``."""
        if self.range != "offset" or self.limits[0] < 0:
            return self.offset
        low, high = self.limits
        return self.offset + (high - low + self.is_integer) / 2

    @property
    def is_trivial(self) -> bool:
        """True where values go to rounding as they are."""
        return self.scale == 1 and self.total_offset == 0 and self.range in ("clip", "float")

    @property
    def keeps_exactness(self) -> bool:
        """True where scale and offset round nothing: a power of two, and a whole number."""
        power_of_two = abs(frexp(self.scale)[0]) == 0.5
        whole = float(self.total_offset).is_integer() and abs(self.total_offset) < 2**20
        return self.range != "stretch" and self.is_integer and power_of_two and whole

    def for_opacity(self, spec: ImageSpec) -> OutputMap:
        """The map of opacity beside colours: full opacity stays full, whatever colours undergo."""
        output_range = "clip" if self.is_integer else "float"
        return make_output_map(spec, output_range=output_range, dtype=self.dtype)

    def stretched(self, lowest: float, highest: float) -> OutputMap:
        """The map that spreads filtered values from `lowest` to `highest` over the output's range."""
        ends = sorted(self.scale * value + self.total_offset for value in (lowest, highest))
        return replace(self, spread=(ends[0], ends[1]))


def make_output_map(
    spec: ImageSpec,
    *,
    scale: float = 1.0,
    offset: float = 0.0,
    output_range: str = "clip",
    dtype: npt.DTypeLike | None = None,
) -> OutputMap:
    """Choose the output's sample type, and the scale that its range asks for.

    The type is the source's unless `dtype` or the range ``float`` (float32, or float64 for sources
    that float32 cannot hold) says otherwise. From one unsigned integer type to another full white
    stays full white: the scale is multiplied by the quotient of the two. Signed and float outputs
    take the values as they are.

    Raises
    ------
    OptionError
        A number is not finite, or an integer type is asked to hold fractions.

    Examples
    --------
    >>> make_output_map(ImageSpec(2, 2, 1, "uint16"), dtype="uint8").scale == 255 / 65535
    True
    """
    if dtype is not None:
        target = sample_type(dtype)
    elif output_range == "float":
        target = "float64" if spec.dtype in WIDE_TYPES else "float32"
    else:
        target = spec.dtype
    if spec.dtype.startswith("uint") and target.startswith("uint"):
        scale = scale * (full_scale(target) / full_scale(spec.dtype))
    return OutputMap(float(scale), float(offset), output_range, target)
