"""The presets as a list for people."""

from __future__ import annotations

from sepfilter.kernels.preset import Parameter, Preset
from sepfilter.kernels.presets import PRESETS


def presets_text() -> str:
    """Every preset with its summary and its parameters, in their order."""
    return "\n".join(line for preset in PRESETS.values() for line in _lines(preset))


def _lines(preset: Preset) -> list[str]:
    """A preset, and a line for each parameter."""
    return [f"{preset.name:<12}{preset.summary}", *map(_parameter, preset.parameters)]


def _parameter(parameter: Parameter) -> str:
    """A parameter, its meaning and its default."""
    default = parameter.default
    words = f", {float(default):g} unless given" if default is not None else ""
    return f"              {parameter.name}: {parameter.meaning}{words}"
