"""What a decomposition into depthwise and pointwise layers costs and how far it is off: plain values."""

from __future__ import annotations

from sepfilter.errors import BankError
from sepfilter.values import value


@value
class DecompositionRow:
    """A depth multiplier, what it takes and how far it is off.

    Attributes
    ----------
    multiplier : int
        Kernels for each input channel, at least 1.
    relative_error : float
        Frobenius norm of the weights that are left out, over that of all weights.
    worst_case_error : float
        The most that any output, before the activation, can be off for inputs from 0 to the table's levels.
    multiplications : int
        For all output channels of one output pixel, of both layers.
    parameters : int
        Weights of both layers, and the bias.
    """

    multiplier: int
    relative_error: float
    worst_case_error: float
    multiplications: int
    parameters: int


@value
class DecompositionTable:
    """An ordinary convolution layer, and its decompositions by depth multiplier.

    Attributes
    ----------
    name : str
        What the layer is called.
    shape : (int, int, int, int)
        Of its weights: output channels, input channels of a group, kernel height and width.
    groups : int
        Parts that its channels are in.
    levels : float
        The largest input that `worst_case_error` allows; the least is 0.
    stored : str
        Type that the factors were rounded to before their errors were taken.
    multiplications, parameters : int
        Of the layer as it is, for one output pixel.
    ranks : (int, int)
        The least and the greatest number of kernels that an input channel needs.
    rows : tuple of DecompositionRow
        Multipliers 1, 2, ... as far as there can be terms: ``min(kh * kw, Cout / groups)``.
    """

    name: str
    shape: tuple[int, int, int, int]
    groups: int
    levels: float
    stored: str
    multiplications: int
    parameters: int
    ranks: tuple[int, int]
    rows: tuple[DecompositionRow, ...]

    @property
    def exact_multiplier(self) -> int:
        """The least multiplier that leaves out nothing but rounding; more add terms of 0."""
        return max(1, self.ranks[1])

    def ratio(self, row: DecompositionRow) -> float:
        """How many times more the layer as it is multiplies."""
        return self.multiplications / row.multiplications

    def row(self, multiplier: int) -> DecompositionRow:
        """The row of a multiplier.

        Raises
        ------
        BankError
            There is none: it is below 1, or above what can have terms.
        """
        if not 1 <= multiplier <= len(self.rows):
            raise BankError(no_such_multiplier(self.name, multiplier, len(self.rows), self.exact_multiplier))
        return self.rows[multiplier - 1]

    def within(self, max_error: float) -> DecompositionRow:
        """The least multiplier whose worst case is within a limit, or else the exact one.

        Examples
        --------
        >>> rows = [DecompositionRow(d, 0.1 / d, 0.5 / d, 12 * d, 12 * d) for d in (1, 2, 3)]
        >>> table = DecompositionTable("a", (3, 1, 3, 3), 1, 1.0, "float32", 27, 27, (3, 3), tuple(rows))
        >>> table.within(0.3).multiplier, table.within(0.01).multiplier
        (2, 3)
        """
        kept = self.rows[: self.exact_multiplier]
        return next((row for row in kept if row.worst_case_error <= max_error), kept[-1])


@value
class Decomposition:
    """A layer's table, and which of its rows was chosen.

    Attributes
    ----------
    table : DecompositionTable
        All that could be chosen.
    multiplier : int or None
        The one chosen; None where none was asked for.
    max_error : float or None
        The worst case that it was to keep within, if it was chosen so.
    """

    table: DecompositionTable
    multiplier: int | None = None
    max_error: float | None = None

    @property
    def chosen(self) -> DecompositionRow | None:
        """The row of the multiplier chosen."""
        return None if self.multiplier is None else self.table.row(self.multiplier)

    @property
    def is_within(self) -> bool:
        """False where not even the exact multiplier keeps within what was asked for."""
        row = self.chosen
        return row is None or self.max_error is None or row.worst_case_error <= self.max_error


@value
class DecomposedBank:
    """What `decompose` did to a weights file.

    Attributes
    ----------
    weights : str
        The file that was read.
    layers : tuple of Decomposition
        Each ordinary convolution, from first to last.
    kept : tuple of str
        Names of the layers that were left as they are.
    output : str or None
        The file that was written.
    """

    weights: str
    layers: tuple[Decomposition, ...]
    kept: tuple[str, ...] = ()
    output: str | None = None


def no_such_multiplier(name: str, multiplier: int, most: int, exact: int) -> str:
    """Why a multiplier is refused, and which are not."""
    taken = "1 is the only one" if most == 1 else f"give 1 to {most}"
    return f"layer {name!r}: no decomposition of multiplier {multiplier}: {taken}, exact from {exact} on"
