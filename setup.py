"""The compiled parts; all else is in pyproject.toml, which has no way to make an extension conditional.

They are optional: without a compiler the installation succeeds, SciPy filters, and imagecodecs decodes PNG.
"""

import sysconfig
from pathlib import Path

from setuptools import Extension, setup

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))  # has no limited API


def extension(name: str, folder: str) -> Extension:
    """All C files of a folder, as one module."""
    return Extension(
        name,
        sources=sorted(str(path) for path in Path(folder).glob("*.c")),
        depends=sorted(str(path) for path in Path(folder).glob("*.h")),
        extra_compile_args=["-std=c11", "-O3", "-fno-math-errno", "-fvisibility=hidden", "-Wall", "-Wextra"],
        py_limited_api=not FREE_THREADED,
        optional=True,
    )


setup(
    ext_modules=[
        extension("sepfilter.engine._native", "sepfilter/engine/native"),
        extension("sepfilter.images.png._unfilter", "sepfilter/images/png"),
    ],
    options={} if FREE_THREADED else {"bdist_wheel": {"py_limited_api": "cp311"}},
)
