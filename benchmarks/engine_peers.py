"""The calls of engine.py: how each library runs each workload."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from engine_work import Array, Task, Workload

Recipe = Callable[[Array, list[Array], slice, Array], object]

STRIP_ROWS = 64
SMALL = 2_000_000
"""Samples: libvips' float32 arithmetic is run on images below this alone."""


@dataclass(frozen=True)
class Entry:
    """One call of a library; `gain` makes up for another normalization, and is not timed."""

    call: str
    run: Callable[[], Any]
    border: str = "mirror"
    """What the call takes the outside for: mirror, nearest, or none where it leaves the edge as it is."""
    gain: float = 1.0


# sepfilter


def own(task: Task) -> Iterator[Entry]:
    """Sepfilter, with a plan made beforehand."""
    import sepfilter

    work, options = task.work, {}
    if work.is_derivative or work.is_gradient:
        kernel: Any = "sobel-x" if work.is_derivative else "sobel"
    elif work.sigma:
        kernel = sepfilter.Kernel.from_factors(*work.terms[0])
    else:
        kernel = sepfilter.Kernel.from_taps(work.taps)
        options = {"method": "separable"} if work.terms else {}
    spec = sepfilter.ImageSpec.of(task.image)
    plan = sepfilter.make_plan(kernel, spec, border="mirror", dtype=task.out.dtype, **options)
    yield Entry("execute", lambda: sepfilter.execute(plan, task.image, threads=task.threads, out=task.out))


# OpenCV


def opencv(task: Task) -> Iterator[Entry]:
    """OpenCV: single calls, and recipes of several, whole and in strips that stay in the cache."""
    import cv2

    work, image, out = task.work, task.image, task.out
    mirror = cv2.BORDER_REFLECT_101
    depths = {"uint8": cv2.CV_8U, "uint16": cv2.CV_16U, "int16": cv2.CV_16S, "float32": cv2.CV_32F}
    depth = depths[str(out.dtype)]
    column, row = work.terms[0] if work.terms else (np.empty(0), np.empty(0))
    if work.sigma:
        size = (row.size, column.size)
        yield Entry("GaussianBlur", lambda: cv2.GaussianBlur(image, size, work.sigma, out, borderType=mirror))
    if work.is_derivative:
        yield Entry("Sobel", lambda: cv2.Sobel(image, depth, 1, 0, out, borderType=mirror))
    if len(work.terms) == 1 and (image.dtype != np.uint16 or work.is_derivative):
        # Of uint16 it takes three times as long as the detour by float32 below.
        yield Entry("sepFilter2D", lambda: cv2.sepFilter2D(image, depth, row, column, out, borderType=mirror))
    if len(work.terms) != 1 and not work.is_gradient:
        yield Entry("filter2D", lambda: cv2.filter2D(image, depth, work.taps, out, borderType=mirror))
    for name, recipe, strips in _recipes(task):
        yield Entry(name, _in_strips(recipe, task, len(image)))
        if strips and len(image) > 2 * STRIP_ROWS:
            strip = STRIP_ROWS + 4 * work.radius
            yield Entry(f"{name}, strips of {strip} rows", _in_strips(recipe, task, strip))


def _recipes(task: Task) -> Iterator[tuple[str, Recipe, bool]]:
    """Several calls with float32 between them; the flag says whether strips are worth trying."""
    work = task.work
    if work.is_gradient:
        yield "2 Sobel + magnitude + convert", _magnitude, True
    elif len(work.terms) > 1:
        through_float = task.image.dtype != np.uint8
        name = "4 sepFilter2D + accumulate" + (", from float32" if through_float else "")
        yield name, _sum_of_terms(work, through_float=through_float), False
    elif task.is_integer and not work.is_derivative:
        name = "sepFilter2D" if work.terms else "filter2D"
        # Strips of a wide kernel filter too many rows twice.
        yield f"convert + {name} of float32 + convert", _through_float(work), work.radius < 5


def _in_strips(recipe: Recipe, task: Task, height: int) -> Callable[[], Array]:
    """Run a recipe strip by strip, each with its context; buffers are allocated once."""
    image, out, halo = task.image, task.out, task.work.radius
    rows = min(len(image), height + 2 * halo)
    buffers = [np.zeros((rows, *image.shape[1:]), np.float32) for _ in range(3)]

    def run() -> Array:
        for first in range(0, len(image), height):
            last = min(first + height, len(image))
            low, high = max(first - halo, 0), min(last + halo, len(image))
            views = [one[: high - low] for one in buffers]
            recipe(image[low:high], views, slice(first - low, last - low), out[first:last])
        return out

    return run


