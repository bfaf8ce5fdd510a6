"""A kernel as a slide: taps, singular values, approximations and frequency response."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from sepfilter.errors import OptionError
from sepfilter.kernels.factorization import Factorization
from sepfilter.kernels.kernel import Kernel
from sepfilter.plans.analysis import KernelAnalysis
from sepfilter.reports.plot_canvas import HEIGHT, MUTED, STYLE, WIDTH, Box, number, readable, write
from sepfilter.reports.plot_numbers import response
from sepfilter.reports.plot_spectra import profile_panel, response_panel, singular_panel
from sepfilter.reports.plot_taps import approximation_panel, kernel_panel, product_panel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What a file says of its making is left out, so that the same kernel gives the same bytes.
_METADATA: Final[dict[str, dict[str, Any]]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}

_PIXELS_AN_INCH: Final = 150
_LONGEST_TITLE: Final = 58


def kernel_plot(analysis: KernelAnalysis, format: str) -> bytes:  # noqa: A002
    """Draw a kernel on one 16:9 slide.

    The kernel with its taps or a scale of colours; its singular values; a separable kernel as column
    times row, another one cut off at a few ranks; the magnitude of its frequency response. Of a
    gradient each derivative gets a line. The same analysis gives the same bytes with the same
    version of Matplotlib. Taps of any size are drawn as shares of the largest.

    Parameters
    ----------
    analysis : KernelAnalysis
        Of a kernel, or of a gradient with its components.
    format : {"png", "svg", "pdf"}
        Of the file; upper case and a leading dot are fine. PNG is 1920 x 1080 pixels.

    Returns
    -------
    bytes
        The content of the file.

    Raises
    ------
    OptionError
        Another format, or Matplotlib is not installed.

    Examples
    --------
    >>> from sepfilter.kernels.presets import named_kernel
    >>> from sepfilter.plans.analysis import analyze
    >>> from sepfilter.plans.speeds import AVX2
    >>> analysis = analyze(named_kernel("sobel-x"), AVX2)
    >>> kernel_plot(analysis, "png")[1:4]  # doctest: +SKIP
    b'PNG'
    """
    chosen = check_plot(format)
    from matplotlib import style

    content = BytesIO()
    with style.context(["default", STYLE]):
        figure = _figure(analysis)
        figure.savefig(content, format=chosen, dpi=_PIXELS_AN_INCH, metadata=_METADATA[chosen])
    return content.getvalue()


def check_plot(format: str) -> str:  # noqa: A002
    """Refuse early what `kernel_plot` would refuse after a long analysis.

    Parameters
    ----------
    format : str
        As `kernel_plot` takes it.

    Returns
    -------
    str
        The format in lower case, without a dot.

    Raises
    ------
    OptionError
        Another format, or Matplotlib is not installed.

    Examples
    --------
    >>> check_plot("bmp")
    Traceback (most recent call last):
        ...
    sepfilter.errors.OptionError: --plot: 'bmp' is no picture of a kernel: name a .png, .svg or .pdf file
    """
    chosen = format.lower().removeprefix(".")
    if chosen not in _METADATA:
        raise OptionError(f"--plot: {format!r} is no picture of a kernel: name a .png, .svg or .pdf file")
    try:
        import matplotlib.style  # noqa: F401
    except ImportError as error:
        raise OptionError("--plot needs Matplotlib: pip install 'sepfilter[plot]'") from error
    return chosen


def _figure(analysis: KernelAnalysis) -> Figure:
    """The slide before it becomes bytes; tests look at it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, HEIGHT), facecolor="white")
    title, note = _title(analysis)
    write(figure, 0.5, 6.72, title, fontsize=22, fontweight="bold")
    write(figure, 0.5, 6.4, note, fontsize=13, color=MUTED)
    kernel, factors = analysis.kernel, analysis.factors
    if isinstance(kernel, Kernel) and factors is not None:
        _single(figure, analysis, kernel, factors)
    else:
        _gradient(figure, analysis)
    return figure


def _single(figure: Figure, analysis: KernelAnalysis, kernel: Kernel, factors: Factorization) -> None:
    """Four panels and the profile of the fourth."""
    kernel_panel(figure, Box(0.5, 3.3, 3.9, 2.35), kernel, factors, "Kernel")
    singular_panel(figure, Box(5.2, 3.6, 3.1, 2.05), kernel, factors)
    found = response(factors)
    response_panel(figure, Box(9.3, 3.6, 3.0, 2.05), found)
    profile_panel(figure, Box(9.3, 0.65, 3.0, 1.75), found)
    _separation(figure, Box(0.5, 0.3, 7.9, 2.1), analysis, kernel, factors)


def _gradient(figure: Figure, analysis: KernelAnalysis) -> None:
    """A line of panels for each derivative."""
    for place, part in enumerate(analysis.components):
        kernel, factors = part.kernel, part.factors
        if not isinstance(kernel, Kernel) or factors is None:
            raise TypeError("a gradient is made of kernels")
        bottom = 3.75 - 3.1 * place
        kernel_panel(figure, Box(0.5, bottom, 2.1, 1.75), kernel, factors, readable(kernel.name, 20))
        _separation(figure, Box(3.1, bottom, 3.1, 1.75), part, kernel, factors)
        singular_panel(figure, Box(7.2, bottom, 1.9, 1.75), kernel, factors)
        response_panel(figure, Box(10.1, bottom, 2.4, 1.75), response(factors))


def _separation(
    figure: Figure, box: Box, analysis: KernelAnalysis, kernel: Kernel, factors: Factorization
) -> None:
    """The panel that says what the kernel separates into."""
    if factors.rank == 1:
        product_panel(figure, box, kernel, factors)
    else:
        approximation_panel(figure, box, analysis, kernel)


def _title(analysis: KernelAnalysis) -> tuple[str, str]:
    """The answer, and what it is about."""
    kernel, times = analysis.kernel, "\N{MULTIPLICATION SIGN}"
    if not isinstance(kernel, Kernel) or analysis.factors is None:
        ranks = {part.factors.rank for part in analysis.components if part.factors is not None}
        answer = "two separable derivatives" if ranks <= {0, 1} else "two derivatives"
        magnitude = "\N{SQUARE ROOT}(x\N{SUPERSCRIPT TWO} + y\N{SUPERSCRIPT TWO})"
        note = f"{magnitude}; {kernel.height} {times} {kernel.width} taps each"
        return _headline(kernel.name, f"gradient magnitude of {answer}"), note
    rank = analysis.factors.rank
    answers = {0: "all taps are 0, rank 0", 1: "separable, rank 1"}
    answer = answers.get(rank, f"not separable, rank {rank}")
    size = f"{kernel.height} {times} {kernel.width} taps"
    if kernel.height != kernel.width:
        size += " (rows, columns)"
    count = f"{analysis.nonzero:,} of them not 0" if rank else "all of them 0"
    return _headline(kernel.name, answer), f"{size}, {count}, sum {number(kernel.sum, 4)}"


def _headline(name: str, answer: str) -> str:
    """Both in one line, for which a long name is shortened."""
    return f"{readable(name, max(_LONGEST_TITLE - len(answer), 15))} \N{EN DASH} {answer}"
