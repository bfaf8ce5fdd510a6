"""The workloads of engine.py: kernels, images, and the float64 results that libraries are held against."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Factors = tuple[Array, Array]

CHECKED_ROWS = 200
SOBEL_X = (np.array([1.0, 2.0, 1.0]), np.array([-1.0, 0.0, 1.0]))


@dataclass(frozen=True)
class Workload:
    """A kernel as separable terms (column, row), or as dense taps alone; a gradient has two terms."""

    name: str
    title: str
    terms: tuple[Factors, ...] = ()
    dense: Array | None = None
    sigma: float | None = None
    is_gradient: bool = False
    samples: str | None = None
    """Type of the source, where it is not the image's."""

    @property
    def is_derivative(self) -> bool:
        """True for S, whose results are signed."""
        return self.name == "S"

    @property
    def taps(self) -> Array:
        """All taps."""
        return np.sum([np.outer(*term) for term in self.terms], 0) if self.dense is None else self.dense

    @property
    def radius(self) -> int:
        """Taps beside the middle one."""
        return (len(self.dense) if self.dense is not None else self.terms[0][0].size) // 2

    def output_type(self, source: str) -> str:
        """The type of results: wide enough for the derivative's sign, else the source's."""
        return {"uint8": "int16"}.get(source, "float32") if self.is_derivative else source


def gaussian(sigma: float) -> Array:
    """Taps of sum 1 out to 3 sigma."""
    x = np.arange(-np.ceil(3 * sigma), np.ceil(3 * sigma) + 1)
    taps = np.exp(-x * x / (2 * sigma * sigma))
    return taps / taps.sum()


def mirrored(factor: Array) -> Array:
    """Take the rounding out of a factor's symmetry: OpenCV is quicker where symmetry is exact."""
    return (factor + np.sign(factor @ factor[::-1]) * factor[::-1]) / 2


def make_workloads() -> dict[str, Workload]:
    """All workloads by name."""
    random = np.random.default_rng(1)
    made = []
    for sigma in (1, 3, 10):
        taps = gaussian(sigma)
        made.append(
            Workload(f"G{sigma}", f"gaussian {sigma}, {taps.size} taps", ((taps, taps),), sigma=sigma)
        )
    made += [
        Workload("S", "sobel-x, signed result", (SOBEL_X,)),
        Workload("SM", "Sobel magnitude", (SOBEL_X, SOBEL_X[::-1]), is_gradient=True),
    ]
    for side in (5, 15):
        taps = random.random((side, side))
        made.append(Workload(f"D{side}", f"random {side}x{side}, direct", dense=taps / taps.sum()))
    y, x = np.mgrid[-10:11, -10:11]
    disk = (x * x + y * y <= 10.5**2).astype(float)
    u, s, v = np.linalg.svd(disk / disk.sum())
    terms = tuple((mirrored(u[:, i] * s[i]), mirrored(v[i])) for i in range(4))
    made.append(Workload("L", "rank 4 of a 21x21 disk", terms))
    taps = gaussian(3)
    made.append(Workload("F3", "gaussian 3, float32", ((taps, taps),), sigma=3, samples="float32"))
    return {one.name: one for one in made}


def make_image(height: int, width: int, channels: int, samples: str) -> Array:
    """Waves with noise, (H, W, C), or (H, W) for one channel."""
    random = np.random.default_rng(0)
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    x = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    hue = np.arange(channels, dtype=np.float32)
    values = 128 + 60 * np.sin(9 * x + 5 * y + hue) + 40 * np.sin(40 * x * y + 2 * hue)
    values += 20 * np.cos(200 * x + 90 * y) + random.normal(0, 12, values.shape).astype(np.float32)
    image = (np.clip(values, 0, 255) * (257 if samples == "uint16" else 1)).astype(samples)
    return image[:, :, 0] if channels == 1 else image


@dataclass(frozen=True)
class Task:
    """A workload on an image, with an output to write to."""

    work: Workload
    image: Array
    threads: int

    @cached_property
    def out(self) -> Array:
        """Allocated once."""
        return np.empty(self.image.shape, self.work.output_type(str(self.image.dtype)))

    @property
    def is_integer(self) -> bool:
        """True for integer sources."""
        return self.image.dtype.kind == "u"


def exact(work: Workload, rows: Array, border: Any) -> Array:
    """Filter in float64 with SciPy."""
    from scipy import ndimage

    values = rows.astype(np.float64)
    if work.dense is not None:
        taps = work.dense if rows.ndim == 2 else work.dense[:, :, None]
        return ndimage.correlate(values, taps, mode=border)

    def term(column: Array, row: Array) -> Array:
        return ndimage.correlate1d(ndimage.correlate1d(values, row, 1, mode=border), column, 0, mode=border)

    results = [term(*one) for one in work.terms]
    return np.hypot(*results) if work.is_gradient else sum(results[1:], results[0])


def in_type(values: Array, samples: str) -> Array:
    """Round and saturate to a sample type; returned as float64."""
    values = np.asarray(values, np.float64)
    if samples.startswith("float"):
        return values.astype(samples).astype(np.float64)
    limits = np.iinfo(samples)
    return np.clip(np.rint(values), limits.min, limits.max)


@dataclass
class Check:
    """Compares results with the float64 one on rows at the top and at the bottom."""

    work: Workload
    image: Array
    _expected: dict[tuple[str, int], Array] = field(default_factory=dict)

    @property
    def samples(self) -> str:
        """The type of results."""
        return self.work.output_type(str(self.image.dtype))

    def deviation(self, result: Any, outside: str, gain: float) -> tuple[float, float]:
        """Return the share of samples that differ, and by how much at most.

        The result, times the gain, is held against the border that it was made with; none leaves the
        edge out.
        """
        got = np.asarray(result).reshape(self.image.shape)
        margin = self.work.radius if outside == "none" else 0
        different, worst, total = 0, 0.0, 0
        for band, inner in self._bands(margin):
            border = "mirror" if outside == "none" else outside
            columns = slice(margin, self.image.shape[1] - margin)
            expected = self._rows(border, band)[inner, columns]
            found = in_type(got[band][inner, columns] * np.float64(gain), self.samples)
            difference = np.abs(found - expected)
            different += int(np.count_nonzero(difference))
            worst, total = max(worst, float(difference.max())), total + difference.size
        return different / total, worst

    def _bands(self, margin: int) -> list[tuple[slice, slice]]:
        """Rows of the image to filter, and those among them that need no others."""
        height, radius = len(self.image), self.work.radius
        rows = CHECKED_ROWS + radius
        if height <= 2 * rows:
            return [(slice(0, height), slice(margin, height - margin))]
        top = (slice(0, rows), slice(margin, CHECKED_ROWS))
        return [top, (slice(height - rows, height), slice(radius, rows - margin))]

    def _rows(self, border: str, band: slice) -> Array:
        """The rounded float64 result of a band, kept."""
        key = (border, band.start)
        if key not in self._expected:
            values = exact(self.work, self.image[band], border)
            self._expected[key] = in_type(values, self.samples)
        return self._expected[key]
