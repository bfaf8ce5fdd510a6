"""Settings of a Keras layer, each of the type that it should have."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any

from sepfilter.banks.files.error_text import printable
from sepfilter.banks.files.onnx_keras_graph import Pair
from sepfilter.errors import BankError


class Settings:
    """The ``config`` of a layer."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config

    def get(self, name: str) -> Any:
        """As it stands there, or None."""
        return self._config.get(name)

    def number(self, name: str, default: float) -> float:
        """A finite number, which may be written as an array of one."""
        found = self.get(name)
        inside = found.get("config") if isinstance(found, dict) else None
        if isinstance(inside, dict):
            found = inside.get("value")
        if found is None:
            return default
        if isinstance(found, bool) or not isinstance(found, (int, float)) or not _is_small(found):
            raise BankError(f"its {name} is {printed(found)} instead of a number")
        return float(found)

    def numbers(self, name: str, default: float) -> list[float]:
        """Finite numbers, of which there may be just one."""
        found = self.get(name)
        if not isinstance(found, list):
            return [self.number(name, default)]
        return [Settings({name: one}).number(name, default) for one in found] or [default]

    def whole(self, name: str, default: int) -> int:
        """A whole number."""
        found = self.get(name)
        if found is None:
            return default
        if isinstance(found, bool) or not isinstance(found, int):
            raise BankError(f"its {name} is {printed(found)} instead of a whole number")
        return found

    def pair(self, name: str, default: Pair = (1, 1)) -> Pair:
        """One whole number, or one down and one along."""
        found = self.get(name)
        if found is None:
            return default
        pair = found if isinstance(found, list) else [found, found]
        whole = all(isinstance(one, int) and not isinstance(one, bool) and 1 <= one < 2**31 for one in pair)
        if len(pair) != 2 or not whole:
            raise BankError(f"its {name} are {printed(found)} instead of two numbers from 1")
        return pair[0], pair[1]

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        found = self.get(name)
        return default if found is None else bool(found)


def printed(given: Any) -> str:
    """A setting for an error message."""
    return printable(json.dumps(given), 60)


def _is_small(number: float) -> bool:
    """True for what float64 holds."""
    try:
        return isfinite(float(number))
    except OverflowError:
        return False
