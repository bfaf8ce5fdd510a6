"""A bank typed at the shell: ``--depthwise KERNEL ... --pointwise MATRIX``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sepfilter.banks.bank import Bank
from sepfilter.banks.files.error_text import told
from sepfilter.banks.files.kernel_weights import kernel_of_shell, matrix_of_shell, stacked
from sepfilter.banks.layer import Layer
from sepfilter.banks.layers import Depthwise, Pointwise
from sepfilter.errors import BankError


def bank_from_shell(
    depthwise: Sequence[str], pointwise: str | None, *, stdin: Callable[[], bytes] | None = None
) -> Bank:
    """Make a bank of kernels and a matrix.

    Parameters
    ----------
    depthwise : sequence of str
        Kernels as ``-k`` takes them: one for all channels, or one a channel.
    pointwise : str or None
        Rows of numbers, an output channel each, as ``"0.3 0.6 0.1; 1 0 0"``, or a file with them.
    stdin : callable, optional
        Returns the bytes of standard input; without it ``-`` is refused.

    Raises
    ------
    BankError
        Something is no kernel or matrix, both do not fit, or nothing is given.

    Examples
    --------
    >>> bank = bank_from_shell(["sobel-x", "sobel-y", "laplacian"], "0.3 0.6 0.1; 1 0 0")
    >>> [layer.output_channels for layer in bank.layers]
    [3, 2]
    """
    layers: list[Layer] = []
    if depthwise:
        kernels = [[kernel_of_shell(text, stdin)] for text in depthwise]
        with told("--depthwise"):
            weights, bias = stacked(kernels)
            layers.append(Depthwise(weights, bias, shared=len(kernels) == 1, name="depthwise"))
    if pointwise is not None:
        matrix = matrix_of_shell(pointwise, stdin)
        with told("--pointwise"):
            layers.append(Pointwise(matrix, name="pointwise"))
    if not layers:
        raise BankError("a bank without layers: give --depthwise or --pointwise")
    return Bank(tuple(layers))
