"""What the tests of the pipeline share: an empty folder, and jobs to run in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def asked(module_at: Callable[[Path], ModuleType]) -> ModuleType:
    """The module `asked.py` beside this file."""
    return module_at(Path(__file__).with_name("asked.py"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
