"""What is filtered of an input, how, and which part of the result is written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sepfilter.errors import ShapeError
from sepfilter.geometry import ImageSpec, Window, sample_type
from sepfilter.images.source import Source
from sepfilter.pipeline.opening import options_in_light, viewed
from sepfilter.pipeline.work import Work
from sepfilter.plans.options import METHODS, Options
from sepfilter.plans.plan import Plan
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
    plan : Plan
        For those.
    options : Options
        What it was planned from.
    part : Window
        What of the result is written.
    light : InLight or None
        Where results have to be encoded again.
    """

    source: Source
    plan: Plan
    options: Options
    part: Window
    light: InLight | None

    @classmethod
    def of(cls, source: Source, work: Work, name: str) -> View:
        """Plan for all of an image, or for what a region of the result is made of.

        Raises
        ------
        ShapeError, UnsupportedImageError, OptionError
            What is asked cannot be done with this image.
        """
        job = work.job
        pixels, light = viewed(source, job.reading, name)
        options = job.options if light is None else options_in_light(job.options, light)
        try:
            plan = work.plan(pixels.spec, options)
            part = Window.whole(plan.output_spec)
            if job.reading.region is not None:
                from sepfilter.images.cropped import Cropped
                from sepfilter.pipeline.region import behind

                read, part = behind(plan, job.reading.region)
                pixels, options = Cropped(pixels, read), _as_in(plan, options)
                plan = work.plan(pixels.spec, options)
        except ShapeError as error:
            raise ShapeError(f"{name}: {error}") from None
        return cls(pixels, plan, options, part, light)

    def output_spec(self, asked: Options) -> ImageSpec:
        """The image that is written, with the sample type that was asked for."""
        spec = replace(self.plan.output_spec, height=self.part.height, width=self.part.width)
        if self.light is None:
            return spec
        kept = "float32" if asked.output_range == "float" else self.light.source.spec.dtype
        return replace(spec, dtype=kept if asked.dtype is None else sample_type(asked.dtype))


def _as_in(plan: Plan, options: Options) -> Options:
    """Options by which a part is filtered as the whole image is, whatever would be quicker for it."""
    is_free = options.method == "auto" and options.rank is None and options.max_error is None
    method = plan.method if is_free and plan.method in METHODS else options.method
    precision = plan.precision if options.precision == "auto" else options.precision
    return replace(options, method=method, precision=precision)
