"""The last step of sums that no engine has made: division, offset, output map."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from sepfilter.engine.block import Block
from sepfilter.engine.engines import Engine
from sepfilter.engine.mapping import Losses
from sepfilter.plans.border import Border
from sepfilter.plans.output_map import OutputMap
from sepfilter.plans.passes import DirectPass
from sepfilter.plans.plan import Stage
from sepfilter.plans.precision import DOUBLE, EXACT_DOUBLE

Samples = npt.NDArray[Any]


def finish(stage: Stage, values: Samples, engine: Engine, output: OutputMap | None, out: Samples) -> Losses:
    """Divide, add the offset and map: what an engine does with the sums of a single tap of 1.

    Parameters
    ----------
    stage : Stage
        What was run by transforms, running sums or on a coarse grid.
    values : ndarray
        Its sums, shape (h, w, C).
    engine, output, out
        As in `scipy_engine.filter_block`.
    """
    exact = stage.is_exact and not stage.is_magnitude
    single = DirectPass(np.ones((1, 1)), stage.passes[0].denominator if exact else 1)
    last = replace(stage, passes=(single,), anchor=(0, 0), is_exact=exact, border=Border(), padding="same")
    return engine.filter_block(last, Block(values), EXACT_DOUBLE if exact else DOUBLE, output, out)
