"""Jobs of one kernel, pictures to run them on, and what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from sepfilter.kernels.kernel import AnyKernel
from sepfilter.kernels.presets import named_kernel
from sepfilter.pipeline import run_job
from sepfilter.results import Job, Reading, Result, Writing

Array = npt.NDArray[Any]

BOX: Final = named_kernel("box:3")


def picture(*shape: int, seed: int = 0) -> Array:
    """Random bytes."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def job(
    *inputs: str,
    to: str | None,
    kernel: AnyKernel = BOX,
    reading: dict[str, Any] | None = None,
    writing: dict[str, Any] | None = None,
    **options: Any,
) -> Job:
    """A job with one kernel."""
    read, written = Reading(**(reading or {})), Writing(**(writing or {}))
    return Job(inputs, to, (kernel,), reading=read, writing=written, **options)


def results(*inputs: str, to: str | None, **options: Any) -> list[Result]:
    """All results of a job."""
    return list(run_job(job(*inputs, to=to, **options)))


def result(*inputs: str, to: str | None, **options: Any) -> Result:
    """The only result of a job."""
    (only,) = results(*inputs, to=to, **options)
    return only


def blurred(pixels: Array) -> Array:
    """What box:3 makes, in exact arithmetic: a sum of nine, divided and rounded once."""
    ones = np.ones((3, 3) + (1,) * (pixels.ndim - 2), np.int64)
    return np.rint(ndimage.correlate(pixels.astype(np.int64), ones, mode="reflect") / 9)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file with what is in it, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
