"""What all inputs of a job have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from functools import lru_cache, partial
from threading import Event
from typing import TYPE_CHECKING, BinaryIO, Final

from sepfilter.engine.planning import planned
from sepfilter.kernels.factorization import FactorizedKernel
from sepfilter.kernels.summary import KernelSummary, summarize
from sepfilter.results import Job
from sepfilter.values import value

if TYPE_CHECKING:
    from collections.abc import Callable

    from sepfilter.geometry import ImageSpec
    from sepfilter.plans.options import Options
    from sepfilter.plans.plan import Plan

_PLANS_KEPT: Final = 16
"""Images of a batch are often alike, and planning takes as long as filtering a small one."""


@value
class Streams:
    """Where ``-`` reads from and writes to."""

    stdin: BinaryIO | None = None
    stdout: BinaryIO | None = None


@value
class Work:
    """What is done to every input.

    Attributes
    ----------
    job : Job
        What is asked.
    cascade : sequence of FactorizedKernel
        The kernels.
    summary : KernelSummary
        What they are called in results.
    plan : callable
        ``plan(spec, options)``: the plan for an image; remembered for the next one alike.
    threads : int
        For each image.
    streams : Streams
        Where ``-`` reads from and writes to.
    halted : Event
        Set when no more is to be done, not even what has been begun.
    enough : Event
        Set when no other input is to be begun.
    """

    job: Job
    cascade: Sequence[FactorizedKernel]
    summary: KernelSummary
    plan: Callable[[ImageSpec, Options], Plan]
    threads: int
    streams: Streams
    halted: Event = field(default_factory=Event)
    enough: Event = field(default_factory=Event)

    @classmethod
    def of(cls, job: Job, threads: int, streams: Streams) -> Work:
        """Factorize the kernels."""
        cascade = tuple(FactorizedKernel.of(kernel) for kernel in job.kernels)
        plan = lru_cache(_PLANS_KEPT)(partial(planned, cascade))
        return cls(job, cascade, summarize(cascade), plan, threads, streams)
