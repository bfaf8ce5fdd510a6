"""What tests of several rooms share: where the project is, and running the command for real."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

# The same examples in every CI run; new ones at every run elsewhere. No test is timed.
settings.register_profile("untimed", deadline=None)
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable" if os.environ.get("CI") else "untimed")

PROJECT = Path(__file__).resolve().parent.parent

HAS_IMAGECODECS = importlib.util.find_spec("imagecodecs") is not None

# What we and tifffile say where a codec is missing; Python has a module for Zstandard from 3.14 on.
_ASKS_FOR_IT = re.compile(
    "(needs|pip install) imagecodecs|requires the 'imagecodecs' package|No module named 'compression"
)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Skip the cases that need imagecodecs where it is not installed: those that are told so, or replace it."""
    if HAS_IMAGECODECS:
        return (yield)
    if "imagecodecs." in item.name or "TiffPage.decode" in item.name:
        pytest.skip("replaces a decoder of imagecodecs")
    try:
        return (yield)
    except Exception as error:
        if all(_ASKS_FOR_IT.search(str(one)) for one in getattr(error, "exceptions", [error])):
            pytest.skip("needs a codec of imagecodecs")
        raise


Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(scope="session")
def module_at() -> Callable[[Path], ModuleType]:
    """Load a module of helpers by its path: test folders are no packages."""

    def load(path: Path) -> ModuleType:
        name = f"{path.parent.name}_{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses look their own module up
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def samples() -> Path:
    """The folder of sample images."""
    return PROJECT / "sample_images"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `python -m sepfilter` in an empty folder, as a process of its own."""

    def run_command(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "sepfilter", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            cwd=tmp_path,
            timeout=60,
            check=False,
        )

    return run_command


@pytest.fixture(scope="session", autouse=True)
def plans_for_one_machine() -> Iterator[None]:
    """Plans in tests are for the compiled engine on AVX2, whatever runs them: what they choose is asserted."""
    from sepfilter.engine import planning
    from sepfilter.plans.speeds import AVX2

    current = planning.current_engine
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "current_engine", lambda: replace(current(), speed=AVX2))
        yield
