"""The compiled engine behind the interface that every engine has: a stage and a block to one call."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sepfilter.engine.block import Block
from sepfilter.engine.mapping import Losses, last_step, map_samples
from sepfilter.plans.border import BORDER_MODES
from sepfilter.plans.output_map import OutputMap
from sepfilter.plans.passes import DirectPass, Pass
from sepfilter.plans.plan import Stage
from sepfilter.plans.precision import Arithmetic

Samples = npt.NDArray[Any]

ACCUMULATORS: Final = {"int16": 0, "int32": 1, "float32": 2, "float64": 3, "uint16": 4}
NARROW_TYPES: Final = ("uint8", "int8", "uint16", "int16", "float32")
"""What float32 sums are made of and become."""


def filter_block(
    stage: Stage, block: Block, arithmetic: Arithmetic, output: OutputMap | None, out: Samples
) -> Losses:
    """Filter a block and write the result; see `scipy_engine.filter_block`."""
    from sepfilter.engine import _native  # which is absent where there was no compiler

    if output is not None and (output.spread or not _is_native(out, arithmetic)):
        values = np.empty(out.shape, arithmetic.samples)
        filter_block(stage, block, arithmetic, None, values)
        return map_samples(values, output, out)
    scale, offset = last_step(stage, output)
    low, high, nonfinite = _native.filter(
        _unmarked(_readable(block.pixels, arithmetic)),
        _unmarked(out),
        block.context,
        BORDER_MODES.index(stage.border.mode),
        stage.border.value,
        stage.anchor,
        tuple(_arguments(one, divides=not stage.divides_last) for one in stage.by_taps),
        ACCUMULATORS[arithmetic.accumulator],
        arithmetic.is_integer and arithmetic.samples == "float64",
        output is not None and output.range == "abs",
        scale,
        offset,
    )
    return Losses(low, high, nonfinite) if output is not None else Losses()


def _is_native(out: Samples, arithmetic: Arithmetic) -> bool:
    """True where the compiled engine writes such samples from such sums."""
    if not out.dtype.isnative or out.dtype == np.float16:
        return False
    return arithmetic.samples == "float64" or out.dtype.name in NARROW_TYPES


def _readable(pixels: Samples, arithmetic: Arithmetic) -> Samples:
    """The pixels, narrowed where float sums are asked for of a type that only double ones read."""
    if arithmetic.accumulator == "float32" and pixels.dtype.name not in NARROW_TYPES:
        return pixels.astype(np.float32)
    return pixels


def _unmarked(samples: Samples) -> Samples:
    """The same samples, of a type that does not name its byte order: buffers tell ``<H`` from ``H``."""
    return samples.view(samples.dtype.newbyteorder("="))


def _arguments(one: Pass, *, divides: bool) -> tuple[Any, ...]:
    """A pass as the compiled engine takes it; a sum of no terms as taps that are 0."""
    denominator = float(one.denominator) if divides else 1.0
    if isinstance(one, DirectPass):
        return np.ascontiguousarray(one.taps), denominator
    if not one.terms:
        return np.zeros((one.height, one.width)), denominator
    return np.ascontiguousarray(one.columns), np.ascontiguousarray(one.rows), one.shifts, denominator
