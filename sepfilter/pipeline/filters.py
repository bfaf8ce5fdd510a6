"""What is done to the pixels of an image, by kernels or by a bank, and what the stages know of either."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy.typing as npt

from sepfilter.engine.filtering import Filtering, Strip, plan_strips
from sepfilter.engine.held import HeldRows
from sepfilter.engine.mapping import Losses
from sepfilter.engine.reach import columns_behind, rows_behind
from sepfilter.geometry import Window
from sepfilter.kernels.factorization import FactorizedKernel
from sepfilter.plans.options import METHODS, Options
from sepfilter.plans.plan import Plan
from sepfilter.values import value

if TYPE_CHECKING:
    from sepfilter.plans.bank_plan import BankPlan
    from sepfilter.results import Verification

Pixels = npt.NDArray[Any]


class Writes(Protocol):
    """A filter at work on the rows that are held."""

    def write(self, strips: Sequence[Strip], out: Pixels) -> Losses:
        """Make strips that follow one another, in an array of their height, shape (h, W, C)."""


class Filter(Protocol):
    """What is done to images of one shape."""

    @property
    def plan(self) -> Plan | BankPlan:
        """What reports show; has the spec of the image, that of the result, and the output map."""

    def held_bytes(self, workers: int) -> int:
        """Memory for what is kept between layers or stages, beside the image's own rows."""

    def strips(self, workers: int, most: int) -> list[Strip]:
        """Cut the result's rows into strips of at most so many samples."""

    def at_once(self, workers: int) -> int:
        """How many strips are made at a time."""

    def rows_behind(self, first: int, last: int) -> tuple[int, int]:
        """Rows of the image that rows of the result are made of, from and up to."""

    def for_part(self, part: Window) -> tuple[Window, Options] | None:
        """What of the image has to be read for a part of the result, and how it is filtered as the whole is.

        None where a part of the image alone would not give the same: then rows that are not needed are
        left out all the same.
        """

    def begin(self, held: HeldRows, workers: int, wanted: tuple[int, int]) -> Writes:
        """Make ready for rows of the result, from and up to; a range that is stretched is measured first."""

    def verification(self, before: Pixels, after: Pixels, part: Window, threads: int) -> Verification:
        """How far what came out is from the direct sum in double precision."""


@value
class KernelFilter:
    """A cascade of kernels, as planned.

    Attributes
    ----------
    plan : Plan
        For images of one shape.
    cascade : sequence of FactorizedKernel
        What it was made from.
    options : Options
        How.
    """

    plan: Plan
    cascade: Sequence[FactorizedKernel]
    options: Options

    def held_bytes(self, workers: int) -> int:  # noqa: ARG002
        """Next to nothing: strips ask for their own context."""
        return 0

    def strips(self, workers: int, most: int) -> list[Strip]:
        """Cut the result's rows into strips, one for each worker that has enough to do."""
        return plan_strips(self.plan, workers, most // workers)

    def at_once(self, workers: int) -> int:
        """One for each thread."""
        return workers

    def rows_behind(self, first: int, last: int) -> tuple[int, int]:
        """Rows of the image that rows of the result are made of."""
        return rows_behind(self.plan, first, last)

    def for_part(self, part: Window) -> tuple[Window, Options]:
        """The part with what the kernels reach around it; the method and precision that were chosen."""
        plan, options = self.plan, self.options
        top, bottom = rows_behind(plan, part.y, part.y + part.height)
        left, right = columns_behind(plan, part.x, part.x + part.width)
        is_free = options.method == "auto" and options.rank is None and options.max_error is None
        method = plan.method if is_free and plan.method in METHODS else options.method
        precision = plan.precision if options.precision == "auto" else options.precision
        same = replace(options, method=method, precision=precision)
        return Window(top, left, bottom - top, right - left), same

    def begin(self, held: HeldRows, workers: int, wanted: tuple[int, int]) -> Filtering:  # noqa: ARG002
        """Make ready to filter what is held."""
        return Filtering.of(self.plan, held, workers)

    def verification(self, before: Pixels, after: Pixels, part: Window, threads: int) -> Verification:
        """How far what came out is from the direct sum in double precision."""
        from sepfilter.engine.verify import verify

        return verify(self.plan, self.cascade, self.options, before, after, part=part, threads=threads)
