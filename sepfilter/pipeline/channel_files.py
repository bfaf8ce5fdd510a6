"""Files for the channels of banks' results: looked at before the first image is read."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from sepfilter.errors import SepfilterError
from sepfilter.images.channels import channel_path, check_open_files
from sepfilter.images.paths.collisions import check_outputs_apart
from sepfilter.images.paths.inputs import STANDARD_STREAM, Input
from sepfilter.images.paths.places import Places
from sepfilter.images.paths.targets import Target
from sepfilter.images.source import open_source
from sepfilter.pipeline.opening import limits_of
from sepfilter.results import Job
from sepfilter.safe_write import check_absent


def checked_channel_files(
    job: Job, inputs: Sequence[Input], targets: Sequence[Target], at_once: int
) -> tuple[str, ...]:
    """List the files of all channels of all inputs, which are different ones and may be written.

    Parameters
    ----------
    job : Job
        With a bank.
    inputs, targets
        What is read, and the template that each goes to.
    at_once : int
        Inputs at a time, whose files are open together.

    Raises
    ------
    OutputExistsError
        A file exists, or is an input, or two channels would write the same one.
    LimitError
        There are more channels than files may be open.
    """
    known, ones, places = Places(), [], []
    for one, target in zip(inputs, targets, strict=True):
        channels = job.bank.output_channels or _channels_of(one, job)
        check_open_files(channels * at_once)
        for channel in range(1, channels + 1):
            place = known.of(channel_path(target.path, channel, channels))
            place.check_name()
            ones.append(one)
            places.append(place)
    check_outputs_apart(ones, places)
    for place in places:
        if place.is_folder or place.is_file:
            check_absent(place.path, overwrite=job.writing.overwrite)
    return tuple(place.path for place in places)


def _channels_of(one: Input, job: Job) -> int:
    """The channels that a bank for any number makes of an image; none where its header does not tell."""
    if one.path == STANDARD_STREAM:
        return 0
    try:
        reading = job.reading
        source = open_source(
            one.path, input_format=reading.input_format, page=one.page - 1, limits=limits_of(reading)
        )
        with closing(source):
            spec = source.spec
        colours = 1 if reading.grey else spec.channels - spec.alpha
        return int(job.bank.for_channels(colours).output_channels)
    except (SepfilterError, OSError, MemoryError):  # what is wrong is said when it is read
        return 0
