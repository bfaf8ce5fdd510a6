"""From a way to run a kernel to its pass in some arithmetic, what it errs by, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, TypeVar

from sepfilter.plans.arithmetic import UNIT_ROUNDOFF, Extent, coarse_rounding, rounding_error
from sepfilter.plans.border import Border
from sepfilter.plans.choice import Choice
from sepfilter.plans.cost import Size, Speed, best_block, predict
from sepfilter.plans.exactness import check_transforms, integer_pass
from sepfilter.plans.fixed_point import fractions
from sepfilter.plans.passes import AnyPass, BoxPass, CoarsePass, DirectPass, FFTPass, Pass, SeparablePass
from sepfilter.plans.precision import EXACT_DOUBLE, FAST, Arithmetic, OutOfReachError
from sepfilter.plans.quantization import quantize, without_tiny_taps
from sepfilter.plans.transforms import transform_error
from sepfilter.values import value

T = TypeVar("T")
R = TypeVar("R")

NEAR: Final = 1.4
"""Two 1-D passes are taken at up to so many times the predicted cost of one 2-D pass: they multiply less."""


@value
class StageInput:
    """What one stage is given.

    Attributes
    ----------
    height, width, channels : int
        Size of the image that goes in.
    extent : Extent
        Where its samples lie.
    border : Border
        What lies beyond its edges.
    partial_sums : bool
        Float sums of it are made of partial sums: the compiled engine does so for 16-bit samples.
    """

    height: int
    width: int
    channels: int
    extent: Extent
    border: Border
    partial_sums: bool = False


@value
class Estimate:
    """A way to run a kernel, and what that is predicted to take.

    Attributes
    ----------
    choice : Choice
        The way.
    block : (int, int) or None
        Of transforms.
    nanoseconds : float
        For a sample and one thread.
    """

    choice: Choice
    block: tuple[int, int] | None
    nanoseconds: float

    @property
    def separates(self) -> bool:
        """True for two 1-D passes over a kernel that has two dimensions."""
        kernel = self.choice.kernel
        return (
            self.choice.method == "separable" and self.choice.terms == 1 and kernel.height > 2 < kernel.width
        )


@value
class Run:
    """A way to run a kernel, worked out.

    Attributes
    ----------
    estimate : Estimate
        The way.
    one : DirectPass, SeparablePass, FFTPass, BoxPass or CoarsePass
        The pass.
    rounding : float
        Worst-case error of its arithmetic, in units of the source.
    """

    estimate: Estimate
    one: AnyPass
    rounding: float

    @property
    def choice(self) -> Choice:
        """The way."""
        return self.estimate.choice


def estimates(
    ways: Sequence[Choice], given: StageInput, size: Size, arithmetic: Arithmetic, speed: Speed
) -> list[Estimate]:
    """Predict what each way takes in some arithmetic, the best first.

    Of those that cost about as much two 1-D passes come first, as they multiply less.

    Raises
    ------
    OutOfReachError
        Only transforms are asked for, which are made in double.
    """
    if arithmetic.is_exact or arithmetic.is_integer:
        ways = [way for way in ways if way.method != "coarse"]
    if arithmetic != EXACT_DOUBLE:
        ways = [way for way in ways if way.method != "box"]
        if arithmetic.is_integer or arithmetic.is_exact:
            ways = [way for way in ways if way.method != "fft"]
    if not ways:
        raise OutOfReachError(f"Fourier transforms are made in double, not in {arithmetic.accumulator}")
    in_parts = given.partial_sums and arithmetic.accumulator == "float32"
    accumulator = "float32 partial" if in_parts else arithmetic.accumulator
    found = []
    for way in ways:
        block = None
        if way.method == "fft":
            block = best_block((way.kernel.height, way.kernel.width), size, speed.transforms)
        one = _as_it_runs(way, way.floating_pass(), block)
        if arithmetic in FAST and isinstance(one, (DirectPass, SeparablePass)):
            one = without_tiny_taps(one)
        found.append(Estimate(way, block, predict(one, size, accumulator, speed)))
    return sorted(found, key=lambda one: one.nanoseconds / (NEAR if one.separates else 1.0))


def work_out(
    components: Sequence[Sequence[Estimate]], given: StageInput, arithmetic: Arithmetic
) -> list[Run]:
    """Work out the best way that every component can go; transforms are for all of them, or for none.

    Parameters
    ----------
    components : sequence of sequence of Estimate
        For each kernel of a gradient, or the one kernel, the ways that it has.
    given : StageInput
        What they run on.
    arithmetic : Arithmetic
        What they run in.

    Raises
    ------
    OutOfReachError
        There is none in this arithmetic; of several reasons the first is told.
    """
    groups = [
        [[one for one in found if (one.block is None) == by_taps] for found in components]
        for by_taps in (True, False)
    ]
    groups = sorted(filter(all, groups), key=lambda group: sum(found[0].nanoseconds for found in group))
    return _first_within_reach(
        groups,
        lambda group: [_first_within_reach(found, partial(_run, given, arithmetic)) for found in group],
    )


def _first_within_reach(tries: Iterable[T], attempt: Callable[[T], R]) -> R:
    """The first attempt that does not fail; of several refusals the first is told."""
    refusals: list[OutOfReachError] = []
    for one in tries:
        try:
            return attempt(one)
        except OutOfReachError as refusal:
            refusals.append(refusal)
    raise refusals[0]


def _as_it_runs(way: Choice, one: Pass, block: tuple[int, int] | None) -> AnyPass:
    """The pass, or what stands in for it."""
    if block is not None:
        return FFTPass(one, block)
    if isinstance(one, SeparablePass):
        if way.method == "box":
            return BoxPass(one)
        if way.grids:
            return CoarsePass(one, *way.grids)
    return one


def _run(given: StageInput, arithmetic: Arithmetic, estimate: Estimate) -> Run:
    """A way in some arithmetic, with the worst-case error of its sums."""
    way, reach = estimate.choice, given.extent.magnitude
    if arithmetic.is_exact:
        one = _as_it_runs(way, integer_pass(way, given.extent, arithmetic), estimate.block)
        if isinstance(one, FFTPass):
            check_transforms(one, reach)
        return Run(estimate, one, 0.0)
    one = _as_it_runs(way, way.floating_pass(), estimate.block)
    if isinstance(one, FFTPass):
        stored = UNIT_ROUNDOFF[arithmetic.samples] * one.magnitude * reach
        return Run(estimate, one, transform_error(one, reach) + stored + reach * way.taps_error())
    if isinstance(one, CoarsePass):
        return Run(estimate, one, coarse_rounding(one, arithmetic.samples, reach))
    return Run(estimate, *_by_taps(way, given, arithmetic))


def _by_taps(way: Choice, given: StageInput, arithmetic: Arithmetic) -> tuple[Pass, float]:
    """The pass tap by tap, rounded to integers or in floats."""
    floating, reach = way.floating_pass(), given.extent.magnitude
    if arithmetic.is_integer:
        if way.terms == 0:
            raise OutOfReachError(f"{way.kernel.name} does not suit 16-bit integers")
        rounded = fractions if arithmetic.accumulator == "uint16" else quantize
        one, error = rounded(floating, given.extent)
        return one, error + reach * way.taps_error()
    error = rounding_error(floating, arithmetic.samples, reach, way.taps_error(), partial=given.partial_sums)
    return floating, error
