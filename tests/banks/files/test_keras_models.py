"""Keras models: the layers in every layout make what Keras' layers make by their definition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from sepfilter.banks.activation import Activation
from sepfilter.banks.files.entry import Entry
from sepfilter.banks.files.keras_file import entries_from_keras
from sepfilter.banks.layer import Layer
from sepfilter.banks.layers import Conv, Depthwise, Pointwise
from sepfilter.banks.padding import VALID, Padding

pytest.importorskip("h5py")

Write = Callable[..., Path]


@pytest.fixture(params=["keras", "keras without names", "h5 of 3", "h5 of 2"])
def write(request: pytest.FixtureRequest, keras: ModuleType, tmp_path: Path) -> Write:
    """Write a whole model in each of the layouts."""

    def write_one(layers: Sequence[Any], **options: Any) -> Path:
        if request.param.startswith("h5"):
            return keras.write_whole_h5(tmp_path / "m.h5", layers, int(request.param[-1]), **options)
        says_names = request.param == "keras"
        return keras.write_keras(tmp_path / "m.keras", layers, says_names=says_names, **options)

    return write_one


def layers_of(path: Path) -> list[Layer]:
    """All layers of a model that can be run as a whole."""
    layers: list[Layer] = []
    for entry in entries_from_keras(path, path.name):
        assert entry.build, entry.what
        layers += entry.build()
    return layers


def shown(entries: Sequence[Entry]) -> list[tuple[str, bool]]:
    """Names, and whether they can be run."""
    return [(entry.name, entry.build is not None) for entry in entries]


def test_an_ordinary_convolution(keras: ModuleType, naive: ModuleType, write: Write) -> None:
    """With groups, strides, TensorFlow's padding, bias and activation."""
    kernel, bias, image = keras.numbers(3, 2, 2, 6), keras.numbers(6), keras.numbers(8, 7, 4)
    settings = {"groups": 2, "strides": [2, 2], "padding": "same", "activation": "relu"}
    path = write([keras.Made("Conv2D", "c", {"kernel": kernel, "bias": bias}, settings)])
    (layer,) = layers_of(path)
    assert isinstance(layer, Conv)
    assert (layer.groups, layer.padding, layer.name) == (2, Padding("same"), "c")
    wanted = keras.convolved(image, kernel, stride=(2, 2), same=True, groups=2) + bias
    np.testing.assert_allclose(naive.run_naively(layer, image), np.maximum(wanted, 0), atol=1e-12)


def test_a_depthwise_convolution(keras: ModuleType, naive: ModuleType, write: Write) -> None:
    """With a multiplier and a dilation."""
    kernel, bias, image = keras.numbers(2, 3, 3, 2), keras.numbers(6), keras.numbers(8, 7, 3)
    settings = {"dilation_rate": [1, 2], "padding": "valid", "activation": "linear"}
    path = write([keras.Made("DepthwiseConv2D", "d", {"depthwise_kernel": kernel, "bias": bias}, settings)])
    (layer,) = layers_of(path)
    assert isinstance(layer, Depthwise)
    assert layer.weights.shape == (3, 2, 2, 3)
    wanted = keras.depthwise_convolved(image, kernel, dilation=(1, 2)) + bias
    np.testing.assert_allclose(naive.run_naively(layer, image), wanted, atol=1e-12)


def test_a_separable_convolution_is_two_layers(keras: ModuleType, naive: ModuleType, write: Write) -> None:
    """Stride and padding are the depthwise layer's, bias and activation the pointwise one's."""
    kernel, mixing, bias = keras.numbers(3, 3, 3, 2), keras.numbers(1, 1, 6, 4), keras.numbers(4)
    arrays = {"depthwise_kernel": kernel, "pointwise_kernel": mixing, "bias": bias}
    settings = {"strides": [2, 2], "padding": "same", "activation": "tanh"}
    path = write([keras.Made("SeparableConv2D", "s", arrays, settings)])
    first, second = layers_of(path)
    assert (type(first), type(second)) == (Depthwise, Pointwise)
    assert (first.name, second.name) == ("s/depthwise", "s/pointwise")
    assert (first.bias, second.stride, second.padding) == (None, (1, 1), VALID)
    image = keras.numbers(9, 8, 3)
    wanted = (
        keras.convolved(keras.depthwise_convolved(image, kernel, stride=(2, 2), same=True), mixing) + bias
    )
    made = naive.run_all_naively([first, second], image)
    np.testing.assert_allclose(made, np.tanh(wanted), atol=1e-12)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_one_tap_is_pointwise(keras: ModuleType, write: Write, padding: str) -> None:
    """Padding adds nothing around a single tap; the stride is kept."""
    arrays, settings = (
        {"kernel": keras.numbers(1, 1, 3, 2)},
        {"use_bias": False, "padding": padding, "strides": [2, 1]},
    )
    (layer,) = layers_of(write([keras.Made("Conv2D", "p", arrays, settings)]))
    assert isinstance(layer, Pointwise)
    assert (layer.stride, layer.bias, layer.padding) == ((2, 1), None, VALID)
    assert np.array_equal(layer.weights, arrays["kernel"][0, 0].T)


