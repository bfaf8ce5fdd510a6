from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from sepfilter.errors import OptionError
from sepfilter.kernels.kernel import Gradient, Kernel
from sepfilter.kernels.notation import parse_kernel
from sepfilter.plans.analysis import KernelAnalysis, analyze
from sepfilter.plans.speeds import AVX2
from sepfilter.reports import kernel_plot as module
from sepfilter.reports.kernel_plot import kernel_plot
from sepfilter.reports.plot_canvas import HEIGHT, WIDTH
from sepfilter.reports.plot_numbers import kernel_cells, low_rank_cells, response, shown_ranks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

pytest.importorskip("matplotlib")

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]

NOISE = np.random.default_rng(7).normal(size=(31, 31))

DEGENERATE = {
    "all zero": np.zeros((3, 3)),
    "a single zero": np.zeros((1, 1)),
    "1 x 1": np.array([[3.0]]),
    "a negative tap": np.array([[-3.0]]),
    "1 x N": np.array([[1.0, 2.0, 1.0]]),
    "N x 1": np.array([[1.0], [2.0], [1.0]]),
    "a long row": np.hanning(700)[np.newaxis],
    "even sizes": NOISE[:4, :2],
    "denormal taps": np.array([[5e-324, 0.0], [0.0, 5e-324]]),
    "a denormal tap": np.array([[5e-324]]),
    "taps of 1e308": np.array([[1e308, 1e308], [-1e308, 1e308]]),
    "a row of 1e308": np.array([[1e308, 1e308, 1e308]]),
    "taps far apart": np.array([[1e308, 1e-308], [5e-324, 1.0]]),
    "all negative": -np.ones((9, 9)),
    "nearly separable": np.array([[1.0, 2.0], [2.0, 4.000001]]),
    "larger than a picture": np.eye(300)[:, :280] * 1e-200,
    "noise": NOISE,
}
PRESETS = (
    "sobel-x",
    "gaussian:2",
    "laplacian",
    "disk:5",
    "motion:15,45",
    "gabor:4,30",
    "binomial:5",
    "sobel",
)


def analysis_of(kernel: str | np.ndarray) -> KernelAnalysis:
    """The analysis of a preset or of taps."""
    if isinstance(kernel, str):
        return analyze(parse_kernel(kernel), AVX2)
    return analyze(Kernel.from_taps(kernel), AVX2)


def figure_of(kernel: str | np.ndarray) -> Figure:
    """The slide before it is written."""
    return module._figure(analysis_of(kernel))


def panels(figure: Figure) -> dict[str, Axes]:
    """The axes by their labels."""
    return {str(axes.get_label()): axes for axes in figure.axes}


def words(figure: Figure) -> str:
    """All that is written on a slide outside of axes."""
    return "\n".join(text.get_text() for text in figure.texts)


def is_finite(axes: Axes) -> bool:
    """True where all that axes draw, and their limits, are numbers."""
    parts = [np.asarray([*axes.get_xlim(), *axes.get_ylim()])]
    parts += [np.asarray(image.get_array()) for image in axes.images]
    parts += [np.asarray(line.get_xydata()) for line in axes.lines]
    parts += [np.asarray(patch.get_path().vertices) for patch in axes.patches]
    return all(np.isfinite(part.astype(float)).all() for part in parts)


@pytest.mark.parametrize("name", ["all zero", "1 x 1", "1 x N", "denormal taps", "taps of 1e308"])
def test_degenerate_kernels_are_pictures(name: str) -> None:
    """They become a 16:9 picture on white, without a warning."""
    picture = Image.open(io.BytesIO(kernel_plot(analysis_of(DEGENERATE[name]), "png")))
    assert picture.size == (1920, 1080)
    assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("kernel", [*PRESETS, *DEGENERATE.values()], ids=[*PRESETS, *DEGENERATE])
def test_panels_hold_finite_numbers_and_no_panel_is_empty(kernel: str | np.ndarray) -> None:
    """What is drawn is finite, and each panel draws something."""
    for label, axes in panels(figure_of(kernel)).items():
        assert is_finite(axes), label
        assert axes.images or axes.lines or axes.patches or axes.collections, label


@pytest.mark.parametrize("kernel", [*PRESETS, *DEGENERATE.values()], ids=[*PRESETS, *DEGENERATE])
def test_nothing_reaches_beyond_the_slide_or_over_other_words(kernel: str | np.ndarray) -> None:
    """Titles, notes and labels lie on the slide, and none overlaps another."""
    from matplotlib import style
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with style.context(["default", module.STYLE]):
        figure = figure_of(kernel)
        renderer = FigureCanvasAgg(figure).get_renderer()
        figure.draw(renderer)
        texts = [*figure.texts]
        for axes in figure.axes:
            if axes.axison:
                texts += [
                    *axes.get_xticklabels(),
                    *axes.get_yticklabels(),
                    axes.xaxis.label,
                    axes.yaxis.label,
                ]
        boxes = [
            (text.get_text(), text.get_window_extent(renderer))
            for text in texts
            if text.get_text() and text.get_visible()
        ]
    across, up = WIDTH * figure.dpi, HEIGHT * figure.dpi
    for place, (text, box) in enumerate(boxes):
        assert min(box.x0, box.y0) >= 0, text
        assert box.x1 <= across, text
        assert box.y1 <= up, text
        for other, second in boxes[place + 1 :]:
            assert not box.padded(-1).overlaps(second.padded(-1)), (text, other)


