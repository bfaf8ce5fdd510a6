"""The reference that banks are held against."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def naive(module_at: Callable[[Path], ModuleType]) -> ModuleType:
    """The module `reference.py` beside this file: loops in float64."""
    return module_at(Path(__file__).with_name("reference.py"))