def _to_integers(values: Array, out: Array) -> None:
    """Round; OpenCV's quickest call for it takes the absolute value too, which changes nothing here."""
    import cv2

    if out.dtype == np.uint8:
        cv2.convertScaleAbs(values, out)
    else:
        cv2.addWeighted(values, 1, values, 0, 0, out, cv2.CV_16U)


def _magnitude(rows: Array, buffers: list[Array], keep: slice, out: Array) -> None:
    """The gradient's length."""
    import cv2

    x, y, _ = buffers
    cv2.Sobel(rows, cv2.CV_32F, 1, 0, x, borderType=cv2.BORDER_REFLECT_101)
    cv2.Sobel(rows, cv2.CV_32F, 0, 1, y, borderType=cv2.BORDER_REFLECT_101)
    cv2.magnitude(x, y, x)
    _to_integers(x[keep], out)


def _through_float(work: Workload) -> Recipe:
    """Convert to float32 first: OpenCV filters it quicker than most integers."""
    import cv2

    def recipe(rows: Array, buffers: list[Array], keep: slice, out: Array) -> None:
        source, result, _ = buffers
        np.copyto(source, rows)
        if work.terms:
            column, row = work.terms[0]
            cv2.sepFilter2D(source, cv2.CV_32F, row, column, result, borderType=cv2.BORDER_REFLECT_101)
        else:
            cv2.filter2D(source, cv2.CV_32F, work.dense, result, borderType=cv2.BORDER_REFLECT_101)
        _to_integers(result[keep], out)

    return recipe


def _sum_of_terms(work: Workload, *, through_float: bool) -> Recipe:
    """One separable filter a term, summed up."""
    import cv2

    def recipe(rows: Array, buffers: list[Array], keep: slice, out: Array) -> None:
        total, one, source = buffers
        if through_float:
            np.copyto(source, rows)
            rows = source
        for i, (column, row) in enumerate(work.terms):
            target = one if i else total
            cv2.sepFilter2D(rows, cv2.CV_32F, row, column, target, borderType=cv2.BORDER_REFLECT_101)
            if i:
                cv2.accumulate(one, total)
        _to_integers(total[keep], out)

    return recipe


# The others: what they return is allocated by them, and where it is float32 its rounding is not timed


def libvips(task: Task) -> Iterator[Entry]:
    """Libvips through pyvips; it repeats the edge. Integer arithmetic, with scaled taps."""
    import pyvips

    work, image = task.work, task.image
    pixels = image if image.ndim == 3 else image[:, :, None]
    height, width, bands = pixels.shape
    kind = {"uint8": "uchar", "uint16": "ushort", "float32": "float"}[str(image.dtype)]
    source = pyvips.Image.new_from_memory(pixels.data, width, height, bands, kind)

    def mask(taps: Array, scale: int) -> Any:
        whole = np.rint(taps * scale).astype(int)
        return pyvips.Image.new_from_array(whole.tolist(), scale=int(whole.sum()) if scale > 1 else 1)

    if work.samples == "float32":
        taps = pyvips.Image.new_from_array([work.terms[0][1].tolist()])
        if image.size < SMALL:
            yield Entry("convsep float", lambda: source.convsep(taps, precision="float").numpy(), "nearest")
    elif work.sigma:
        taps = mask(work.terms[0][1][None], 256 if image.dtype == np.uint8 else 4096)
        yield Entry("convsep integer", lambda: source.convsep(taps, precision="integer").numpy(), "nearest")
    elif work.is_derivative:
        taps, wide = mask(work.taps, 1), "short" if image.dtype == np.uint8 else "int"
        yield Entry(
            f"cast to {wide} + conv integer",
            lambda: source.cast(wide).conv(taps, precision="integer").numpy(),
            "nearest",
        )
    elif work.is_gradient and image.dtype == np.uint8:  # of uchar it is another measure; it returns uchar
        yield Entry("cast to ushort + sobel", lambda: source.cast("ushort").sobel().numpy(), "nearest")
    elif not work.is_gradient:
        taps = mask(work.taps, 32768)
        yield Entry("conv integer", lambda: source.conv(taps, precision="integer").numpy(), "nearest")


