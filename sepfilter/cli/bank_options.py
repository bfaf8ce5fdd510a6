"""Banks from the options of commands, and which options go with a bank."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from sepfilter.cli.exits import say
from sepfilter.cli.options import read_stdin
from sepfilter.errors import OptionError

if TYPE_CHECKING:
    from sepfilter.banks.bank import Bank

_OF_KERNELS: Final = ("precision", "rank", "max_error", "levels", "convolve", "normalize", "alpha")
_OF_BANKS: Final = ("select", "layout", "input_scale", "allow_nonfinite", "montage")
_OF_FILES: Final = ("select", "layout", "allow_nonfinite")
_OF_SHELL: Final = ("depthwise", "pointwise")


def asks_for_a_bank(arguments: dict[str, Any]) -> bool:
    """True where layers take the place of kernels."""
    return arguments["bank"] is not None or bool(arguments["depthwise"]) or arguments["pointwise"] is not None


def check(context: click.Context, arguments: dict[str, Any]) -> None:
    """Refuse options that would be ignored.

    Raises
    ------
    OptionError
        There are neither kernels nor a bank, both, or an option is for the other of them.
    """
    is_bank = asks_for_a_bank(arguments)
    if not (is_bank or arguments["kernels"]):
        raise OptionError("nothing to filter with: give -k KERNEL, --bank FILE, or --depthwise KERNEL")
    if is_bank and arguments["kernels"]:
        raise OptionError("-k: kernels and a bank are two ways to filter: give one of them")
    for name in _OF_KERNELS if is_bank else _OF_BANKS:
        if _is_given(context, name):
            raise OptionError(f"{_spelt(name)}: is for {'kernels' if is_bank else 'banks'}: leave it out")
    if is_bank and arguments["method"] not in ("auto", "direct"):
        raise OptionError(f"--method {arguments['method']}: is for kernels: a bank takes auto or direct")
    if arguments["montage"] and any(
        _is_given(context, name) for name in ("output_range", "dtype", "scale", "offset")
    ):
        raise OptionError(
            "--montage: stretches each channel by itself: leave out --range, --dtype, --scale and --offset"
        )
    if arguments["bank"] is None:
        for name in _OF_FILES:
            if _is_given(context, name):
                raise OptionError(f"{_spelt(name)}: is for the layers of a file: give --bank")
    elif any(_is_given(context, name) for name in _OF_SHELL):
        raise OptionError(
            "--bank and --depthwise or --pointwise both say what the layers are: give one of them"
        )


def bank_of(arguments: dict[str, Any]) -> Bank:
    """Read the bank that is asked for.

    Raises
    ------
    BankError, OptionError
        It cannot be read, is malformed, or does not go with the options.
    """
    if arguments["bank"] is not None:
        options = {name: arguments[name] for name in _OF_FILES}
        bank = load(arguments["bank"], **options)
    else:
        from sepfilter.banks.files.shell import bank_from_shell

        bank = bank_from_shell(arguments["depthwise"], arguments["pointwise"], stdin=read_stdin)
    return prepared(bank, arguments["padding"], arguments["border"], arguments["input_scale"])


def load(path: str, **options: Any) -> Bank:
    """Read a bank from a file, or from standard input, with the options of `load_bank`.

    Raises
    ------
    BankError
        It cannot be read, or is malformed.
    """
    from sepfilter.banks.files.load import bank_from_bytes, load_bank

    if not path:
        raise OptionError("--bank '': the name of a bank is empty: give a file")
    if path == "-":
        return bank_from_bytes(read_stdin(), "stdin", **options)
    return load_bank(Path(path), **options)


def prepared(bank: Bank, padding: str | None, border: str | None, input_scale: str | None = None) -> Bank:
    """The bank, with what its layers do not say themselves."""
    from sepfilter.banks.input_scale import InputScale
    from sepfilter.banks.layer import ZEROS
    from sepfilter.banks.padding import VALID, Padding
    from sepfilter.plans.border import Border

    bank = bank.filled(
        VALID if padding is None else Padding.parse(padding),
        ZEROS if border is None else Border.parse(border),
    )
    return bank if input_scale is None else replace(bank, input_scale=InputScale.parse(input_scale))


def note_what_is_unsaid(path: str | None, bank: Bank) -> None:
    """Say what was taken for layers of a file that holds weights and nothing else."""
    holds_weights = Path(path or "").suffix.lower() in (".npz", ".npy", ".safetensors")
    is_bare = all(layer.stride == (1, 1) and layer.activation.name == "none" for layer in bank.layers)
    if holds_weights and is_bare:
        say(
            "note: the file says no stride and no activation: a step of 1 and none are taken; "
            "docs/banks.md says how it would"
        )


def _is_given(context: click.Context, name: str) -> bool:
    """True for an option that was typed."""
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _spelt(name: str) -> str:
    """An option as it is typed."""
    return "--" + name.replace("_", "-")
