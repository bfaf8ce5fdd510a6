"""What command.py runs: jobs, each tool's command, pictures, and how far results are from float64.

NumPy is imported where it is needed: what starts the tools must stay small, since a process' peak memory
counts what its parent held when it was started.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]

Deviation = tuple[float, float]

SIGMA = 3
MARGIN = 16  # pixels along each edge that are not compared: tools differ in what they take to lie beyond
COMPARED_EVERY = 50  # of a batch
TINTS = (1.0, 0.8, 0.6)
"""How strongly shapes show in each channel, so that colours are no shades of grey."""


@dataclass(frozen=True)
class Job:
    """One picture, or a batch of them, and what it is held to."""

    name: str
    title: str
    width: int
    height: int
    coding: str
    """png, jpeg, webp, raw or deflate; the last two are TIFF."""
    bits: int = 8
    count: int = 1
    opencv_target: float | None = None
    """The least median time of an OpenCV script, over ours."""
    vips_target: float | None = None

    @property
    def files(self) -> list[str]:
        """Names of the pictures; outputs have the same, in another folder."""
        suffix = {"jpeg": "jpg", "raw": "tif", "deflate": "tif"}.get(self.coding, self.coding)
        names = [f"{number:03d}" for number in range(self.count)] if self.count > 1 else ["photo"]
        return [f"{name}.{suffix}" for name in names]

    @property
    def sources(self) -> list[str]:
        """What is read, relative to the folder that tools run in; they write into out/."""
        return [f"{self.name}/{file}" for file in self.files]


LARGE, SMALL = (4000, 3000), (512, 512)
JOBS = (
    Job("png-12mp", "12 MP PNG", *LARGE, "png", opencv_target=1.6, vips_target=2.4),
    Job("png-24mp", "24 MP PNG", 6000, 4000, "png", opencv_target=1.6, vips_target=2.5),
    Job("png16-12mp", "12 MP 16-bit PNG", *LARGE, "png", bits=16, opencv_target=1.4, vips_target=2.4),
    Job("jpeg-12mp", "12 MP JPEG", *LARGE, "jpeg", opencv_target=1.0, vips_target=1.1),
    Job("tiff-raw", "12 MP raw TIFF", *LARGE, "raw", opencv_target=1.6, vips_target=1.0),
    Job("tiff-deflate", "12 MP deflate TIFF", *LARGE, "deflate", opencv_target=3.0, vips_target=4.0),
    Job("webp-12mp", "12 MP WebP", *LARGE, "webp", opencv_target=1.0, vips_target=1.1),
    Job("png-512", "512x512 PNG", *SMALL, "png"),
    Job("jpeg-512", "512x512 JPEG", *SMALL, "jpeg"),
    Job("png-batch", "200 PNGs of 512x512", *SMALL, "png", count=200, opencv_target=1.2, vips_target=3.0),
)

# Commands

OPENCV_SCRIPT = """
import os, sys, cv2
cv2.setNumThreads({threads})
for path in sys.argv[1:]:
    blurred = cv2.GaussianBlur(cv2.imread(path, cv2.IMREAD_UNCHANGED), (25, 25), 3)
    assert cv2.imwrite("out/" + os.path.basename(path), blurred, [{encoding}])
"""
PILLOW_SCRIPT = """
import os, sys
from PIL import Image, ImageFilter
for path in sys.argv[1:]:
    with Image.open(path) as image:
        blurred = image.filter(ImageFilter.GaussianBlur(3))
    blurred.save("out/" + os.path.basename(path), **dict({encoding}))
