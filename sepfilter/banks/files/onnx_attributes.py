"""The attributes of an ONNX node, each of the type that it should have."""

from __future__ import annotations

from typing import Any, Final

from sepfilter.banks.files.error_text import printable
from sepfilter.errors import BankError

# The numbers of AttributeProto.AttributeType.
_FLOAT: Final = 1
_INT: Final = 2
_STRING: Final = 3
_INTS: Final = 7


class Attributes:
    """What is set of a node; what is asked for with another type than it has is an error."""

    def __init__(self, node: Any) -> None:
        self._given = {one.name: one for one in node.attribute}

    def number(self, name: str, default: float) -> float:
        """A real number."""
        found = self._get(name, _FLOAT)
        return default if found is None else float(found.f)

    def whole(self, name: str, default: int) -> int:
        """A whole number."""
        found = self._get(name, _INT)
        return default if found is None else int(found.i)

    def text(self, name: str, default: str) -> str:
        """Text."""
        found = self._get(name, _STRING)
        return default if found is None else printable(found.s.decode("utf-8", "replace"))

    def numbers(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """Whole numbers."""
        found = self._get(name, _INTS)
        return default if found is None else tuple(found.ints)

    def _get(self, name: str, kind: int) -> Any:
        """The attribute, or None; a missing type is that of files before types were written."""
        found = self._given.get(name)
        if found is not None and found.type not in (0, kind):
            raise BankError(f"its attribute {name} has another type than it should")
        return found
