"""The reference that the engine is held against, and a short way to run the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sepfilter.engine.execute import execute
from sepfilter.engine.planning import make_plan
from sepfilter.geometry import ImageSpec
from sepfilter.kernels.kernel import Kernel
from sepfilter.plans.plan import Plan

Array = npt.NDArray[Any]
Run = Callable[..., tuple[Array, Plan]]


@pytest.fixture(scope="session")
def reference(module_at: Callable[[Path], ModuleType]) -> ModuleType:
    """The module `reference.py` beside this file."""
    return module_at(Path(__file__).with_name("reference.py"))


@pytest.fixture(scope="session")
def filtered() -> Run:
    """Filter an image with bare taps or any kernel; the result, and the plan it followed."""

    def run(
        image: Array,
        kernel: Any,
        *,
        anchor: tuple[int, int] | None = None,
        threads: int | None = None,
        opacity: bool = False,
        **options: Any,
    ) -> tuple[Array, Plan]:
        if isinstance(kernel, np.ndarray):
            kernel = Kernel.from_taps(kernel)
        if anchor is not None:
            kernel = replace(kernel, anchor=anchor)
        plan = make_plan(kernel, ImageSpec.of(image, alpha=opacity), **options)
        return execute(plan, image, threads=threads), plan

    return run
