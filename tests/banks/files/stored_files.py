"""Files of arrays by name, as other programs write them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np


def npz(arrays: dict[str, Any], texts: dict[str, str] | None = None) -> bytes:
    """The bytes of a .npz file."""
    file = io.BytesIO()
    every = {name: np.asarray(one) for name, one in (arrays | (texts or {})).items()}
    np.savez(file, **every)
    return file.getvalue()


def safetensors(arrays: dict[str, Any], texts: dict[str, str] | None = None) -> bytes:
    """The bytes of a .safetensors file."""
    from safetensors.numpy import save

    return save({name: np.ascontiguousarray(one) for name, one in arrays.items()}, metadata=texts or None)
