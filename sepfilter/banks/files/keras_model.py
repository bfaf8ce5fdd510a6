"""The configuration of a Keras model as nodes: Sequential or functional, with models inside models."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from sepfilter.banks.files.error_text import printable
from sepfilter.banks.files.keras_container import Container
from sepfilter.banks.files.keras_layers import parts_of
from sepfilter.banks.files.keras_settings import Settings
from sepfilter.banks.files.keras_weights import layer_arrays
from sepfilter.banks.files.onnx_keras_graph import Foreign, Node
from sepfilter.errors import BankError

MOST_LAYERS: Final = 5000
MOST_NESTED: Final = 8

_MODELS: Final = frozenset({"Sequential", "Functional", "Model"})


def is_model(config: Any) -> bool:
    """True for the configuration of a model whose layers are listed."""
    kind = config.get("class_name") if isinstance(config, dict) else None
    return isinstance(kind, str) and kind in _MODELS and bool(_layers(config))


def nodes_of(container: Container) -> tuple[list[Node], list[str]]:
    """The layers of a model, in order, and what the model makes.

    Parameters
    ----------
    container : Container
        A file with a configuration for which `is_model` holds.

    Raises
    ------
    BankError
        The configuration is malformed.
    """
    config = container.config or {}
    reader = _Reader(container)
    made = reader.model(config, (), "", [])
    return reader.nodes, made


class _Reader:
    """Collects the nodes of a model and of those inside it."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self.nodes: list[Node] = []
        self._seen: set[tuple[str, ...]] = set()

    def model(
        self, config: Mapping[str, Any], names: tuple[str, ...], group: str, sources: Sequence[str]
    ) -> list[str]:
        """Read a model; what it makes."""
        if len(names) > MOST_NESTED:
            raise BankError(f"{self._container.name}: models are nested more than {MOST_NESTED} deep")
        layers = _layers(config)
        groups = _groups(self._container, layers, group)
        settings = config.get("config")
        is_chain = config.get("class_name") == "Sequential" or not isinstance(settings, dict)
        made: dict[str, str] = {}
        last, given = list(sources), list(sources)
        for place, layer in enumerate(layers):
            name = _name(layer, self._container.name)
            path = (*names, name)
            if path in self._seen or len(self._seen) >= MOST_LAYERS:
                shown = printable("/".join(path))
                raise BankError(
                    f"{self._container.name}: two layers are called {shown!r}, or there are too many"
                )
            self._seen.add(path)
            if layer.get("class_name") == "InputLayer":
                made[name] = given.pop(0) if given else "/".join(path)
                last = [made[name]] if is_chain else last
                continue
            calls = [last] if is_chain else [[made.get(one, one) for one in call] for call in _calls(layer)]
            last = self._layer(layer, path, groups[place], calls[0] if calls else [], shared=len(calls) > 1)
            made[name] = last[0] if last else ""
        if is_chain or not isinstance(settings, dict):
            return last
        return [made[one] for one in _references(settings.get("output_layers")) if one in made]

    def _layer(
        self, layer: Mapping[str, Any], path: tuple[str, ...], group: str, taken: list[str], *, shared: bool
    ) -> list[str]:
        """Read a layer, or a model in its place; what it makes."""
        label = "/".join(path)
        if shared:
            self.nodes.append(
                Node(label, tuple(taken), label, Foreign("cannot be run: used at several places"))
            )
            return [label]
        if is_model(layer):
            return self.model(layer, path, group, taken)
        parts = self._parts(layer, path, group)
        if len(taken) > 1:
            parts = [
                (
                    "",
                    Foreign(
                        f"cannot be run: {printable(str(layer.get('class_name')), 40)} of {len(taken)} inputs"
                    ),
                )
            ]
        for place, (suffix, part) in enumerate(parts):
            makes = label if place == len(parts) - 1 else label + suffix
            self.nodes.append(Node(label + suffix, tuple(taken), makes, part))
            taken = [makes]
        return [label]

    def _parts(self, layer: Mapping[str, Any], path: tuple[str, ...], group: str) -> Any:
        """What a layer stands for."""
        kind, module = layer.get("class_name"), layer.get("module")
        settings = layer.get("config")
        if not isinstance(kind, str) or not isinstance(settings, dict):
            raise BankError(
                f"{self._container.name}: layer {printable('/'.join(path))!r} has no class or settings"
            )
        if isinstance(module, str) and not re.match(r"(tf_)?keras\b", module):
            reason = f"{printable(kind, 40)} is of {printable(module, 40)}, not of Keras itself"
            return [("", Foreign(f"cannot be run: {reason}"))]
        if isinstance(module, str) and ".ops" in module:
            return [("", Foreign(f"cannot be run: {printable(kind, 40)} is an operation, not a layer"))]
        return parts_of(kind, Settings(settings), partial(layer_arrays, self._container, path, group))


