"""The compiled entries for layers refuse what they could not run safely."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

_native = pytest.importorskip("sepfilter.engine._native", reason="the compiled engine was not built")

NONE = np.empty(0, np.float32)
BLOCK = 16


def floats(*shape: int) -> np.ndarray:
    """Ones."""
    return np.ones(shape, np.float32)


def mix(**changed: Any) -> np.ndarray:
    """A 3 x 3 layer from 2 channels to 5, with some arguments changed."""
    given = {
        "block": floats(6, 7, 2), "out": floats(4, 5, 5), "kernel": (3, 3), "stride": (1, 1),
        "dilation": (1, 1), "groups": 1, "weights": floats(18 * BLOCK), "start": floats(BLOCK),
        "activation": 0, "alphas": NONE,
    }  # fmt: skip
    given |= changed
    _native.mix(*given.values())
    return given["out"]


def depthwise(**changed: Any) -> np.ndarray:
    """A 3 x 3 layer of 2 channels, with some arguments changed."""
    channels = np.arange(2, dtype=np.int32)
    given = {
        "block": floats(6, 7, 2), "out": floats(4, 5, 2), "kernel": (3, 3), "stride": (1, 1),
        "dilation": (1, 1), "shares": ((channels, channels, floats(BLOCK), floats(9 * BLOCK)),),
        "activation": 0, "alphas": NONE,
    }  # fmt: skip
    given |= changed
    _native.depthwise(*given.values())
    return given["out"]


def test_sums_are_made() -> None:
    """Of ones: 18 products and a start of 1, or 9 of them."""
    assert (mix() == 19).all()
    assert (depthwise() == 10).all()


def share(*, take: Any = (0, 1), put: Any = (0, 1), period: int = BLOCK, taps: int = 9 * BLOCK) -> Any:
    """A share of a depthwise layer."""
    return (np.array(take, np.int32), np.array(put, np.int32), floats(period), floats(taps))


@pytest.mark.parametrize(
    ("call", "changed", "message"),
    [
        (mix, {"block": floats(5, 7, 2)}, "does not have what the outputs are made of"),
        (mix, {"block": floats(6, 6, 2)}, "does not have what the outputs are made of"),
        (mix, {"block": np.ones((6, 7, 2))}, "float32 with 3 axes"),
        (mix, {"block": floats(6, 7, 4)[:, :, ::2]}, "contiguous"),
        (mix, {"block": floats(6, 0, 2)}, "empty or too large"),
        (mix, {"kernel": (0, 3)}, "out of range"),
        (mix, {"kernel": (-1, 3)}, "out of range"),
        (mix, {"stride": (1, 5000)}, "out of range"),
        (mix, {"stride": (2, 1)}, "does not have what the outputs are made of"),
        (mix, {"dilation": (1, 2)}, "does not have what the outputs are made of"),
        (mix, {"groups": 0}, "groups do not divide"),
        (mix, {"groups": 2}, "groups do not divide"),
        (mix, {"weights": floats(17 * BLOCK)}, "288 are wanted"),
        (mix, {"start": floats(5)}, "16 are wanted"),
        (mix, {"activation": 9}, "no such activation"),
        (mix, {"activation": -1}, "no such activation"),
        (mix, {"activation": 4, "alphas": floats(3)}, "no such activation"),
        (mix, {"activation": 1, "alphas": floats(1)}, "no such activation"),
        (depthwise, {"block": floats(6, 6, 2)}, "does not have what the outputs are made of"),
        (depthwise, {"shares": ([],)}, "a share must be a tuple"),
        (depthwise, {"shares": (share(),) * 65}, "too many shares"),
        (depthwise, {"shares": (share(take=(0, 2)),)}, "channels that are not there"),
        (depthwise, {"shares": (share(put=(0, 2)),)}, "channels that are not there"),
        (depthwise, {"shares": (share(put=(0, 1, 1)),)}, "takes as many channels as it gives"),
        (depthwise, {"shares": (share(take=(), put=()),)}, "channels that are not there"),
        (depthwise, {"shares": (share(period=8, taps=72),)}, "not made of blocks"),
        (depthwise, {"shares": (share(take=(0, 1, 1), put=(0, 1, -1)),)}, "not made of blocks"),
        (depthwise, {"shares": (share(taps=8 * BLOCK),)}, "144 are wanted"),
        (depthwise, {"shares": ((*share()[:3], floats(50), floats(48)),)}, "whole terms"),
        (depthwise, {"shares": ((*share()[:3], floats(48), floats(47)),)}, "48 are wanted"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(call: Any, changed: dict[str, Any], message: str) -> None:
    """Before anything is written."""
    with pytest.raises((TypeError, ValueError, BufferError), match=message):
        call(**changed)


def test_what_is_read_only_is_not_written_to() -> None:
    """The output has to be writable."""
    out = floats(4, 5, 5)
    out.flags.writeable = False
    with pytest.raises((BufferError, ValueError)):
        mix(out=out)