@pytest.mark.parametrize("kind", ["png", "svg", "pdf", "PNG", ".svg"])
def test_formats_are_told_by_their_first_bytes(kind: str) -> None:
    """Each format is what it says, in any case, with or without a dot."""
    content = kernel_plot(analysis_of("laplacian"), kind)
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind.lower().strip(".")]
    assert content.startswith(start)


@pytest.mark.parametrize("kind", ["jpg", "", "tiff", "-"])
def test_other_formats_are_refused_with_a_list(kind: str) -> None:
    """The message names the formats there are."""
    with pytest.raises(OptionError, match=r"\.png, \.svg or \.pdf"):
        kernel_plot(analysis_of("laplacian"), kind)


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_same_kernel_gives_the_same_bytes(kind: str) -> None:
    """Two runs differ in nothing: no date, no random names."""
    first, second = (kernel_plot(analysis_of("disk:5"), kind) for _ in range(2))
    assert first == second
    assert b"Date" not in first


def test_settings_of_matplotlib_are_neither_used_nor_changed() -> None:
    """A user's matplotlibrc does not show in the picture, and stays as it is."""
    import matplotlib as mpl

    plain = kernel_plot(analysis_of("box:3"), "png")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black"}):
        before = dict(mpl.rcParams)
        assert kernel_plot(analysis_of("box:3"), "png") == plain
        assert dict(mpl.rcParams) == before


