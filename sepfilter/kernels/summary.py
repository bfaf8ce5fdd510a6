"""A kernel as reports need it: size and ranks, without its taps."""

from __future__ import annotations

from collections.abc import Sequence

from sepfilter.kernels.factorization import FactorizedKernel
from sepfilter.values import value


@value
class KernelSummary:
    """What an apply report says of its kernel.

    Attributes
    ----------
    name : str
        The kernel's; for a cascade the names joined by " + ".
    height, width : int
        Taps; for a cascade those of the one kernel that would do the same.
    rank, exact_rank : int or None
        Of a single kernel.
    separable : bool
        True where every kernel is rank 1.
    components : tuple of KernelSummary
        The derivatives of a gradient, the kernels of a cascade.
    """

    name: str
    height: int
    width: int
    rank: int | None
    exact_rank: int | None
    separable: bool
    components: tuple[KernelSummary, ...] = ()


def summarize(cascade: Sequence[FactorizedKernel]) -> KernelSummary:
    """Summarize one kernel, or several as a cascade.

    Examples
    --------
    >>> from sepfilter.kernels.presets import named_kernel
    >>> names = ("gaussian:1", "sobel")
    >>> summarize([FactorizedKernel.of(named_kernel(name)) for name in names]).width
    11
    """
    parts = tuple(map(_single, cascade))
    return parts[0] if len(parts) == 1 else _joined(" + ".join(part.name for part in parts), parts)


def _single(one: FactorizedKernel) -> KernelSummary:
    """One kernel, or a gradient with its derivatives."""
    parts = tuple(
        KernelSummary(
            component.name,
            component.height,
            component.width,
            factors.rank,
            factors.exact_rank,
            factors.is_separable,
        )
        for component, factors in zip(one.kernel.components, one.factors, strict=True)
    )
    if len(parts) == 1:
        return parts[0]
    kernel, separable = one.kernel, all(part.separable for part in parts)
    return KernelSummary(kernel.name, kernel.height, kernel.width, None, None, separable, parts)


def _joined(name: str, parts: tuple[KernelSummary, ...]) -> KernelSummary:
    """A cascade, as large as the one kernel that would do the same."""
    return KernelSummary(
        name=name,
        height=sum(part.height - 1 for part in parts) + 1,
        width=sum(part.width - 1 for part in parts) + 1,
        rank=None,
        exact_rank=None,
        separable=all(part.separable for part in parts),
        components=parts,
    )
