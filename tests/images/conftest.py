"""What the tests of images share: files made by hand, and a place to put them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def handmade(module_at: Callable[[Path], ModuleType]) -> ModuleType:
    """The module `handmade.py` beside this file."""
    return module_at(Path(__file__).with_name("handmade.py"))


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[str, bytes], Path]:
    """Put bytes into a file in an empty folder."""

    def store(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return store
