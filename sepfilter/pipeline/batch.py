"""Many inputs: several at a time, reported in order, none in the way of another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from threading import Event
from typing import TYPE_CHECKING, BinaryIO

from sepfilter.engine.execute import prepare
from sepfilter.engine.filtering import allowed_threads
from sepfilter.errors import OptionError, SepfilterError
from sepfilter.images.formats import OutputFormat
from sepfilter.images.paths.inputs import STANDARD_STREAM, Input, expand_inputs
from sepfilter.images.paths.targets import Target, is_folder, resolve_targets
from sepfilter.pipeline.delivery import check_channels
from sepfilter.pipeline.opening import check_input_format, check_light
from sepfilter.pipeline.pages import paged
from sepfilter.pipeline.task import Task
from sepfilter.pipeline.work import Streams, Work
from sepfilter.results import Job, Result, Writing
from sepfilter.values import value

if TYPE_CHECKING:
    from concurrent.futures import Future

_WAITING_A_JOB = 2
"""Inputs that are begun, or done but not reported, for each that runs: all results are never held."""


@value
class Batch:
    """A job whose inputs have been found and whose outputs can be written.

    Attributes
    ----------
    job : Job
        What is asked.
    inputs : tuple of Input
        One after the other, pages of a file too.
    targets : tuple of Target or None
        Where each goes; None when only explaining.
    channel_files : tuple of str
        The files of a bank's channels, where each gets one, as far as they are known.
    """

    job: Job
    inputs: tuple[Input, ...]
    targets: tuple[Target | None, ...]
    channel_files: tuple[str, ...] = ()

    @classmethod
    def of(cls, job: Job) -> Batch:
        """Look for inputs and for what stands where outputs are to go; write nothing.

        Raises
        ------
        SepfilterError
            There are no inputs, or outputs cannot be written where they are to go.
        """
        if "" in job.inputs:
            raise OptionError("'': the name of an input is empty: give a file")
        if list(job.inputs).count(STANDARD_STREAM) > 1:
            raise OptionError("-: standard input is one image: give it once")
        check_input_format(job.reading.input_format)
        if job.reading.linear:
            check_light(job.options)
        folder = job.output if job.output is not None and is_folder(job.output) else None
        files = expand_inputs(job.inputs, recursive=job.recursive, exclude=folder)
        inputs = tuple(paged(files, job.reading))
        targets = _targets(job, inputs)
        return cls(job, inputs, targets, _channel_files(job, inputs, targets))

    def results(self, streams: Streams = Streams()) -> Iterator[Result]:  # noqa: B008 - a value
        """Filter the inputs.

        Parameters
        ----------
        streams : Streams
            Where ``-`` reads from and writes to.

        Yields
        ------
        Result
            One for each input, in order; an error of its is in its `failure`. With ``fail_fast`` there is
            none for inputs that were not begun when one had failed.

        Raises
        ------
        SepfilterError
            After its Result, the error of a single input.
        """
        job = self.job
        at_once = _at_once(job, self.inputs)
        work = Work.of(job, max(allowed_threads(job.threads) // at_once, 1), streams)
        if not job.explain:
            prepare()
        tasks = (Task(work, one, target) for one, target in zip(self.inputs, self.targets, strict=True))
        for task, error in _performed(tasks, at_once, work.halted):
            yield task.result()
            if error is not None and len(self.inputs) == 1:
                raise error


def run_job(job: Job, *, stdin: BinaryIO | None = None, stdout: BinaryIO | None = None) -> Iterator[Result]:
    """Filter every input of a job: `Batch.of` and `Batch.results` in one."""
    yield from Batch.of(job).results(Streams(stdin, stdout))


_Done = tuple[Task, SepfilterError | None]


def _performed(tasks: Iterator[Task], at_once: int, halted: Event) -> Iterator[_Done]:
    """Tasks that are done, in order, with the error of each; without those that were not begun."""
    if at_once == 1:
        yield from filter(None, map(_perform, tasks))
        return
    from concurrent.futures import ThreadPoolExecutor

    waiting: deque[Future[_Done | None]] = deque()
    with ThreadPoolExecutor(at_once) as pool:
        try:
            for task in tasks:
                waiting.append(pool.submit(_perform, task))
                if len(waiting) >= _WAITING_A_JOB * at_once:
                    yield from filter(None, [waiting.popleft().result()])
            while waiting:
                yield from filter(None, [waiting.popleft().result()])
        finally:  # an interruption, or a defect
            halted.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _perform(task: Task) -> _Done | None:
    """Do it; an error of ours is not the end of the others, unless that was asked for."""
    if task.work.enough.is_set():
        return None
    try:
        task.perform()
    except SepfilterError as error:
        task.fail(error)
        if task.work.job.fail_fast:
            task.work.enough.set()
        return task, error
    return task, None


def _targets(job: Job, inputs: tuple[Input, ...]) -> tuple[Target | None, ...]:
    """Where every input goes; nowhere when only explaining."""
    if job.explain:
        return (None,) * len(inputs)
    writing = job.writing
    targets = resolve_targets(
        inputs,
        job.output,
        output_format=writing.format,
        overwrite=writing.overwrite,
        in_place=writing.in_place,
        skip_existing=writing.skip_existing,
    )
    _check_encoding(writing, {target.format.name: target.format for target in targets})
    _check_channels(job, targets)
    return tuple(targets)


def _at_once(job: Job, inputs: Sequence[Input]) -> int:
    """Images at a time."""
    return min(allowed_threads(job.threads) if job.jobs is None else job.jobs, len(inputs))


def _channel_files(job: Job, inputs: Sequence[Input], targets: Sequence[Target | None]) -> tuple[str, ...]:
    """The files of channels, which may all be written."""
    if not any(target is not None and target.is_per_channel for target in targets):
        return ()
    from sepfilter.pipeline.channel_files import checked_channel_files

    known = [target for target in targets if target is not None]
    return checked_channel_files(job, inputs, known, _at_once(job, inputs))


def _check_channels(job: Job, targets: Sequence[Target]) -> None:
    """Refuse, before an image is read, outputs that do not take the channels of a bank."""
    apart = any(target.is_per_channel for target in targets)
    if apart and job.bank is None:
        raise OptionError(f"-o {job.output}: {{channel}} is for the channels of a bank: leave it out")
    if apart and job.reading.linear:
        raise OptionError("--linear: encodes images, not channels apart: leave out {channel}, or --linear")
    if apart and job.writing.montage:
        raise OptionError("--montage: all channels go to one sheet: leave out {channel}, or --montage")
    if job.bank is None:
        return
    channels = job.bank.output_channels
    for target in targets if channels is not None else ():
        check_channels(target, channels, job.writing)


def _check_encoding(writing: Writing, formats: dict[str, OutputFormat]) -> None:
    """Of outputs in several formats some have to know the quality or compression that is asked for."""
    for quality, compression in ((writing.quality, None), (None, writing.compression)):
        errors = []
        for one in formats.values():
            try:
                one.check_encoding(quality, compression)
            except OptionError as error:
                errors.append(error)
        if errors and len(errors) == len(formats):
            raise errors[0]
