"""Which engine runs."""

from __future__ import annotations

from sepfilter.engine.cores import usable_cores
from sepfilter.engine.engines import current_engine
from sepfilter.results import EngineInfo


def engine_info(threads: int | None = None) -> EngineInfo:
    """Describe the engine, for as many threads as are asked for or there are usable cores.

    Examples
    --------
    >>> engine_info(1).threads
    1
    """
    engine = current_engine()
    return EngineInfo(engine.name, engine.isa, usable_cores() if threads is None else threads)
