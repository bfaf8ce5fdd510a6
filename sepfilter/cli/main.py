"""The `sepfilter` command: finds the subcommand, loads only that one, and sets the exit code."""

from __future__ import annotations

import gc
import importlib
import sys
from typing import Final

import click

from sepfilter.cli.exits import run_to_exit_code
from sepfilter.version import __version__

_COMMANDS: Final = {
    "apply": ("sepfilter.cli.apply", "Filter images."),
    "analyze-kernel": ("sepfilter.cli.analyze_kernel", "Explain a kernel."),
    "analyze-bank": ("sepfilter.cli.analyze_bank", "Count what a filter bank's layers cost."),
    "decompose": ("sepfilter.cli.decompose", "Split an ordinary convolution in depthwise and pointwise."),
    "convert-kernel": ("sepfilter.cli.convert_kernel", "Write a kernel for another program."),
    "kernels": ("sepfilter.cli.kernels", "List the presets."),
    "info": ("sepfilter.cli.info", "Show versions and the engine."),
}


class _LazyGroup(click.Group):
    """Subcommands by name; a module is imported only when its command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Names in the order of use."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command."""
        if cmd_name not in _COMMANDS:
            return None
        module, _ = _COMMANDS[cmd_name]
        command: click.Command = importlib.import_module(module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or the ones that a misspelt name may have meant."""
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"no command {args[0]!r}: did you mean {_meant(args[0])}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in _COMMANDS.items()])


def _meant(name: str) -> str:
    """What a name that is no command may have been given for: a command, or a kernel."""
    from difflib import get_close_matches

    near = get_close_matches(name, _COMMANDS, n=2)
    if not near:
        from sepfilter.kernels.presets import PRESETS

        if name.partition(":")[0].lower() in PRESETS:
            return f"sepfilter apply -k {name}"
    return " or ".join(near or _COMMANDS)


@click.command(
    cls=_LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="sepfilter")
@click.pass_context
def cli(context: click.Context) -> None:
    """Image filtering that separates kernels by itself, and tells what it did.

    \b
    sepfilter apply photo.jpg -k gaussian:3 -o blurred.png
    sepfilter apply photo.jpg -k '0 -1 0; -1 5 -1; 0 -1 0' -o sharp.png
    sepfilter apply photo.jpg --bank layers.safetensors --montage -o sheet.png
    sepfilter analyze-kernel sobel-x

    Exit codes: 0 done; 1 an input failed; 2 usage, kernel or bank error; 3 an output exists;
    4 a limit was exceeded; 130 interrupted; 141 broken pipe; 143 terminated.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(2)


def main() -> None:
    """Entry point of the console script and of ``python -m sepfilter``."""
    code = run_to_exit_code(cli, sys.argv[1:])
    gc.freeze()  # nothing is left to close: searching for it took a tenth of a short run, 20 ms
    sys.exit(code)
