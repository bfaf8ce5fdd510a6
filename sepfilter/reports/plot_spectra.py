"""Panels of a kernel's spectra: singular values, and the frequency response with its profiles."""

from __future__ import annotations

from math import floor, isfinite, log10
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from sepfilter.kernels.arrays import FloatArray
from sepfilter.kernels.factorization import Factorization
from sepfilter.kernels.kernel import Kernel
from sepfilter.reports.plot_canvas import BLUE, FAINT, MUTED, ORANGE, Box, heading, number
from sepfilter.reports.plot_numbers import FLOOR, Response, relative_singular_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SUPERSCRIPTS: Final = str.maketrans(
    "-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
)


_DENORMAL: Final = 1e-300
_ROOF: Final = 1.8
_BAND: Final = 0.25
"""Share of the panel that singular values of 0 take, which have no place on a logarithmic axis."""


def singular_panel(figure: Figure, box: Box, kernel: Kernel, factors: Factorization) -> None:
    """Singular values on a logarithmic axis; those that count as 0 in grey."""
    from matplotlib.ticker import MaxNLocator, NullLocator

    values = relative_singular_values(kernel, factors)
    heading(figure, box, "Singular values", _energy(values, factors.rank))
    places = np.arange(1, values.size + 1)
    counting = places <= factors.rank
    zeros = not counting.all()
    lowest = float(values[counting].min(initial=0.1)) / 1.8
    bottom = lowest * (lowest / _ROOF) ** (_BAND / (1 - _BAND)) if zeros else lowest
    size = 9.0 if values.size <= 16 else 5.0
    axes = box.axes(figure, "singular values")
    axes.set_yscale("log")
    axes.plot(places[counting], values[counting], "o", color=BLUE, markersize=size)
    if zeros:
        axes.axhspan(bottom, lowest, color="#eef0f2", linewidth=0)
        words = f"below {number(factors.tolerance, 1)}: counts as 0"
        _zeros(axes, places[~counting], size, words if factors.rank and box.width > 3 else "counts as 0")
    decades = _decades(lowest)
    axes.set(xlim=(0.4, max(values.size, 3) + 0.6), ylim=(bottom, _ROOF))
    axes.set_yticks([10.0**one for one in decades], [_power(one) for one in decades])
    axes.yaxis.set_minor_locator(NullLocator())
    if values.size > 11:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    else:
        axes.set_xticks(places)
    axes.set_xlabel("term")
    axes.set_ylabel("share of the largest")
    axes.spines[["top", "right"]].set_visible(False)


def _zeros(axes: Axes, places: npt.NDArray[np.int64], size: float, words: str) -> None:
    """Those that count as 0, in the band at the bottom."""
    across = axes.get_xaxis_transform()
    axes.plot(places, np.full(places.size, 0.07), "o", color=FAINT, markersize=size, transform=across)
    axes.text(0.97, _BAND - 0.02, words, transform=axes.transAxes, ha="right", va="top", color=MUTED)


def _energy(values: FloatArray, rank: int) -> str:
    """How much of the squared taps the first terms hold."""
    if rank == 0:
        return "none: no term is needed"
    shares = 100 * np.cumsum(values**2) / np.sum(values**2)
    if rank == 1:
        return "one term is the whole kernel"
    if rank <= 4:
        told = [f"{share:.3g} %" for share in np.diff(shares[:rank], prepend=0.0).round(1).tolist()]
        return f"energy: {', '.join(told)}"
    enough = int(np.searchsorted(shares, 99.0)) + 1
    first = float(shares[0])
    return f"energy: {first:.{0 if first >= 1 else 2}f} % in 1, 99 % in {enough}"


