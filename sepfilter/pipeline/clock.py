"""Busy seconds of the stages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from time import perf_counter

from sepfilter.results import Seconds


@dataclass(slots=True)
class Clock:
    """Counts how long each stage is at work; stages may overlap."""

    started: float = field(default_factory=perf_counter)
    _busy: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _stopped: float | None = None

    @contextmanager
    def counting(self, stage: str) -> Iterator[None]:
        """Add the time of the block to a stage: read, plan, filter or write."""
        before = perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self._busy[stage] = self._busy.get(stage, 0.0) + perf_counter() - before

    def stop(self) -> None:
        """End the whole time; what follows does not count."""
        self._stopped = perf_counter()

    @property
    def seconds(self) -> Seconds:
        """What has been counted, and the wall time of it all."""
        return Seconds(**self._busy, total=(self._stopped or perf_counter()) - self.started)
