"""JSON as kernels need it: numbers as they were written, limits, and no value lost."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from sepfilter.errors import KernelError
from sepfilter.kernels.numbers import number_text

MAX_DEPTH: Final = 100
"""Arrays and objects in one another; the parser of Python gives up at some thousand."""

_BRACKETS_AND_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]')


def is_json(text: str) -> bool:
    """True for text that begins as a JSON array or object."""
    return text.lstrip("\ufeff \t\r\n").startswith(("[", "{"))


def load_json(text: str, name: str) -> Any:
    """Read JSON with every number as the text that it was written as.

    Parameters
    ----------
    text : str
        With or without a byte order mark.
    name : str
        How errors call it.

    Raises
    ------
    KernelError
        It is not JSON, nested deeper than `MAX_DEPTH`, or has a key twice in one object.

    Examples
    --------
    >>> load_json('{"kernel": [0.10, 2]}', "k")
    {'kernel': ['0.10', '2']}
    """
    text = text.lstrip("\ufeff")
    depth = 0
    for match in _BRACKETS_AND_TEXT.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
        if depth > MAX_DEPTH:
            raise KernelError(
                f"{name}: the JSON is nested more than {MAX_DEPTH} deep: a kernel is an array of rows"
            )
    try:
        return json.loads(
            text,
            parse_float=str,
            parse_int=str,
            parse_constant=str,
            object_pairs_hook=partial(_without_repeats, name),
        )
    except json.JSONDecodeError as error:
        raise KernelError(
            f"{name}: not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None


def _without_repeats(name: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a key given twice would lose one of its values."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise KernelError(f"{name}: {repeated[:40]!r} is given twice in the JSON: keep one of them")
    return found


def written(value: Any) -> str:
    """A number as it was written; anything else as JSON, to be named in the error."""
    return value if isinstance(value, str) else short(value)


def short(value: Any) -> str:
    """A value as JSON, cut for an error message."""
    return json.dumps(value)[:40]


def numbers_text(numbers: Sequence[float | int]) -> str:
    """Numbers in brackets; integers as they are, however long."""
    return f"[{', '.join(str(n) if isinstance(n, int) else number_text(n) for n in numbers)}]"
