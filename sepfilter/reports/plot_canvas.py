"""A slide and the boxes on it: sizes, colours, type and words that every panel shares."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from sepfilter.kernels.arrays import FloatArray
from sepfilter.values import value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

WIDTH: Final = 12.8
HEIGHT: Final = 7.2
"""Inches: 16:9. At 1280 pixels a point of type is 1.4 pixels."""

SMALL: Final = 11.0
"""Points; nothing but numbers in cells is set smaller."""

INK: Final = "#1b1f24"
MUTED: Final = "#59636e"
FAINT: Final = "#c4cad1"
BLUE: Final = "#08519c"
ORANGE: Final = "#d1500b"

STYLE: Final[dict[str, Any]] = {
    "font.family": ["DejaVu Sans"],
    "font.size": SMALL,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.labelsize": SMALL,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "svg.hashsalt": "sepfilter",
}

_SMALLEST_TYPE: Final = 9.0
_LARGEST_TYPE: Final = 16.0
_LETTER: Final = 0.64 / 72
"""Width of a digit in inches for each point of its size."""


@value
class Box:
    """A rectangle of the slide, in inches from its lower left corner."""

    left: float
    bottom: float
    width: float
    height: float

    @property
    def top(self) -> float:
        """Where it ends above."""
        return self.bottom + self.height

    @property
    def right(self) -> float:
        """Where it ends at the right."""
        return self.left + self.width

    def axes(self, figure: Figure, label: str) -> Axes:
        """Axes that fill it; the label tells tests and SVG readers which they are."""
        place = (self.left / WIDTH, self.bottom / HEIGHT, self.width / WIDTH, self.height / HEIGHT)
        return figure.add_axes(place, label=label)

    def fitted(self, height: int, width: int) -> Box:
        """The largest box of so many square cells, at the upper left; very long ones are drawn thicker."""
        cell = min(self.width / width, self.height / height, 0.9)
        wide, high = max(cell * width, 0.4), max(cell * height, 0.4)
        return Box(self.left, self.top - high, wide, high)


def write(figure: Figure, left: float, bottom: float, text: str, **style: Any) -> None:
    """Text at a place in inches."""
    figure.text(left / WIDTH, bottom / HEIGHT, text, **style)


def heading(figure: Figure, box: Box, title: str, note: str = "") -> None:
    """The title of a panel and a line below it, above the box."""
    write(figure, box.left, box.top + 0.34, title, fontsize=14, fontweight="bold")
    write(figure, box.left, box.top + 0.11, note, fontsize=SMALL, color=MUTED)


def number(value: float, digits: int = 3) -> str:
    """A number as a slide shows it.

    Examples
    --------
    >>> number(0.25), number(97300.4), number(float("inf"))
    ('0.25', '97,300', 'over 1.8e308')
    """
    if not isfinite(value):
        return "over 1.8e308"
    if 1000 <= abs(value) < 1e7:
        return f"{value:,.0f}".replace("-", "\N{MINUS SIGN}")
    return f"{value + 0.0:.{digits}g}".replace("e+", "e").replace("e-0", "e-").replace("-", "\N{MINUS SIGN}")


def cell_type(texts: Iterable[str], width: float, height: float) -> float:
    """Points of type for texts in cells of a size in inches, 0 where they would be too small to read."""
    longest = max(map(len, texts))
    points = min(_LARGEST_TYPE, width / (_LETTER * (longest + 1.2)), 72 * height / 1.6)
    return points if points >= _SMALLEST_TYPE else 0.0


def readable(text: str, longest: int) -> str:
    """A name of one line in letters that the font has."""
    from matplotlib.font_manager import findfont, get_font

    known = get_font(findfont("DejaVu Sans")).get_charmap()
    words = " ".join(text.split())
    if len(words) > longest:
        words = f"{words[: longest - 14].rstrip()} ... {words[-9:].lstrip()}"
    return "".join(letter if ord(letter) in known else "?" for letter in words)


def tap_colours() -> Colormap:
    """White for 0, blue for positive taps, red for negative ones: one map whatever signs there are."""
    import numpy as np
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    shades = np.linspace(0.0, 0.95, 128)
    both = np.concatenate([colormaps["Reds"](shades[::-1]), colormaps["Blues"](shades)])
    both[:, :3] += (1 - both[:, :3]) * (1 - np.abs(np.linspace(-1, 1, 256))[:, np.newaxis]) ** 8
    return ListedColormap(both, name="taps")


def picture(axes: Axes, cells: FloatArray, height: int, width: int) -> None:
    """A picture of taps, shares of the largest, with lines between cells that can be told apart."""
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    axes.imshow(
        cells,
        cmap=tap_colours(),
        vmin=-1,
        vmax=1,
        extent=extent,
        aspect="auto",
        interpolation="nearest",
    )
    axes.set_xticks([])
    axes.set_yticks([])
    if max(height, width) <= 16:
        axes.hlines([y + 0.5 for y in range(height - 1)], -0.5, width - 0.5, color=FAINT, linewidth=0.8)
        axes.vlines([x + 0.5 for x in range(width - 1)], -0.5, height - 0.5, color=FAINT, linewidth=0.8)


def cell_texts(axes: Axes, cells: FloatArray, texts: list[list[str]], points: float) -> None:
    """Numbers in cells, light on dark ones."""
    for y, line in enumerate(texts):
        for x, text in enumerate(line):
            colour = "white" if abs(cells[y, x]) > 0.55 else INK
            axes.text(x, y, text, ha="center", va="center", fontsize=points, color=colour)
