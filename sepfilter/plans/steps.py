"""What runs for what was asked: a cascade's kernels one by one, or others that do the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sepfilter.kernels.factorization import FactorizedKernel
from sepfilter.kernels.kernel import FactoredTaps, Kernel


@dataclass(frozen=True, slots=True)
class Step:
    """A kernel that runs as one stage.

    Attributes
    ----------
    factorized : FactorizedKernel
        The kernel.
    beyond : float
        What a constant beyond the edges has become on the way here, for one of 1.
    direct : int
        Taps that a direct pass would multiply, of the kernels that the step stands for.
    """

    factorized: FactorizedKernel
    beyond: float
    direct: int


def one_by_one(cascade: Sequence[FactorizedKernel]) -> tuple[Step, ...]:
    """A step for each kernel."""
    return tuple(Step(one, 1.0, _direct_taps(one)) for one in cascade)


def line_by_line(cascade: Sequence[FactorizedKernel]) -> tuple[Step, ...] | None:
    """Two steps for a kernel of known factors: all columns, then all rows; None where there is none.

    A row or column extended by any border, and then filtered along the other axis, is the same as the
    other way round; but a constant becomes the sum of the column times itself. For transforms: those of
    lines are far shorter than those of blocks that a large kernel fits into.

    Examples
    --------
    >>> from sepfilter.kernels.presets import named_kernel
    >>> steps = line_by_line([FactorizedKernel.of(named_kernel("gaussian:50"))])
    >>> [(step.factorized.kernel.height, step.factorized.kernel.width) for step in steps]
    [(401, 1), (1, 401)]
    """
    steps = [part for one in cascade for part in _lines(one)]
    return tuple(steps) if len(steps) > len(cascade) else None


def _lines(one: FactorizedKernel) -> list[Step]:
    """The lines of one kernel, or itself."""
    kernel = one.kernel
    whole = _direct_taps(one)
    if not isinstance(kernel, Kernel) or not isinstance(kernel.form, FactoredTaps):
        return [Step(one, 1.0, whole)]
    if min(kernel.height, kernel.width) == 1:
        return [Step(one, 1.0, whole)]
    (ay, ax), form = kernel.anchor, kernel.form
    down = Kernel.from_factors(form.column, [1.0], name=f"{kernel.name} along y")
    along = Kernel.from_factors([1.0], form.row, name=f"{kernel.name} along x")
    return [
        Step(FactorizedKernel.of(replace(down, anchor=(ay, 0))), 1.0, 0),
        Step(
            FactorizedKernel.of(replace(along, anchor=(0, ax), offset=kernel.offset)),
            float(form.column.sum()),
            whole,
        ),
    ]


def _direct_taps(one: FactorizedKernel) -> int:
    """All taps of a kernel, or of a gradient's two."""
    return one.kernel.height * one.kernel.width * len(one.kernel.components)
