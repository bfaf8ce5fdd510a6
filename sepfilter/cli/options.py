"""The options of `apply`, in groups, and the checks that only a command line needs.

The choices stand here as words, so that `--help` needs neither NumPy nor the rooms they come from;
a test holds them against the library's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from sepfilter.cli.commands import HeadedOption
from sepfilter.cli.values import Amount, Page, Region, Whole
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
LAYOUTS: Final = ("torch", "keras")
COMPRESSIONS: Final = ("fast", "small", "none", "deflate", "zstd")


def _option(*declarations: str, **attributes: Any) -> Callable[[str], Decorator]:
    """An option, once it has its heading."""
    return lambda heading: click.option(*declarations, cls=HeadedOption, heading=heading, **attributes)


def _group(heading: str, *options: Callable[[str], Decorator]) -> Decorator:
    """Several options as one decorator, listed under a heading in the order given."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        return reduce(lambda decorated, option: option(heading)(decorated), reversed(options), function)

    return decorate


filtering = _group(
    "Filter",
    _option(
        "-k", "--kernel", "kernels", multiple=True, metavar="KERNEL",
        help="A preset (gaussian:3), a file, or rows ('1 2 1; 2 4 2; 1 2 1'). Several run one after "
        "the other, without rounding in between.",
    ),
    _option(
        "--border", metavar="MODE", show_default="reflect; zeros for a bank",
        help="Beyond the edge: reflect, mirror, nearest, wrap, constant or constant:V.",
    ),
    _option(
        "--padding", metavar="|".join(PADDINGS), show_default="same; valid for a bank",
        help="Keep the size, or only where the kernel fits; of a bank's layers also as '1 1 1 1'.",
    ),
    _option(
        "--method", type=click.Choice(METHODS), default="auto", show_default=True,
        help="Overrule how the kernel is run.",
    ),
    _option(
        "--precision", type=click.Choice(PRECISIONS), default="auto", show_default=True,
        help="Overrule the arithmetic.",
    ),
    _option("--rank", type=Whole(0), help="Approximate by this many separable terms."),
    _option(
        "--max-error", type=float, metavar="LEVELS",
        help="Approximate, by low rank or on a coarser grid, where the worst-case error is within this.",
    ),
    _option("--levels", type=float, metavar="V", help="White of float images, for error bounds."),
    _option("--convolve", is_flag=True, help="Flip the kernels: convolution, not correlation."),
    _option("--normalize", is_flag=True, help="Divide the taps of each kernel by their sum."),
    _option(
        "--alpha", type=click.Choice(ALPHAS), default="premultiply", show_default=True,
        help="Transparency: weigh colours by it, filter it as a channel, or keep it.",
    ),
)  # fmt: skip

bank = _group(
    "Bank, in place of kernels",
    _option(
        "--bank", metavar="FILE",
        help="Layers from a file: .json, .toml, .npz, .safetensors, .onnx, .keras, .h5.",
    ),
    _option(
        "--depthwise", multiple=True, metavar="KERNEL",
        help="A kernel for all channels, or, repeated, one a channel.",
    ),
    _option("--pointwise", metavar="MATRIX", help="Then mix channels: rows as '0.3 0.6 0.1; 1 0 0'."),
    _option("--select", multiple=True, metavar="NAME", help="Layers of the file; repeatable, in order."),
    _option(
        "--layout", type=click.Choice(LAYOUTS), help="Order of the weights' axes, where shapes do not tell."
    ),
    _option(
        "--input-scale", metavar="SCALE",
        help="What the weights expect: 1 or 255 for white, or mean/std, each one number or one a channel. "
        "Unless given, samples as they are.",
    ),
    _option("--allow-nonfinite", is_flag=True, help="Take weights that are NaN or infinite."),
    _option("--montage", is_flag=True, help="Write one sheet with all channels, each stretched."),
)  # fmt: skip

