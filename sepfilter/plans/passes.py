"""The ways to run one kernel: tap by tap, at once or in columns and rows, or by what stands in for that."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from sepfilter.kernels.arrays import FloatArray
from sepfilter.kernels.coarse import CoarseFactor
from sepfilter.values import value


@value
class DirectPass:
    """Every tap times its pixel, in one two-dimensional pass.

    Attributes
    ----------
    taps : ndarray
        Shape (kh, kw), float64.
    denominator : float
        The sum is divided by it: not 1 where the taps are kept as integers.
    correction : float
        Added to the sum before that: half of what was lost on the way.
    """

    taps: FloatArray
    denominator: float = 1
    correction: float = 0.0

    @property
    def height(self) -> int:
        """Rows of taps."""
        return int(self.taps.shape[0])

    @property
    def width(self) -> int:
        """Columns of taps."""
        return int(self.taps.shape[1])

    @property
    def method(self) -> str:
        """What reports call it."""
        return "direct"

    @property
    def terms(self) -> None:
        """No separable terms."""
        return None

    @property
    def magnitude(self) -> float:
        """``sum |taps|``, before the division."""
        return float(np.abs(self.taps).sum())

    @property
    def roundings(self) -> int:
        """Stored results a sample goes through: only the last."""
        return 1

    @property
    def factor_gain(self) -> float:
        """How much the error of a stored factor or intermediate can grow: there is none."""
        return 0.0


@value
class SeparablePass:
    """A sum of R terms, each a pass along the columns and then one along the rows.

    Separable is R = 1, low rank R > 1; the number of terms is data, not another way of running.

    Attributes
    ----------
    columns, rows : ndarray
        Shapes (R, kh) and (R, kw), float64.
    denominator : float
        The sum is divided by it: not 1 where the factors are kept as integers.
    shifts : ndarray, optional
        Shape (R,). Column sums are divided by ``2**shift``, rounded half up, and kept as 16-bit integers.
    correction : float
        Added to the sum before the division: half of what was lost on the way.
    """

    columns: FloatArray
    rows: FloatArray
    denominator: float = 1
    shifts: FloatArray | None = None
    correction: float = 0.0

    @property
    def height(self) -> int:
        """Taps of a column factor."""
        return int(self.columns.shape[1])

    @property
    def width(self) -> int:
        """Taps of a row factor."""
        return int(self.rows.shape[1])

    @property
    def method(self) -> str:
        """What reports call it."""
        return "separable"

    @property
    def terms(self) -> int:
        """R."""
        return int(self.columns.shape[0])

    @property
    def magnitude(self) -> float:
        """``sum over terms of sum |column| * sum |row|``, before the division.

        At least ``sum |taps|``; more where terms cancel one another, which costs precision.
        """
        return float(np.abs(self.columns).sum(axis=1) @ np.abs(self.rows).sum(axis=1))

    @property
    def roundings(self) -> int:
        """Stored results a sample goes through: column pass, row pass, and each further sum."""
        return 2 + max(self.terms - 1, 0)

    @property
    def factor_gain(self) -> float:
        """How much the error of a stored factor or intermediate can grow: ``sum |columns| + sum |rows|``."""
        return float(np.abs(self.columns).sum() + np.abs(self.rows).sum())


Pass: TypeAlias = DirectPass | SeparablePass
"""A way that an engine runs, tap by tap."""


class StandIn:
    """What another pass is run by: size and taps are that pass' own, `of`."""

    __slots__ = ()
    of: Pass

    @property
    def height(self) -> int:
        """Rows of taps."""
        return self.of.height

    @property
    def width(self) -> int:
        """Columns of taps."""
        return self.of.width

    @property
    def terms(self) -> int | None:
        """Separable terms."""
        return self.of.terms

    @property
    def denominator(self) -> float:
        """The sum is divided by it."""
        return self.of.denominator

    @property
    def magnitude(self) -> float:
        """``sum |taps|`` or more, before the division."""
        return self.of.magnitude


@value
class FFTPass(StandIn):
    """Another pass by overlap-save: blocks of the image are transformed, multiplied and transformed back.

    Blocks lie on a grid that is fixed to the coordinates of the result, so that it does not matter in
    what strips an image is filtered. Sums that were planned for integers are rounded to them.

    Attributes
    ----------
    of : DirectPass or SeparablePass
        The taps; also what runs on blocks that hold infinities or NaN.
    block : (int, int)
        Rows and columns of a transform, at least as many as there are taps.
    """

    of: Pass
    block: tuple[int, int]

    @property
    def method(self) -> str:
        """What reports call it."""
        return "fft"

    @property
    def step(self) -> tuple[int, int]:
        """Rows and columns of the grid: the results of one block."""
        return self.block[0] - self.height + 1, self.block[1] - self.width + 1

    @property
    def length(self) -> int:
        """Points that are transformed together: of a whole block, or of a line where the kernel is one."""
        return (self.block[0] if self.height > 1 else 1) * (self.block[1] if self.width > 1 else 1)

    @property
    def terms(self) -> None:
        """No separable terms, whatever the taps are made of."""
        return None


@value
class BoxPass(StandIn):
    """A rectangle of equal integer taps by running sums: what comes in is added, what goes out subtracted.

    Attributes
    ----------
    of : SeparablePass
        The same tap by tap: one term, its column and its row each of one integer.
    """

    of: SeparablePass

    @property
    def method(self) -> str:
        """What reports call it: its column and row are summed up one after the other."""
        return "separable"

    @property
    def tap(self) -> float:
        """The tap that all are."""
        return float(self.of.columns[0, 0] * self.of.rows[0, 0])


@value
class CoarsePass(StandIn):
    """A wide smooth kernel on every so many-th sample, see `kernels.coarse`: an approximation.

    Attributes
    ----------
    of : SeparablePass
        The kernel, one term; also what runs where samples are not finite.
    down, along : CoarseFactor
        Its column and its row, on grids of the same step.
    """

    of: SeparablePass
    down: CoarseFactor
    along: CoarseFactor

    @property
    def method(self) -> str:
        """What reports call it."""
        return "coarse"


AnyPass: TypeAlias = Pass | FFTPass | BoxPass | CoarsePass
"""Any way to run a kernel."""
