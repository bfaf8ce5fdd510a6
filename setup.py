"""The compiled engine; all else is in pyproject.toml, which has no way to make an extension conditional.

The extension is optional: without a compiler the installation succeeds, and SciPy does the work.
"""

import sysconfig
from pathlib import Path

from setuptools import Extension, setup

NATIVE = Path("sepfilter/engine/native")
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))  # has no limited API

engine = Extension(
    "sepfilter.engine._native",
    sources=sorted(str(path) for path in NATIVE.glob("*.c")),
    depends=sorted(str(path) for path in NATIVE.glob("*.h")),
    extra_compile_args=["-std=c11", "-O3", "-fno-math-errno", "-fvisibility=hidden", "-Wall", "-Wextra"],
    py_limited_api=not FREE_THREADED,
    optional=True,
)
setup(
    ext_modules=[engine],
    options={} if FREE_THREADED else {"bdist_wheel": {"py_limited_api": "cp311"}},
)