"""
CV = "cv2.IMWRITE"
CV_DEFLATE = f"{CV}_TIFF_COMPRESSION, 8, {CV}_TIFF_PREDICTOR, 2"
PILLOW_DEFLATE = 'compression="tiff_adobe_deflate", tiffinfo={317: 2}'
VIPS_DEFLATE = "compression=deflate,predictor=horizontal"
ZIP = "-compress Zip -define tiff:predictor=2"
MAGICK = ["-quality 90 -sampling-factor 2x2", "-quality 80", "-compress None", ZIP]
ALGORITHM = "-compression_algo"
ENCODINGS = {
    "sepfilter": ["--quality 90", "--quality 80", "--compression none", ""],
    "OpenCV": [f"{CV}_JPEG_QUALITY, 90", f"{CV}_WEBP_QUALITY, 80", f"{CV}_TIFF_COMPRESSION, 1", CV_DEFLATE],
    "Pillow": ["quality=90", "quality=80", 'compression="raw"', PILLOW_DEFLATE],
    "vips": ["Q=90,subsample-mode=on", "Q=80", "compression=none", VIPS_DEFLATE],
    "ImageMagick": MAGICK,
    "GraphicsMagick": MAGICK,
    "ffmpeg": ["-pix_fmt yuvj420p -q:v 2", "-quality 80", f"{ALGORITHM} raw", f"{ALGORITHM} deflate"],
}
"""How each tool is told to write JPEG, WebP, raw and deflate TIFF; PNG is left as it has it."""


@dataclass(frozen=True)
class Call:
    """What a tool is to do."""

    program: list[str]
    job: Job
    threads: str
    encoding: str


Builder = Callable[[Call], list[str]]


def own(call: Call) -> list[str]:
    """Sepfilter's command."""
    output = "out/" if call.job.count > 1 else f"out/{call.job.files[0]}"
    options = [*call.encoding.split(), "--overwrite", "--threads", call.threads, "--quiet"]
    return [*call.program, "apply", *call.job.sources, "-k", f"gaussian:{SIGMA}", "-o", output, *options]


def script(text: str) -> Builder:
    """How a Python script is run."""

    def command(call: Call) -> list[str]:
        filled = text.replace("{threads}", call.threads).replace("{encoding}", call.encoding)
        return [*call.program, "-c", filled, *call.job.sources]

    return command


def looped(builder: Callable[[Call, str, str], list[str]]) -> Builder:
    """How a tool that reads one picture is run: for a batch, in a loop of the shell."""

    def command(call: Call) -> list[str]:
        if call.job.count == 1:
            return builder(call, call.job.sources[0], f"out/{call.job.files[0]}")
        line = shlex.join(builder(call, "SOURCE", "TARGET"))
        line = line.replace("SOURCE", '"$file"').replace("TARGET", '"out/${file##*/}"')
        return ["sh", "-c", f"for file do {line} || exit; done", "sh", *call.job.sources]

    return command


def vips(call: Call, source: str, target: str) -> list[str]:
    """How vips blurs; integer precision is its default."""
    encoded = f"{target}[{call.encoding}]" if call.encoding else target
    options = ["3", "--precision", "integer", f"--vips-concurrency={call.threads}"]
    return [*call.program, "gaussblur", source, encoded, *options]


def magick(call: Call, source: str, target: str) -> list[str]:
    """How ImageMagick and GraphicsMagick blur, in two passes (-gaussian-blur makes one of both)."""
    limit = "threads" if call.program[0] == "gm" else "thread"
    blur = ["-blur", "0x3", *call.encoding.split()]
    return [*call.program, "-limit", limit, call.threads, source, *blur, target]


def ffmpeg(call: Call) -> list[str]:
    """How ffmpeg blurs, in RGB: it would blur a JPEG's halved chroma as it is. A batch is a film."""
    name = "%03d.png" if call.job.count > 1 else call.job.files[0]
    number = ["-start_number", "0"] if call.job.count > 1 else []
    planes = "gbrp16" if call.job.bits > 8 else "gbrp"
    threads = ["-threads", call.threads]
    read = ["-y", "-v", "error", "-filter_threads", call.threads, *threads, *number]
    blur = ["-vf", f"format={planes},gblur=sigma=3:steps=6", *call.encoding.split()]
    return [*call.program, *read, "-i", f"{call.job.name}/{name}", *blur, *threads, *number, f"out/{name}"]


@dataclass(frozen=True)
class Tool:
    """A program that was found."""

    name: str
    program: list[str]
    version: str
    builder: Builder

    def command(self, job: Job, threads: int) -> list[str]:
        """What is run."""
        options = dict(zip(("jpeg", "webp", "raw", "deflate"), ENCODINGS[self.name], strict=True))
        return self.builder(Call(self.program, job, str(threads), options.get(job.coding, "")))


# Pictures


