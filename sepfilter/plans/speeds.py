"""The constants of the cost model, as `benchmarks/calibrate_cost.py` measured them.

On a shared virtual machine, AMD EPYC of the Zen 3 generation, 2 cores, Python 3.11, NumPy 2.4, SciPy 1.17.
AVX-512 was never run; AVX2's constants stand in for it.
"""

from __future__ import annotations

from typing import Final

from sepfilter.plans.cost import Loops, RunningSums, Speed, Transforms

AVX2: Final = Speed(
    "native (avx2)",
    direct={
        "int16": Loops(0.47, 0.0217),
        "int32": Loops(0.47, 0.0207),
        "uint16": Loops(0.32, 0.0208),
        "float32": Loops(0.66, 0.0330),
        "float32 partial": Loops(0.60, 0.0500),
        "float64": Loops(1.23, 0.0617),
    },
    separable={
        "int16": Loops(0.48, 0.0241, 0.028),
        "int32": Loops(0.70, 0.0228, 0.234),
        "uint16": Loops(0.24, 0.0265),
        "float32": Loops(0.80, 0.0350, 0.118),
        "float32 partial": Loops(0.87, 0.0409, 0.213),
        "float64": Loops(1.29, 0.0731, 0.246),
    },
    transforms=Transforms(8.4, 14.0, 0.9, 5.2e4, 6.0),
    running_sums=RunningSums(6.5, 6000.0),
    spreading=5.0,
    ring=0.65,
)

BASELINE: Final = Speed(
    "native (baseline)",
    direct={
        "int16": Loops(0.43, 0.0520),
        "int32": Loops(0.73, 0.0392),
        "uint16": Loops(0.23, 0.0495),
        "float32": Loops(0.63, 0.0673),
        "float32 partial": Loops(0.76, 0.0901),
        "float64": Loops(3.02, 0.1323),
    },
    separable={
        "int16": Loops(0.55, 0.0457, 0.061),
        "int32": Loops(0.84, 0.0360, 0.327),
        "uint16": Loops(0.34, 0.0465),
        "float32": Loops(0.78, 0.0739, 0.238),
        "float32 partial": Loops(1.17, 0.1026, 0.107),
        "float64": Loops(3.54, 0.1536, 0.381),
    },
    transforms=Transforms(8.4, 14.0, 0.9, 5.2e4, 9.0),
    running_sums=RunningSums(7.5, 6000.0),
    spreading=6.0,
    ring=0.65,
)

SCIPY: Final = Speed(
    "scipy",
    direct={
        "int16": Loops(4.0, 0.93),
        "int32": Loops(4.0, 0.93),
        "uint16": Loops(4.0, 1.56),
        "float32": Loops(4.0, 0.95),
        "float32 partial": Loops(4.0, 0.95),
        "float64": Loops(4.0, 0.93),
    },
    separable={
        "int16": Loops(4.0, 0.42, 7.2),
        "int32": Loops(4.0, 0.46, 9.0),
        "uint16": Loops(16.5, 1.41),
        "float32": Loops(4.0, 0.33, 5.0),
        "float32 partial": Loops(4.0, 0.33, 5.0),
        "float64": Loops(4.0, 0.42, 7.2),
    },
    transforms=Transforms(8.4, 14.0, 0.9, 5.2e4, 20.0),
    running_sums=RunningSums(14.0, 6000.0),
    spreading=12.0,
    skips_zeros=False,
)
