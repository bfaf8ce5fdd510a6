"""Commands that tell which help to see, take numbers with a minus, or list their options under headings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import click

_NEGATIVE_NUMBER: Final = re.compile(r"-[\d.]")


class Command(click.Command):
    """A command whose usage errors all point to its own help."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give the errors of Click's parser, which have none, their command."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise


class TakesMinus(Command):
    """A command whose argument may begin with a minus and a digit without being an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Move such arguments behind ``--``."""
        numbers = [argument for argument in args if _NEGATIVE_NUMBER.match(argument)]
        if numbers and "--" not in args:
            others = [argument for argument in args if argument not in numbers]
            args = [*others, "--", *numbers]
        return super().parse_args(ctx, args)


class HeadedOption(click.Option):
    """An option that `--help` lists under a heading."""

    def __init__(self, declarations: Sequence[str], *, heading: str, **attributes: Any) -> None:
        super().__init__(declarations, **attributes)
        self.heading = heading


class Headed(Command):
    """A command of many options, which `--help` lists under their headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each heading, in the order in which options have them; others come last."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for one in self.get_params(ctx):
            record = one.get_help_record(ctx)
            if record is not None and isinstance(one, click.Option):
                sections.setdefault(getattr(one, "heading", "Other"), []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)
