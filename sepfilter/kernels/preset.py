"""A named kernel and its parameters: how ``sigma=3,radius=12`` is read and checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from sepfilter.errors import KernelError
from sepfilter.kernels.kernel import AnyKernel
from sepfilter.kernels.numbers import parse_number
from sepfilter.values import value


@value
class Parameter:
    """A parameter of a preset.

    Attributes
    ----------
    name, meaning : str
        What it is called and what it does, with its unit.
    default : Fraction or None
        None: it has to be given, or is derived from the others where `derived` is True.
    low : Fraction
        Smallest value allowed; itself allowed unless `above` is True.
    whole : bool
        True for whole numbers only.
    """

    name: str
    meaning: str
    default: Fraction | None = None
    low: Fraction | None = None
    above: bool = False
    whole: bool = False
    derived: bool = False


@value
class Preset:
    """A named kernel: how it is built, and what its parameters are."""

    name: str
    summary: str
    build: Callable[..., AnyKernel]
    parameters: tuple[Parameter, ...] = ()

    def kernel(self, values: str, text: str) -> AnyKernel:
        """Build the kernel for the values behind its name; `text` is quoted in errors."""
        given = _assign(self, values, text)
        try:
            return replace(self.build(**given), name=text.strip().lower())
        except KernelError as error:
            raise KernelError(f"{text!r}: {error}") from None
        except OverflowError:
            raise KernelError(f"{text!r}: its taps are beyond what float64 can hold") from None


def nearest(name: str, known: list[str]) -> str:
    """The end of an error message: the names that a misspelt one may have meant."""
    from difflib import get_close_matches

    matches = get_close_matches(name.strip().lower(), known, n=3, cutoff=0.6)
    return f": did you mean {' or '.join(matches)}?" if matches else ""


def _assign(preset: Preset, values: str, text: str) -> dict[str, Fraction | None]:
    """Match values to parameters by place or by name, check them and fill in the defaults."""
    assigned: dict[str, Fraction | None] = {}
    names = [parameter.name for parameter in preset.parameters]
    for place, item in enumerate(values.split(",") if values.strip() else []):
        name, equals, value = (part.strip() for part in item.rpartition("="))
        if not equals:
            if place >= len(names):
                raise KernelError(
                    f"{text!r}: {preset.name} takes {len(names) or 'no'} "
                    f"{'value' if len(names) == 1 else 'values'}"
                    + (f" ({', '.join(names)})" if names else "")
                )
            name = names[place]
        if name not in names:
            raise KernelError(
                f"{text!r}: {preset.name} has no parameter {name!r}"
                + (nearest(name, names) or f": it takes {', '.join(names) or 'none'}")
            )
        if name in assigned:
            raise KernelError(f"{text!r}: {name} is given twice")
        assigned[name] = _value(preset.parameters[names.index(name)], value, text)
    for parameter in preset.parameters:
        if parameter.name not in assigned:
            if parameter.default is None and not parameter.derived:
                raise KernelError(
                    f"{text!r}: {preset.name} needs {parameter.name} ({parameter.meaning}), "
                    f"as in {preset.name}:3"
                )
            assigned[parameter.name] = parameter.default
    return assigned


def _value(parameter: Parameter, value: str, text: str) -> Fraction:
    """A parameter's value, in range."""
    number = parse_number(value)
    if number is None or number.exact is None:
        raise KernelError(f"{text!r}: {parameter.name} must be a finite number, not {value!r}")
    exact = number.exact
    if parameter.whole and exact.denominator != 1:
        raise KernelError(f"{text!r}: {parameter.name} must be a whole number, not {value}")
    low = parameter.low
    if low is not None and (exact < low or (parameter.above and exact == low)):
        bound = f"above {low}" if parameter.above else f"at least {low}"
        raise KernelError(f"{text!r}: {parameter.name} must be {bound}, not {value}")
    return exact
