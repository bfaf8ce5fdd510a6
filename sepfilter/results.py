"""What was asked and what happened: plain values that every report is made from."""

from __future__ import annotations

from dataclasses import field
from typing import Any, Final, Literal

from sepfilter.kernels.kernel import AnyKernel
from sepfilter.kernels.summary import KernelSummary
from sepfilter.plans.bank_plan import BankPlan
from sepfilter.plans.options import Options
from sepfilter.plans.plan import Plan
from sepfilter.values import value

NOTABLE_CLIPPING: Final = 0.001
"""Share of samples: from here on a report points out that they were clipped."""


@value
class Reading:
    """What is read of every input.

    Attributes
    ----------
    input_format : str or None
        What inputs are taken for, whatever they look like.
    page : int or "all"
        Page or frame, from 1; or each of them as an input of its own.
    region : (int, int, int, int) or None
        Left, top, width and height, in pixels of the result.
    grey : bool
        Luma in place of colours.
    linear : bool
        Decode to linear light first, and encode again at the end.
    max_pixels, max_memory : int or None
        Limits for one image; None for the usual ones.
    """

    input_format: str | None = None
    page: int | Literal["all"] = 1
    region: tuple[int, int, int, int] | None = None
    grey: bool = False
    linear: bool = False
    max_pixels: int | None = None
    max_memory: int | None = None


@value
class Writing:
    """How outputs are written.

    Attributes
    ----------
    format : str or None
        Where the name does not tell.
    quality : int or None
        For formats that lose something.
    compression : str or None
        How hard to compress.
    strip : bool
        Leave out metadata.
    keep_time : bool
        Give the output the input's modification time.
    montage : bool
        Write one sheet with all channels of a bank's result, for people to look at.
    overwrite, in_place, skip_existing : bool
        Whether outputs may replace files, shall replace the inputs, or are left alone where they exist.
    """

    format: str | None = None
    quality: int | None = None
    compression: str | None = None
    strip: bool = False
    keep_time: bool = False
    montage: bool = False
    overwrite: bool = False
    in_place: bool = False
    skip_existing: bool = False


@value
class Job:
    """What `apply` is asked to do.

    Attributes
    ----------
    inputs : tuple of str
        Image files, folders with `recursive`; ``-`` is standard input.
    output : str or None
        A file, a folder, a template, or ``-`` for standard output; None with `in_place`, and
        where nothing is written.
    kernels : tuple of Kernel or Gradient
        The cascade; empty for a bank.
    bank : object or None
        A `Bank` in place of kernels: the room of banks lies above this one.
    options : Options
        How to plan.
    reading : Reading
        What is read of the inputs, and as what.
    writing : Writing
        How outputs are encoded, and what they may replace.
    threads : int or None
        All that run at a time; None for as many as there are cores.
    jobs : int or None
        Images at a time, which share the threads; None for one a thread.
    recursive : bool
        Filter the images in folders and below.
    fail_fast : bool
        Begin no other input once one has failed.
    explain : bool
        Plan only.
    verify : bool
        Compare with the direct sum in double precision.
    """

    inputs: tuple[str, ...]
    output: str | None
    kernels: tuple[AnyKernel, ...] = ()
    options: Options = field(default_factory=Options)
    bank: Any = None
    reading: Reading = field(default_factory=Reading)
    writing: Writing = field(default_factory=Writing)
    threads: int | None = None
    jobs: int | None = None
    recursive: bool = False
    fail_fast: bool = False
    explain: bool = False
    verify: bool = False


@value
class ImageInfo:
    """An image file in a report."""

    path: str
    format: str | None
    height: int
    width: int
    channels: int
    dtype: str


@value
class OutputInfo(ImageInfo):
    """An output file, with the number of samples that its type could not hold."""

    clipped_low: int = 0
    clipped_high: int = 0
    nonfinite: int = 0

    @property
    def clipped_share(self) -> float:
        """Share of the samples that saturated."""
        samples = self.height * self.width * self.channels
        return (self.clipped_low + self.clipped_high) / samples


@value
class Seconds:
    """How long each stage was busy, and the wall time of them all, which may overlap."""

    read: float = 0.0
    plan: float = 0.0
    filter: float = 0.0
    write: float = 0.0
    total: float = 0.0


@value
class Verification:
    """The difference to the direct sum in double precision.

    Attributes
    ----------
    max_abs_difference : float
        Between unrounded results, in units of the source.
    max_rounded_difference : float
        Between output samples.
    reference : str
        ``direct``; or ``separable``, two passes in double, for factors of very many taps.
    """

    max_abs_difference: float
    max_rounded_difference: float
    reference: str = "direct"


@value
class Failure:
    """Why an input failed."""

    code: str
    message: str


@value
class EngineInfo:
    """What did the arithmetic: its name, its instruction set where that matters, its threads."""

    name: str
    isa: str | None
    threads: int

    @property
    def label(self) -> str:
        """The name, with the instruction set where there is one."""
        return self.name if self.isa is None else f"{self.name} ({self.isa})"


@value
class Result:
    """What happened to one input.

    Attributes
    ----------
    path : str
        The input as it was given.
    page : int
        The page or frame of it, from 1.
    label : str
        What it is called among others: its path, with the page where several of its pages are read.
    input : ImageInfo or None
        None where its header could not be read.
    outputs : tuple of OutputInfo
        What was written.
    kernel : KernelSummary or None
        What it was filtered with; None for a bank.
    plan : Plan, BankPlan or None
        What was planned.
    seconds : Seconds
        How long the stages took.
    notes : tuple of str
        What the user should know: frames left out, profiles dropped.
    verification : Verification or None
        Where it was asked for.
    failure : Failure or None
        None where all went well.
    skipped : bool
        Its output was there already.
    """

    path: str
    page: int
    label: str
    input: ImageInfo | None
    outputs: tuple[OutputInfo, ...]
    kernel: KernelSummary | None
    plan: Plan | BankPlan | None
    seconds: Seconds
    notes: tuple[str, ...] = ()
    verification: Verification | None = None
    failure: Failure | None = None
    skipped: bool = False

    @property
    def megapixels_per_second(self) -> float | None:
        """Input pixels over the whole time."""
        if self.input is None or not self.outputs or self.seconds.total <= 0:
            return None
        return self.input.height * self.input.width / self.seconds.total / 1e6
