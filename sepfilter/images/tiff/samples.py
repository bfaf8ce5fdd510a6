"""What the samples of a TIFF page mean, and how they become pixels."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tifffile

from sepfilter.errors import UnsupportedImageError
from sepfilter.geometry import ImageSpec, full_scale
from sepfilter.images.tiff.checks import Grid
from sepfilter.images.tiff.tags import (
    ASSOCIATED,
    BLACK_IS_ZERO,
    COLOUR_MAP,
    EXTRA_SAMPLES,
    FAX_KINDS,
    INKS,
    PALETTE,
    PHOTOMETRIC,
    RGB,
    UNASSOCIATED,
    WHITE_IS_ZERO,
)
from sepfilter.values import value

Pixels = npt.NDArray[Any]

_LAB: Final = frozenset({8, 9, 10})
_LOG: Final = frozenset({32844, 32845})

_COMPLEX: Final = frozenset({5, 6})
_ADVICE: Final = "convert it with another program first"


@value
class Meaning:
    """How stored samples become pixels.

    Attributes
    ----------
    spec : ImageSpec
        Of the pixels.
    cmyk : bool
        The colours are four inks.
    stored : dtype
        Of the samples as they are decoded, of the machine's byte order.
    table : array or None
        What each stored value of a colour becomes, shape (values,), or (values, 3) for a palette.
    mirror : int or None
        What a stored value of a colour is subtracted from, where white is 0 and there is no table.
    premultiplied : float or None
        The colours have been multiplied by alpha; this is the value that means opaque.
    """

    spec: ImageSpec
    cmyk: bool
    stored: np.dtype[Any]
    table: Pixels | None = None
    mirror: int | None = None
    premultiplied: float | None = None

    def pixels(self, samples: Pixels) -> Pixels:
        """Pixels of shape (h, w, C) from samples of shape (h, w, S)."""
        if self.table is not None:
            samples = self._looked_up(samples.view(np.uint8) if samples.dtype == np.bool_ else samples)
        elif self.mirror is not None:
            colours = samples[..., : samples.shape[2] - self.spec.alpha]
            np.subtract(self.mirror, colours, out=colours)
        return samples if self.premultiplied is None else divided_by_alpha(samples, self.premultiplied)

    def _looked_up(self, samples: Pixels) -> Pixels:
        """Samples by the table; those of alpha by the table of a grey ramp."""
        assert self.table is not None  # noqa: S101 - asked before
        if self.table.ndim == 2:
            return self.table[samples[..., 0]]
        if not self.spec.alpha:
            return self.table[samples]
        return np.concatenate([self.table[samples[..., :-1]], np.sort(self.table)[samples[..., -1:]]], axis=2)


def meaning_of(page: tifffile.TiffPage, grid: Grid, name: str) -> Meaning:
    """Find out what the samples of a page mean.

    Up to 7 bits a sample are scaled to the full range of uint8. 9 to 15 and 17 to 31 bits stay as they are
    stored, in uint16 and uint32: sensors store counts in them that are not to change, and Pillow and tifffile
    keep them too. Where white is 0, integers of every depth are inverted within their own range, and floats
    are not. A palette becomes uint8 RGB where its 16-bit colours are 8-bit ones in disguise (multiples of 257
    or of 256, or all below 256), else uint16 RGB. One extra sample of opacity, the last, is alpha; four
    samples of RGB without a word about the fourth are RGBA; other extra samples are channels.

    Parameters
    ----------
    page : tifffile.TiffPage
        Its tags are used, not its pixels.
    grid : Grid
        Its checked size.
    name : str
        The file, in messages.

    Raises
    ------
    UnsupportedImageError
        Filtering such samples makes no sense, or no sample type of ours holds them.
    ValueError
        A palette is too short.
    """
    photometric = photometric_of(page)
    _refuse(page, photometric, name)
    stored = np.dtype(page.dtype)
    bits = 8 if isinstance(page.bitspersample, tuple) else int(page.bitspersample)
    alpha, premultiplied = _opacity(page, photometric, grid.samples)
    colours = grid.samples - alpha
    table = mirror = None
    dtype, channels = stored.name, grid.samples
    inverted = photometric == WHITE_IS_ZERO and stored.kind != "f"
    if photometric == PALETTE:
        table = _palette(page, bits, name)
        dtype, channels, alpha, premultiplied = table.dtype.name, 3, False, False
    elif bits < 8:
        table = np.rint(np.arange(2**bits) * (255 / (2**bits - 1))).astype(np.uint8)
        table, dtype = table[::-1] if inverted else table, "uint8"
    elif inverted:
        mirror = 2**bits - 1 if stored.kind == "u" else -1
    spec = ImageSpec(grid.height, grid.width, channels, dtype, alpha)
    opaque = full_scale(dtype) if bits < 8 or stored.kind != "u" else 2.0**bits - 1
    cmyk = photometric == INKS and colours == 4
    return Meaning(spec, cmyk, stored, table, mirror, opaque if premultiplied else None)


def photometric_of(page: tifffile.TiffPage) -> int:
    """What its colours are; where it does not say, black is 0, as libtiff takes it."""
    if PHOTOMETRIC in page.tags or page.photometric:
        return int(page.photometric)
    if page.compression in FAX_KINDS:
        return WHITE_IS_ZERO
    return RGB if page.samplesperpixel >= 3 else BLACK_IS_ZERO


def divided_by_alpha(pixels: Pixels, full: float) -> Pixels:
    """Undo what associated alpha did to the colours, to the nearest value; under alpha 0 they stay.

    Parameters
    ----------
    pixels : array, shape (h, w, C)
        Alpha is the last channel.
    full : float
        The value that means opaque, and white.
    """
    colours, alpha = pixels[..., :-1], pixels[..., -1:]
    kind = np.float32 if pixels.dtype.itemsize < 2 else np.float64
    with np.errstate(all="ignore"):
        scale = np.divide(full, alpha, where=alpha != 0, out=np.ones(alpha.shape, kind), dtype=kind)
        whole = colours * scale
    if pixels.dtype.kind != "f":
        whole = np.rint(np.clip(whole, None, full, out=whole), out=whole)
    result = np.empty_like(pixels)
    with np.errstate(all="ignore"):
        result[..., :-1] = whole
    result[..., -1:] = alpha
    return result


def _refuse(page: tifffile.TiffPage, photometric: int, name: str) -> None:
    """Refuse samples that are no colours, or that no sample type of ours holds."""
    if photometric in _LAB:
        raise UnsupportedImageError(f"{name}: Lab colours are not filtered: convert it to RGB first")
    if photometric in _LOG:
        raise UnsupportedImageError(f"{name}: logarithmic colours are not filtered: convert it to RGB first")
    if page.imagedepth > 1:
        raise UnsupportedImageError(
            f"{name}: a volume of {page.imagedepth} slices is not filtered: {_ADVICE}"
        )
    if page.sampleformat in _COMPLEX:
        raise UnsupportedImageError(f"{name}: complex samples are not filtered: {_ADVICE}")
    if page.dtype is None:
        raise UnsupportedImageError(
            f"{name}: samples of {page.bitspersample} bits are not filtered: {_ADVICE}"
        )
    if page.dtype.kind in "iu" and page.dtype.itemsize > 4:
        raise UnsupportedImageError(
            f"{name}: samples of 64-bit integers are not filtered: convert it to 32 bits or to float64 first"
        )
    if photometric == PALETTE and page.samplesperpixel > 1:
        raise UnsupportedImageError(f"{name}: a palette beside other channels is not filtered: {_ADVICE}")


def _opacity(page: tifffile.TiffPage, photometric: int, samples: int) -> tuple[bool, bool]:
    """Whether the last sample is opacity, and whether the colours have been multiplied by it."""
    extra = tuple(page.extrasamples)
    if samples < 2:
        return False, False
    if EXTRA_SAMPLES not in page.tags:
        return photometric == RGB and samples == 4, False
    opacities = [kind for kind in extra if kind in {ASSOCIATED, UNASSOCIATED}]
    alpha = len(opacities) == 1 and extra[-1] == opacities[0]
    return alpha, alpha and opacities[0] == ASSOCIATED


def _palette(page: tifffile.TiffPage, bits: int, name: str) -> Pixels:
    """The colours of a palette, shape (values, 3)."""
    if page.dtype is None or page.dtype.kind not in "ub" or bits > 16:
        raise UnsupportedImageError(f"{name}: a palette of {bits}-bit samples is not filtered: {_ADVICE}")
    values = np.asarray(page.tags.valueof(COLOUR_MAP, ()), np.uint16).reshape(-1)
    if values.size < 3 * 2**bits:
        raise ValueError(f"its palette has {values.size} values, not {3 * 2**bits}")
    colours = values[: 3 * 2**bits].reshape(3, -1).T
    if (colours < 256).all():
        return np.ascontiguousarray(colours, np.uint8)
    low, high = colours & 255, colours >> 8
    if (low == high).all() or not low.any():
        return np.ascontiguousarray(high, np.uint8)
    return np.ascontiguousarray(colours)
