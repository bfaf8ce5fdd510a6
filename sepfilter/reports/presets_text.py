"""The presets as a list for people."""

from __future__ import annotations

from textwrap import wrap
from typing import Final

from sepfilter.kernels.factorization import factorize
from sepfilter.kernels.preset import Parameter, Preset
from sepfilter.kernels.presets import PRESETS, named_kernel

_WIDTH: Final = 96
_LABEL: Final = 12

_INTRODUCTION: Final = (
    "Presets: NAME, or NAME:VALUES with values in order or by name, as gaussian:3, motion:15,45 or "
    "gaussian:sigma=3,radius=9; what stands in [brackets] may be left out. The rank is how many "
    "column x row terms a kernel is the sum of: rank 1 is separable."
)


def presets_text() -> str:
    """Every preset: its summary, how it is written, its size and rank by an example, and its parameters."""
    lines = [line for preset in PRESETS.values() for line in _lines(preset)]
    return "\n".join([*wrap(_INTRODUCTION, _WIDTH), "", *lines])


def _lines(preset: Preset) -> list[str]:
    """A preset, an example of it, and a line for each parameter."""
    example = f"{preset.name}:3" if any(map(_is_needed, preset.parameters)) else preset.name
    written = [_written(preset)] if preset.parameters else []
    return [
        f"{preset.name:<{_LABEL}}{preset.summary}",
        *(f"{'':{_LABEL}}{line}" for line in (*written, f"{example} has {_size_and_rank(example)}")),
        *map(_parameter, preset.parameters),
    ]


def _written(preset: Preset) -> str:
    """The name with its parameters, those that may be left out in brackets."""
    words, open_brackets = preset.name, 0
    for place, parameter in enumerate(preset.parameters):
        bracket = "" if _is_needed(parameter) else "["
        words += f"{bracket}{',' if place else ':'}{parameter.name}"
        open_brackets += len(bracket)
    return words + "]" * open_brackets


def _is_needed(parameter: Parameter) -> bool:
    """True where a value has to be given."""
    return parameter.default is None and not parameter.derived


def _size_and_rank(example: str) -> str:
    """Taps and rank of one kernel of this kind."""
    kernel = named_kernel(example)
    ranks = sorted({factorize(component).rank for component in kernel.components})
    rank = f"rank {' and '.join(map(str, ranks))}"
    each = " each" if len(kernel.components) > 1 else ""
    separable = ", separable" if ranks == [1] else ""
    parts = "two kernels of " if each else ""
    return f"{parts}{kernel.height} x {kernel.width} taps, {rank}{each}{separable}"


def _parameter(parameter: Parameter) -> str:
    """A parameter, its meaning and its default."""
    default = parameter.default
    words = f", {float(default):g} unless given" if default is not None else ""
    return f"{'':{_LABEL}}  {parameter.name}: {parameter.meaning}{words}"
