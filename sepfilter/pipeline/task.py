"""One input on its way to its output."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sepfilter.engine.mapping import Losses
from sepfilter.errors import LimitError, SepfilterError, UnsupportedImageError
from sepfilter.images.carried import carried
from sepfilter.images.metadata import Metadata
from sepfilter.images.paths.inputs import Input
from sepfilter.images.paths.targets import Target
from sepfilter.images.source import Source
from sepfilter.pipeline.clock import Clock
from sepfilter.pipeline.dark import BrightestSample
from sepfilter.pipeline.delivery import Delivery
from sepfilter.pipeline.flow import Flow
from sepfilter.pipeline.opening import limits_of, opened
from sepfilter.pipeline.pages import check_all_pages
from sepfilter.pipeline.view import View
from sepfilter.pipeline.work import Work
from sepfilter.plans.bank_plan import BankPlan
from sepfilter.plans.plan import Plan
from sepfilter.results import Failure, ImageInfo, OutputInfo, Result, Verification

if TYPE_CHECKING:
    from sepfilter.pipeline.remembered import Remembered


@dataclass(slots=True)
class Task:
    """One input; gathers what its Result will say."""

    work: Work
    origin: Input
    target: Target | None
    clock: Clock = field(default_factory=Clock)
    input: ImageInfo | None = None
    outputs: tuple[OutputInfo, ...] = ()
    plan: Plan | BankPlan | None = None
    notes: list[str] = field(default_factory=list)
    verification: Verification | None = None
    failure: Failure | None = None

    @property
    def path(self) -> str:
        """The input as it was given."""
        return self.origin.path

    @property
    def name(self) -> str:
        """The input in messages."""
        return self.origin.name

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
            source = opened(self.origin, reading, self.work.streams.stdin)
        with closing(source):
            self._describe(source)
            with self.clock.counting("plan"):
                view = View.of(source, self.work, self.name, self.target)
            self.plan = view.filter.plan
            self.notes += view.source.metadata.warnings
            self.notes += view.notes
            if self.target is not None:
                self._carry_out(view, self.target)

    def fail(self, error: SepfilterError) -> None:
        """Remember why nothing came of it."""
        message = str(error)
        if message.startswith(f"{self.path}: "):  # a page of several is told from the others
            message = self.origin.label + message.removeprefix(self.path)
        self.failure, self.outputs = Failure(error.code, message), ()

    def result(self) -> Result:
        """What happened."""
        return Result(
            path=self.path,
            page=self.origin.page,
            label=self.origin.label,
            input=self.input,
            outputs=self.outputs,
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
            if job.reading.page == "all":
                check_all_pages(self.origin, metadata.frames, self.name)
                return
            which = "the first" if job.reading.page == 1 else f"number {job.reading.page}"
            self.notes.append(f"only {which} of {metadata.frames} frames was read")

    def _carry_out(self, view: View, target: Target) -> None:
        """Read, filter, write, verify."""
        job, work = self.work.job, self.work
        spec = view.output_spec(job.options)
        delivery = Delivery.of(
            target, spec, self._metadata(view, target), job.writing, by_bank=job.bank is not None
        )
        delivery.check(float_range=job.options.output_range == "float")
        kept = self._kept(view.source)
        way = Flow.of(view.filter, kept.source if kept else view.source, view.part, work.threads)
        way.check(limits_of(job.reading), self.name, delivery.held_bytes)
        with delivery.opened(self.path, work) as sink:
            seen = BrightestSample.around(sink, view.source.spec, spec)
            sink = seen or sink
            encoded = view.light.encoding(sink, spec) if view.light else None
            sink = encoded or sink
            losses = way.run(kept.around(sink) if kept else sink, self.clock, work.halted)
        self.clock.stop()
        self.notes += seen.notes if seen else []
        if encoded:
            low, high, nonfinite = encoded.lost
            losses = Losses(low, high, nonfinite)
        self.outputs = delivery.outputs(losses)
        self.verification = kept.verification(view, work) if kept else None

    def _kept(self, source: Source) -> Remembered | None:
        """What remembers the pixels, where they are to be verified."""
        if not self.work.job.verify:
            return None
        from sepfilter.pipeline.remembered import Remembered

        return Remembered.of(source)

    def _metadata(self, view: View, target: Target) -> Metadata:
        """What goes with the pixels; what of it does not fit is noted."""
        metadata, spec = view.metadata, view.output_spec(self.work.job.options)
        if self.work.job.writing.strip:
            return replace(metadata, icc=None, exif=None, xmp=None, dpi=None)
        self.notes += carried(metadata, spec, target.format)[1]
        return metadata
