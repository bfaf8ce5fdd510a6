"""Which engine does the work: the compiled one where it was built, else SciPy's."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeAlias

import numpy.typing as npt

from sepfilter.engine.block import Block
from sepfilter.engine.mapping import Losses
from sepfilter.errors import OptionError
from sepfilter.plans.cost import Speed
from sepfilter.plans.output_map import OutputMap
from sepfilter.plans.plan import Stage
from sepfilter.plans.precision import Arithmetic
from sepfilter.plans.speeds import AVX2, BASELINE, SCIPY
from sepfilter.values import value

ENGINES: Final = ("native", "scipy")
LEVELS: Final = ("baseline", "avx2", "avx512")
ENGINE_VARIABLE: Final = "SEPFILTER_ENGINE"
LEVEL_VARIABLE: Final = "SEPFILTER_ISA"

FilterBlock: TypeAlias = Callable[[Stage, Block, Arithmetic, "OutputMap | None", npt.NDArray[Any]], Losses]


@value
class Engine:
    """An engine, and why it is the one in use.

    Attributes
    ----------
    name : str
        ``native`` or ``scipy``.
    isa : str or None
        Instruction set of the compiled loops: avx512, avx2 or baseline.
    reason : str
        Why this engine and this instruction set, in words.
    filter_block : callable
        Runs one stage on a block; see `scipy_engine.filter_block`.
    module : str
        What is imported when it first works.
    reads_in_place : bool
        It needs no copy of the pixels.
    speed : Speed
        What the planner predicts costs from.
    """

    name: str
    isa: str | None
    reason: str
    filter_block: FilterBlock
    module: str
    reads_in_place: bool
    speed: Speed

    def prepare(self) -> None:
        """Import what the work needs, so that the first image's time is not the import's."""
        importlib.import_module(self.module)


@cache
def current_engine() -> Engine:
    """The engine in use: chosen once, by what is installed and by two environment variables.

    ``SEPFILTER_ENGINE`` may be native or scipy, ``SEPFILTER_ISA`` baseline, avx2 or avx512.

    Raises
    ------
    OptionError
        A variable has another value, or asks for what this machine or installation does not have.
    """
    asked, level = os.environ.get(ENGINE_VARIABLE), os.environ.get(LEVEL_VARIABLE)
    if asked is not None and asked not in ENGINES:
        raise OptionError(f"{ENGINE_VARIABLE}={asked}: use one of {', '.join(ENGINES)}, or unset it")
    if level is not None and level not in LEVELS:
        raise OptionError(f"{LEVEL_VARIABLE}={level}: use one of {', '.join(LEVELS)}, or unset it")
    if asked == "scipy":
        return _scipy(f"{ENGINE_VARIABLE}=scipy asks for it")
    if not native_is_installed():
        if asked or level:
            variable = ENGINE_VARIABLE if asked else LEVEL_VARIABLE
            raise OptionError(
                f"{variable}={asked or level}: the compiled engine was not built: "
                "install a C compiler and sepfilter anew, or unset it"
            )
        return _scipy("the compiled engine was not built: there was no C compiler at installation")
    return _native(level)


@cache
def native_is_installed() -> bool:
    """True where the extension was built, and this Python can load it."""
    try:
        importlib.import_module("sepfilter.engine._native")
    except ImportError:
        return False
    return True


def _scipy(reason: str) -> Engine:
    """The engine by SciPy."""
    from sepfilter.engine.scipy_engine import filter_block

    return Engine("scipy", None, reason, filter_block, "scipy.ndimage", reads_in_place=False, speed=SCIPY)


def _native(level: str | None) -> Engine:
    """The compiled engine, at the level asked for or the best."""
    from sepfilter.engine import _native, native_engine

    if not _native.choose(level):
        raise OptionError(
            f"{LEVEL_VARIABLE}={level}: this machine has {' and '.join(_native.levels())}: use one of them"
        )
    isa = _native.level()
    reason = f"{LEVEL_VARIABLE}={level} asks for it" if level else "the best that this machine has"
    module = "sepfilter.engine.native_engine"
    speed = BASELINE if isa == "baseline" else AVX2
    return Engine("native", isa, reason, native_engine.filter_block, module, reads_in_place=True, speed=speed)
