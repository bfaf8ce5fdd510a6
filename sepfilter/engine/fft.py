"""Passes by Fourier transforms: overlap-save on a grid fixed to the image.

Transforms are those of `numpy.fft`, in double whatever the samples are: as fast as SciPy's there, without
its import, and so exact that sums of integers can be rounded to the true ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from sepfilter.engine.block import Block
from sepfilter.engine.borders import extended
from sepfilter.engine.engines import Engine
from sepfilter.plans.border import Border
from sepfilter.plans.passes import FFTPass, SeparablePass
from sepfilter.plans.plan import Stage
from sepfilter.plans.precision import DOUBLE
from sepfilter.values import value

Samples = npt.NDArray[Any]
Spectrum = npt.NDArray[np.complex128]


@value
class Transforms:
    """The passes of a stage by transforms, with those of their taps, which all strips share.

    Attributes
    ----------
    stage : Stage
        Its passes are `FFTPass` with equal blocks.
    engine : Engine
        Runs the passes tap by tap where samples are not finite.
    passes : list of FFTPass
        Those of the stage.
    spectra : list of ndarray
        For each of them the conjugate transform of its taps.
    """

    stage: Stage
    engine: Engine
    passes: list[FFTPass]
    spectra: list[Spectrum]

    @classmethod
    def of(cls, stage: Stage, engine: Engine) -> Transforms:
        """Transform the taps."""
        passes = [one for one in stage.passes if isinstance(one, FFTPass)]
        return cls(stage, engine, passes, [spectrum(one) for one in passes])

    def sums(self, block: Block) -> Samples:
        """Filter a block.

        Parameters
        ----------
        block : Block
            Its first result lies on the grid of the passes.

        Returns
        -------
        ndarray
            Shape (h, w, C), float64: the sums, of a gradient their magnitude, before denominator and offset.
        """
        stage, first = self.stage, self.passes[0]
        held = extended(stage, block, "float64")
        height, width = held.shape[0] - stage.height + 1, held.shape[1] - stage.width + 1
        sound = block.pixels.dtype.kind in "iu" or bool(np.isfinite(held).all())
        out, room = np.empty((height, width, held.shape[2])), _Room.of(first)
        for place in _grid(first, height, width):
            part = held[_reach(place[0], stage.height), _reach(place[1], stage.width)]
            results = None
            if sound or np.isfinite(part).all():
                results = _filtered(part, self.passes, self.spectra, room)
            if results is None or not (stage.is_exact or np.isfinite(results).all()):
                out[place] = _tap_by_tap(stage, part, self.engine)
            else:
                out[place] = _exactly_joined(np.rint(results)) if stage.is_exact else _joined(results)
        return out


def spectrum(one: FFTPass) -> Spectrum:
    """The conjugate transform of the taps, which makes products correlations; known factors stay factors.

    Of a kernel that is one row or column it is one line, of half the block's length.
    """
    rows, columns = one.block
    if 1 in (one.height, one.width):
        taps = one.of.columns.T @ one.of.rows if isinstance(one.of, SeparablePass) else one.of.taps
        return np.conj(np.fft.rfft(taps.ravel(), rows if one.width == 1 else columns))
    if isinstance(one.of, SeparablePass):
        along_y = np.fft.fft(one.of.columns, rows)
        along_x = np.fft.rfft(one.of.rows, columns)
        found = along_y.T @ along_x
    else:
        found = np.fft.rfft2(one.of.taps, one.block)
    return np.conj(found)


def _grid(one: FFTPass, height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """The results of each block."""
    rows, columns = one.step
    for top in range(0, height, rows):
        for left in range(0, width, columns):
            yield slice(top, min(top + rows, height)), slice(left, min(left + columns, width))


def _reach(results: slice, taps: int) -> slice:
    """What goes into them."""
    return slice(results.start, results.stop + taps - 1)


@value
class _Room:
    """Memory for the transforms of one block, used again for the next: fresh pages cost as much as they.

    Lines along y lie in rows here, so that what is transformed is contiguous.
    """

    transform: Spectrum
    product: Spectrum
    sums: Samples

    @classmethod
    def of(cls, one: FFTPass) -> _Room:
        """For blocks of this pass."""
        rows, columns = one.block[::-1] if one.width == 1 else one.block
        half = (rows, columns // 2 + 1)
        return cls(np.empty(half, complex), np.empty(half, complex), np.empty((rows, columns)))


def _filtered(part: Samples, passes: list[FFTPass], spectra: list[Spectrum], room: _Room) -> Samples:
    """Every pass of one block, shape (passes, h, w, C); what a smaller block lacks is 0."""
    one, channels = passes[0], part.shape[2]
    rows, columns = part.shape[0] - one.height + 1, part.shape[1] - one.width + 1
    results = np.empty((len(passes), rows, columns, channels))
    for channel in range(channels):
        samples, sums = part[..., channel], results[..., channel]
        if one.width == 1:
            _by_lines(samples.T, sums.transpose(0, 2, 1), spectra, room)
        elif one.height == 1:
            _by_lines(samples, sums, spectra, room)
        else:
            _by_blocks(samples, sums, spectra, room)
    return results


def _by_blocks(samples: Samples, results: Samples, spectra: list[Spectrum], room: _Room) -> None:
    """One channel of a block, transformed along both axes."""
    height, (rows, columns), points = len(samples), results.shape[1:], room.sums.shape[1]
    np.fft.rfft(samples, points, axis=1, out=room.transform[:height])
    room.transform[height:] = 0
    np.fft.fft(room.transform, axis=0, out=room.transform)
    for result, factors in zip(results, spectra, strict=True):
        np.multiply(room.transform, factors, out=room.product)
        np.fft.ifft(room.product, axis=0, out=room.product)
        np.fft.irfft(room.product[:rows], points, axis=1, out=room.sums[:rows])
        result[...] = room.sums[:rows, :columns]


def _by_lines(samples: Samples, results: Samples, spectra: list[Spectrum], room: _Room) -> None:
    """One channel of a block, transformed along the second axis."""
    lines, points = len(samples), room.sums.shape[1]
    np.fft.rfft(np.ascontiguousarray(samples), points, axis=1, out=room.transform[:lines])
    for result, factors in zip(results, spectra, strict=True):
        np.multiply(room.transform[:lines], factors, out=room.product[:lines])
        np.fft.irfft(room.product[:lines], points, axis=1, out=room.sums[:lines])
        result[...] = room.sums[:lines, : result.shape[1]]


def _joined(results: Samples) -> Samples:
    """The sums of one pass, or the magnitude of two."""
    return np.asarray(results[0] if len(results) == 1 else np.hypot(*results))


def _exactly_joined(results: Samples) -> Samples:
    """The same of integers: the root of an exact sum is correctly rounded, which hypot does not promise."""
    return np.asarray(results[0] if len(results) == 1 else np.sqrt((results * results).sum(axis=0)))


def _tap_by_tap(stage: Stage, part: Samples, engine: Engine) -> Samples:
    """A block by the passes that the transforms stand in for: infinities reach no further than the kernel."""
    top, bottom, left, right = stage.halo
    whole = replace(stage, offset=0.0, border=Border(), padding="valid")
    out = np.empty((part.shape[0] - top - bottom, part.shape[1] - left - right, part.shape[2]))
    engine.filter_block(whole, Block(part, (top, bottom, left, right)), DOUBLE, None, out)
    return out
