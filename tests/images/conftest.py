"""What the tests of images share: files made by hand, and a place to put them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def handmade() -> ModuleType:
    """The module `handmade.py` beside this file."""
    name = "images_handmade"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("handmade.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[str, bytes], Path]:
    """Put bytes into a file in an empty folder."""

    def store(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return store
