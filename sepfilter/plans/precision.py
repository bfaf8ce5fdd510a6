"""The kinds of arithmetic that a plan may choose from, cheapest first."""

from __future__ import annotations

from typing import Final

from sepfilter.errors import SepfilterError
from sepfilter.geometry import WIDE_TYPES, ImageSpec
from sepfilter.values import value

PRECISIONS: Final = ("auto", "exact", "fast", "float", "double")
BYTE_TYPES: Final = ("uint8", "int8")


class OutOfReachError(SepfilterError, ValueError):
    """Why some arithmetic cannot keep its promise here; caught where the next one is tried."""


@value
class Arithmetic:
    """How numbers are held on their way through the passes.

    Attributes
    ----------
    precision : str
        ``exact``: integers all the way, one rounding at the end. ``fast``: taps rounded to 16-bit
        integers. ``float``, ``double``.
    accumulator : str
        What sums of products are kept in. ``int16``, ``int32`` of 16-bit factors, and ``uint16`` of the
        high halves of products (`fixed_point`), are for 8-bit samples; else ``float32`` or ``float64``.
    samples : str
        What results are stored in between stages and before they are mapped: float32 or float64.
    """

    precision: str
    accumulator: str
    samples: str

    @property
    def is_exact(self) -> bool:
        """True where the result is the exact one, rounded once."""
        return self.precision == "exact"

    @property
    def is_integer(self) -> bool:
        """True where sums are integers of limited size."""
        return "int" in self.accumulator


FLOAT: Final = Arithmetic("float", "float32", "float32")
DOUBLE: Final = Arithmetic("double", "float64", "float64")
FAST: Final = tuple(Arithmetic("fast", accumulator, "float32") for accumulator in ("uint16", "int32"))
_EXACT_BYTES: Final = tuple(
    Arithmetic("exact", accumulator, samples)
    for accumulator in ("int16", "int32")
    for samples in ("float32", "float64")
)
_EXACT_FLOAT: Final = Arithmetic("exact", "float32", "float32")
EXACT_DOUBLE: Final = Arithmetic("exact", "float64", "float64")


def candidates(precision: str, spec: ImageSpec, *, raw: bool, wide: bool) -> list[Arithmetic]:
    """The kinds of arithmetic to try, in this order.

    Exact integers come before ``fast`` where they are as cheap, and after it where they are not.

    Parameters
    ----------
    precision : str
        What is asked for, one of `PRECISIONS`.
    spec : ImageSpec
        The image.
    raw : bool
        True where the one kernel works on samples of the image's own type, beyond the edges too.
    wide : bool
        True where float32 holds too little.

    Examples
    --------
    >>> [one.precision for one in candidates("auto", ImageSpec(9, 9, 1, "uint16"), raw=True, wide=False)]
    ['exact', 'exact', 'float', 'double']
    """
    on_bytes = spec.dtype in BYTE_TYPES and raw
    found = [one for one in _EXACT_BYTES if on_bytes and not (wide and one.samples == "float32")]
    if on_bytes and (not wide or precision == "fast"):
        found += FAST
    found += [one for one in (_EXACT_FLOAT,) if not wide]
    found.append(EXACT_DOUBLE)
    if not wide or precision == "float":
        found.append(FLOAT)
    found.append(DOUBLE)
    return [one for one in found if precision in ("auto", one.precision)]


def needs_double(spec: ImageSpec, dtype: str, output_range: str) -> bool:
    """True where float32 cannot hold source or output, or `stretch` may magnify its rounding."""
    return bool({spec.dtype, dtype} & WIDE_TYPES) or output_range == "stretch"
