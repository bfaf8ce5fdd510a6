"""Planning for the engine that is in use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sepfilter.engine.engines import current_engine
from sepfilter.geometry import ImageSpec
from sepfilter.kernels.factorization import FactorizedKernel
from sepfilter.kernels.kernel import AnyKernel
from sepfilter.plans.options import Options
from sepfilter.plans.plan import Plan
from sepfilter.plans.planner import KernelLike, as_cascade, plan_cascade


def make_plan(kernel: KernelLike | Sequence[AnyKernel | str], spec: ImageSpec, **options: Any) -> Plan:
    """Decide how to filter images of a given shape and type, and say why.

    Parameters
    ----------
    kernel : Kernel, Gradient, str, array-like, or a sequence of kernels or names
        A sequence is a cascade: its kernels run one after the other, without rounding in between.
    spec : ImageSpec
        The image, without its pixels.
    **options
        As in `Options`: border, padding, method, precision, rank, max_error, levels, scale, offset,
        output_range, dtype, alpha.

    Returns
    -------
    Plan

    Raises
    ------
    OptionError
        An option cannot be honoured; the message says why.
    ShapeError
        ``valid`` padding on an image smaller than the kernel.
    KernelError
        The kernel is malformed.

    Examples
    --------
    >>> plan = make_plan("sobel-x", ImageSpec(512, 512, 1, "uint8"))
    >>> plan.method, plan.precision, plan.operations.multiplications_per_sample
    ('separable', 'exact', 6.0)
    """
    cascade = [FactorizedKernel.of(one) for one in as_cascade(kernel)]
    return planned(cascade, spec, Options(**options))


def planned(cascade: Sequence[FactorizedKernel], spec: ImageSpec, options: Options) -> Plan:
    """`plan_cascade` for the engine in use: for many images of one job."""
    return plan_cascade(cascade, spec, options, current_engine().speed)
