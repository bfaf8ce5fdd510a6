# See native/module.c.

from typing import Any, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

Pass: TypeAlias = tuple[Array, float] | tuple[Array, Array, Array | None, float]

PARTIAL_SUM: int

def filter(  # noqa: A001
    pixels: Array,
    out: Array,
    context: tuple[int, int, int, int],
    border: int,
    constant: float,
    anchor: tuple[int, int],
    passes: tuple[Pass, ...],
    accumulator: int,
    wide: bool,
    absolute: bool,
    scale: float,
    offset: float,
    /,
) -> tuple[int, int, int]: ...
def choose(level: str | None, /) -> bool: ...
def level() -> str: ...
def levels() -> list[str]: ...

LAYER_BLOCK: int

Share: TypeAlias = tuple[Array, Array, Array, Array] | tuple[Array, Array, Array, Array, Array]

def depthwise(
    block: Array,
    out: Array,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    shares: tuple[Share, ...],
    activation: int,
    alphas: Array,
    /,
) -> None: ...
def mix(
    block: Array,
    out: Array,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    weights: Array,
    start: Array,
    activation: int,
    alphas: Array,
    /,
) -> None: ...
