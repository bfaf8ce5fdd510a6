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
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from sepfilter.errors import OptionError

if TYPE_CHECKING:
    from sepfilter.pipeline import Batch
    from sepfilter.results import Job

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

PADDINGS: Final = ("same", "valid")
METHODS: Final = ("auto", "direct", "separable", "fft")
PRECISIONS: Final = ("auto", "exact", "fast", "float", "double")
RANGES: Final = ("clip", "abs", "offset", "stretch", "float")
ALPHAS: Final = ("premultiply", "separate", "keep")
FORMATS: Final = ("png", "jpeg", "webp", "tiff", "bmp", "ppm", "pfm", "pam", "tga", "jp2", "avif", "npy")
COMPRESSIONS: Final = ("fast", "small", "none", "deflate", "zstd")

_AMOUNT: Final = re.compile(r"(\d+(?:\.\d+)?)([kKmMgGtT]?)")
_REGION: Final = re.compile(r"\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*")
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


class Amount(click.ParamType):  # type: ignore[type-arg]
    """A whole number, which may end with k, M, G or T."""

    name = "amount"

    def __init__(self, thousand: int) -> None:
        self._thousand = thousand

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it."""
        found = _AMOUNT.fullmatch(str(value))
        if found is None:
            self.fail(f"{value!r} is no amount: give a whole number, as 500 or 2G", param, ctx)
        power = " KMGT".index(found[2].upper() or " ")
        return max(int(float(found[1]) * self._thousand**power), 1)


class Page(click.ParamType):  # type: ignore[type-arg]
    """A page from 1, or all of them."""

    name = "page"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | Literal["all"]:
        """Read it."""
        text = str(value).strip().lower()
        if text == "all":
            return "all"
        if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
            self.fail(f"{value!r} is no page: give a whole number from 1, or all", param, ctx)
        return int(text)


class Region(click.ParamType):  # type: ignore[type-arg]
    """Left, top, width and height."""

    name = "region"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int, int, int]:
        """Read it."""
        found = _REGION.fullmatch(str(value))
        if found is None:
            self.fail(
                f"{value!r} is no region: give left,top,width,height in pixels, as 0,0,640,480", param, ctx
            )
        x, y, width, height = map(int, found.groups())
        return x, y, width, height


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
    click.option(
        "--alpha", type=click.Choice(ALPHAS), default="premultiply", show_default=True,
        help="Transparency: weigh colours by it, filter it as a channel, or keep it.",
    ),
)  # fmt: skip

reading = _group(
    click.option("--grey", is_flag=True, help="Turn colours into luma first."),
    click.option(
        "--linear", is_flag=True,
        help="Filter in linear light: decode by the colour profile's curve, or sRGB's, and encode again.",
    ),
    click.option(
        "--region", type=Region(), metavar="X,Y,W,H",
        help="Make only this part of the result, and read no more than it needs.",
    ),
    click.option(
        "--page", type=Page(), default=1, metavar="N|all",
        help="Of a TIFF or an animation: one, from 1, which is what is read unless given; or all, each to a "
        "file of its own.",
    ),
    click.option("--input-format", metavar="FORMAT", help="Read inputs as this, whatever they look like."),
    click.option(
        "--max-pixels", type=Amount(1000), metavar="N",
        help="Limit for an image that is read as a whole; 1G unless given.",
    ),
    click.option(
        "--max-memory", type=Amount(1024), metavar="BYTES",
        help="Limit for the pixels of one image, as 500M; unless given three quarters of what there is.",
    ),
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
    click.option(
        "--format", metavar="FORMAT",
        help=f"Where the file name does not tell: {', '.join(FORMATS)}, or one of their extensions.",
    ),
    click.option("--quality", type=click.IntRange(1, 100), help="Of JPEG and WebP."),
    click.option(
        "--compression", type=click.Choice(COMPRESSIONS),
        help="Of PNG and TIFF: fast (the default) or small; of TIFF also none, deflate or zstd.",
    ),
    click.option("--strip", is_flag=True, help="Leave out colour profile, EXIF, XMP and resolution."),
    click.option("--keep-time", is_flag=True, help="Keep the input's modification time."),
    click.option("--overwrite", is_flag=True, help="Replace existing files."),
    click.option("--in-place", is_flag=True, help="Replace the inputs."),
    click.option("--skip-existing", is_flag=True, help="Leave out inputs whose output exists."),
)  # fmt: skip

batch = _group(
    click.option("-r", "--recursive", is_flag=True, help="Filter the images in folders and below."),
    click.option("--files-from", metavar="FILE", help="Read names of inputs from a file, or - for stdin."),
    click.option("-0", "nul", is_flag=True, help="Those names end with a NUL byte, as of find -print0."),
    click.option("--threads", type=click.IntRange(min=1), help="By default one for each usable core."),
    click.option("--jobs", type=click.IntRange(min=1), help="Images at a time; by default one a thread."),
    click.option("--fail-fast", is_flag=True, help="Begin no other image once one has failed."),
)  # fmt: skip

reporting = _group(
    click.option("--explain", is_flag=True, help="Say what would be done; write nothing."),
    click.option("--verify", is_flag=True, help="Compare with the direct sum in double precision."),
    click.option("--stats", metavar="FILE", help="Write the report as JSON."),
    click.option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
    click.option("--json-lines", is_flag=True, help="Print a line of JSON for each image, as it is done."),
    click.option("-q", "--quiet", is_flag=True, help="No table."),
)  # fmt: skip


def check_one_stdin(names: Sequence[str]) -> None:
    """Refuse to read standard input twice."""
    if list(names).count("-") > 1:
        raise OptionError("-: standard input can be read once only: give the others as files")


def read_stdin() -> bytes:
    """All of standard input."""
    if sys.stdin is None:
        raise OptionError("-: there is no standard input: give a file")
    return sys.stdin.buffer.read()


def listed(path: str | None, *, nul: bool) -> list[str]:
    """The names in a list of inputs; none where no list was given."""
    from sepfilter.images.paths.inputs import listed_inputs

    if path is None:
        if nul:
            raise OptionError("-0: is about the names in a list: give --files-from")
        return []
    try:
        text = read_stdin() if path == "-" else Path(path).read_bytes()
    except OptionError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OptionError(f"--files-from {path}: cannot be read: {reason}") from error
    return listed_inputs(text, nul=nul)


def check_stats(path: str | None, batch: Batch) -> None:
    """Refuse, before any work, a report that could not be written or would replace a picture."""
    from sepfilter.images.paths.places import Places
    from sepfilter.safe_write import check_absent

    if path is None:
        return
    images = [one.path for one in (*batch.inputs, *batch.targets) if one is not None and one.path != "-"]
    known = Places()
    place = known.of(path)
    if any(place.key == known.of(image).key for image in images):
        raise OptionError(f"--stats {path}: that is an image of this run: give another name")
    check_absent(path, overwrite=batch.job.writing.overwrite)


def check_streams(job: Job, *, prints: str | None) -> None:
    """Refuse outputs that would collide, or that a terminal would be flooded with.

    Parameters
    ----------
    job : Job
        What is asked.
    prints : str or None
        The option that puts a report on standard output.
    """
    if job.writing.in_place and job.output is not None:
        raise OptionError("--in-place and -o both say where results go: give one of them")
    if job.explain and (job.writing.in_place or job.verify):
        raise OptionError("--explain writes nothing: leave out --in-place and --verify")
    if prints is not None and sys.stdout is None:
        raise OptionError(f"{prints}: standard output is closed: use --stats FILE for the report")
    if job.output != "-" or job.explain:
        return
    if prints is not None:
        raise OptionError(f"{prints}: the image goes to standard output: use --stats FILE for the report")
    if sys.stdout is not None and sys.stdout.isatty():
        raise OptionError("-o -: standard output is a terminal: redirect it, or name a file")