def test_pyplot_is_not_loaded() -> None:
    """No figure is kept and no window system is asked for: pyplot stays out."""
    program = (
        "import sys\nfrom sepfilter.kernels.notation import parse_kernel\n"
        "from sepfilter.plans.analysis import analyze\nfrom sepfilter.plans.speeds import AVX2\n"
        "from sepfilter.reports.kernel_plot import kernel_plot\n"
        "[kernel_plot(analyze(parse_kernel('box:3'), AVX2), kind) for kind in ('png', 'svg', 'pdf')]\n"
        "assert 'matplotlib.figure' in sys.modules\nassert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


def test_without_matplotlib_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra that is missing is named."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(OptionError, match=r"pip install 'sepfilter\[plot\]'"):
        kernel_plot(analysis_of("laplacian"), "png")


def test_the_title_answers() -> None:
    """Separable or not, and the rank."""
    assert "disk:5 – not separable, rank 4" in words(figure_of("disk:5"))  # noqa: RUF001
    assert "sobel-x – separable, rank 1" in words(figure_of("sobel-x"))  # noqa: RUF001
    assert "all taps are 0, rank 0" in words(figure_of(np.zeros((2, 2))))


def test_bounds_are_those_of_the_analysis() -> None:
    """Each approximation is labelled with the error bound that the text report gives."""
    found = analysis_of("disk:5")
    shown = words(module._figure(found))
    for _, levels in found.bounds[1:4]:
        assert f"off by at most\n{levels:.3g} levels of 255" in shown


def test_names_with_dollars_and_foreign_letters_are_plain_text() -> None:
    """A name is no formula, is one line, and letters that the font lacks become question marks."""
    kernel = Kernel.from_taps(NOISE, name="$\\frac$\n\u4e2d\x00 " + "long " * 50)
    figure = module._figure(analyze(kernel, AVX2))
    title = figure.texts[0].get_text()
    assert title.startswith("$\\frac$ ?")
    assert len(title) < 70
    assert kernel_plot(analyze(kernel, AVX2), "svg")


def test_small_kernels_have_their_taps_written() -> None:
    """Numbers of a 3 x 3 kernel stand in its cells, dark on light and light on dark ones."""
    texts = [text.get_text() for text in panels(figure_of("sobel-x"))["kernel"].texts]
    assert texts == ["−1", "0", "1", "−2", "0", "2", "−1", "0", "1"]  # noqa: RUF001


def test_a_gradient_has_a_line_for_each_derivative() -> None:
    """Both kernels are drawn, and no factor is left out."""
    labels = [str(axes.get_label()) for axes in figure_of("sobel").axes]
    for label in ("kernel", "row", "column", "singular values", "frequency response"):
        assert labels.count(label) == 2


def test_a_gradient_of_other_kernels_is_drawn() -> None:
    """Derivatives that do not separate, or are all zero, are no different."""
    kernel = Gradient("g", Kernel.from_taps(NOISE), Kernel.from_taps(np.zeros((31, 31))))
    figure = module._figure(analyze(kernel, AVX2))
    assert "rank 1" in words(figure)
    assert all(map(is_finite, figure.axes))


@pytest.mark.parametrize("kernel", ["disk:5", "sobel-x", "gaussian:2", "motion:9,30", NOISE[:5, :8]], ids=str)
def test_the_response_is_that_of_a_padded_transform(kernel: str | np.ndarray) -> None:
    """Gains equal the magnitude of NumPy's transform of the taps, at the frequencies that both have."""
    found = analysis_of(kernel)
    assert found.factors is not None
    taps = found.kernel.components[0].taps
    drawn = response(found.factors)
    assert drawn.frequencies[-1] == 0.5
    transform = np.fft.fftshift(np.abs(np.fft.fft2(taps, (200, 200))))
    np.testing.assert_allclose(drawn.gains[:-1, :-1] * drawn.peak, transform, atol=1e-12 * np.abs(taps).sum())


def test_an_anchor_does_not_show_in_the_response() -> None:
    """Only the phase depends on it."""
    from dataclasses import replace

    kernel = Kernel.from_taps(NOISE)
    first, second = (analyze(one, AVX2).factors for one in (kernel, replace(kernel, anchor=(0, 5))))
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(response(first).gains, response(second).gains)


def test_the_response_of_a_wide_blur_is_zoomed() -> None:
    """gaussian:200 would be one dot: the axes end where its gain has fallen to nothing."""
    found = analysis_of("gaussian:200").factors
    assert found is not None
    drawn = response(found)
    assert 0.002 < drawn.frequencies[-1] <= 0.01
    assert drawn.peak == pytest.approx(1.0)


def test_pictures_of_large_kernels_are_small_and_lose_no_tap() -> None:
    """A picture has at most 256 cells a side, and a single tap is one of them."""
    taps = np.zeros((1500, 900))
    taps[777, 333] = -2.0
    cells, largest = kernel_cells(Kernel.from_taps(taps))
    assert max(cells.shape) <= 256
    assert (cells.min(), cells.max(), largest) == (-1.0, 0.0, 2.0)
    cells, _ = kernel_cells(Kernel.from_factors(np.ones(4000), np.eye(1, 3000, 17)[0]))
    assert max(cells.shape) <= 256
    assert (cells.min(), cells.max()) == (0.0, 1.0)


def test_approximations_share_the_scale_of_the_kernel() -> None:
    """At its own rank the picture is the kernel's, whatever the size of the taps."""
    for taps in (NOISE, NOISE * 1e-300, NOISE * 1e300):
        found = analysis_of(taps)
        assert found.factors is not None
        cells, largest = kernel_cells(Kernel.from_taps(taps))
        np.testing.assert_allclose(low_rank_cells(found.factors.cut_off(31), largest), cells, atol=1e-12)


@pytest.mark.parametrize("rank", [*range(12), 35, 700])
def test_ranks_shown_rise_to_that_of_the_kernel(rank: int) -> None:
    """One to four ranks, rising, the last the kernel's own."""
    for bounds in ((), ((0, 300.0), (1, 0.5), (rank, 0.0)), ((1, 90.0), (rank // 2 + 1, 0.9))):
        shown = shown_ranks(rank, bounds)
        assert 1 <= len(shown) <= 4
        assert list(shown) == sorted(set(shown))
        assert shown[-1] == rank


def test_the_command_writes_a_picture_beside_its_report(run: Run, tmp_path: Path) -> None:
    """analyze-kernel --plot writes the file, and prints what it always prints."""
    done = run("analyze-kernel", "laplacian", "--plot", "laplacian.png")
    assert done.returncode == 0, done.stderr
    assert done.stdout == run("analyze-kernel", "laplacian").stdout
    assert (tmp_path / "laplacian.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_replaces_nothing_unless_asked(run: Run, tmp_path: Path) -> None:
    """An existing file is exit code 3; --overwrite replaces it."""
    (tmp_path / "k.svg").write_text("mine")
    refused = run("analyze-kernel", "box:3", "--plot", "k.svg")
    assert (refused.returncode, refused.stdout) == (3, b"")
    assert b"--overwrite" in refused.stderr
    assert (tmp_path / "k.svg").read_text() == "mine"
    assert run("analyze-kernel", "box:3", "--plot", "k.svg", "--overwrite").returncode == 0
    assert (tmp_path / "k.svg").read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize("name", ["k.jpg", "k", "-"])
def test_the_command_refuses_other_names(run: Run, tmp_path: Path, name: str) -> None:
    """A suffix that is no picture is a usage error, and nothing is written or printed."""
    done = run("analyze-kernel", "box:3", "--plot", name)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b".png, .svg or .pdf" in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_command_draws_one_kernel_at_a_time(run: Run, tmp_path: Path) -> None:
    """A list of kernels is refused with --plot, as with --json."""
    done = run("analyze-kernel", "1x2:1,2; 1x2:1,3", "--plot", "k.png")
    assert done.returncode == 2
    assert b"one at a time" in done.stderr
    assert not list(tmp_path.iterdir())
