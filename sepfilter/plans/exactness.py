"""When arithmetic is exact: integers all the way, sums that fit, and one rounding at the end."""

from __future__ import annotations

from collections.abc import Sequence
from math import frexp, log2
from typing import Final

import numpy as np

from sepfilter.geometry import ImageSpec
from sepfilter.plans.arithmetic import Extent
from sepfilter.plans.border import Border
from sepfilter.plans.choice import Choice
from sepfilter.plans.output_map import OutputMap
from sepfilter.plans.passes import AnyPass, DirectPass, FFTPass, Pass
from sepfilter.plans.plan import Stage
from sepfilter.plans.precision import Arithmetic, OutOfReachError
from sepfilter.plans.transforms import transform_error

EXACT_INTEGERS: Final = {"float32": 2.0**24, "float64": 2.0**51}
"""Integers up to here are exact; two bits of float64 are kept for how far a quotient is from a tie."""

EXACT_QUOTIENTS: Final = {"float32": 2.0**22, "float64": 2.0**51}
"""Sums up to here may be divided by any whole number d, scaled and moved, and still round as they should.

What is no tie is at least 1 / (2 d) away from one, and two roundoffs of the quotient are less than that.
"""

LARGEST_TRANSFORM_ERROR: Final = 0.25
"""Of a sum of integers, which is rounded then: half of what could lead to another one."""

LARGEST_INTEGER: Final = {"int16": 2**15 - 1, "int32": 2**31 - 1}
"""Of an integer accumulator; its factors, and column sums on the way, have 16 bits in both."""

EXACT_SQUARES: Final = {"float32": 2.0**20, "float64": 2.0**49}
"""Up to this square a stored root, moved by a whole number, rounds to the integer that the true one does.

A root r that is no integer is at least 1 / (8 r + 4) away from a tie; storing it, and what is added to
it, errs by two unit roundoffs of r at most.
"""


def check_source(spec: ImageSpec, border: Border, output: OutputMap, *, premultiplied: bool) -> None:
    """Exact arithmetic needs integers in, and an output map that rounds nothing before the end.

    Raises
    ------
    OutOfReachError
        It has not.
    """
    if not spec.is_integer:
        raise OutOfReachError(f"samples of type {spec.dtype} are not integers")
    if premultiplied:
        raise OutOfReachError("colours multiplied by alpha are not integers")
    if border.mode == "constant" and not border.value.is_integer():
        raise OutOfReachError(f"the border {border} is not an integer")
    if output.range == "stretch":
        raise OutOfReachError("what stretch divides by is known only after the filter has run")
    if not (output.is_trivial or output.keeps_exactness):
        raise OutOfReachError("scale or offset would round the result a second time")


def integer_pass(choice: Choice, extent: Extent, arithmetic: Arithmetic) -> Pass:
    """The pass of integers of one kernel, if all that it sums up fits into the type that stores it.

    Raises
    ------
    OutOfReachError
        It does not, or the kernel is not rational.
    """
    one = _integer_pass(choice, extent, arithmetic.samples)
    if arithmetic.is_integer:
        _check_accumulator(one, extent.magnitude, arithmetic.accumulator)
    return one


def check_squares(name: str, passes: Sequence[AnyPass], results: Sequence[Extent], samples: str) -> None:
    """The sum of squares of a gradient's derivatives has to be exact as well.

    Raises
    ------
    OutOfReachError
        It is not.
    """
    if any(one.denominator != 1 for one in passes):
        raise OutOfReachError(f"{name} is not made of whole numbers")
    squares = sum(result.magnitude**2 for result in results)
    if squares > 2 * EXACT_SQUARES[samples]:
        raise OutOfReachError(f"{name} makes squares beyond {2 * EXACT_SQUARES[samples]:.0f}")


def check_transforms(one: FFTPass, magnitude: float) -> None:
    """Sums by transforms are rounded to whole numbers, and have to be near enough to the right ones.

    Raises
    ------
    OutOfReachError
        They are not.
    """
    if transform_error(one, magnitude) > LARGEST_TRANSFORM_ERROR:
        raise OutOfReachError("transforms are not exact enough for sums as large as these")


def check_integer_result(stage: Stage) -> None:
    """Only integers may go from one exact stage into the next.

    Raises
    ------
    OutOfReachError
        The stage divides or takes a root.
    """
    if stage.is_magnitude or any(one.denominator != 1 for one in stage.passes):
        raise OutOfReachError(f"{stage.name} does not leave integers for the kernel after it")


def check_output(stage: Stage, largest: float, output: OutputMap, samples: str) -> None:
    """What scale and offset make of the last stage's results has to fit as well.

    Parameters
    ----------
    stage : Stage
        The last one.
    largest : float
        Its largest absolute result.
    output : OutputMap
        What follows; a power of two and a whole number.
    samples : str
        Type that results are stored in.

    Raises
    ------
    OutOfReachError
        It does not fit.
    """
    if output.is_trivial and not stage.offset:
        return
    scale, offset = abs(output.scale), abs(output.total_offset)
    if stage.is_magnitude:
        if (largest * max(scale, 1.0) + offset) ** 2 > EXACT_SQUARES[samples]:
            raise OutOfReachError("scale or offset would leave no room for an exact root")
        return
    # All terms over one denominator: what is added counts as often as the denominator says.
    denominator = stage.passes[0].denominator
    sums = (largest * max(scale, 1.0) + offset) * denominator * max(1.0 / scale, 1.0)
    if sums > _limit(denominator, samples):
        raise OutOfReachError("scale or offset makes sums beyond what is exact")


def _limit(denominator: float, samples: str) -> float:
    """The largest sum that stays exact, divided or not: dividing by a power of two rounds nothing."""
    return (EXACT_INTEGERS if frexp(denominator)[0] == 0.5 else EXACT_QUOTIENTS)[samples]


def _check_accumulator(one: Pass, magnitude: float, accumulator: str) -> None:
    """Factors and column sums of 16 bits, and sums that the accumulator holds."""
    held = (
        [np.abs(one.taps).max()]
        if isinstance(one, DirectPass)
        else [
            np.abs(one.columns).max(),
            np.abs(one.rows).max(),
            magnitude * np.abs(one.columns).sum(axis=1).max(),
        ]
    )
    if max(held) > LARGEST_INTEGER["int16"] or one.magnitude * magnitude > LARGEST_INTEGER[accumulator]:
        raise OutOfReachError(f"sums or factors are too large for {accumulator}")


def _integer_pass(choice: Choice, extent: Extent, samples: str) -> Pass:
    """The pass of integers of one kernel."""
    name = choice.kernel.name
    if choice.is_approximation:
        raise OutOfReachError(f"{name} is cut off at rank {choice.terms}")
    one = choice.integer_pass()
    if one is None:
        raise OutOfReachError(f"{name} has no factors or taps of manageable integers")
    offset = abs(choice.kernel.offset)
    if not offset.is_integer():
        raise OutOfReachError(f"{name} adds {choice.kernel.offset:g}, no whole number")
    limit = _limit(one.denominator, samples)
    if one.magnitude * extent.magnitude + offset * one.denominator > limit:
        raise OutOfReachError(f"{name} makes sums beyond 2**{log2(limit):.0f}")
    return one
