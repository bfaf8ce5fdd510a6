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
        "int16": Loops(0.41, 0.0195),
        "int32": Loops(0.40, 0.0215),
        "uint16": Loops(0.38, 0.0210),
        "float32": Loops(0.66, 0.0305),
        "float32 partial": Loops(0.50, 0.0460),
        "float64": Loops(1.35, 0.0660),
    },
    separable={
        "int16": Loops(0.44, 0.0238, 0.028),
        "int32": Loops(0.69, 0.0226, 0.310),
        "uint16": Loops(0.22, 0.0235),
        "float32": Loops(0.76, 0.0360, 0.112),
        "float32 partial": Loops(0.80, 0.0440, 0.140),
        "float64": Loops(1.70, 0.0770, 0.350),
    },
    transforms=Transforms(7.5, 9.0, 1.0, 4.6e4, 9.0),
    running_sums=RunningSums(5.7, 1.9e4),
    spreading=5.5,
    ring=0.65,
)

BASELINE: Final = Speed(
    "native (baseline)",
    direct={
        "int16": Loops(0.43, 0.0520),
        "int32": Loops(0.87, 0.0351),
        "uint16": Loops(0.27, 0.0495),
        "float32": Loops(0.65, 0.0668),
        "float32 partial": Loops(0.89, 0.0898),
        "float64": Loops(2.76, 0.1436),
    },
    separable={
        "int16": Loops(0.55, 0.0457, 0.061),
        "int32": Loops(0.84, 0.0360, 0.327),
        "uint16": Loops(0.34, 0.0465),
        "float32": Loops(0.78, 0.0739, 0.238),
        "float32 partial": Loops(1.17, 0.1026, 0.107),
        "float64": Loops(3.54, 0.1536, 0.381),
    },
    transforms=Transforms(7.5, 9.0, 1.0, 4.6e4, 10.0),
    running_sums=RunningSums(7.0, 1.9e4),
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
        "int16": Loops(4.0, 0.42, 5.5),
        "int32": Loops(4.0, 0.46, 8.0),
        "uint16": Loops(16.5, 1.41),
        "float32": Loops(4.0, 0.33, 5.0),
        "float32 partial": Loops(4.0, 0.33, 5.0),
        "float64": Loops(4.0, 0.42, 7.2),
    },
    transforms=Transforms(7.5, 9.0, 1.0, 4.6e4, 18.0),
    running_sums=RunningSums(17.0, 1.5e4),
    spreading=15.0,
    skips_zeros=False,
)
