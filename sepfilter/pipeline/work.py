"""What all inputs of a job have in common."""

from __future__ import annotations

from dataclasses import field
from functools import lru_cache
from threading import Event
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

from sepfilter.kernels.summary import KernelSummary
from sepfilter.results import Job
from sepfilter.values import value

if TYPE_CHECKING:
    from collections.abc import Callable

    from sepfilter.geometry import ImageSpec
    from sepfilter.pipeline.filters import Filter
    from sepfilter.plans.options import Options

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
    summary : KernelSummary or None
        What the kernels are called in results; None for a bank.
    filter : callable
        ``filter(spec, options)``: what is done to an image; remembered for the next one alike.
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
    summary: KernelSummary | None
    filter: Callable[[ImageSpec, Options], Filter]
    threads: int
    streams: Streams
    halted: Event = field(default_factory=Event)
    enough: Event = field(default_factory=Event)

    @classmethod
    def of(cls, job: Job, threads: int, streams: Streams) -> Work:
        """Factorize the kernels, or take the bank."""
        summary, make = (None, _by_bank(job)) if job.bank is not None else _by_kernels(job)
        return cls(job, summary, lru_cache(_PLANS_KEPT)(make), threads, streams)


_Make: TypeAlias = "Callable[[ImageSpec, Options], Filter]"


def _by_kernels(job: Job) -> tuple[KernelSummary, _Make]:
    """How images are filtered by kernels."""
    from sepfilter.engine.planning import planned
    from sepfilter.kernels.factorization import FactorizedKernel
    from sepfilter.kernels.summary import summarize
    from sepfilter.pipeline.filters import KernelFilter

    cascade = tuple(FactorizedKernel.of(kernel) for kernel in job.kernels)

    def make(spec: ImageSpec, options: Options) -> Filter:
        return KernelFilter(planned(cascade, spec, options), cascade, options)

    return summarize(cascade), make


def _by_bank(job: Job) -> _Make:
    """How images are filtered by a bank."""
    from sepfilter.banks.filtering import BankFilter

    apart = "{channel" in (job.output or "")

    def make(spec: ImageSpec, options: Options) -> Filter:
        return BankFilter.of(job.bank, spec, options, counts_apart=apart)

    return make
