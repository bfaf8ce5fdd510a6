"""`sepfilter analyze-kernel`: explain a kernel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sepfilter.cli.commands import TakesMinus
from sepfilter.cli.options import read_stdin
from sepfilter.cli.values import image_spec
from sepfilter.errors import OptionError

if TYPE_CHECKING:
    from sepfilter.plans.analysis import KernelAnalysis


@click.command("analyze-kernel", cls=TakesMinus)
@click.argument("kernel", metavar="KERNEL")
@click.option("--image", metavar="WxHxC", help="Count for an image of this size, as 4000x3000x3.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--plot",
    metavar="FILE",
    help="Draw the kernel, its singular values, approximations and frequency response: .png, .svg or .pdf.",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing picture.")
@click.option("--debug", is_flag=True, help="Show where an error comes from.")
def command(
    kernel: str,
    image: str | None,
    plot: str | None,
    *,
    as_json: bool,
    overwrite: bool,
    debug: bool,  # noqa: ARG001
) -> None:
    """Explain a kernel: whether it separates, into what, and what that saves.

    \b
    sepfilter analyze-kernel sobel-x
    sepfilter analyze-kernel '-1 0 1; -2 0 2; -1 0 1' --image 4000x3000x3
    sepfilter analyze-kernel disk:5 --plot disk.png
    """
    from sepfilter.engine.engines import current_engine
    from sepfilter.kernels.notation import parse_cascade
    from sepfilter.plans.analysis import analyze
    from sepfilter.reports.kernel_json import kernel_json
    from sepfilter.reports.kernel_text import kernel_text

    spec = None if image is None else image_spec(image)
    cascade = parse_cascade(kernel, stdin=read_stdin)
    if as_json and len(cascade) > 1:
        raise OptionError(f"--json: a list of {len(cascade)} kernels: analyze them one at a time")
    if plot is not None:
        _check_picture(plot, len(cascade), overwrite=overwrite)
    for one in cascade:
        analysis = analyze(one, current_engine().speed, spec)
        if plot is not None:
            _draw(analysis, plot, overwrite=overwrite)
        click.echo(kernel_json(analysis) if as_json else kernel_text(analysis))


def _check_picture(path: str, kernels: int, *, overwrite: bool) -> None:
    """Refuse before an analysis, which may take long, what could not be drawn after it."""
    from sepfilter.reports.kernel_plot import check_plot
    from sepfilter.safe_write import check_absent

    if kernels > 1:
        raise OptionError(f"--plot: a list of {kernels} kernels: draw them one at a time")
    check_plot(Path(path).suffix or path)
    check_absent(path, overwrite=overwrite)


def _draw(analysis: KernelAnalysis, path: str, *, overwrite: bool) -> None:
    """The picture, complete or not at all."""
    from sepfilter.reports.kernel_plot import kernel_plot
    from sepfilter.safe_write import replacing

    content = kernel_plot(analysis, Path(path).suffix)
    with replacing(path, overwrite=overwrite) as file:
        file.write(content)