@pytest.mark.parametrize(
    ("kind", "settings", "activation"),
    [
        ("ReLU", {}, Activation("relu")),
        ("ReLU", {"max_value": 6.0, "negative_slope": 0.0, "threshold": 0.0}, Activation("relu6")),
        ("ReLU", {"negative_slope": 0.5}, Activation("leaky_relu", (0.5,))),
        ("LeakyReLU", {}, Activation("leaky_relu", (0.3,))),
        ("LeakyReLU", {"negative_slope": 0.25}, Activation("leaky_relu", (0.25,))),
        ("LeakyReLU", {"alpha": 0.25}, Activation("leaky_relu", (0.25,))),
        ("LeakyReLU", {"alpha": {"class_name": "__numpy__", "config": {"value": 0.25}}}, Activation("leaky_relu", (0.25,))),
        ("Softmax", {"axis": -1}, Activation("softmax")),
        ("Activation", {"activation": "leaky_relu"}, Activation("leaky_relu", (0.2,))),
        ("Activation", {"activation": "hard_silu"}, Activation("hard_swish")),
        ("Activation", {"activation": "hard_swish"}, Activation("hard_swish")),
        ("Activation", {"activation": "sigmoid"}, Activation("sigmoid")),
        ("Activation", {"activation": "linear"}, Activation()),
        (
            "Activation",
            {"activation": {"class_name": "LeakyReLU", "config": {"negative_slope": 0.5}}},
            Activation("leaky_relu", (0.5,)),
        ),
    ],
)  # fmt: skip
def test_activation_layers(
    keras: ModuleType, tmp_path: Path, kind: str, settings: dict[str, Any], activation: Activation
) -> None:
    """They become a part of the layer before them, with Keras' own defaults."""
    layers = [
        keras.Made("Conv2D", "c", {"kernel": keras.numbers(2, 2, 3, 2), "bias": keras.numbers(2)}),
        keras.Made(kind, "a", {}, settings),
    ]
    (layer,) = layers_of(keras.write_keras(tmp_path / "m.keras", layers))
    assert layer.activation == activation


def test_normalization_and_slopes_are_folded_in(keras: ModuleType, naive: ModuleType, write: Write) -> None:
    """BatchNormalization and a PReLU shared over space; dropout is passed over."""
    kernel, image = keras.numbers(2, 2, 3, 4), keras.numbers(5, 6, 3)
    beta, mean, variance = keras.numbers(4), keras.numbers(4), abs(keras.numbers(4))
    alpha = keras.numbers(1, 1, 4)
    path = write(
        [
            keras.Made("InputLayer", "in"),
            keras.Made("Conv2D", "c", {"kernel": kernel}, {"use_bias": False}),
            keras.Made("Dropout", "drop"),
            keras.Made(
                "BatchNormalization",
                "bn",
                {"beta": beta, "moving_mean": mean, "moving_variance": variance},
                {"scale": False, "epsilon": 0.5, "axis": [3]},
            ),
            keras.Made("PReLU", "slopes", {"alpha": alpha}, {"shared_axes": [1, 2]}),
        ]
    )
    (entry,) = entries_from_keras(path, "m")
    assert "batch normalization 'bn' folded in, prelu" in entry.what
    (layer,) = layers_of(path)
    wanted = (keras.convolved(image, kernel) - mean) / np.sqrt(variance.astype(float) + 0.5) + beta
    wanted = np.where(wanted < 0, wanted * alpha.astype(float), wanted)
    np.testing.assert_allclose(naive.run_naively(layer, image), wanted, atol=1e-12)


def test_rescaling_is_a_layer_and_says_what_it_stands_for(
    keras: ModuleType, naive: ModuleType, write: Write
) -> None:
    """x / 127.5 - 1 of any number of channels is what --input-scale 0.5/0.5 does."""
    path = write([keras.Made("Rescaling", "r", {}, {"scale": 1 / 127.5, "offset": -1})])
    (entry,) = entries_from_keras(path, "m")
    assert "--input-scale 0.5/0.5" in entry.what
    image = np.array([[[0.0, 127.5], [255, 51]]])
    np.testing.assert_allclose(
        naive.run_all_naively(layers_of(path), image), [[[-1, 0], [1, -0.6]]], atol=1e-12
    )


def test_zeros_put_around_become_padding(keras: ModuleType, write: Write) -> None:
    """MobileNet pads at the bottom and right, then convolves what is valid."""
    layers = [
        keras.Made("ZeroPadding2D", "z", {}, {"padding": [[0, 1], [2, 3]]}),
        keras.Made(
            "DepthwiseConv2D", "d", {"depthwise_kernel": keras.numbers(3, 3, 2, 1)}, {"use_bias": False}
        ),
    ]
    (layer,) = layers_of(write(layers))
    assert layer.padding == Padding("explicit", (0, 2, 1, 3))


