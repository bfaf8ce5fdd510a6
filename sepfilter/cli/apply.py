"""`sepfilter apply`: filter images."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

import click

from sepfilter.cli import bank_options, options
from sepfilter.cli.commands import Headed
from sepfilter.cli.exits import FAILED, one_line, say
from sepfilter.errors import OptionError

if TYPE_CHECKING:
    from sepfilter.banks.bank import Bank
    from sepfilter.cli.progress import Progress
    from sepfilter.kernels.kernel import AnyKernel
    from sepfilter.results import EngineInfo, Job, Result


@click.command("apply", cls=Headed)
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@options.writing
@options.filtering
@options.bank
@options.reading
@options.mapping
@options.batch
@options.reporting
def command(**arguments: Any) -> int:
    """Filter images with one or several kernels, or with the layers of a filter bank.

    INPUT is an image file, a folder with --recursive, or - for standard input. KERNEL is tried in
    this order: - (standard input); @FILE or anything with a / in it, a file; a preset, see
    `sepfilter kernels`; an existing file; a matrix as text. Parameters of a preset follow a colon:
    motion:15,45 or gaussian:sigma=3,radius=9. A template may use {stem}, {name}, {ext}, {parent},
    {index}, {page} and {channel}.

    \b
    sepfilter apply photo.jpg -k sobel -o edges.png
    sepfilter apply photo.jpg -k gaussian:2 -k laplacian --range offset -o log.png
    sepfilter apply photo.jpg --bank layers.safetensors --input-scale 1 --montage -o sheet.png
    cat photo.png | sepfilter apply - -k gaussian:2 -o - --format png | ...
    """
    from sepfilter.cli.engine_notice import note_slow_engine
    from sepfilter.cli.progress import bar_is_wanted, progress
    from sepfilter.engine.info import engine_info
    from sepfilter.pipeline import Batch, Streams

    if arguments["as_json"] and arguments["json_lines"]:
        raise OptionError("--json and --json-lines both print the report: give one of them")
    job = _job(arguments)
    prints = "--json" if arguments["as_json"] else "--json-lines" if arguments["json_lines"] else None
    options.check_streams(job, prints=prints)
    batch = Batch.of(job)
    options.check_stats(arguments["stats"], batch)
    engine = engine_info(job.threads)
    quiet = arguments["quiet"]
    if not quiet:
        note_slow_engine()
        if job.bank is not None:
            bank_options.note_what_is_unsaid(arguments["bank"], job.bank)
    kept, tally = [], Tally(len(batch.inputs))
    keeps = arguments["as_json"] or arguments["stats"]
    try:
        with progress(len(batch.inputs), shown=bar_is_wanted(quiet=quiet)) as shown:
            for result in batch.results(Streams(_bytes_of(sys.stdin), _bytes_of(sys.stdout))):
                tally.count(result)
                if keeps:
                    kept.append(result)
                _report(result, engine, arguments, shown, single=len(batch.inputs) == 1)
                shown.advance(result.label, failed=result.failure is not None)
    finally:  # a single input's error is in the reports before it ends the command
        if kept:
            _write_report(kept, engine, arguments)
    if len(batch.inputs) > 1 and not quiet:
        say(tally.words)
    return FAILED if tally.failed else 0


def _job(arguments: dict[str, Any]) -> Job:
    """What the arguments ask for; kernels, banks and lists are read here, before any image."""
    from sepfilter.plans.options import Options
    from sepfilter.results import Job, Reading, Writing

    listed = arguments["files_from"]
    once = [*arguments["inputs"], *arguments["kernels"], *arguments["depthwise"]]
    once += [arguments[name] for name in ("bank", "pointwise", "files_from") if arguments[name]]
    options.check_one_stdin(once)

    bank = _bank(arguments)

    def named(kind: type[Any]) -> dict[str, Any]:
        """The arguments that a value has a place for, where they were given."""
        given = (one.name for one in fields(kind) if arguments.get(one.name) is not None)
        return {name: arguments[name] for name in given if bank is None or name not in ("padding", "border")}

    return Job(
        inputs=(*arguments["inputs"], *options.listed(listed, nul=arguments["nul"])),
        kernels=_kernels(arguments),
        bank=bank,
        options=Options(**named(Options)),
        reading=Reading(**named(Reading)),
        writing=Writing(**named(Writing)),
        **{name: arguments[name] for name in (
            "output", "threads", "jobs", "recursive", "fail_fast", "explain", "verify",
        )},
    )  # fmt: skip


def _kernels(arguments: dict[str, Any]) -> tuple[AnyKernel, ...]:
    """The cascade; empty for a bank."""
    from sepfilter.kernels.notation import parse_cascade

    texts = arguments["kernels"]
    kernels = [kernel for text in texts for kernel in parse_cascade(text, stdin=options.read_stdin)]
    if arguments["convolve"]:
        kernels = [kernel.flipped() for kernel in kernels]
    if arguments["normalize"]:
        kernels = [kernel.normalized() for kernel in kernels]
    return tuple(kernels)


def _bank(arguments: dict[str, Any]) -> Bank | None:
    """The bank, where one is asked for in place of kernels."""
    bank_options.check(click.get_current_context(), arguments)
    if not bank_options.asks_for_a_bank(arguments):
        return None
    return bank_options.bank_of(arguments)


def _report(
    result: Result, engine: EngineInfo, arguments: dict[str, Any], shown: Progress, *, single: bool
) -> None:
    """What happened to an input: on standard error, or as data on standard output.

    A single one gets a table, several get a line each; with --quiet there is only what went wrong.
    """
    from sepfilter.reports.apply_text import apply_line, apply_text, warnings

    if arguments["json_lines"]:
        from sepfilter.reports.apply_json import apply_json_line

        with shown.paused():
            click.echo(apply_json_line(result, engine))
    if result.failure:
        if not single:
            shown.say(f"sepfilter: {_naming(result.label, result.failure.message)}")
    elif arguments["explain"]:
        if not (arguments["as_json"] or arguments["json_lines"]):
            click.echo(apply_text(result, engine))
    elif arguments["quiet"]:
        for line in warnings(result):
            if line.startswith("warning"):
                shown.say(line if single else f"{one_line(result.label)}: {line}")
    else:
        shown.say(apply_text(result, engine) if single else apply_line(result))


def _naming(label: str, message: str) -> str:
    """A message of one input among others, in one line, which need not say which one."""
    return one_line(message if label in message else f"{label}: {message}")


def _bytes_of(stream: TextIO | None) -> BinaryIO | None:
    """A standard stream for images; Python has none where it was closed."""
    return None if stream is None else stream.buffer


@dataclass(slots=True)
class Tally:
    """How many inputs came out how."""

    total: int
    done: int = 0
    failed: int = 0
    skipped: int = 0

    def count(self, result: Result) -> None:
        """Count one."""
        if result.failure:
            self.failed += 1
        elif result.skipped:
            self.skipped += 1
        else:
            self.done += 1

    @property
    def words(self) -> str:
        """The numbers that are not 0."""
        left = self.total - self.done - self.failed - self.skipped
        parts = [f"{self.done:,} done"]
        if self.skipped:
            parts.append(f"{self.skipped:,} skipped, whose outputs exist")
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        if left:
            parts.append(f"{left:,} not begun")
        return f"{self.total:,} images: {', '.join(parts)}"


def _write_report(results: list[Result], engine: EngineInfo, arguments: dict[str, Any]) -> None:
    """All results as JSON, printed and in a file, as asked; what stood there was checked before the run."""
    from sepfilter.reports.apply_json import apply_json
    from sepfilter.safe_write import replacing

    report = apply_json(results, engine)
    if arguments["as_json"]:
        click.echo(report)
    if arguments["stats"]:
        with replacing(arguments["stats"], overwrite=True) as file:
            file.write(report.encode() + b"\n")
