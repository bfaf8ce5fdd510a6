"""`sepfilter apply`: filter images."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from sepfilter.cli import options
from sepfilter.cli.exits import FAILED, say

if TYPE_CHECKING:
    from sepfilter.results import EngineInfo, Job, Result


@click.command("apply")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-k", "--kernel", "kernels", multiple=True, required=True, metavar="KERNEL",
    help="A preset (gaussian:3), a file, or rows ('1 2 1; 2 4 2; 1 2 1'). Several run one after "
    "the other, without rounding in between.",
)  # fmt: skip
@click.option(
    "-o", "--output", metavar="OUTPUT",
    help="A file; - for standard output (with --format); a folder, or a template such as "
    "'out/{stem}.png'.",
)  # fmt: skip
@options.filtering
@options.mapping
@options.writing
@options.reporting
@click.option("--debug", is_flag=True, help="Show where an error comes from.")
def command(**arguments: Any) -> int:
    """Filter images with one or several kernels.

    INPUT is an image file, or - for standard input. KERNEL is tried in this order: - (standard
    input); @FILE or anything with a / in it, a file; a preset, see `sepfilter kernels`; an existing
    file; a matrix as text. Parameters of a preset follow a colon: motion:15,45 or
    gaussian:sigma=3,radius=9. A template may use {stem}, {name}, {parent} and {index}.

    \b
    sepfilter apply photo.jpg -k sobel -o edges.png
    sepfilter apply photo.jpg -k gaussian:2 -k laplacian --range offset -o log.png
    cat photo.png | sepfilter apply - -k gaussian:2 -o - --format png | ...
    """
    from sepfilter.cli.engine_notice import note_slow_engine
    from sepfilter.engine.info import engine_info
    from sepfilter.pipeline import run_job
    from sepfilter.reports.apply_json import apply_json

    job = _job(arguments)
    options.check_streams(job, as_json=arguments["as_json"])
    options.check_stats(arguments["stats"], job)
    engine = engine_info(job.threads)
    if not arguments["quiet"]:
        note_slow_engine()
    results = []
    try:
        for result in run_job(job, stdin=sys.stdin.buffer, stdout=sys.stdout.buffer):
            results.append(result)
            _report(result, engine, arguments)
    finally:  # a single input's error is in the reports before it ends the command
        if results and arguments["as_json"]:
            click.echo(apply_json(results, engine))
        if results and arguments["stats"]:
            _write_stats(arguments["stats"], apply_json(results, engine))
    return FAILED if any(result.failure for result in results) else 0


def _job(arguments: dict[str, Any]) -> Job:
    """What the arguments ask for; kernels are read here, before any image."""
    from sepfilter.kernels.notation import parse_cascade
    from sepfilter.plans.options import Options
    from sepfilter.results import Job

    texts = arguments["kernels"]
    options.check_one_stdin([*arguments["inputs"], *texts])
    read = sys.stdin.buffer.read
    kernels = [kernel for text in texts for kernel in parse_cascade(text, stdin=read)]
    if arguments["convolve"]:
        kernels = [kernel.flipped() for kernel in kernels]
    if arguments["normalize"]:
        kernels = [kernel.normalized() for kernel in kernels]
    planning = (
        "border", "padding", "method", "precision", "rank", "max_error", "levels",
        "scale", "offset", "output_range", "dtype", "alpha",
    )  # fmt: skip
    asking = (
        "inputs", "output", "grey", "threads", "format", "quality",
        "overwrite", "in_place", "explain", "verify",
    )  # fmt: skip
    return Job(
        kernels=tuple(kernels),
        options=Options(**{name: arguments[name] for name in planning}),
        **{name: arguments[name] for name in asking},
    )


def _report(result: Result, engine: EngineInfo, arguments: dict[str, Any]) -> None:
    """The table on standard error; with --quiet only what went wrong. A plan asked for is data."""
    from sepfilter.reports.apply_text import apply_text, warnings

    if result.failure:
        if len(arguments["inputs"]) > 1:
            say(f"sepfilter: {result.failure.message}")
    elif arguments["explain"]:
        if not arguments["as_json"]:
            click.echo(apply_text(result, engine))
    elif arguments["quiet"]:
        for line in warnings(result):
            if line.startswith("warning"):
                say(line)
    else:
        say(apply_text(result, engine))


def _write_stats(path: str, report: str) -> None:
    """The JSON report as a file; what stood there was checked before the run."""
    from sepfilter.safe_write import replacing

    with replacing(path, overwrite=True) as file:
        file.write(report.encode() + b"\n")
