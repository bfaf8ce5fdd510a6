"""PyTorch's layout and Keras': told apart by shapes, or asked for."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sepfilter.banks.bank import Bank
from sepfilter.banks.files.load import bank_from_bytes
from sepfilter.errors import BankError

Array = npt.NDArray[np.float64]

RNG = np.random.default_rng(3)


def npz(**arrays: Any) -> bytes:
    """The bytes of a .npz file; two underlines in a name are a dot."""
    file = io.BytesIO()
    np.savez(file, **{name.replace("__", "."): np.asarray(one) for name, one in arrays.items()})
    return file.getvalue()


def bank_of(layout: str | None = None, select: tuple[str, ...] = (), **arrays: Any) -> Bank:
    """The bank of arrays."""
    return bank_from_bytes(npz(**arrays), "mine", layout=layout, select=select)


def weights(*shape: int) -> Array:
    """Numbers, all different."""
    return RNG.normal(size=shape)


@pytest.mark.parametrize("layout", [None, "keras"])
def test_keras_weights_are_turned(layout: str | None) -> None:
    """(kh, kw, C, m), (1, 1, Cin, Cout) and (kh, kw, Cin, Cout) become ours."""
    conv, depthwise, pointwise = weights(3, 3, 5, 8), weights(3, 3, 8, 2), weights(1, 1, 16, 4)
    bank = bank_of(layout, conv=conv, depthwise=depthwise, pointwise=pointwise)
    one, two, three = (layer.weights for layer in bank.layers)
    assert one.shape == (8, 5, 3, 3)
    assert one[7, 4, 1, 2] == conv[1, 2, 4, 7]
    assert two.shape == (8, 2, 3, 3)
    assert two[7, 1, 2, 0] == depthwise[2, 0, 7, 1]
    assert three.shape == (4, 16)
    assert three[3, 15] == pointwise[0, 0, 15, 3]


@pytest.mark.parametrize("layout", [None, "torch"])
def test_torch_weights_stay(layout: str | None) -> None:
    """The order is ours."""
    conv, depthwise, pointwise = weights(8, 5, 3, 3), weights(8, 1, 3, 3), weights(4, 8, 1, 1)
    bank = bank_of(layout, conv=conv, depthwise=depthwise, pointwise=pointwise)
    assert [layer.weights.tolist() for layer in bank.layers] == [
        conv.tolist(), depthwise.tolist(), pointwise[:, :, 0, 0].tolist(),
    ]  # fmt: skip


def test_two_dimensions_are_the_same_in_both() -> None:
    """They are (Cout, Cin), so there is nothing to ask."""
    matrix = weights(3, 3)
    assert bank_of(pointwise=matrix).layers[0].weights.tolist() == matrix.tolist()


def test_the_channels_tell_the_layout() -> None:
    """Where each layer alone could be either, the one that chains is meant."""
    conv, matrix = weights(3, 3, 5, 5), weights(2, 3)
    assert bank_of(conv=conv, pointwise=matrix).layers[0].weights.tolist() == conv.tolist()
    keras = bank_of(conv=conv, pointwise=weights(2, 5))
    assert keras.layers[0].weights[4, 3, 2, 1] == conv[2, 1, 3, 4]


def test_usual_kernels_tell_the_layout() -> None:
    """Kernels of 16 x 3 or 8 x 1 taps are less usual than those of 3 x 3."""
    assert bank_of(conv=weights(16, 3, 3, 3)).layers[0].kernel == (3, 3)
    assert bank_of(conv=weights(3, 3, 3, 16)).layers[0].kernel == (3, 3)
    assert bank_of(depthwise=weights(8, 1, 3, 3)).layers[0].kernel == (3, 3)
    assert bank_of(depthwise=weights(3, 3, 8, 1)).layers[0].kernel == (3, 3)
    assert bank_of(conv=weights(64, 3, 7, 7)).layers[0].kernel == (7, 7)


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("conv", (3, 3, 3, 3), "conv 3 -> 3 of 3 x 3 in PyTorch's layout or conv 3 -> 3 of 3 x 3 in Keras'"),
        (
            "depthwise",
            (3, 1, 3, 3),
            "depthwise 3 -> 3 of 3 x 3 in PyTorch's layout or depthwise 3 -> 9 of 3 x 1 in Keras'",
        ),
        ("conv", (3, 3, 1, 7), "conv 3 -> 3 of 1 x 7 in PyTorch's layout or conv 1 -> 7 of 3 x 3 in Keras'"),
        ("conv", (2, 3, 4, 5), "conv 3 -> 2 of 4 x 5 in PyTorch's layout or conv 4 -> 5 of 2 x 3 in Keras'"),
    ],
)
def test_an_ambiguous_shape_is_asked_about(name: str, shape: tuple[int, ...], words: str) -> None:
    """The error says what the weights may be, and the answer decides."""
    with pytest.raises(
        BankError, match=f"^mine: '{name}' may be {words}: give --layout torch or --layout keras$"
    ):
        bank_of(**{name: weights(*shape)})
    assert bank_of("torch", **{name: weights(*shape)}).layers[0].kernel == shape[2:]
    assert bank_of("keras", **{name: weights(*shape)}).layers[0].kernel == shape[:2]


def test_the_rest_of_the_file_helps() -> None:
    """A file is in one layout: layers that are not selected tell it too."""
    arrays = {"conv1": weights(3, 3, 3, 3), "conv2": weights(3, 3, 3, 16)}
    square = bank_of(None, ("conv1",), **arrays).layers[0].weights
    assert square.tolist() == arrays["conv1"].transpose(3, 2, 0, 1).tolist()


def test_layers_that_fit_in_neither_are_refused() -> None:
    """The error says why: in the layout that the shapes speak for, or in each."""
    with pytest.raises(
        BankError, match=r"^mine: layer 'pointwise' takes 5 channels, but layer 'conv' makes 4$"
    ):
        bank_of(conv=weights(4, 3, 3, 3), pointwise=weights(2, 5, 1, 1))
    with pytest.raises(BankError, match=r"fit in no layout: as torch, .* makes 3; as keras, .* makes 5$"):
        bank_of(conv=weights(3, 3, 5, 5), pointwise=weights(2, 7))


def test_no_other_layouts_are_known() -> None:
    """Neither are there two for a format that says it."""
    with pytest.raises(BankError, match="mine: layout 'tf': use torch or keras"):
        bank_of("tf", conv=weights(8, 3, 3, 3))
    with pytest.raises(BankError, match="is of a format that says the layout: leave out --layout keras"):
        bank_from_bytes(b'{"layers": [{"type": "depthwise", "kernel": "box:3"}]}', "mine", layout="keras")


def test_the_multiplier_is_what_the_layer_before_makes() -> None:
    """(6, 1, kh, kw) is PyTorch's depthwise layer of 6 channels, or of 3 with multiplier 2."""
    matrix, depthwise = weights(3, 4), weights(6, 1, 5, 5)
    after = bank_of(pointwise=matrix, depthwise=depthwise).layers[1]
    assert after.weights.tolist() == depthwise.reshape(3, 2, 5, 5).tolist()
    alone = bank_of(None, ("depthwise",), pointwise=matrix, depthwise=depthwise).layers[0]
    assert alone.weights.shape == (6, 1, 5, 5)
    said = bank_of("torch", depthwise=depthwise, depthwise__groups="2").layers[0]
    assert said.weights.tolist() == depthwise.reshape(2, 3, 5, 5).tolist()


def test_groups_are_what_the_layer_before_needs() -> None:
    """(8, 2, kh, kw) after 8 channels is a convolution of 4 groups, unless the file says another number."""
    arrays = {"pointwise": weights(8, 3), "conv": weights(8, 2, 3, 3)}
    assert bank_of("torch", **arrays).layers[1].groups == 4
    with pytest.raises(BankError, match="layer 'conv' takes 2 channels, but layer 'pointwise' makes 8"):
        bank_of("torch", **arrays, conv__groups="1")
