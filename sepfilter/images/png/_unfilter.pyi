# See unfilter.c.

from typing import Any

from numpy.typing import NDArray

def undo(lines: bytes | memoryview, above: bytes, pixel_bytes: int, out: NDArray[Any], /) -> None: ...
