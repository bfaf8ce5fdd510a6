"""The presets as a list for people."""

from __future__ import annotations

from sepfilter.kernels.factorization import factorize
from sepfilter.kernels.preset import Parameter, Preset
from sepfilter.kernels.presets import PRESETS, named_kernel


def presets_text() -> str:
    """Every preset with its summary, its size and rank by an example, and its parameters."""
    return "\n".join(line for preset in PRESETS.values() for line in _lines(preset))


def _lines(preset: Preset) -> list[str]:
    """A preset, an example of it, and a line for each parameter."""
    needed = [one for one in preset.parameters if one.default is None and not one.derived]
    example = f"{preset.name}:3" if needed else preset.name
    return [
        f"{preset.name:<12}{preset.summary}",
        f"{'':14}{example}: {_size_and_rank(example)}",
        *map(_parameter, preset.parameters),
    ]


def _size_and_rank(example: str) -> str:
    """Taps and rank of one kernel of this kind."""
    kernel = named_kernel(example)
    ranks = [str(factorize(component).rank) for component in kernel.components]
    return f"{kernel.height} x {kernel.width} taps, rank {' and '.join(ranks)}"


def _parameter(parameter: Parameter) -> str:
    """A parameter, its meaning and its default."""
    default = parameter.default
    words = f", {float(default):g} unless given" if default is not None else ""
    return f"{'':14}{parameter.name}: {parameter.meaning}{words}"
