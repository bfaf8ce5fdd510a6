"""What errors about bank files show: one printable line, however long or odd what the file holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sepfilter.errors import BankError, SepfilterError

_MOST_SHOWN: Final = 400
_MOST_LISTED: Final = 12
_MOST_SAID: Final = 120


@contextmanager
def told(where: str) -> Iterator[None]:
    """Make errors a `BankError` that begins with the place, cut where what they repeat is long."""
    try:
        yield
    except (SepfilterError, OSError, RecursionError, MemoryError) as error:
        reason = _reason(error)
        if not reason.startswith(where):
            first, _, rest = reason.partition(": ")
            said_already = rest and where.endswith(f" {first}")
            reason = f"{where}: {rest if said_already else reason}"
        raise BankError(one_line(reason)) from None


def _reason(error: Exception) -> str:
    """What happened, in words."""
    if isinstance(error, RecursionError):
        return "nested too deep"
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    if isinstance(error, OSError) and not isinstance(error, SepfilterError):
        return f"cannot be read: {error.strerror or error}"
    return str(error)


def one_line(text: str) -> str:
    r"""The text without what is not printable, and no longer than an error may be.

    Examples
    --------
    >>> one_line("a\nb")
    'a?b'
    """
    if len(text) > _MOST_SHOWN:
        text = f"{text[: _MOST_SHOWN * 2 // 3]} ... {text[-(_MOST_SHOWN // 3) :]}"
    return printable(text, len(text))


def printable(text: str | bytes, most: int = 100) -> str:
    r"""A name out of a file, fit for one line of a terminal; bytes where it is no UTF-8.

    Examples
    --------
    >>> printable("conv\n1")
    'conv?1'
    """
    if isinstance(text, bytes):  # protobuf gives text as bytes where it cannot be decoded
        text = text[:most].decode("utf-8", "replace")
    return "".join(sign if sign.isprintable() else "?" for sign in text[:most])


def said_by(error: Exception) -> str:
    r"""What a library says of a file that is not sound, short and on one line.

    Examples
    --------
    >>> said_by(ValueError("bad\n  magic"))
    'bad magic'
    """
    return printable(" ".join(str(error).split()), _MOST_SAID)


def shown(value: Any) -> str:
    """What a file says where it should say something else: text in quotes, cut; arrays by that word."""
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else f"{value[:57]}...")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**20 else "a huge number"
    if isinstance(value, (list, dict)):
        return "an array" if isinstance(value, list) else "an object"
    return f"a {type(value).__name__}"


def listed(names: Sequence[str]) -> str:
    """Names with commas, the first ones of many.

    Examples
    --------
    >>> listed(["a", "b"]), listed([])
    ('a, b', 'nothing')
    """
    text = ", ".join(one_line(name)[:80] for name in names[:_MOST_LISTED])
    more = len(names) - _MOST_LISTED
    return f"{text} and {more:,} more" if more > 0 else text or "nothing"


def missing_library(name: str, library: str, extra: str) -> BankError:
    """What to install for a format that is an extra."""
    return BankError(f"{name}: reading it needs the {library} package: pip install 'sepfilter[{extra}]'")
