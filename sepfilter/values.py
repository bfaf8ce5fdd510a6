"""What a value is: a frozen, slotted dataclass, quick to define.

`dataclasses.dataclass(frozen=True, slots=True)` writes and compiles seven methods for each class, which takes
0.65 ms: for the hundred classes of one command as long as decoding a picture. Here all classes share the same
methods, but for ``__init__``, and a class takes 0.25 ms.
"""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[_T]) -> type[_T]:
    """Make a class a frozen, slotted dataclass that compares by its fields, arrays by shape and numbers.

    Parameters
    ----------
    cls : type
        With annotated fields, as for `dataclasses.dataclass`, whose functions work on the result. What
        ``__post_init__`` changes, it sets by ``object.__setattr__``.

    Returns
    -------
    type
        A new class of the same name.

    Examples
    --------
    >>> @value
    ... class Size:
    ...     height: int
    ...     width: int = 1
    >>> Size(2), Size(2) == Size(2, 1), len({Size(2), Size(3)})
    (Size(height=2, width=1), True, 2)
    >>> Size(2).width = 3
    Traceback (most recent call last):
    dataclasses.FrozenInstanceError: cannot assign to field 'width'
    """
    made: type[_T] = dataclass(slots=True, eq=False, repr=False)(cls)
    for name in ("__setattr__", "__delattr__", "__eq__", "__hash__", "__repr__"):
        if cls.__dict__.get(name) is None:  # a class with an __eq__ of its own has no hash
            setattr(made, name, _Value.__dict__[name])
    return made


class _Value:
    """The methods that all values share."""

    def __setattr__(self, name: str, new: object) -> None:
        """Let ``__init__`` set a field, and nothing after it."""
        if hasattr(self, name):
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        object.__setattr__(self, name, new)

    def __delattr__(self, name: str) -> None:
        """Keep every field."""
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return _comparable(self) == _comparable(other)

    def __hash__(self) -> int:
        return hash(_comparable(self))

    def __repr__(self) -> str:
        shown = (f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)  # type: ignore[arg-type]
        return f"{type(self).__qualname__}({', '.join(shown)})"


def _comparable(one: Any) -> tuple[object, ...]:
    """The fields, with each array as its shape and numbers."""
    found = (getattr(one, field.name) for field in fields(one) if field.compare)
    return tuple(
        (each.shape, tuple(each.ravel().tolist())) if hasattr(each, "ravel") else each for each in found
    )
