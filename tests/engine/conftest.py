"""The reference that the engine is held against, and a short way to run the engine."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sepfilter.engine.execute import execute
from sepfilter.geometry import ImageSpec
from sepfilter.kernels.kernel import Kernel
from sepfilter.plans.plan import Plan
from sepfilter.plans.planner import make_plan

Array = npt.NDArray[Any]
Run = Callable[..., tuple[Array, Plan]]


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """The module `reference.py` beside this file."""
    name = "engine_reference"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("reference.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their own module up
    spec.loader.exec_module(module)
    return module


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
