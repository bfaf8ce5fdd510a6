"""Keras weights without the configuration of a model: what names and shapes alone tell of layers."""

from __future__ import annotations

from typing import Any, Final

from sepfilter.banks.files.error_text import printable
from sepfilter.banks.files.keras_container import Container
from sepfilter.banks.files.keras_weights import Arrays, depthwise, ordinary, role_of
from sepfilter.banks.files.onnx_keras_graph import Foreign, Node, Part
from sepfilter.errors import BankError

_DEPENDENCIES: Final = "_layer_checkpoint_dependencies"
_UNSAID: Final = {"padding": None, "says_border": False}

Parts = list[tuple[str, Part]]


def bare_nodes_of(container: Container) -> list[Node]:
    """The layers of a file of weights, as a chain.

    Parameters
    ----------
    container : Container
        With weights by layer name (Keras 2: in the order of the model) or below ``layers`` (Keras 3: in no
        order of the model, which is said by a node of its own).
    """
    by_name = container.names_attribute(
        "model_weights" if container.has("model_weights") else "", "layer_names"
    )
    found: list[tuple[str, Parts]] = []
    if by_name is not None:
        for name in by_name:
            found += [(label, _parts(arrays)) for label, arrays in _named(container, name)]
    else:
        found += [(label, _parts(arrays)) for label, arrays in _numbered(container, "", "")]
    nodes: list[Node] = []
    last = "input"
    for label, parts in found:
        for suffix, part in parts:
            nodes.append(Node(label + suffix, (last,), f"{label}{suffix} {len(nodes)}", part))
            last = nodes[-1].makes
    if by_name is None and len(found) > 1:
        reason = "weights alone do not say in which order layers run: select them, or save the whole model"
        nodes.insert(0, Node("order", (), "order", Foreign(reason)))
    return nodes


def _named(container: Container, name: str) -> list[tuple[str, Arrays]]:
    """The layers below the group of a layer or nested model, as Keras 2 names arrays."""
    root = "model_weights/" if container.has("model_weights") else ""
    prefix = f"{root}{name}/"
    by_parent: dict[str, dict[str, str]] = {}
    for path in container.below(prefix):
        by_parent.setdefault(path.rpartition("/")[0], {})[role_of(path)] = path
    if len(by_parent) == 1:
        return [(name, Arrays(container, name, paths)) for paths in by_parent.values()]
    return [
        (f"{name}/{parent.rpartition('/')[2]}", Arrays(container, name, paths))
        for parent, paths in by_parent.items()
    ]


def _numbered(container: Container, group: str, label: str) -> list[tuple[str, Arrays]]:
    """The layers below a group of Keras 3, with those of nested models."""
    found: list[tuple[str, Arrays]] = []
    for kind in ("layers", _DEPENDENCIES):
        root = f"{group}{kind}"
        for one in container.children(root):
            inside = f"{root}/{one}/"
            name = container.text_attribute(f"{inside}vars", "name") or one
            path = f"{label}/{name}" if label else name
            own = f"{inside}vars/"
            arrays = {at[len(own) :]: at for at in container.below(own) if "/" not in at[len(own) :]}
            if arrays:
                found.append((path, Arrays(container, f"{path} {one}", arrays)))
            found += _numbered(container, inside, path)
    return found


def _parts(arrays: Arrays) -> Parts:
    """What arrays look like, or why they look like nothing."""
    try:
        return _recognized(arrays)
    except BankError as error:
        return [("", Foreign(f"cannot be run: {error}"))]


def _recognized(arrays: Arrays) -> Parts:
    """The convolution that arrays are of, by their names or their shapes in order."""
    arrays = _with_roles(arrays)
    if "depthwise_kernel" in arrays and "pointwise_kernel" in arrays:
        return [
            ("/depthwise", depthwise(arrays, bias=False, **_UNSAID)),
            ("/pointwise", ordinary(arrays, "pointwise_kernel", 1, **_UNSAID)),
        ]
    if "depthwise_kernel" in arrays:
        return [("", depthwise(arrays, bias=True, **_UNSAID))]
    if "kernel" in arrays and len(arrays.shape("kernel")) == 4:
        return [("", ordinary(arrays, "kernel", 1, **_UNSAID))]
    shown = ", ".join(" x ".join(map(str, arrays.shape(role))) or "one number" for role in arrays.roles()[:6])
    return [("", Foreign(f"cannot be run: arrays of {shown}: no convolution of images"))]


def _with_roles(arrays: Arrays) -> Arrays:
    """The same arrays, called what they are: numbers of Keras 3 replaced, a depthwise kernel told apart."""
    roles = arrays.roles()
    if roles and all(one.isdecimal() for one in roles):
        shapes = [arrays.shape(one) for one in sorted(roles, key=int)]
        names = _names(shapes)
        arrays = arrays.renamed(dict(zip(sorted(roles, key=int), names, strict=False)))
    if "kernel" in arrays and len(arrays.shape("kernel")) == 4 and _is_depthwise(arrays):
        return arrays.renamed({"kernel": "depthwise_kernel", "bias": "bias"})
    return arrays


def _names(shapes: list[tuple[int, ...]]) -> list[str]:
    """What the arrays of a layer are, in the order in which Keras 3 numbers them."""
    sizes = [len(shape) for shape in shapes]
    if sizes[:2] == [4, 4] and shapes[1][:2] == (1, 1):
        return ["depthwise_kernel", "pointwise_kernel", "bias"][: len(shapes)]
    if sizes in ([4], [4, 1]):
        return ["kernel", "bias"][: len(shapes)]
    return [f"array {place}" for place in range(len(shapes))]


def _is_depthwise(arrays: Arrays) -> bool:
    """Whether a kernel (kh, kw, C, m) is depthwise, or one of C inputs and m outputs."""
    _, _, channels, last = arrays.shape("kernel", 4)
    biases: Any = arrays.shape("bias") if "bias" in arrays else None
    if "depthwise" in arrays.layer.lower() or (biases == (channels * last,) and biases != (last,)):
        return True
    if biases is None and last == 1 and channels > 1:
        raise BankError(
            f"a kernel of shape {arrays.shape('kernel')} without a bias is depthwise, or makes one channel "
            f"of {channels}: save the whole model of {printable(arrays.layer)!r}, which says it"
        )
    return False
