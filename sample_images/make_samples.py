"""Rebuild the sample images in this folder.

Without options the two drawings are written: ``chart.png``, a test chart, and
``logo-transparent.png``, an RGBA drawing.  With ``--photos`` the four photographs
are rebuilt as well, from the files bundled with an installed scikit-image.

Only NumPy and Pillow are needed for the drawings.  The same inputs always give the
same pixels, so that a second run leaves the committed files as they are.
"""

from __future__ import annotations

import argparse
import importlib.resources
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Array = NDArray[np.float64]
Colour = tuple[int, int, int]

HERE = Path(__file__).resolve().parent

CHART_SIZE = 512
PAPER = 208
INK: Colour = (16, 16, 16)
ZONE_SIZE = 320
ZONE_SCALE = 464  # local frequency is r / ZONE_SCALE: 0.49 cycles per pixel in the corners

LOGO_SIZE = (384, 256)
LOGO_TEXT = "sepfilter"
HIDDEN: Colour = (0, 255, 0)  # stored where alpha is 0; appears nowhere else in the logo


def grid(width: int, height: int) -> tuple[Array, Array]:
    """Return the x and y coordinates of the pixel centres, the first one being 0.5."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64) + 0.5
    return x, y


def to_bytes(values: Array) -> NDArray[np.uint8]:
    """Round to the nearest integer and clip to 0..255."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


# --- chart.png ---------------------------------------------------------------------------


def zone_plate(size: int, scale: float) -> Array:
    """Return the grey rings ``128 + 126 cos(pi r^2 / scale)``, r from the centre."""
    x, y = grid(size, size)
    r2 = (x - size / 2) ** 2 + (y - size / 2) ** 2
    # An even amplitude keeps the exact cosines (0, 1/2, 1) away from rounding ties.
    return 128 + 126 * np.cos(np.pi * r2 / scale)


def slanted_edge(width: int, height: int) -> Array:
    """Return a dark and a light half, parted by an antialiased edge of slope 1:10."""
    x, y = grid(width, height)
    distance = (x - width / 2) - (y - height / 2) / 10
    return 40 + 200 * np.clip(distance + 0.5, 0, 1)


def bars(width: int, height: int, stroke: int) -> Array:
    """Return vertical black and white bars, each `stroke` pixels wide."""
    row = np.where(np.arange(width) // stroke % 2 == 0, 0.0, 255.0)
    return np.tile(row, (height, 1))


def impulses(width: int, height: int) -> Array:
    """Return white details on black: dots of 1, 2 and 3 pixels, a line and a cross."""
    patch = np.zeros((height, width))
    centre = height // 2
    for side, left in ((1, 18), (2, 46), (3, 74)):
        patch[centre : centre + side, left : left + side] = 255
    patch[8 : height - 8, 104] = 255
    patch[8 : height - 8, 132] = 255
    patch[centre, 116 : width - 6] = 255
    return patch


def step_wedge(width: int, height: int, steps: int) -> Array:
    """Return `steps` equal fields which go from 0 to 255."""
    index = np.arange(width) * steps // width
    return np.tile(np.rint(255 * index / (steps - 1)), (height, 1))


def draw_chart() -> Image.Image:
    """Draw the test chart as an RGB image."""
    canvas = np.full((CHART_SIZE, CHART_SIZE, 3), float(PAPER))

    def paste(patch: Array, left: int, top: int, tint: Colour = (1, 1, 1)) -> None:
        height, width = patch.shape
        canvas[top : top + height, left : left + width] = patch[..., np.newaxis] * tint

    paste(zone_plate(ZONE_SIZE, ZONE_SCALE), 12, 34)
    paste(slanted_edge(154, 96), 346, 34)
    for number, stroke in enumerate((1, 2, 4, 8)):
        paste(bars(32, 40, stroke), 346 + 40 * number, 154)
    paste(impulses(154, 48), 346, 216)

    tints: tuple[Colour, ...] = ((1, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1))
    for number, tint in enumerate(tints):
        paste(step_wedge(440, 22, 11), 60, 380 + 24 * number, tint)
    paste(step_wedge(440, 22, 440), 60, 476)

    image = Image.fromarray(to_bytes(canvas))
    pen = ImageDraw.Draw(image)

    def write(left: int, top: int, text: str, size: int, anchor: str = "lt") -> None:
        font = ImageFont.load_default(size=size)
        pen.text((left, top), text, fill=INK, font=font, anchor=anchor)

    write(12, 24, "Filter test chart", 18, "ls")
    write(500, 24, f"{CHART_SIZE} x {CHART_SIZE}", 18, "rs")
    write(12, 359, f"zone plate, cos(pi r^2 / {ZONE_SCALE})", 12)
    write(346, 135, "slanted edge, 1:10", 12)
    write(346, 199, "bars, 1 2 4 8 pixels", 12)
    write(346, 269, "dots, line and cross", 12)
    for size, top in ((9, 292), (12, 304), (16, 319), (22, 337)):
        write(346, top, f"Sharp text {size}", size)
    for number, name in enumerate(("grey", "red", "green", "blue", "ramp")):
        write(12, 391 + 24 * number, name, 13, "lm")
    return image


# --- logo-transparent.png ----------------------------------------------------------------


def smooth_step(values: Array) -> Array:
    """Go smoothly from 0 (values <= 0) to 1 (values >= 1)."""
    t = np.clip(values, 0, 1)
    return t * t * (3 - 2 * t)


def disc(centre: tuple[float, float], radius: float, softness: float) -> Array:
    """Return the coverage of a disc which fades out over the last `softness` pixels."""
    x, y = grid(*LOGO_SIZE)
    distance = np.sqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2)
    return smooth_step((radius - distance) / softness)