def _layers(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The layers of a model; the oldest Sequential has nothing else."""
    settings = config.get("config")
    found = settings.get("layers") if isinstance(settings, dict) else settings
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _name(layer: Mapping[str, Any], file: str) -> str:
    """The name of a layer."""
    settings = layer.get("config")
    inside = settings.get("name") if isinstance(settings, dict) else None
    name = layer.get("name", inside)
    if not isinstance(name, str) or not name:
        raise BankError(f"{file}: a layer has no name in its configuration")
    return name


def _groups(container: Container, layers: Sequence[Mapping[str, Any]], group: str) -> list[str]:
    """Where Keras 3 keeps each layer: by its class with a number, in a group that may say its name."""
    root = next(
        (
            one
            for one in (f"{group}/layers".lstrip("/"), f"{group}/_layer_checkpoint_dependencies".lstrip("/"))
            if container.has(one)
        ),
        "",
    )
    if not root:
        return [""] * len(layers)
    said = {container.text_attribute(f"{root}/{one}/vars", "name"): one for one in container.children(root)}
    counts: Counter[str] = Counter()
    found = []
    for layer in layers:
        stem = _snake_case(str(layer.get("class_name")))
        name = f"{stem}_{counts[stem]}" if counts[stem] else stem
        if not str(layer.get("module", "")).startswith("keras.src.ops"):
            counts[stem] += 1
        found.append(f"{root}/{said.get(_name(layer, container.name), name)}")
    return found


def _snake_case(name: str) -> str:
    """A class as Keras 3 writes it: SeparableConv2D is separable_conv2d, PReLU p_re_lu."""
    words = re.sub(r"\W", "", name[:200])
    words = re.sub(r"(?<=.)(?=[A-Z][a-z])", "_", words)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", words).replace("__", "_").lower()


def _calls(layer: Mapping[str, Any]) -> list[list[str]]:
    """The layers that a functional layer takes, for each time that it is called."""
    nodes = layer.get("inbound_nodes")
    return [_references(node) for node in nodes] if isinstance(nodes, list) else []


def _references(given: Any) -> list[str]:
    """Names of layers in the two ways in which Keras has written references to what they make.

    Keras 3: objects with a ``keras_history``; before, and for a model's ends: lists of a name and numbers.
    """
    found: list[str] = []
    rest = [given]
    while rest:
        one = rest.pop(0)
        if isinstance(one, dict):
            config = one.get("config")
            history = config.get("keras_history") if isinstance(config, dict) else None
            if isinstance(history, list) and history and isinstance(history[0], str):
                found.append(history[0])
            else:
                rest[:0] = [inside for inside in one.values() if isinstance(inside, (dict, list))]
        elif isinstance(one, list) and len(one) >= 3 and isinstance(one[0], str) and isinstance(one[1], int):
            found.append(one[0])
            rest[:0] = [inside for inside in one[3:] if isinstance(inside, (dict, list))]
        elif isinstance(one, list):
            rest[:0] = [inside for inside in one if isinstance(inside, (dict, list))]
    return found