def _decades(lowest: float) -> list[int]:
    """Up to six powers of ten from the lowest value to 1."""
    first = int(np.ceil(np.log10(lowest)))
    step = max(1, -(first // 5))
    return list(range(0, first - 1, -step))[::-1]


def _power(exponent: int) -> str:
    """A power of ten as people write it."""
    return "1" if exponent == 0 else f"10{str(exponent).translate(_SUPERSCRIPTS)}"


def response_panel(figure: Figure, box: Box, found: Response) -> None:
    """The magnitude at every frequency, in dB, with y downwards as in the kernel."""
    zoomed = found.frequencies[-1] < 0.5
    note = (
        f"zoomed in; the largest gain is {number(found.peak)}"
        if zoomed
        else f"largest gain {number(found.peak)}"
    )
    heading(figure, box, "Frequency response", note)
    inner = Box(box.left, box.bottom, box.height, box.height)
    axes = inner.axes(figure, "frequency response")
    least, most = float(found.frequencies[0]), float(found.frequencies[-1])
    lowest = 20 * float(np.log10(FLOOR))
    drawn = axes.imshow(
        found.decibels, cmap="viridis", vmin=lowest, vmax=0, extent=(least, most, most, least)
    )
    ticks = [least, 0.0, most]
    axes.set_xticks(ticks, [number(tick) for tick in ticks])
    first, *_, last = axes.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")
    axes.set_yticks(ticks, [number(tick) for tick in ticks])
    axes.set_xlabel("x: cycles per pixel")
    axes.set_ylabel("y: cycles per pixel", labelpad=-8)
    scale = Box(inner.right + 0.12, inner.bottom, 0.16, inner.height).axes(figure, "decibels")
    bar = figure.colorbar(drawn, cax=scale, ticks=[0, -10, -20, -30, -40])
    bar.ax.set_yticklabels(
        ["0 dB", "\N{MINUS SIGN}10", "\N{MINUS SIGN}20", "\N{MINUS SIGN}30", "\N{MINUS SIGN}40"]
    )
    bar.outline.set_visible(False)


def profile_panel(figure: Figure, box: Box, found: Response) -> None:
    """Gains along the two axes of the frequency response."""
    heading(figure, box, "Gain along the axes")
    axes = box.axes(figure, "profile")
    middle = found.frequencies.size // 2
    positive = found.frequencies[middle:]
    along_x, along_y = found.gains[middle, middle:], found.gains[middle:, middle]
    axes.plot(positive, along_x, color=BLUE, linewidth=2.6, label="along x")
    axes.plot(positive, along_y, color=ORANGE, linewidth=2.6, linestyle=(0, (3, 2)), label="along y")
    most = max(float(along_x.max()), float(along_y.max())) or 1.0
    axes.set(xlim=(0, positive[-1]), ylim=(-0.04 * most, 1.08 * most))
    ticks, labels = _gain_ticks(found.peak, most)
    axes.set_yticks(ticks, labels)
    if found.peak and not _is_ordinary(found.peak):
        axes.set_ylabel("share of the largest")
    axes.grid(axis="y", color="#e5e8eb", linewidth=0.8)
    axes.set_axisbelow(True)
    places = [0.0, float(positive[-1]) / 2, float(positive[-1])]
    axes.set_xticks(places, [number(place) for place in places])
    axes.set_xlabel("cycles per pixel")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.985), ncols=2, frameon=False, borderaxespad=0.1)


def _gain_ticks(peak: float, most: float) -> tuple[list[float], list[str]]:
    """Round gains from 0 to `most` of the peak, which may be denormal or infinite."""
    from matplotlib.ticker import MaxNLocator

    if peak == 0:
        return [0.0], ["0"]
    unit = peak if _is_ordinary(peak) else 1.0
    scale = 10.0 ** (floor(log10(unit)) - 1)
    locator = MaxNLocator(nbins=4, steps=[1, 2, 5, 10])
    ticks = [float(tick) for tick in locator.tick_values(0.0, unit / scale * most)]
    inside = [tick for tick in ticks if 0 <= tick * scale / unit <= 1.05 * most]
    return [tick * (scale / unit) for tick in inside], [number(tick * scale) for tick in inside]


def _is_ordinary(peak: float) -> bool:
    """True for a largest gain that has round parts, being neither infinite nor next to denormal."""
    return isfinite(peak) and peak > _DENORMAL
