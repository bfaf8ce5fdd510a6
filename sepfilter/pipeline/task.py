"""One input on its way to its output."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from threading import Event
from typing import TYPE_CHECKING, BinaryIO

from sepfilter.engine.mapping import Losses
from sepfilter.engine.planning import planned
from sepfilter.errors import LimitError, SepfilterError, ShapeError, UnsupportedImageError
from sepfilter.geometry import ImageSpec, Window, sample_type
from sepfilter.images.carried import carried
from sepfilter.images.cropped import Cropped
from sepfilter.images.metadata import Metadata
from sepfilter.images.paths.inputs import STANDARD_STREAM
from sepfilter.images.paths.targets import Target
from sepfilter.images.sink import Encoding, open_sink
from sepfilter.images.source import Source
from sepfilter.kernels.factorization import FactorizedKernel
from sepfilter.kernels.summary import KernelSummary
from sepfilter.pipeline.clock import Clock
from sepfilter.pipeline.destination import destination
from sepfilter.pipeline.flow import Flow
from sepfilter.pipeline.opening import limits_of, opened, options_in_light, viewed
from sepfilter.pipeline.region import behind
from sepfilter.pipeline.remembered import RememberedSink, RememberedSource
from sepfilter.plans.options import Options
from sepfilter.plans.plan import Plan
from sepfilter.results import Failure, ImageInfo, Job, OutputInfo, Result, Verification

if TYPE_CHECKING:
    from sepfilter.images.light.in_light import InLight


@dataclass(frozen=True, slots=True)
class Streams:
    """Where ``-`` reads from and writes to."""

    stdin: BinaryIO | None = None
    stdout: BinaryIO | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What all inputs of a job have in common.

    Attributes
    ----------
    job : Job
        What is asked.
    cascade : tuple of FactorizedKernel
        The kernels.
    summary : KernelSummary
        What they are called in results.
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
    cascade: tuple[FactorizedKernel, ...]
    summary: KernelSummary
    threads: int
    streams: Streams
    halted: Event
    enough: Event


@dataclass(frozen=True, slots=True)
class _View:
    """What is filtered, how, and which part of the result is written.

    Attributes
    ----------
    source : Source
        The pixels.
    plan : Plan
        For those.
    options : Options
        What it was planned from.
    part : Window
        Of the result.
    light : InLight or None
        Where results have to be encoded.
    """

    source: Source
    plan: Plan
    options: Options
    part: Window
    light: InLight | None

    def output_spec(self, asked: Options) -> ImageSpec:
        """The image that is written."""
        spec = replace(self.plan.output_spec, height=self.part.height, width=self.part.width)
        if self.light is None:
            return spec
        kept = "float32" if asked.output_range == "float" else self.light.source.spec.dtype
        return replace(spec, dtype=kept if asked.dtype is None else sample_type(asked.dtype))


@dataclass(slots=True)
class Task:
    """One input; gathers what its Result will say."""

    work: Work
    path: str
    target: Target | None
    clock: Clock = field(default_factory=Clock)
    input: ImageInfo | None = None
    output: OutputInfo | None = None
    plan: Plan | None = None
    notes: list[str] = field(default_factory=list)
    verification: Verification | None = None
    failure: Failure | None = None

    @property
    def name(self) -> str:
        """The input in messages."""
        return "stdin" if self.path == STANDARD_STREAM else self.path

    @property
    def is_skipped(self) -> bool:
        """True where the output is there already."""
        return self.target is not None and self.target.skipped

    def perform(self) -> None:
        """Open and plan; unless only explaining, go on.

        Raises
        ------
        SepfilterError
            What is wrong with this input or its output.
        """
        self.clock = Clock()
        if self.is_skipped:
            return
        try:
            self._perform()
        except MemoryError as error:
            raise LimitError(
                f"{self.name}: there is not enough memory for it: use fewer --jobs or --threads, or --region"
            ) from error

    def _perform(self) -> None:
        """What is done of an input whose output is not there."""
        reading = self.work.job.reading
        with self.clock.counting("read"):
            source = opened(self.path, reading, self.work.streams.stdin)
        with closing(source):
            self._describe(source)
            pixels, light = viewed(source, reading, self.name)
            self.notes += pixels.metadata.warnings
            with self.clock.counting("plan"):
                view = self._planned(pixels, light)
            if self.target is not None:
                self._carry_out(view, self.target)

    def fail(self, error: SepfilterError) -> None:
        """Remember why nothing came of it."""
        self.failure, self.output = Failure(error.code, str(error)), None

    def result(self) -> Result:
        """What happened."""
        return Result(
            path=self.path,
            input=self.input,
            outputs=() if self.output is None else (self.output,),
            kernel=self.work.summary,
            plan=self.plan,
            seconds=self.clock.seconds,
            notes=tuple(self.notes),
            verification=self.verification,
            failure=self.failure,
            skipped=self.is_skipped,
        )

    def _describe(self, source: Source) -> None:
        """Remember what was opened, and say what of it is left out."""
        job, spec, metadata = self.work.job, source.spec, source.metadata
        self.input = ImageInfo(self.path, metadata.format, spec.height, spec.width, spec.channels, spec.dtype)
        if metadata.frames > 1:
            if job.writing.in_place:
                raise UnsupportedImageError(
                    f"{self.path}: has {metadata.frames} frames, and only one would be left in place: give -o"
                )
            which = "the first" if job.reading.page == 1 else f"number {job.reading.page}"
            self.notes.append(f"only {which} of {metadata.frames} frames was read")

    def _planned(self, source: Source, light: InLight | None) -> _View:
        """The plan for all of the image, or for what a region of the result is made of."""
        work, options = self.work, self.work.job.options
        if light is not None:
            options = options_in_light(options, light)
        region = work.job.reading.region
        try:
            self.plan = planned(work.cascade, source.spec, options)
            part = Window.whole(self.plan.output_spec)
            if region is not None:
                read, part = behind(self.plan, region)
                source = Cropped(source, read)
                self.plan = planned(work.cascade, source.spec, options)
        except ShapeError as error:
            raise ShapeError(f"{self.name}: {error}") from None
        return _View(source, self.plan, options, part, light)

    def _carry_out(self, view: _View, target: Target) -> None:
        """Read, filter, write, verify."""
        job, work = self.work.job, self.work
        spec, metadata = view.output_spec(job.options), self._metadata(view.source, target)
        target.format.check(spec, metadata, target.path)
        source: Source = RememberedSource(view.source) if job.verify else view.source
        way = Flow.of(view.plan, source, view.part, work.threads)
        way.check(limits_of(job.reading), self.name)
        encoding = Encoding(job.writing.quality, job.writing.compression, work.threads)
        with destination(target, self.path, job.writing, work.streams.stdout) as file:
            sink = open_sink(
                file, spec, metadata, target.format, encoding.fitting(target.format), name=target.path
            )
            encoding_sink = None
            if view.light is not None:
                sink = encoding_sink = view.light.encoding(sink, spec)
            kept = RememberedSink(sink) if job.verify else None
            losses = way.run(kept or sink, self.clock, work.halted)
            if encoding_sink is not None:
                losses = Losses(*encoding_sink.lost)
        self.clock.stop()
        self.output = _described(target, spec, losses)
        if isinstance(source, RememberedSource) and kept is not None:
            from sepfilter.engine.verify import verify  # which most runs do without

            self.verification = verify(
                view.plan,
                work.cascade,
                view.options,
                source.pixels,
                kept.pixels,
                part=view.part,
                threads=work.threads,
            )

    def _metadata(self, source: Source, target: Target) -> Metadata:
        """What goes with the pixels; what of it does not fit is noted."""
        metadata = source.metadata
        if self.work.job.writing.strip:
            return replace(metadata, icc=None, exif=None, xmp=None, dpi=None)
        self.notes += carried(metadata, source.spec, target.format)[1]
        return metadata


def _described(target: Target, spec: ImageSpec, losses: Losses) -> OutputInfo:
    """The output as reports show it."""
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
