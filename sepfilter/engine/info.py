"""Which engine runs."""

from __future__ import annotations

from sepfilter.engine.execute import ENGINE_NAME, usable_cores
from sepfilter.results import EngineInfo


def engine_info(threads: int | None = None) -> EngineInfo:
    """Describe the engine, for as many threads as are asked for or there are usable cores.

    Examples
    --------
    >>> engine_info(1)
    EngineInfo(name='scipy', isa=None, threads=1)
    """
    return EngineInfo(ENGINE_NAME, None, usable_cores() if threads is None else threads)