def scipy(task: Task) -> Iterator[Entry]:
    """SciPy: passes in float64, stored as float32."""
    from scipy import ndimage

    work, image = task.work, task.image

    def term(column: Array, row: Array) -> Array:
        rows = ndimage.correlate1d(image, row, 1, np.float32, "mirror")
        return ndimage.correlate1d(rows, column, 0, np.float32, "mirror")

    def combined() -> Array:
        results = [term(*one) for one in work.terms]
        return np.hypot(*results) if work.is_gradient else sum(results[1:], results[0])

    if work.dense is None:
        yield Entry("correlate1d", combined)
    else:
        taps = work.dense if image.ndim == 2 else work.dense[:, :, None]
        yield Entry("correlate", lambda: ndimage.correlate(image, taps, np.float32, "mirror"))


def skimage(task: Task) -> Iterator[Entry]:
    """scikit-image: its gaussian."""
    from skimage import filters

    options = {"mode": "mirror", "truncate": 3.0, "preserve_range": True}
    options["channel_axis"] = None if task.image.ndim == 2 else 2
    if task.work.sigma:
        yield Entry("gaussian", lambda: filters.gaussian(task.image, task.work.sigma, **options))


def pillow(task: Task) -> Iterator[Entry]:
    """Pillow: its blur is three boxes, an approximation; its 5x5 kernels leave the edge as it is."""
    from PIL import Image, ImageFilter

    work = task.work
    if task.image.dtype != np.uint8:
        return
    source = Image.fromarray(task.image)
    if work.sigma:
        blur = ImageFilter.GaussianBlur(work.sigma)
        yield Entry("GaussianBlur (boxes)", lambda: source.filter(blur), "nearest")
    elif work.name == "D5":
        kernel = ImageFilter.Kernel((5, 5), work.taps[::-1].ravel().tolist(), scale=1)  # bottom row first
        yield Entry("Kernel", lambda: source.filter(kernel), "none")


def diplib(task: Task) -> Iterator[Entry]:
    """DIPlib: float32 results; it convolves, and separates kernels by itself."""
    import diplib as dip

    work = task.work
    source = dip.Image(task.image) if task.image.ndim == 2 else dip.Image(task.image, tensor_axis=2)
    if work.sigma:
        yield Entry("GaussFIR", lambda: dip.GaussFIR(source, [work.sigma], [0], ["mirror"], 3.0))
    elif work.is_derivative:
        yield Entry("SobelGradient / 8", lambda: dip.SobelGradient(source, 0, ["mirror"]), gain=8)
    elif not work.is_gradient:
        kernel = dip.Image(np.ascontiguousarray(work.taps[::-1, ::-1]))
        yield Entry("Convolution best", lambda: dip.Convolution(source, kernel, "best", ["mirror"]))


MAKERS: dict[str, Callable[[Task], Iterator[Entry]]] = {
    "sepfilter": own,
    "OpenCV": opencv,
    "libvips": libvips,
    "SciPy": scipy,
    "scikit-image": skimage,
    "Pillow": pillow,
    "DIPlib": diplib,
}


MODULES = dict(zip(MAKERS, ("sepfilter", "cv2", "pyvips", "scipy", "skimage", "PIL", "diplib"), strict=True))


class Libraries:
    """Those that can be loaded, and their versions."""

    def __init__(self, names: list[str]) -> None:
        self.versions: dict[str, str] = {"NumPy": np.__version__}
        self.missing: list[str] = []
        self._modules: dict[str, Any] = {}
        for name in names:
            try:
                module = importlib.import_module(MODULES[name])
            except (ImportError, OSError):
                self.missing.append(name)
                continue
            self._modules[name] = module
            self.versions[name] = module.__version__
        if "libvips" in self._modules:
            vips = self._modules["libvips"]
            vips.cache_set_max(0)
            self.versions["libvips"] = ".".join(str(vips.version(i)) for i in range(3))

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def set_threads(self, threads: int) -> None:
        """Limit those that have more than one."""
        if "OpenCV" in self._modules:
            self._modules["OpenCV"].setNumThreads(threads)
        if "libvips" in self._modules:
            self._modules["libvips"].vips_lib.vips_concurrency_set(threads)
        if "DIPlib" in self._modules:
            self._modules["DIPlib"].SetNumberOfThreads(threads)
