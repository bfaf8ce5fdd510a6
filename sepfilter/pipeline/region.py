"""A region of a result, and what of the image it is made of."""

from __future__ import annotations

from sepfilter.errors import ShapeError
from sepfilter.geometry import Window
from sepfilter.pipeline.filters import Filter


def behind(one: Filter, region: tuple[int, int, int, int]) -> tuple[Window, Window]:
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
    if one.plan.output.range == "stretch":  # is measured on all of the result
        return Window.whole(one.plan.spec), part
    read = one.read_for(part)
    return read, Window(y - read.y, x - read.x, height, width)
