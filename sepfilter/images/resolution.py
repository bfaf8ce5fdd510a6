"""Which resolutions that files state are believed."""

from __future__ import annotations

from math import isfinite
from typing import Final

_LOWEST: Final = 1
_HIGHEST: Final = 65536


def sensible(across: float, down: float) -> tuple[float, float] | None:
    """Horizontal and vertical dots per inch, or None where nobody can have meant them.

    Many programs write 0, 1 or noise where they know no resolution.

    Parameters
    ----------
    across, down : float
        As stated, in dots per inch.

    Examples
    --------
    >>> sensible(300, 300)
    (300.0, 300.0)
    >>> sensible(300, 0) is None
    True
    """
    believed = all(isfinite(value) and _LOWEST < value < _HIGHEST for value in (across, down))
    return (float(across), float(down)) if believed else None
