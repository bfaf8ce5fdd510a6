"""The options of `apply`, in groups, and the checks that only a command line needs.

The choices stand here as words, so that `--help` needs neither NumPy nor the rooms they come from;
a test holds them against the library's.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from sepfilter.errors import OptionError

if TYPE_CHECKING:
    from sepfilter.results import Job

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

PADDINGS: Final = ("same", "valid")
METHODS: Final = ("auto", "direct", "separable", "fft")
PRECISIONS: Final = ("auto", "exact", "fast", "float", "double")
RANGES: Final = ("clip", "abs", "offset", "stretch", "float")
ALPHAS: Final = ("premultiply", "separate", "keep")
FORMATS: Final = ("png", "jpeg", "webp", "tiff", "bmp", "ppm", "npy")

_NEGATIVE_NUMBER: Final = re.compile(r"-[\d.]")


class TakesMinus(click.Command):
    """A command whose argument may begin with a minus and a digit without being an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Move such arguments behind ``--``."""
        numbers = [argument for argument in args if _NEGATIVE_NUMBER.match(argument)]
        if numbers and "--" not in args:
            others = [argument for argument in args if argument not in numbers]
            args = [*others, "--", *numbers]
        return super().parse_args(ctx, args)


def _group(*decorators: Decorator) -> Decorator:
    """Several options as one decorator, listed in the order given."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        return reduce(lambda decorated, option: option(decorated), reversed(decorators), function)

    return decorate


filtering = _group(
    click.option(
        "--border", default="reflect", metavar="MODE", show_default=True,
        help="Beyond the edge: reflect, mirror, nearest, wrap, constant or constant:V.",
    ),
    click.option(
        "--padding", type=click.Choice(PADDINGS), default="same", show_default=True,
        help="Keep the size, or only where the kernel fits.",
    ),
    click.option(
        "--method", type=click.Choice(METHODS), default="auto", show_default=True,
        help="Overrule how the kernel is run.",
    ),
    click.option(
        "--precision", type=click.Choice(PRECISIONS), default="auto", show_default=True,
        help="Overrule the arithmetic.",
    ),
    click.option("--rank", type=click.IntRange(min=0), help="Approximate by this many separable terms."),
    click.option(
        "--max-error", type=float, metavar="LEVELS",
        help="Approximate, by low rank or on a coarser grid, where the worst-case error is within this.",
    ),
    click.option("--levels", type=float, metavar="V", help="White of float images, for error bounds."),
    click.option("--convolve", is_flag=True, help="Flip the kernels: convolution, not correlation."),
    click.option("--normalize", is_flag=True, help="Divide the taps of each kernel by their sum."),
    click.option("--grey", is_flag=True, help="Turn colours into luma first."),
    click.option(
        "--alpha", type=click.Choice(ALPHAS), default="premultiply", show_default=True,
        help="Transparency: weigh colours by it, filter it as a channel, or keep it.",
    ),
    click.option("--threads", type=click.IntRange(min=1), help="By default one for each usable core."),
)  # fmt: skip

mapping = _group(
    click.option("--scale", type=float, default=1.0, show_default=True, help="Multiply results."),
    click.option("--offset", type=float, default=0.0, show_default=True, help="Then add this."),
    click.option(
        "--range", "output_range", type=click.Choice(RANGES), default="clip", show_default=True,
        help="Saturate; take absolute values; put 0 at mid-grey; spread over the whole range; or keep "
        "fractions.",
    ),
    click.option(
        "--dtype", metavar="TYPE",
        help="Sample type of the output, as uint8 or float32; from one unsigned integer type to another "
        "full white stays full white.",
    ),
)  # fmt: skip

writing = _group(
    click.option("--format", type=click.Choice(FORMATS), help="Where the file name does not tell."),
    click.option("--quality", type=click.IntRange(1, 100), help="Of JPEG and WebP."),
    click.option("--overwrite", is_flag=True, help="Replace existing files."),
    click.option("--in-place", is_flag=True, help="Replace the inputs."),
)  # fmt: skip

reporting = _group(
    click.option("--explain", is_flag=True, help="Say what would be done; write nothing."),
    click.option("--verify", is_flag=True, help="Compare with the direct sum in double precision."),
    click.option("--stats", metavar="FILE", help="Write the report as JSON."),
    click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
    click.option("-q", "--quiet", is_flag=True, help="No table."),
)  # fmt: skip


def check_one_stdin(names: Sequence[str]) -> None:
    """Refuse to read standard input twice."""
    if list(names).count("-") > 1:
        raise OptionError("-: standard input can be read once only: give the others as files")


def check_stats(path: str | None, job: Job) -> None:
    """Refuse, before any work, a report that could not be written or would replace a picture."""
    from sepfilter.safe_write import check_absent

    if path is None:
        return
    if any(Path(path).resolve() == Path(other).resolve() for other in (*job.inputs, job.output or "")):
        raise OptionError(f"--stats {path}: that is an image of this run: give another name")
    check_absent(path, overwrite=job.overwrite)


def check_streams(job: Job, *, as_json: bool) -> None:
    """Refuse outputs that would collide, or that a terminal would be flooded with."""
    if job.in_place and job.output is not None:
        raise OptionError("--in-place and -o both say where results go: give one of them")
    if job.explain and (job.in_place or job.verify):
        raise OptionError("--explain writes nothing: leave out --in-place and --verify")
    if job.output != "-" or job.explain:
        return
    if as_json:
        raise OptionError("--json: the image goes to standard output: use --stats FILE for the report")
    if sys.stdout.isatty():
        raise OptionError("-o -: standard output is a terminal: redirect it, or name a file")