reading = _group(
    "Image",
    _option("--grey", is_flag=True, help="Turn colours into luma first."),
    _option(
        "--linear", is_flag=True,
        help="Filter in linear light: decode by the colour profile's curve, or sRGB's, and encode again.",
    ),
    _option(
        "--region", type=Region(), metavar="X,Y,W,H",
        help="Make only this part of the result, and read no more than it needs.",
    ),
    _option(
        "--page", type=Page(), default=1, metavar="N|all",
        help="Page or frame to read, from 1, or all; the first unless given.",
    ),
    _option("--input-format", metavar="FORMAT", help="Read inputs as this, whatever they look like."),
    _option(
        "--max-pixels", type=Amount(1000), metavar="N",
        help="Limit for an image that is read as a whole; 1G unless given.",
    ),
    _option(
        "--max-memory", type=Amount(1024), metavar="BYTES",
        help="Limit for the pixels of one image, as 500M; unless given three quarters of what there is.",
    ),
)  # fmt: skip

mapping = _group(
    "Result",
    _option("--scale", type=float, default=1.0, show_default=True, help="Multiply results."),
    _option("--offset", type=float, default=0.0, show_default=True, help="Then add this."),
    _option(
        "--range", "output_range", type=click.Choice(RANGES), default="clip", show_default=True,
        help="Saturate; take absolute values; put 0 at mid-grey; spread over the whole range; or keep "
        "fractions.",
    ),
    _option(
        "--dtype", metavar="TYPE",
        help="Sample type of the output, as uint8 or float32; from one unsigned integer type to another "
        "full white stays full white.",
    ),
)  # fmt: skip

writing = _group(
    "Output",
    _option(
        "-o", "--output", metavar="OUTPUT",
        help="A file; - for standard output (with --format); a folder, or a template such as "
        "'out/{stem}.png'; with {channel} a file for each channel.",
    ),
    _option(
        "--format", metavar="FORMAT",
        help=f"Where the file name does not tell: {', '.join(FORMATS)}, or one of their extensions.",
    ),
    _option(
        "--quality", type=Whole(1, 100),
        help="1 to 100, of JPEG (92 unless given), WebP (lossless unless given) and AVIF.",
    ),
    _option(
        "--compression", type=click.Choice(COMPRESSIONS),
        help="Of PNG and TIFF: fast (the default) or small; of TIFF also none, deflate or zstd.",
    ),
    _option("--strip", is_flag=True, help="Leave out colour profile, EXIF, XMP and resolution."),
    _option("--keep-time", is_flag=True, help="Keep the input's modification time."),
    _option("--overwrite", is_flag=True, help="Replace existing files."),
    _option("--in-place", is_flag=True, help="Replace the inputs."),
    _option("--skip-existing", is_flag=True, help="Leave out inputs whose output exists."),
)  # fmt: skip

batch = _group(
    "Files",
    _option("-r", "--recursive", is_flag=True, help="Filter the images in folders and below."),
    _option("--files-from", metavar="FILE", help="Read names of inputs from a file, or - for stdin."),
    _option("-0", "nul", is_flag=True, help="Those names end with a NUL byte, as of find -print0."),
    _option("--threads", type=Whole(1), help="By default one for each usable core."),
    _option("--jobs", type=Whole(1), help="Images at a time; by default one a thread."),
    _option("--fail-fast", is_flag=True, help="Begin no other image once one has failed."),
)  # fmt: skip

reporting = _group(
    "Report",
    _option("--explain", is_flag=True, help="Say what would be done; write nothing."),
    _option("--verify", is_flag=True, help="Compare with the direct sum in double precision."),
    _option("--stats", metavar="FILE", help="Write the report as JSON."),
    _option("--json", "as_json", is_flag=True, help="Print the report as JSON."),
    _option("--json-lines", is_flag=True, help="Print a line of JSON for each image, as it is done."),
    _option("-q", "--quiet", is_flag=True, help="Only warnings and errors."),
    _option("--debug", is_flag=True, help="Show where an error comes from."),
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
    if path == "-":
        raise OptionError("--stats -: it writes a file: use --json for the report on standard output")
    images = [one.path for one in (*batch.inputs, *batch.targets) if one is not None and one.path != "-"]
    known = Places()
    place = known.of(path)
    if any(place.key == known.of(image).key for image in [*images, *batch.channel_files]):
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
