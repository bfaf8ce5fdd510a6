"""How far down, up and aside an image the rows and columns of a result reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sepfilter.engine.borders import positions_behind
from sepfilter.plans.passes import CoarsePass
from sepfilter.plans.plan import Plan, Stage

_Y: Final = 0
_X: Final = 1


def rows_behind(plan: Plan, first: int, last: int) -> tuple[int, int]:
    """Find the rows of the image that rows of the result are made of.

    Parameters
    ----------
    plan : Plan
        How they are made.
    first, last : int
        Rows of the result, from `first` up to but without `last`.

    Returns
    -------
    (int, int)
        From the first up to but without the last row of the image: those under the kernels, those that stand
        in for what lies beyond the edges, and those that transforms take along.

    Examples
    --------
    >>> from sepfilter.engine.planning import make_plan
    >>> from sepfilter.geometry import ImageSpec
    >>> rows_behind(make_plan("box:5", ImageSpec(100, 100, 1, "uint8")), 20, 30)
    (18, 32)
    """
    return _behind(plan, _Y, first, last)


def columns_behind(plan: Plan, first: int, last: int) -> tuple[int, int]:
    """The same for columns."""
    return _behind(plan, _X, first, last)


def _behind(plan: Plan, axis: int, first: int, last: int) -> tuple[int, int]:
    """The same along either axis, for colours and opacity together."""
    if plan.is_copy:
        return first, last
    length = (plan.spec.height, plan.spec.width)[axis]
    reaches = [_behind_all(stages, axis, length, first, last) for stages in (plan.stages, plan.alpha_stages)]
    return min(reach[0] for reach in reaches), max(reach[1] for reach in reaches)


def _behind_all(stages: Sequence[Stage], axis: int, length: int, first: int, last: int) -> tuple[int, int]:
    """The same for stages that run one after the other."""
    lengths = [length]
    for stage in stages:
        lengths.append(stage.output_size(lengths[-1], lengths[-1])[axis])
    for place in reversed(range(len(stages))):
        first, last = _behind_stage(stages[place], axis, lengths[place : place + 2], first, last)
    return first, last


def _behind_stage(stage: Stage, axis: int, lengths: list[int], first: int, last: int) -> tuple[int, int]:
    """The part of a stage's input, which has the first of two lengths, behind a part of its results."""
    length, results = lengths
    if any(isinstance(one, CoarsePass) for one in stage.passes):
        return 0, length
    if axis == _Y:
        first, last = first - first % stage.grid_rows, min(last + -last % stage.grid_rows, results)
    before, after = stage.halo[2 * axis : 2 * axis + 2]
    if stage.padding == "valid":
        return first, last + before + after
    return positions_behind(first - before, last + after, length, stage.border.mode)
