"""A kernel as reports need it: size and ranks, without its taps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sepfilter.kernels.factorization import factorize
from sepfilter.kernels.kernel import AnyKernel, Kernel


@dataclass(frozen=True, slots=True)
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


def summarize(kernels: Sequence[AnyKernel]) -> KernelSummary:
    """Summarize one kernel, or several as a cascade.

    Examples
    --------
    >>> from sepfilter.kernels.presets import named_kernel
    >>> summarize([named_kernel("gaussian:1"), named_kernel("sobel")]).width
    11
    """
    if len(kernels) == 1:
        return _single(kernels[0])
    parts = tuple(map(_single, kernels))
    return KernelSummary(
        name=" + ".join(part.name for part in parts),
        height=sum(part.height - 1 for part in parts) + 1,
        width=sum(part.width - 1 for part in parts) + 1,
        rank=None,
        exact_rank=None,
        separable=all(part.separable for part in parts),
        components=parts,
    )


def _single(kernel: AnyKernel) -> KernelSummary:
    """One kernel, or a gradient with its derivatives."""
    if isinstance(kernel, Kernel):
        factors = factorize(kernel)
        return KernelSummary(
            kernel.name,
            kernel.height,
            kernel.width,
            factors.rank,
            factors.exact_rank,
            factors.is_separable,
        )
    parts = tuple(map(_single, kernel.components))
    separable = all(part.separable for part in parts)
    return KernelSummary(kernel.name, kernel.height, kernel.width, None, None, separable, parts)