def test_a_functional_chain(keras: ModuleType, write: Write) -> None:
    """In the order in which layers take each other's results; a branch is an entry that cannot be run."""
    arrays = {"kernel": keras.numbers(1, 1, 3, 3), "bias": keras.numbers(3)}
    layers = [
        keras.Made("InputLayer", "in", takes=[]),
        keras.Made("Conv2D", "a", arrays, takes=["in"]),
        keras.Made("ReLU", "relu", takes=["a"]),
        keras.Made("Conv2D", "b", arrays, takes=["relu"]),
        keras.Made("Add", "sum", takes=["b", "relu"]),
        keras.Made("Conv2D", "c", arrays, takes=["sum"]),
        keras.Made("Conv2D", "d", arrays, takes=["sum"]),
    ]
    assert shown(entries_from_keras(write(layers[:4]), "m")) == [("a", True), ("b", True)]
    assert shown(entries_from_keras(write(layers), "m")) == [
        ("a", True), ("b", True), ("sum", False), ("c", True), ("before d", False), ("d", True),
    ]  # fmt: skip


def test_what_the_model_makes_is_left_as_it_is(keras: ModuleType, write: Write) -> None:
    """A layer that is the model's result keeps its activation apart."""
    arrays = {"kernel": keras.numbers(1, 1, 3, 3), "bias": keras.numbers(3)}
    layers = [keras.Made("Conv2D", "a", arrays, takes=[]), keras.Made("ReLU", "relu", takes=["a"])]
    assert len(entries_from_keras(write(layers, result="a"), "m")) == 2


def test_a_model_inside_a_model(keras: ModuleType, write: Write) -> None:
    """Its layers are part of the chain, under its name."""
    first = {"kernel": keras.numbers(1, 1, 3, 4), "bias": keras.numbers(4)}
    inner = {"kernel": keras.numbers(2, 2, 4, 3), "bias": keras.numbers(3)}
    block = [keras.Made("InputLayer", "i"), keras.Made("Conv2D", "c", inner), keras.Made("ReLU", "r")]
    path = write(
        [
            keras.Made("Conv2D", "c", first),
            keras.Made("Sequential", "block", layers=block),
            keras.Made("Softmax", "s"),
        ]
    )
    assert shown(entries_from_keras(path, "m")) == [("c", True), ("block/c", True), ("s", True)]
    layers = layers_of(path)
    assert layers[1].activation == Activation("relu")
    assert np.array_equal(layers[0].weights, first["kernel"][0, 0].T)
    assert np.array_equal(layers[1].weights, inner["kernel"].transpose(3, 2, 0, 1))


@pytest.mark.parametrize(
    ("kind", "settings", "reason"),
    [
        ("Lambda", {"function": ["abc", None, None]}, "holds code, which is never run"),
        ("Activation", {"activation": "gelu"}, 'its activation "gelu" is none'),
        (
            "Activation",
            {"activation": {"class_name": "function", "config": "relu", "module": "mine"}},
            "none that",
        ),
        ("ReLU", {"max_value": 1.0}, "only 6 is run"),
        ("LeakyReLU", {"negative_slope": "x\n"}, "instead of a number"),
        ("Softmax", {"axis": 1}, "only a softmax over channels"),
        ("Conv2D", {"data_format": "channels_first"}, "channels must come last"),
        ("Conv2D", {"padding": "causal"}, "instead of valid or same"),
        ("Conv2D", {"strides": [1, 2, 3]}, "instead of two numbers"),
        ("Conv2D", {"activation": ["a"]}, "none that"),
        ("Conv2D", {"groups": 5}, "in 5 groups"),
        ("Conv2D", {"groups": "a"}, "instead of a whole number"),
        ("PReLU", {}, "slopes of shape"),
        ("Dense", {}, "not a convolution"),
        ("ZeroPadding2D", {"padding": 1}, "no single convolution follows"),
    ],
)
def test_what_cannot_be_run_says_why(
    keras: ModuleType, tmp_path: Path, kind: str, settings: dict[str, Any], reason: str
) -> None:
    """An entry without layers, in its place."""
    arrays = {
        "Conv2D": {"kernel": keras.numbers(2, 2, 2, 2), "bias": keras.numbers(2)},
        "PReLU": {"alpha": keras.numbers(4, 4, 2)},
    }
    layers = [
        keras.Made("Conv2D", "first", arrays["Conv2D"]),
        keras.Made(kind, "last", arrays.get(kind, {}), settings),
    ]
    first, last = entries_from_keras(keras.write_whole_h5(tmp_path / "m.h5", layers, 3), "m")
    assert first.build
    assert last.build is None
    assert reason in last.what
    assert last.what.isprintable()


def test_a_class_of_another_package_is_never_taken_for_keras(keras: ModuleType, tmp_path: Path) -> None:
    """Its name alone says nothing."""
    made = keras.Made(
        "Conv2D", "c", {"kernel": keras.numbers(1, 1, 2, 2)}, {"use_bias": False}, module="mine"
    )
    (entry,) = entries_from_keras(keras.write_keras(tmp_path / "m.keras", [made]), "m")
    assert entry.build is None
    assert "of mine, not of Keras" in entry.what
