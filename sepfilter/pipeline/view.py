"""What is filtered of an input, how, and which part of the result is written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sepfilter.errors import ShapeError
from sepfilter.geometry import ImageSpec, Window, sample_type
from sepfilter.images.metadata import Metadata
from sepfilter.images.paths.targets import Target
from sepfilter.images.source import Source
from sepfilter.pipeline.bank_input import colours_for, makes_numbers
from sepfilter.pipeline.filters import Filter
from sepfilter.pipeline.opening import options_in_light, viewed
from sepfilter.pipeline.work import Work
from sepfilter.plans.bank_plan import BankPlan
from sepfilter.plans.options import Options
from sepfilter.values import value

if TYPE_CHECKING:
    from sepfilter.images.light.in_light import InLight


@value
class View:
    """An input as it is filtered.

    Attributes
    ----------
    source : Source
        The pixels: luma, linear light, and no more of the image than a region is made of.
    filter : Filter
        For those.
    part : Window
        What of the result is written.
    light : InLight or None
        Where results have to be encoded again.
    notes : tuple of str
        What the user should know of this.
    """

    source: Source
    filter: Filter
    part: Window
    light: InLight | None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, source: Source, work: Work, name: str, target: Target | None) -> View:
        """Plan for all of an image, or for what a region of the result is made of.

        Raises
        ------
        ShapeError, UnsupportedImageError, OptionError
            What is asked cannot be done with this image.
        """
        job = work.job
        pixels, light = viewed(source, job.reading, name)
        options = job.options if light is None else options_in_light(job.options, light)
        notes = [] if light is None else [light.description]
        try:
            if job.bank is not None:
                pixels, left_out = colours_for(job.bank, pixels)
                notes += left_out
                if makes_numbers(job, target, pixels.spec):
                    options, light = replace(options, dtype=job.options.dtype or "float32"), None
            wanted = work.filter(pixels.spec, options)
            part = Window.whole(wanted.plan.output_spec)
            if job.reading.region is not None:
                from sepfilter.images.cropped import Cropped
                from sepfilter.pipeline.region import behind

                read, same, part = behind(wanted, job.reading.region)
                if same is not None:
                    pixels = Cropped(pixels, read)
                    wanted = work.filter(pixels.spec, same)
        except ShapeError as error:
            raise ShapeError(f"{name}: {error}") from None
        return cls(pixels, wanted, part, light, tuple(notes))

    @property
    def metadata(self) -> Metadata:
        """What goes with the result's pixels: where a bank has made them, they are inks no longer."""
        metadata, plan = self.source.metadata, self.filter.plan
        if isinstance(plan, BankPlan):
            return replace(metadata, cmyk=False, alpha=plan.output_spec.alpha)
        return metadata

    def output_spec(self, asked: Options) -> ImageSpec:
        """The image that is written, with the sample type that was asked for."""
        spec = replace(self.filter.plan.output_spec, height=self.part.height, width=self.part.width)
        if self.light is None:
            return spec
        kept = "float32" if asked.output_range == "float" else self.light.source.spec.dtype
        return replace(spec, dtype=kept if asked.dtype is None else sample_type(asked.dtype))
