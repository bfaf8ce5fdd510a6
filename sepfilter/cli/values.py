"""What the values of options are made of, and what is said of those that are not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from sepfilter.errors import OptionError, ShapeError

if TYPE_CHECKING:
    from sepfilter.geometry import ImageSpec

_IMAGE: Final = re.compile(r"(\d{1,9})x(\d{1,9})(?:x(\d{1,9}))?")
_AMOUNT: Final = re.compile(r"(\d{1,18}(?:\.\d{1,18})?)([kKmMgGtT]?)", re.ASCII)
_REGION: Final = re.compile(r"\s*,\s*".join([r"(-?\d{1,18})"] * 4), re.ASCII)
_WHOLE: Final = re.compile(r"\s*[+-]?\d{1,18}\s*", re.ASCII)


class Whole(click.ParamType):  # type: ignore[type-arg]
    """A whole number, not below the least and not above the most."""

    name = "n"

    def __init__(self, least: int, most: int | None = None) -> None:
        self._least, self._most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it."""
        number = int(value) if _WHOLE.fullmatch(str(value)) else None
        if number is None or number < self._least or (self._most is not None and number > self._most):
            bounds = (
                f", at least {self._least}" if self._most is None else f" from {self._least} to {self._most}"
            )
            self.fail(f"{value!r}: it must be a whole number{bounds}", param, ctx)
        return number


class Amount(click.ParamType):  # type: ignore[type-arg]
    """A whole number, which may end with k, M, G or T."""

    name = "amount"

    def __init__(self, thousand: int) -> None:
        self._thousand = thousand

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it."""
        found = _AMOUNT.fullmatch(str(value))
        if found is None:
            self.fail(f"{value!r} is no amount: give a whole number, as 500 or 2G", param, ctx)
        power = " KMGT".index(found[2].upper() or " ")
        return max(int(float(found[1]) * self._thousand**power), 1)


class Page(click.ParamType):  # type: ignore[type-arg]
    """A page from 1, or all of them."""

    name = "page"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | Literal["all"]:
        """Read it."""
        text = str(value).strip().lower()
        if text == "all":
            return "all"
        if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
            self.fail(f"{value!r} is no page: give a whole number from 1, or all", param, ctx)
        return int(text)


class Region(click.ParamType):  # type: ignore[type-arg]
    """Left, top, width and height."""

    name = "region"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int, int, int]:
        """Read it."""
        found = _REGION.fullmatch(str(value).strip())
        if found is not None and "-" in found[0]:
            self.fail(f"{value!r}: every number must be at least 0", param, ctx)
        if found is None:
            self.fail(
                f"{value!r} is no region: give left,top,width,height in pixels, as 0,0,640,480", param, ctx
            )
        x, y, width, height = map(int, found.groups())
        return x, y, width, height


def image_spec(text: str, channels: int | None = None) -> ImageSpec:
    """An 8-bit image of the size given as WxH or WxHxC, of so many channels unless it says.

    Raises
    ------
    OptionError
        It is no size.
    """
    from sepfilter.geometry import ImageSpec

    match = _IMAGE.fullmatch(text)
    if match is None:
        raise OptionError(f"--image {text!r}: give width x height x channels, as 4000x3000x3")
    width, height, number = (int(one) for one in match.groups(default=str(channels or 1)))
    if 0 in (width, height, number):
        raise OptionError(f"--image {text!r}: every size is at least 1")
    try:
        return ImageSpec(height, width, number, "uint8")
    except ShapeError as error:
        raise OptionError(f"--image {text!r}: {error}") from None
