"""Results do not depend on strips and threads: not one bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sepfilter.engine import filtering
from sepfilter.engine.execute import run
from sepfilter.engine.filtering import plan_strips
from sepfilter.engine.mapping import Losses
from sepfilter.engine.planning import make_plan
from sepfilter.geometry import ImageSpec
from sepfilter.kernels.kernel import Kernel

BORDERS = ("reflect", "mirror", "nearest", "wrap", "constant:7.5")
KERNELS: dict[str, Any] = {
    "gaussian": "gaussian:0.7",
    "irrational": [[0.1, -0.7, 0.3], [0.2, 0.9, -0.4]],
    "anchored": Kernel("k", Kernel.from_taps([[1, 2], [3, 5], [7, 11]]).form, (2, 0)),
    "magnitude": "scharr",
    "cascade": ["gaussian:0.7", "sobel-y", "emboss"],
    "tall cascade": ["box:5,1", "box:7,1"],
}


def whole_and_cut(
    monkeypatch: pytest.MonkeyPatch, kernel: Any, image: Any, *, opacity: bool = False, **options: Any
) -> None:
    """Run once in one piece and again in strips over threads; all must be equal."""
    plan = make_plan(kernel, ImageSpec.of(image, alpha=opacity), **options)
    whole = run(plan, image, threads=1)
    monkeypatch.setattr(filtering, "STRIP_SAMPLES", 1)
    assert len(plan_strips(plan)) > 1
    for threads in (1, 2, 3, None):
        cut = run(plan, image, threads=threads)
        assert cut.pixels.tobytes() == whole.pixels.tobytes()
        assert cut.losses == whole.losses


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("border", BORDERS)
def test_float_samples_do_not_depend_on_strips(
    monkeypatch: pytest.MonkeyPatch, border: str, kernel: str
) -> None:
    """Every border and kind of kernel, cascades too, gives the same bits however it is cut."""
    image = np.random.default_rng(20).normal(size=(83, 6)).astype(np.float32)
    whole_and_cut(monkeypatch, KERNELS[kernel], image, border=border)


@pytest.mark.parametrize("border", BORDERS)
def test_integer_samples_do_not_depend_on_strips(monkeypatch: pytest.MonkeyPatch, border: str) -> None:
    """The same for rounded samples of several channels, and for what saturates."""
    image = np.random.default_rng(21).integers(0, 256, (60, 5, 3)).astype(np.uint8)
    whole_and_cut(monkeypatch, ["box:3", "laplacian"], image, border=border)


@pytest.mark.parametrize("alpha", ["premultiply", "separate", "keep"])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_opacity_does_not_depend_on_strips(monkeypatch: pytest.MonkeyPatch, alpha: str, padding: str) -> None:
    """The same for images with opacity, whatever happens to it."""
    image = np.random.default_rng(22).integers(0, 256, (60, 5, 4)).astype(np.uint8)
    whole_and_cut(monkeypatch, "gaussian:0.5", image, opacity=True, alpha=alpha, padding=padding)


@pytest.mark.parametrize("kernel", ["gaussian", "magnitude", "cascade"])
def test_stretch_does_not_depend_on_strips(monkeypatch: pytest.MonkeyPatch, kernel: str) -> None:
    """The limits that stretch finds are those of the whole image."""
    image = np.random.default_rng(23).integers(0, 256, (90, 6)).astype(np.uint8)
    whole_and_cut(monkeypatch, KERNELS[kernel], image, output_range="stretch")


def test_valid_padding_does_not_depend_on_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where the result is smaller than the image."""
    image = np.random.default_rng(24).normal(size=(90, 9))
    whole_and_cut(monkeypatch, ["gaussian:0.7", "sobel"], image, padding="valid")


def test_a_kernel_larger_than_the_image_does_not_depend_on_strips(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A wide kernel of one row is cut into single rows, and gives the same bits."""
    image = np.random.default_rng(25).normal(size=(7, 3))
    whole_and_cut(monkeypatch, np.linspace(-1, 1, 12)[None], image, border="mirror")


@pytest.mark.parametrize("height", [1, 10, 997])
@pytest.mark.parametrize("workers", [1, 2, 7])
@pytest.mark.parametrize("kernel", ["identity", "box:3", "gaussian:9"])
def test_strips_cover_every_row_once(height: int, workers: int, kernel: str) -> None:
    """Strips follow one another without gap or overlap from the first row to the last."""
    strips = plan_strips(make_plan(kernel, ImageSpec(height, 50_000, 3, "uint8")), workers)
    assert [row for first, last in strips for row in range(first, last)] == list(range(height))
    assert all(first < last for first, last in strips)


def test_large_images_are_cut_without_being_asked() -> None:
    """An image of more than a few million samples runs in several strips."""
    assert len(plan_strips(make_plan("box:3", ImageSpec(4000, 4000, 1, "uint8")))) > 1


@pytest.mark.parametrize(("kernel", "two"), [("gaussian:3", 2), ("box:3", 1)])
def test_every_worker_gets_a_strip_of_a_small_image(kernel: str, two: int) -> None:
    """Two threads share an image that would be one strip for one thread, unless there is too little to do."""
    plan = make_plan(kernel, ImageSpec(512, 512, 3, "uint8"))
    assert (len(plan_strips(plan, 1)), len(plan_strips(plan, 2))) == (1, two)


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_workers_get_as_many_strips_each(workers: int) -> None:
    """No worker is idle while the last strip of another runs."""
    strips = plan_strips(make_plan("gaussian:3", ImageSpec(3000, 4000, 3, "uint8")), workers)
    heights = [last - first for first, last in strips]
    assert len(strips) % workers == 0
    assert max(heights) - min(heights) < len(strips)


def test_losses_of_strips_add_up() -> None:
    """What the type could not hold is counted over all strips."""
    assert Losses(1, 2, 3) + Losses(10, 20, 30) == Losses(11, 22, 33)