def make_inputs(job: Job, folder: Path) -> float:
    """Write the job's pictures into a folder, and return their size in megabytes."""
    folder.mkdir()
    for seed, name in enumerate(job.files):
        write(folder / name, make_photo(job.height, job.width, job.bits, seed), job.coding)
    return sum(path.stat().st_size for path in folder.iterdir()) / 1e6


def make_photo(height: int, width: int, bits: int, seed: int) -> Array:
    """Smooth shades, shapes with edges, texture here and there, and noise, as a camera gives.

    Most of the noise is common to the channels, as after the interpolation of a sensor's mosaic.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    shape = (height, width)
    edges = 25 * np.clip(20 * waves(random, shape, height // 12), -1, 1)
    common = 120 + 12 * waves(random, shape, height // 40) + 3 * waves(random, shape, 2)
    common += 7 * waves(random, shape, 5) * np.abs(waves(random, shape, height // 16))
    common += 2 * random.standard_normal(shape, np.float32)
    white = 2**bits - 1
    photo = np.empty((*shape, 3), np.uint16 if bits > 8 else np.uint8)
    for channel, tint in enumerate(TINTS):
        plane = common + tint * edges + 40 * waves(random, shape, height // 4)
        plane += random.standard_normal(shape, np.float32)
        photo[..., channel] = np.clip(np.rint(plane * (white / 255)), 0, white)
    return photo


def waves(random: np.random.Generator, shape: tuple[int, int], cell: int) -> Array:
    """Random values on a grid of cells, with smooth passages between them."""
    import numpy as np
    from PIL import Image

    height, width = shape
    grid = random.standard_normal((height // cell + 2, width // cell + 2), np.float32)
    return np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC))


def write(path: Path, photo: Array, coding: str) -> None:
    """Encode as programs do that are not told otherwise."""
    import imagecodecs
    import tifffile
    from PIL import Image

    if coding == "png":
        path.write_bytes(imagecodecs.png_encode(photo, level=6))
    elif coding == "raw":
        tifffile.imwrite(path, photo, photometric="rgb", rowsperstrip=64)
    elif coding == "deflate":
        tifffile.imwrite(path, photo, photometric="rgb", rowsperstrip=64, compression="zlib", predictor=2)
    else:
        Image.fromarray(photo).save(path, quality=90 if coding == "jpeg" else 80)


def read(path: Path) -> Array:
    """Decode a picture without loss."""
    import imagecodecs
    import numpy as np
    import tifffile

    if path.suffix == ".tif":
        return np.asarray(tifffile.imread(path))
    return np.asarray(imagecodecs.png_decode(path.read_bytes()))


# Results


def deviations(job: Job, inputs: Path, outputs: dict[str, Path]) -> dict[str, Deviation | str]:
    """Largest and mean difference from the float64 result, or what is wrong, for each folder of outputs."""
    totals: dict[str, list[Deviation]] = {name: [] for name in outputs}
    found: dict[str, Deviation | str] = {}
    for file in job.files[::COMPARED_EVERY]:
        source = read(inputs / file)
        truth = reference(source)
        for name, folder in outputs.items():
            try:
                totals[name].append(deviation(read(folder / file), truth, source.dtype))
            except Exception as error:  # whatever is wrong with one output must not end the others' run
                found[name] = str(error)
    for name in totals.keys() - found.keys():
        worsts, means = zip(*totals[name], strict=True)
        found[name] = (max(worsts), sum(means) / len(means))
    return found


def reference(source: Array) -> Array:
    """The blur in float64, with a kernel out to four sigma, not rounded."""
    import numpy as np
    from scipy.ndimage import gaussian_filter

    planes = [source[..., channel].astype(np.float64) for channel in range(source.shape[2])]
    return np.stack([gaussian_filter(plane, SIGMA, truncate=4, mode="reflect") for plane in planes], axis=-1)


def deviation(result: Array, truth: Array, dtype: np.dtype[Any]) -> Deviation:
    """Largest and mean absolute difference away from the edges, in levels."""
    if (result.shape, result.dtype) != (truth.shape, dtype):
        raise ValueError(f"wrote samples of {result.dtype}, shape {result.shape}, for {dtype}, {truth.shape}")
    inside = (slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
    apart = [abs(result[..., channel] - truth[..., channel])[inside] for channel in range(truth.shape[2])]
    return float(max(one.max() for one in apart)), float(sum(one.mean() for one in apart) / len(apart))
