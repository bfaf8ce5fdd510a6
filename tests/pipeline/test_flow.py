"""Strip by strip, in threads or not: the same pixels, the same bytes, and little memory."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile

from sepfilter.engine.execute import execute
from sepfilter.engine.planning import make_plan
from sepfilter.errors import ImageReadError, ImageWriteError, LimitError
from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.files import read_image, write_image
from sepfilter.images.limits import Limits
from sepfilter.images.metadata import Metadata
from sepfilter.kernels.notation import parse_cascade
from sepfilter.pipeline import Batch, flow
from sepfilter.pipeline.clock import Clock
from sepfilter.pipeline.filters import KernelFilter
from sepfilter.plans.options import Options
from sepfilter.results import Job, Writing

Array = npt.NDArray[Any]

BORDERS = ("reflect", "mirror", "nearest", "wrap", "constant", "constant:77")
THREADS = (1, 3)


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Bands of few rows, in an empty folder."""
    monkeypatch.setattr(flow, "BAND_SAMPLES", 500)
    monkeypatch.chdir(tmp_path)


def picture(*shape: int, dtype: str = "uint8") -> Array:
    """Random samples over the whole range of a type; floats from 0 to 1."""
    random = np.random.default_rng(len(shape))
    if dtype.startswith("float"):
        return random.random(shape).astype(dtype)
    return random.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def filtered(path: str, output: str, kernel: str, threads: int = 1, **options: Any) -> None:
    """Run a job on one file."""
    kernels = tuple(one for name in kernel.split("|") for one in parse_cascade(name))
    job = Job((path,), output, kernels, Options(**options), writing=Writing(overwrite=True), threads=threads)
    (result,) = Batch.of(job).results()
    assert result.failure is None


def at_once(pixels: Array, kernel: str, *, opacity: bool = False, **options: Any) -> Array:
    """The same by one call on the whole array."""
    kernels = [one for name in kernel.split("|") for one in parse_cascade(name)]
    return execute(make_plan(kernels, ImageSpec.of(pixels, alpha=opacity), **options), pixels)


@dataclass
class Counted:
    """A source of pixels in memory that remembers what was asked for, and may fail at a row."""

    pixels: Array
    strip_rows: int = 1
    fails_at: int | None = None
    windows: list[Window] = field(default_factory=list)
    metadata: Metadata = field(default_factory=Metadata)

    @property
    def spec(self) -> ImageSpec:
        """The array's."""
        return ImageSpec.of(self.pixels)

    def read(self, window: Window) -> Array:
        """A part, as long as nothing fails."""
        self.windows.append(window)
        if self.fails_at is not None and window.y + window.height > self.fails_at:
            raise ImageReadError("a.png: is truncated")
        return self.pixels[window.rows, window.columns]

    def close(self) -> None:
        """There is no file."""


@dataclass
class Gathered:
    """A sink that keeps rows, and may have no more room from some row on."""

    rows: list[Array] = field(default_factory=list)
    room: int | None = None
    finished: bool = False

    def write(self, window: Window, pixels: Array) -> None:
        """Take rows that follow those before."""
        assert window.y == sum(map(len, self.rows))
        if self.room is not None and window.y + window.height > self.room:
            raise ImageWriteError("b.png: no space left")
        self.rows.append(pixels.copy())

    def finish(self) -> None:
        """Remember that nothing else comes."""
        self.finished = True


def run_flow(
    source: Counted, sink: Gathered, threads: int, halted: Event | None = None, **options: Any
) -> None:
    """box:3 from a source to a sink."""
    plan = make_plan("box:3", source.spec, **options)
    part = Window.whole(plan.output_spec)
    flow.Flow.of(KernelFilter(plan, (), Options()), source, part, threads).run(
        sink, Clock(), halted or Event()
    )


KERNELS = [
    ("gaussian:2", {}),
    ("gaussian:2", {"precision": "float"}),
    ("sobel", {}),
    ("sobel-x", {"output_range": "stretch"}),
    ("box:31", {}),
    ("box:101", {}),
    ("disk:9", {"method": "fft"}),
    ("gaussian:30", {"max_error": 2.0}),
    ("gaussian:1|laplacian", {"output_range": "offset"}),
    ("0 0 0 0 1; 0 0 0 0 0; 0 0 0 0 0", {}),
    ("identity", {}),
]


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize(("kernel", "options"), KERNELS, ids=str)
def test_strips_make_what_the_whole_image_makes(kernel: str, options: dict[str, Any], border: str) -> None:
    """To the bit, for every kind of pass and every border, however many threads there are."""
    pixels = picture(701, 17, 3)
    write_image("a.png", pixels)
    for threads in THREADS:
        filtered("a.png", "b.npy", kernel, threads, border=border, **options)
        assert np.array_equal(np.load("b.npy"), at_once(pixels, kernel, border=border, **options))


