"""Job -> Results: the only place that strings the stages together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, BinaryIO

import numpy.typing as npt

from sepfilter.engine.execute import Execution, prepare, run
from sepfilter.engine.planning import planned
from sepfilter.engine.verify import verify
from sepfilter.errors import ImageWriteError, OptionError, SepfilterError, ShapeError, UnsupportedImageError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.grey import grey_spec, to_grey
from sepfilter.images.metadata import Metadata
from sepfilter.images.sink import Sink, check_quality
from sepfilter.images.source import Source, open_source
from sepfilter.images.targets import STANDARD_STREAM, Target, is_folder, resolve_targets
from sepfilter.kernels.factorization import FactorizedKernel
from sepfilter.kernels.summary import KernelSummary, summarize
from sepfilter.plans.plan import Plan
from sepfilter.results import Failure, ImageInfo, Job, OutputInfo, Result, Seconds, Verification
from sepfilter.safe_write import make_folder

Pixels = npt.NDArray[Any]


def run_job(job: Job, *, stdin: BinaryIO | None = None, stdout: BinaryIO | None = None) -> Iterator[Result]:
    """Filter every input of a job, one after the other.

    Parameters
    ----------
    job : Job
        What is asked.
    stdin, stdout : binary file, optional
        Where ``-`` reads from and writes to.

    Yields
    ------
    Result
        One for each input, in order; an error of its is in its `failure`.

    Raises
    ------
    SepfilterError
        Outputs cannot be written where they are to go, found before anything is read; or, after
        its Result, the error of a single input.
    """
    targets = _targets(job)
    cascade = tuple(FactorizedKernel.of(kernel) for kernel in job.kernels)
    summary = summarize(cascade)
    if not job.explain:
        prepare()
    for path, target in zip(job.inputs, targets, strict=True):
        task = _Task(job, path, target, cascade, summary)
        try:
            task.perform(stdin, stdout)
        except SepfilterError as error:
            task.failure = Failure(error.code, str(error))
            yield task.result()
            if len(job.inputs) == 1:
                raise
        else:
            yield task.result()


def _targets(job: Job) -> list[Target | None]:
    """Where every input goes; nowhere when only explaining."""
    if list(job.inputs).count(STANDARD_STREAM) > 1:
        raise OptionError("-: standard input is one image: give it once")
    if job.explain:
        return [None] * len(job.inputs)
    targets: list[Target | None] = []
    for target in resolve_targets(
        job.inputs,
        job.output,
        output_format=job.format,
        overwrite=job.overwrite,
        in_place=job.in_place,
    ):
        check_quality(target.format, job.quality)
        targets.append(target)
    return targets


@dataclass(slots=True)
class _Task:
    """One input on its way; gathers what its Result will say."""

    job: Job
    path: str
    target: Target | None
    cascade: tuple[FactorizedKernel, ...]
    summary: KernelSummary
    started: float = field(default_factory=perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)
    input: ImageInfo | None = None
    output: OutputInfo | None = None
    plan: Plan | None = None
    notes: list[str] = field(default_factory=list)
    verification: Verification | None = None
    failure: Failure | None = None

    def perform(self, stdin: BinaryIO | None, stdout: BinaryIO | None) -> None:
        """Open and plan; unless only explaining, go on."""
        with self._timed("read"):
            source = self._open(stdin)
        with closing(source):
            spec, metadata = source.spec, source.metadata
            self.input = ImageInfo(
                self.path, metadata.format, spec.height, spec.width, spec.channels, spec.dtype
            )
            if self.job.grey:
                spec, metadata = self._in_grey(spec, metadata)
            with self._timed("plan"):
                plan = self.plan = self._planned(spec)
            if metadata.frames > 1:
                self._leave_frames_out(metadata.frames)
            if self.target is not None:
                self._carry_out(plan, source, metadata, self.target, stdout)

    def _carry_out(
        self, plan: Plan, source: Source, metadata: Metadata, target: Target, stdout: BinaryIO | None
    ) -> None:
        """Read, filter, write, verify."""
        job = self.job
        sink = Sink(plan.output_spec, metadata, target.format, name=target.path, quality=job.quality)
        self.notes += sink.left_out
        with self._timed("read"):
            pixels = source.read(Window.whole(source.spec))
            if job.grey:
                pixels = to_grey(pixels, source.spec)
        with self._timed("filter"):
            done = run(plan, pixels, threads=job.threads)
        with self._timed("write"):
            sink.write(Window.whole(plan.output_spec), done.pixels)
            self._save(sink, target, stdout)
        self.output = _describe(target, plan.output_spec, done)
        self.seconds["total"] = perf_counter() - self.started
        if job.verify:
            self.verification = verify(
                plan, self.cascade, job.options, pixels, done.pixels, threads=job.threads
            )

    def result(self) -> Result:
        """What happened."""
        self.seconds.setdefault("total", perf_counter() - self.started)
        return Result(
            path=self.path,
            input=self.input,
            outputs=() if self.output is None else (self.output,),
            kernel=self.summary,
            plan=self.plan,
            seconds=Seconds(**self.seconds),
            notes=tuple(self.notes),
            verification=self.verification,
            failure=self.failure,
        )

    def _planned(self, spec: ImageSpec) -> Plan:
        """The plan; an image that is too small is named."""
        try:
            return planned(self.cascade, spec, self.job.options)
        except ShapeError as error:
            raise ShapeError(f"{self.path}: {error}") from None

    def _open(self, stdin: BinaryIO | None) -> Source:
        """The source, from a file or from standard input."""
        if self.path != STANDARD_STREAM:
            return open_source(self.path)
        if stdin is None:
            raise OptionError("-: there is no standard input: give a file")
        return open_source("stdin", content=stdin.read())

    def _in_grey(self, spec: ImageSpec, metadata: Metadata) -> tuple[ImageSpec, Metadata]:
        """What is filtered, where grey is asked for."""
        if metadata.cmyk or spec.channels - spec.alpha not in (1, 3):
            kind = "CMYK inks" if metadata.cmyk else f"{spec.channels} channels"
            raise UnsupportedImageError(f"{self.path}: {kind} have no luma: leave out --grey, or use RGB")
        if grey_spec(spec) == spec:
            return spec, metadata
        if metadata.icc:
            self.notes.append("the colour profile was dropped: it does not describe grey")
        return grey_spec(spec), metadata.in_grey()

    def _leave_frames_out(self, frames: int) -> None:
        """Say that only the first frame is filtered; in place that would lose the others."""
        if self.job.in_place:
            raise UnsupportedImageError(
                f"{self.path}: has {frames} frames, and only the first would be left in place: give -o"
            )
        self.notes.append(f"only the first of {frames} frames was read")

    def _save(self, sink: Sink, target: Target, stdout: BinaryIO | None) -> None:
        """Write the output."""
        job = self.job
        if not target.is_stdout:
            if job.output is not None and is_folder(job.output):
                make_folder(Path(target.path).parent)
            sink.save(target.path, overwrite=job.overwrite or job.in_place)
            return
        if stdout is None:
            raise OptionError("-o -: there is no standard output: give a file")
        content = sink.encoded()
        try:
            stdout.write(content)
            stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise ImageWriteError(f"standard output cannot be written: {error.strerror or error}") from error

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        """Add the time of the block to a stage."""
        before = perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + perf_counter() - before


def _describe(target: Target, spec: ImageSpec, done: Execution) -> OutputInfo:
    """The output as reports show it."""
    losses = done.losses
    return OutputInfo(
        target.path,
        target.format.label,
        spec.height,
        spec.width,
        spec.channels,
        spec.dtype,
        losses.clipped_low,
        losses.clipped_high,
        losses.nonfinite,
    )
