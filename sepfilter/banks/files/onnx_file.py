"""ONNX files: convolutions and what follows them, read from the graph, which is never executed."""

from __future__ import annotations

from typing import Any

from sepfilter.banks.files.entry import Entry
from sepfilter.banks.files.error_text import missing_library, said_by
from sepfilter.banks.files.onnx_keras_chain import entries_of
from sepfilter.errors import BankError


def entries_from_onnx(content: bytes, name: str) -> tuple[Entry, ...]:
    """What an ONNX file holds, in the order of its graph.

    Parameters
    ----------
    content : bytes
        The whole file.
    name : str
        What errors call it.

    Returns
    -------
    tuple of Entry
        One for each Conv, by the name of its node (of what it makes where that is empty), with the batch
        normalization and the activation that follow it directly. Identity, Dropout, and the Transpose between
        an input with channels last and the graph, are passed over. Anything else cannot be run; neither can a
        ``before NAME``, which stands where a layer does not take what the one before it makes.

    Raises
    ------
    BankError
        It is no ONNX file, is damaged, has weights in other files, or the package onnx is missing.
    """
    from sepfilter.banks.files.onnx_nodes import nodes_of

    model = _parsed(content, name)
    nodes = nodes_of(model, name)
    entries = entries_of(nodes, [one.name for one in model.graph.output])
    if not entries:
        raise BankError(f"{name}: its graph has no layers: save the model together with its weights")
    return entries


def _parsed(content: bytes, name: str) -> Any:
    """The model; a protobuf of another kind has no nodes that could be read."""
    try:
        import onnx
    except ImportError:
        raise missing_library(name, "onnx", "onnx") from None
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # the errors of protobuf are its own
        raise BankError(f"{name}: not a sound ONNX file, or cut off: {said_by(error)}") from None
    if not model.graph.node:
        raise BankError(f"{name}: not an ONNX file of a network: it has no graph, or one without nodes")
    return model