@pytest.mark.parametrize("kernel", ["disk:3", "disk:9"])
@pytest.mark.parametrize("border", ["reflect", "constant:77"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_transforms_go_by_strips_of_their_own_grid(kernel: str, border: str, dtype: str) -> None:
    """To the bit as well, though they mix the pixels of a block."""
    pixels = picture(2500, 7, dtype=dtype)
    write_image("a.npy", pixels)
    for threads in THREADS:
        filtered("a.npy", "b.npy", kernel, threads, border=border, method="fft")
        assert np.array_equal(np.load("b.npy"), at_once(pixels, kernel, border=border, method="fft"))


@pytest.mark.parametrize("kernel", ["gaussian:2", "sobel", "disk:9", "gaussian:1|box:5"])
@pytest.mark.parametrize("threads", THREADS)
def test_valid_padding_goes_by_strips_too(kernel: str, threads: int) -> None:
    """With the rows that are left."""
    pixels = picture(331, 43)
    write_image("a.png", pixels)
    filtered("a.png", "b.npy", kernel, threads, padding="valid")
    assert np.array_equal(np.load("b.npy"), at_once(pixels, kernel, padding="valid"))


@pytest.mark.parametrize("alpha", ["premultiply", "separate", "keep"])
@pytest.mark.parametrize("kernel", ["gaussian:2", "sobel", "gaussian:2|laplacian"])
@pytest.mark.parametrize("threads", THREADS)
def test_opacity_goes_by_strips_too(kernel: str, alpha: str, threads: int) -> None:
    """Whatever is made of it."""
    pixels = picture(211, 23, 4)
    pixels[50:90, :, 3] = 0
    write_image("a.png", pixels)
    filtered("a.png", "b.png", kernel, threads, alpha=alpha)
    assert np.array_equal(read_image("b.png")[0], at_once(pixels, kernel, opacity=True, alpha=alpha))


def store(name: str, pixels: Array) -> None:
    """Write a file that can be read by strips, TIFF in strips of 16 rows or in tiles."""
    if name.endswith(".tif"):
        layout = {"tile": (32, 16)} if name == "tiles.tif" else {"rowsperstrip": 16}
        photometric = "rgb" if pixels.ndim == 3 and pixels.shape[2] == 3 else "minisblack"
        tifffile.imwrite(name, pixels, photometric=photometric, compression="zlib", **layout)
    else:
        write_image(name, pixels)


@pytest.mark.parametrize(
    ("name", "shape", "dtype"),
    [
        ("a.png", (300, 31), "uint8"),
        ("a.png", (300, 31, 3), "uint16"),
        ("a.npy", (300, 31, 5), "float32"),
        ("a.npy", (300, 31), "float16"),
        ("a.npy", (300, 31), "int32"),
        ("a.ppm", (300, 31, 3), "uint16"),
        ("a.pfm", (300, 31), "float32"),
        ("a.tif", (300, 31, 3), "uint8"),
        ("a.tif", (300, 31), "float64"),
        ("tiles.tif", (300, 31, 3), "uint16"),
    ],
)
@pytest.mark.parametrize("threads", THREADS)
def test_every_format_that_has_strips_is_read_by_them(
    name: str, shape: tuple[int, ...], dtype: str, threads: int
) -> None:
    """And its pixels come out as if they had been there at once."""
    pixels = picture(*shape, dtype=dtype)
    store(name, pixels)
    filtered(name, "b.npy", "gaussian:1", threads)
    assert np.array_equal(np.load("b.npy"), at_once(pixels, "gaussian:1"))


@pytest.mark.parametrize("output", ["b.png", "b.tif", "b.npy", "b.ppm", "b.jpg", "b.webp", "b.bmp"])
def test_bytes_do_not_depend_on_threads_nor_on_strips(monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    """A file is the same wherever it was made."""
    write_image("a.png", picture(400, 60, 3))
    made = []
    for samples, threads in ((500, 1), (500, 2), (500, 5), (4_000_000, 1), (4_000_000, 2)):
        monkeypatch.setattr(flow, "BAND_SAMPLES", samples)
        filtered("a.png", output, "gaussian:2", threads)
        made.append(Path(output).read_bytes())
    assert len(set(made)) == 1


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("strip_rows", [1, 16, 400])
def test_rows_are_read_once_and_in_order(strip_rows: int, threads: int) -> None:
    """In whole strips, and no row is asked for a second time."""
    source, sink = Counted(picture(400, 11, 1), strip_rows), Gathered()
    run_flow(source, sink, threads)
    assert [window.y for window in source.windows] == [0, *np.cumsum([w.height for w in source.windows])[:-1]]
    assert all(window.height % strip_rows == 0 for window in source.windows)
    assert sum(window.height for window in source.windows) == 400
    assert len(source.windows) > 1 or strip_rows == 400
    assert sink.finished


@pytest.mark.parametrize("threads", THREADS)
def test_a_source_that_fails_midway_ends_the_flow(threads: int) -> None:
    """With its own error; the sink is not finished."""
    sink = Gathered()
    with pytest.raises(ImageReadError, match="is truncated"):
        run_flow(Counted(picture(400, 11, 1), fails_at=300), sink, threads)
    assert len(sink.rows) > 0
    assert not sink.finished


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("room", [0, 200, 399])
def test_a_sink_that_fails_ends_the_flow(threads: int, room: int) -> None:
    """With its own error, on the first rows as on the last; what was to follow is not written."""
    sink = Gathered(room=room)
    with pytest.raises(ImageWriteError, match="no space left"):
        run_flow(Counted(picture(400, 11, 1)), sink, threads)
    assert sum(map(len, sink.rows)) <= room
    assert not sink.finished


@pytest.mark.parametrize("threads", THREADS)
def test_a_flow_that_is_halted_stops_at_the_next_band(threads: int) -> None:
    """It ends as one that was cancelled, not as one that is done."""
    halted = Event()

    class Halting(Gathered):
        def write(self, window: Window, pixels: Array) -> None:
            super().write(window, pixels)
            halted.set()

    source, sink = Counted(picture(4000, 11, 1)), Halting()
    with pytest.raises(flow.Halted):
        run_flow(source, sink, threads, halted)
    assert source.windows[-1].y < 1000
    assert not sink.finished


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("name", ["a.png", "a.npy", "a.tif"])
@pytest.mark.parametrize("keep", [0.5, 0.9])
def test_a_file_that_ends_too_early_leaves_no_output(name: str, keep: float, threads: int) -> None:
    """An error, and nothing beside what was there; an older output stays."""
    store(name, picture(400, 61, 3))
    whole = Path(name).read_bytes()
    Path(name).write_bytes(whole[: int(len(whole) * keep)])
    for old in (None, b"old"):
        if old is not None:
            Path("b.png").write_bytes(old)
        with pytest.raises(ImageReadError, match=r"a\.\w+: "):
            filtered(name, "b.png", "box:3", threads)
        assert {path.name for path in Path.cwd().iterdir()} == {name} | ({"b.png"} if old else set())
    assert Path("b.png").read_bytes() == b"old"


@pytest.mark.parametrize("threads", THREADS)
def test_damage_inside_a_png_stream_leaves_no_output(threads: int) -> None:
    """Bytes that are wrong in the middle are found while half of the rows are written already."""
    write_image("a.png", picture(400, 61, 3))
    content = bytearray(Path("a.png").read_bytes())
    content[len(content) // 2] ^= 0x40
    Path("a.png").write_bytes(content)
    with pytest.raises(ImageReadError, match=r"^a\.png: is corrupt"):
        filtered("a.png", "b.png", "box:3", threads)
    assert [path.name for path in Path.cwd().iterdir()] == ["a.png"]


def test_what_is_held_is_limited() -> None:
    """Rows that are in memory count, the others do not; pixels count where all of them are."""
    source = Counted(np.zeros((1000, 10, 1), np.uint8))
    plan = make_plan("box:3", source.spec)
    strips = flow.Flow.of(KernelFilter(plan, (), Options()), source, Window.whole(source.spec), 1)
    strips.check(Limits(max_pixels=1000, max_memory=1000), "a.png")
    with pytest.raises(LimitError, match=r"^a\.png: its pixels take"):
        strips.check(Limits(max_memory=100), "a.png")
    wrapped = make_plan("box:3", source.spec, border="wrap")
    whole = flow.Flow.of(KernelFilter(wrapped, (), Options()), source, Window.whole(source.spec), 1)
    with pytest.raises(LimitError, match="--max-pixels"):
        whole.check(Limits(max_pixels=1000), "a.png")
    with pytest.raises(LimitError, match="--max-memory"):
        whole.check(Limits(max_memory=9_999), "a.png")


MEASURED = """
import resource, sys
from sepfilter.kernels.presets import named_kernel
from sepfilter.pipeline import Batch, flow
from sepfilter.results import Job
flow.BAND_SAMPLES = 500_000
def run(source, target):
    (result,) = Batch.of(Job((source,), target, (named_kernel("gaussian:2"),), threads=2)).results()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = run("small" + sys.argv[1], "c" + sys.argv[2])
print((run("tall" + sys.argv[1], "b" + sys.argv[2]) - before) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss in kilobytes")
@pytest.mark.parametrize(("source", "target"), [(".npy", ".png"), (".png", ".tif"), (".tif", ".npy")])
def test_memory_does_not_grow_with_the_height(source: str, target: str) -> None:
    """An image of 72 MB goes through in a fraction of that."""
    pytest.importorskip("imagecodecs", reason="without it a PNG is read as a whole")
    row = np.tile(np.arange(250, dtype=np.uint8), 8).reshape(1, -1)
    for name, rows in (("small", 2_000), ("tall", 36_000)):
        store(name + source, np.broadcast_to(row, (rows, 2000)))
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, source, target], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 25
