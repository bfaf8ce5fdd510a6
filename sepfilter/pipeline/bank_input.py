"""What a bank is given of an image, and what becomes of its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sepfilter.geometry import ImageSpec
from sepfilter.images.colours import Colours
from sepfilter.images.paths.targets import Target
from sepfilter.images.source import Source
from sepfilter.pipeline.delivery import is_raw
from sepfilter.results import Job

if TYPE_CHECKING:
    from sepfilter.banks.bank import Bank


def colours_for(bank: Bank, source: Source) -> tuple[Source, list[str]]:
    """What a bank filters of an image: not its opacity, unless it takes as many channels.

    Returns
    -------
    source : Source
        To be read.
    notes : list of str
        What is left out.
    """
    if not source.spec.alpha or bank.input_channels == source.spec.channels:
        return source, []
    return Colours(source), ["opacity was left out: a bank's layers filter colours"]


def makes_numbers(job: Job, target: Target | None, spec: ImageSpec) -> bool:
    """True where a bank's result stays as it is, float32, and does not become an image.

    Raises
    ------
    ShapeError
        The bank takes other channels.
    """
    channels = job.bank.for_channels(spec.channels).output_channels
    return target is not None and is_raw(target, channels, job.writing)
