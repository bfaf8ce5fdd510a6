"""What tests of bank files share: modules beside this file that make files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def stored(module_at: Callable[[Path], ModuleType]) -> ModuleType:
    """Files of arrays by name."""
    return module_at(HERE / "stored_files.py")


@pytest.fixture(scope="session", params=["npz", "safetensors"])
def write(request: pytest.FixtureRequest, stored: ModuleType) -> Callable[..., bytes]:
    """Make the bytes of a file of arrays, and texts if given, in each of the formats."""
    made: Callable[..., bytes] = getattr(stored, request.param)
    return made


@pytest.fixture(scope="session")
def graphs(module_at: Callable[[Path], ModuleType]) -> ModuleType:
    """Models of ONNX."""
    return module_at(HERE / "onnx_graphs.py")


@pytest.fixture(scope="session")
def keras(module_at: Callable[[Path], ModuleType]) -> ModuleType:
    """Keras files and layers as Keras defines them."""
    return module_at(HERE / "keras_layouts.py")
