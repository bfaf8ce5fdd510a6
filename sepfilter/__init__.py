"""Image filtering that separates kernels by itself, and tells what it did.

Examples
--------
>>> import numpy as np
>>> import sepfilter
>>> image = np.arange(25, dtype=np.uint8).reshape(5, 5)
>>> sepfilter.apply(image, "box:3")[2, 2]
np.uint8(12)
"""

import importlib
from typing import TYPE_CHECKING, Any

from sepfilter.version import __version__

if TYPE_CHECKING:
    from sepfilter.banks.bank import Bank
    from sepfilter.banks.files.load import load_bank
    from sepfilter.banks.files.save import save_bank
    from sepfilter.banks.layers import Conv, Depthwise, Pointwise
    from sepfilter.engine.apply import apply
    from sepfilter.engine.execute import execute
    from sepfilter.engine.planning import make_plan
    from sepfilter.errors import SepfilterError
    from sepfilter.geometry import ImageSpec
    from sepfilter.images.files import read_image, write_image
    from sepfilter.images.metadata import Metadata
    from sepfilter.kernels.factorization import Factorization, factorize
    from sepfilter.kernels.kernel import Gradient, Kernel
    from sepfilter.kernels.notation import parse_cascade, parse_kernel
    from sepfilter.plans.plan import Plan

__all__ = [
    "Bank",
    "Conv",
    "Depthwise",
    "Factorization",
    "Gradient",
    "ImageSpec",
    "Kernel",
    "Metadata",
    "Plan",
    "Pointwise",
    "SepfilterError",
    "__version__",
    "apply",
    "execute",
    "factorize",
    "load_bank",
    "make_plan",
    "parse_cascade",
    "parse_kernel",
    "read_image",
    "save_bank",
    "write_image",
]

_HOMES = {
    "Bank": "banks.bank",
    "Conv": "banks.layers",
    "Depthwise": "banks.layers",
    "Factorization": "kernels.factorization",
    "Gradient": "kernels.kernel",
    "ImageSpec": "geometry",
    "Kernel": "kernels.kernel",
    "Metadata": "images.metadata",
    "Plan": "plans.plan",
    "Pointwise": "banks.layers",
    "SepfilterError": "errors",
    "apply": "engine.apply",
    "execute": "engine.execute",
    "factorize": "kernels.factorization",
    "load_bank": "banks.files.load",
    "make_plan": "engine.planning",
    "parse_cascade": "kernels.notation",
    "parse_kernel": "kernels.notation",
    "read_image": "images.files",
    "save_bank": "banks.files.save",
    "write_image": "images.files",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `--help` must not pay for NumPy."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sepfilter' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"sepfilter.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted(__all__)
