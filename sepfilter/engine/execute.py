"""Running a plan on an array: identical results however it is cut into strips."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sepfilter.engine.engines import current_engine
from sepfilter.engine.filtering import Filtering, allowed_threads, plan_strips
from sepfilter.engine.held import HeldRows
from sepfilter.engine.mapping import Losses
from sepfilter.errors import ShapeError
from sepfilter.geometry import ImageSpec
from sepfilter.plans.plan import Plan
from sepfilter.values import value

Samples = npt.NDArray[Any]


@value
class Execution:
    """What a run made: the pixels, and what their type could not hold."""

    pixels: Samples
    losses: Losses


def execute(plan: Plan, image: Samples, *, threads: int | None = None, out: Samples | None = None) -> Samples:
    """Filter an image as planned.

    Parameters
    ----------
    plan : Plan
        From `make_plan`, for an image of this shape and type.
    image : ndarray
        Shape (H, W) or (H, W, C), any strides; not changed.
    threads : int, optional
        At most this many threads, by default as many as there are usable cores. The result does
        not depend on it.
    out : ndarray, optional
        Written to instead of a new array: of the output's shape and type, sharing no memory with
        the image.

    Returns
    -------
    ndarray
        Shape and type of ``plan.output_spec``, with as many dimensions as the image; `out` itself
        where it was given.

    Raises
    ------
    ShapeError
        Image or `out` is not what the plan was made for.

    Examples
    --------
    >>> from sepfilter.engine.planning import make_plan
    >>> image = np.array([[0, 0, 9], [0, 0, 9], [0, 0, 9]], np.uint8)
    >>> plan = make_plan("sobel-x", ImageSpec.of(image), border="nearest")
    >>> execute(plan, image).tolist()
    [[0, 36, 36], [0, 36, 36], [0, 36, 36]]
    """
    return run(plan, image, threads=threads, out=out).pixels


def run(plan: Plan, image: Samples, *, threads: int | None = None, out: Samples | None = None) -> Execution:
    """`execute`, with the count of samples that the output type could not hold."""
    image = np.asarray(image)
    pixels = as_planned(plan, image)
    target = _output(plan, image, out)
    view = target[..., np.newaxis] if target.ndim == 2 else target
    workers = allowed_threads(threads)
    filtering = Filtering.of(plan, HeldRows.whole(pixels), workers)
    return Execution(target, filtering.write(plan_strips(plan, workers), view))


def prepare() -> None:
    """Load what the passes need, so that the first image's time is not the import's."""
    current_engine().prepare()


def as_planned(plan: Plan, image: Samples) -> Samples:
    """The image as (H, W, C), if it is what the plan was made for."""
    spec = plan.spec
    pixels = image[..., np.newaxis] if image.ndim == 2 else image
    if pixels.shape != (spec.height, spec.width, spec.channels) or image.dtype != spec.dtype:
        found = ImageSpec.of(image, alpha=spec.alpha)  # it may be in the other byte order
        if found != spec:
            raise ShapeError(
                f"the plan is for {_words(spec)}, but this image is {_words(found)}: make a new plan"
            )
    return pixels


def _words(spec: ImageSpec) -> str:
    """A spec in an error message."""
    return f"{spec.height} x {spec.width} x {spec.channels} {spec.dtype}"


def _output(plan: Plan, image: Samples, out: Samples | None) -> Samples:
    """The array to write to."""
    spec = plan.output_spec
    shape = (spec.height, spec.width, spec.channels)[: image.ndim]
    if out is None:
        return np.empty(shape, spec.dtype)
    if not isinstance(out, np.ndarray):
        raise ShapeError(f"out is a {type(out).__name__}: pass a NumPy array of shape {shape} {spec.dtype}")
    if out.shape != shape or out.dtype != np.dtype(spec.dtype):
        raise ShapeError(
            f"out is {out.shape} {out.dtype}, but the result is {shape} {spec.dtype}: "
            "pass an array of that shape and type"
        )
    if not out.flags.writeable:
        raise ShapeError("out is read-only: pass an array that can be written to")
    if np.shares_memory(out, image):
        raise ShapeError("out shares memory with the image: pass another array")
    return out