def text_coverage(text: str, size: int, centre: tuple[float, float]) -> Array:
    """Return the antialiased coverage of a line of text."""
    mask = Image.new("L", LOGO_SIZE, 0)
    font = ImageFont.load_default(size=size)
    ImageDraw.Draw(mask).text(centre, text, fill=255, font=font, anchor="mm")
    return np.asarray(mask, dtype=np.float64) / 255


def draw_logo() -> Image.Image:
    """Draw soft discs, a ring and text on full transparency, as an RGBA image."""
    ring = disc((192, 100), 92, 3) * (1 - disc((192, 100), 82, 3))
    layers: tuple[tuple[Array, float, Colour], ...] = (
        (disc((152, 84), 78, 56), 0.90, (0, 168, 176)),
        (disc((232, 84), 78, 56), 0.90, (248, 132, 32)),
        (disc((192, 138), 78, 56), 0.80, (132, 72, 208)),
        (ring, 0.65, (24, 40, 96)),
        (disc((192, 100), 18, 1.5), 1.00, (255, 244, 214)),
        (text_coverage(LOGO_TEXT, 46, (192, 224)), 1.00, (24, 40, 96)),
    )
    # Stack the layers with the "over" operator, on colours multiplied by alpha.
    width, height = LOGO_SIZE
    colour = np.zeros((height, width, 3))
    alpha = np.zeros((height, width, 1))
    for coverage, opacity, rgb in layers:
        top = (coverage * opacity)[..., np.newaxis]
        colour = top * np.array(rgb, dtype=np.float64) + (1 - top) * colour
        alpha = top + (1 - top) * alpha

    stored_alpha = to_bytes(255 * alpha)
    straight = to_bytes(colour / np.where(alpha > 0, alpha, 1))
    stored_colour = np.where(stored_alpha == 0, np.array(HIDDEN, dtype=np.uint8), straight)
    return Image.fromarray(np.concatenate((stored_colour, stored_alpha), axis=2))


# --- photographs -------------------------------------------------------------------------


def load_photo(name: str) -> Image.Image:
    """Read the pixels of a file bundled with scikit-image, without its metadata."""
    source = importlib.resources.files("skimage.data").joinpath(name)
    with source.open("rb") as stream, Image.open(stream) as image:
        return Image.fromarray(np.asarray(image))


def make_drawings(folder: Path) -> None:
    """Write the two drawings into `folder`."""
    draw_chart().save(folder / "chart.png", optimize=True)
    draw_logo().save(folder / "logo-transparent.png", optimize=True)


def make_photos(folder: Path) -> None:
    """Write the four photographs into `folder`; scikit-image must be installed."""
    for name in ("astronaut", "chelsea"):
        photo = load_photo(f"{name}.png")
        photo.save(folder / f"{name}.jpg", quality=92, subsampling="4:4:4", optimize=True)
    coffee = load_photo("coffee.png").resize((420, 280), Image.Resampling.LANCZOS)
    coffee.save(folder / "coffee.png", optimize=True)
    load_photo("camera.png").save(folder / "camera.png", optimize=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Rebuild the sample images.")
    parser.add_argument(
        "--photos",
        action="store_true",
        help="also rebuild the photographs from an installed scikit-image",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=HERE,
        metavar="FOLDER",
        help="where to write the files (default: the folder of this script)",
    )
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    make_drawings(options.output)
    if options.photos:
        try:
            make_photos(options.output)
        except ModuleNotFoundError as error:
            parser.error(f"--photos needs scikit-image: {error}")


if __name__ == "__main__":
    main()
