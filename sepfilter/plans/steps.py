"""What runs for what was asked: a cascade's kernels one by one, or others that do the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sepfilter.errors import KernelError
from sepfilter.kernels.exact import MAX_SIDE
from sepfilter.kernels.factorization import FactorizedKernel
from sepfilter.kernels.fusion import fused_kernel
from sepfilter.kernels.kernel import AnyKernel, FactoredTaps, Gradient, Kernel
from sepfilter.values import value


@value
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
    why : str
        What it stands for, in words, unless that is itself.
    only : str
        The method that it is for, where it is for one.
    """

    factorized: FactorizedKernel
    beyond: float
    direct: int
    why: str = ""
    only: str = ""


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


def fused(cascade: Sequence[FactorizedKernel], border: str, padding: str) -> tuple[Step, ...] | None:
    """Kernels that follow one another as one kernel, wherever that does the same; None where nowhere.

    Filtering with A and then with B is filtering with their convolution, where what lies beyond the edges
    of the first result is the first result of what lies beyond the image's. That is so for ``valid``
    results, for ``wrap``, and, where A is symmetric, for ``reflect`` and ``mirror``.

    Parameters
    ----------
    cascade : sequence of FactorizedKernel
        As asked.
    border, padding : str
        The mode of the border; same or valid.

    Examples
    --------
    >>> from sepfilter.kernels.presets import named_kernel
    >>> cascade = [FactorizedKernel.of(named_kernel(name)) for name in ("box:3", "laplacian")]
    >>> (step,) = fused(cascade, "reflect", "same")
    >>> step.factorized.kernel.height, step.direct
    (5, 18)
    """
    steps: list[Step] = []
    for step in one_by_one(cascade):
        before = steps[-1].factorized.kernel if steps else None
        after = step.factorized.kernel
        if isinstance(before, Kernel) and _may_fuse(before, after, border, padding):
            try:
                whole = fused_kernel(before, after)
            except (KernelError, OverflowError):  # taps beyond what float64 holds
                steps.append(step)
                continue
            size = f"{whole.kernel.height} x {whole.kernel.width}"
            why = f"{before.name} and {after.name} as one kernel of {size} taps"
            steps[-1] = Step(whole, 1.0, steps[-1].direct + step.direct, why)
        else:
            steps.append(step)
    return tuple(steps) if len(steps) < len(cascade) else None


def _may_fuse(before: Kernel, after: AnyKernel, border: str, padding: str) -> bool:
    """True where one kernel does what both do, and is not too large to be worth it."""
    if max(before.height + after.height, before.width + after.width) > MAX_SIDE + 1:
        return False
    if isinstance(after, Gradient) and before.offset:
        return False
    if padding == "valid" or border == "wrap":
        return True
    return border in ("reflect", "mirror") and _is_symmetric(before)


def _is_symmetric(kernel: Kernel) -> bool:
    """True for a kernel that is even about its anchor along both axes, exactly."""
    if kernel.anchor != ((kernel.height - 1) / 2, (kernel.width - 1) / 2):
        return False
    form = kernel.form
    if isinstance(form, FactoredTaps):
        return all(np.array_equal(factor, factor[::-1]) for factor in (form.column, form.row))
    return all(np.array_equal(form.values, turned) for turned in (form.values[::-1], form.values[:, ::-1]))


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
        Step(FactorizedKernel.of(replace(down, anchor=(ay, 0))), 1.0, 0, "all columns", "fft"),
        Step(
            FactorizedKernel.of(replace(along, anchor=(0, ax), offset=kernel.offset)),
            float(form.column.sum()),
            whole,
            "all rows",
            "fft",
        ),
    ]


def _direct_taps(one: FactorizedKernel) -> int:
    """All taps of a kernel, or of a gradient's two."""
    return one.kernel.height * one.kernel.width * len(one.kernel.components)
