"""The plan: all that will be done to an image, decided and explained before a pixel is read."""

from __future__ import annotations

from dataclasses import field

from sepfilter.geometry import ImageSpec
from sepfilter.plans.border import Border
from sepfilter.plans.operations import Operations
from sepfilter.plans.output_map import OutputMap
from sepfilter.plans.passes import AnyPass, FFTPass, Pass, StandIn
from sepfilter.plans.precision import Arithmetic
from sepfilter.values import value


@value
class Stage:
    """One kernel of a cascade, or one gradient.

    Attributes
    ----------
    name : str
        The kernel's.
    passes : tuple of DirectPass, SeparablePass, FFTPass, BoxPass or CoarsePass
        One; or the two derivatives of a gradient, combined as the magnitude.
    anchor : (int, int)
        The tap (ay, ax) that lies on the output pixel.
    offset : float
        Added to the result.
    border : Border
        What lies beyond the edges of this stage's input.
    padding : str
        ``same``, or ``valid``: only where the kernel fits.
    operations : Operations
        Counts for the whole image.
    error_bound : float
        Worst-case error of the approximation, in units of the source, from this stage alone.
    is_exact : bool
        Integers only: a gradient's root is taken of an exact sum of squares.
    reason : str
        Why these passes.
    nanoseconds : float
        What they are predicted to take for a sample of the stage's result, on one thread.
    """

    name: str
    passes: tuple[AnyPass, ...]
    anchor: tuple[int, int]
    offset: float
    border: Border
    padding: str
    operations: Operations
    error_bound: float
    is_exact: bool
    reason: str
    nanoseconds: float = 0.0

    @property
    def height(self) -> int:
        """Rows of the kernel."""
        return self.passes[0].height

    @property
    def width(self) -> int:
        """Columns of the kernel."""
        return self.passes[0].width

    @property
    def method(self) -> str:
        """``direct``, ``separable``, ``fft``, ``coarse``; ``mixed`` where a gradient's derivatives differ."""
        return one_of({one.method for one in self.passes})

    @property
    def rank(self) -> int | None:
        """The most terms that a separable pass has; None for direct passes."""
        return max((one.terms for one in self.passes if one.terms is not None), default=None)

    @property
    def is_magnitude(self) -> bool:
        """True for a gradient."""
        return len(self.passes) > 1

    @property
    def by_taps(self) -> tuple[Pass, ...]:
        """The passes tap by tap: where others stand in for them, what those stand for."""
        return tuple(one.of if isinstance(one, StandIn) else one for one in self.passes)

    @property
    def is_by_taps(self) -> bool:
        """True where the engine runs the passes as they are."""
        return self.by_taps == self.passes

    @property
    def divides_last(self) -> bool:
        """True where the division by the denominator is part of the last scaling, and rounds with it."""
        return not self.is_exact and not self.is_magnitude

    @property
    def grid_rows(self) -> int:
        """Rows of results that are made together, counted from the first: 1 but for transforms."""
        first = self.passes[0]
        return first.step[0] if isinstance(first, FFTPass) else 1

    @property
    def halo(self) -> tuple[int, int, int, int]:
        """Context that an output pixel needs: rows above, below, columns left, right."""
        ay, ax = self.anchor
        return ay, self.height - 1 - ay, ax, self.width - 1 - ax

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the result for an input of this size."""
        if self.padding == "same":
            return height, width
        return height - self.height + 1, width - self.width + 1


@value
class Plan:
    """What will be done.

    Attributes
    ----------
    spec : ImageSpec
        The image planned for.
    stages : tuple of Stage
        In the order in which they run, without rounding in between.
    output : OutputMap
        What happens to the last stage's values.
    precision : str
        ``exact``, ``fast``, ``float`` or ``double``.
    accumulator : str
        What sums are kept in: int16, uint16, int32, float32 or float64.
    samples : str
        Type that results are stored in before they are mapped: float32 or float64.
    arithmetic_bound : float
        An integer output sample differs from the rounded float64 result only where that lies
        within this of a tie, in output levels; before a division by opacity.
    error_bound : float
        Worst-case error of approximations, in units of the source, on the unrounded result.
    alpha : str
        ``none``; or what happens to opacity: ``premultiply``, ``separate`` or ``keep``.
    alpha_stages : tuple of Stage
        For ``premultiply``: the kernels normalized to sum 1, for opacity; none where the kernels
        leave it as it is.
    divides_by_alpha : bool
        Colours are divided by the filtered opacity.
    is_copy : bool
        True for an identity: samples are copied, bit for bit.
    output_spec : ImageSpec
        The image that comes out.
    operations : Operations
        Counts for the whole image, opacity included.
    """

    spec: ImageSpec
    stages: tuple[Stage, ...]
    output: OutputMap
    precision: str
    accumulator: str
    samples: str
    arithmetic_bound: float
    error_bound: float
    alpha: str = "none"
    alpha_stages: tuple[Stage, ...] = ()
    divides_by_alpha: bool = False
    is_copy: bool = False
    output_spec: ImageSpec = field(init=False, compare=False)
    operations: Operations = field(init=False, compare=False)

    def __post_init__(self) -> None:
        height, width = self.spec.height, self.spec.width
        for stage in self.stages:
            height, width = stage.output_size(height, width)
        spec = ImageSpec(height, width, self.spec.channels, self.output.dtype, self.spec.alpha)
        counted = [stage.operations for stage in (*self.stages, *self.alpha_stages)]
        object.__setattr__(self, "output_spec", spec)
        object.__setattr__(self, "operations", Operations.total(counted, height * width * spec.channels))

    @property
    def method(self) -> str:
        """``direct``, ``separable``, ``fft``, ``coarse``, ``copy``, or ``mixed`` where stages differ."""
        return "copy" if self.is_copy else one_of({stage.method for stage in self.stages})

    @property
    def rank(self) -> int | None:
        """The most terms that any separable pass has; None where all are direct."""
        ranks = [stage.rank for stage in self.stages if stage.rank is not None]
        return None if self.is_copy else max(ranks, default=None)

    @property
    def nanoseconds(self) -> float:
        """What the plan is predicted to take for a sample of the output, on one thread."""
        return self.total_nanoseconds / self.operations.samples

    @property
    def total_nanoseconds(self) -> float:
        """The same for the whole image."""
        stages = () if self.is_copy else (*self.stages, *self.alpha_stages)
        return sum(stage.nanoseconds * stage.operations.samples for stage in stages)

    @property
    def arithmetic(self) -> Arithmetic:
        """What stages run in."""
        return Arithmetic(self.precision, self.accumulator, self.samples)

    @property
    def filters_opacity_apart(self) -> bool:
        """True where the last channel is opacity, and not filtered as a colour."""
        return self.alpha in ("premultiply", "keep")

    @property
    def border(self) -> Border:
        """What lies beyond the edges of the image."""
        return self.stages[0].border

    @property
    def padding(self) -> str:
        """``same`` or ``valid``."""
        return self.stages[0].padding

    @property
    def halo(self) -> tuple[int, int, int, int]:
        """Context that an output pixel needs: rows above, below, columns left, right."""
        top, bottom, left, right = (sum(sides) for sides in zip(*(s.halo for s in self.stages), strict=True))
        return top, bottom, left, right

    @property
    def reason(self) -> str:
        """Why it is done this way, in words."""
        if self.is_copy:
            return "the kernel is the identity: samples are copied"
        if len(self.stages) == 1:
            return self.stages[0].reason
        return "; ".join(f"{stage.name}: {stage.reason}" for stage in self.stages)


def one_of(words: set[str]) -> str:
    """The word that all agree on, or ``mixed``."""
    return words.pop() if len(words) == 1 else "mixed"
