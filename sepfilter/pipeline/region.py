"""A region of a result, and what of the image it is made of."""

from __future__ import annotations

from sepfilter.errors import ShapeError
from sepfilter.geometry import Window
from sepfilter.pipeline.filters import Filter
from sepfilter.plans.options import Options


def behind(one: Filter, region: tuple[int, int, int, int]) -> tuple[Window, Options | None, Window]:
    """Find what has to be read for a region of a result.

    Parameters
    ----------
    one : Filter
        For the whole image.
    region : (int, int, int, int)
        Left, top, width and height, in pixels of the result.

    Returns
    -------
    read : Window
        Of the image: filtered alone, it gives the same pixels in the region.
    options : Options or None
        By which; None where all of the image is filtered.
    part : Window
        Of that result: the region.

    Raises
    ------
    ShapeError
        The region reaches beyond the result.
    """
    x, y, width, height = region
    spec = one.plan.output_spec
    if width < 1 or height < 1 or x < 0 or y < 0 or x + width > spec.width or y + height > spec.height:
        raise ShapeError(
            f"the region {x},{y},{width},{height} is not within the result of {spec.width} x {spec.height} "
            "pixels: give another --region"
        )
    part = Window(y, x, height, width)
    found = None if one.plan.output.range == "stretch" else one.for_part(part)  # it is measured on all
    if found is None:
        return Window.whole(one.plan.spec), None, part
    read, options = found
    return read, options, Window(y - read.y, x - read.x, height, width)
