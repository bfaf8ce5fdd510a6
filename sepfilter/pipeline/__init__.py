"""Job -> Results: the only room that strings the stages together."""

from sepfilter.pipeline.batch import Batch, run_job
from sepfilter.pipeline.work import Streams

__all__ = ["Batch", "Streams", "run_job"]
