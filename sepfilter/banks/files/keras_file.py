"""Keras files: convolutions and what follows them, from whole models or from weights alone."""

from __future__ import annotations

from pathlib import Path

from sepfilter.banks.files.entry import Entry
from sepfilter.banks.files.keras_bare import bare_nodes_of
from sepfilter.banks.files.keras_container import Container
from sepfilter.banks.files.keras_model import is_model, nodes_of
from sepfilter.banks.files.onnx_keras_chain import entries_of
from sepfilter.errors import BankError


def entries_from_keras(path: Path, name: str) -> tuple[Entry, ...]:
    """What a ``.keras``, ``.h5`` or ``.weights.h5`` file holds, in the order of its model.

    Parameters
    ----------
    path : Path
        The file; it stays open as long as the entries are kept, and arrays are read when layers are built.
    name : str
        What errors call it.

    Returns
    -------
    tuple of Entry
        One for each Conv2D and DepthwiseConv2D, by the layer's name, with the batch normalization and the
        activation that follow it; a SeparableConv2D is ``NAME/depthwise`` and ``NAME/pointwise``; layers of a
        model inside the model are ``MODEL/NAME``. A Rescaling is a depthwise layer of one tap. Dropout and
        inputs are passed over. Anything else cannot be run; neither can a ``before NAME``, which stands where
        a layer does not take what the one before it makes. Weights without a model have strides of 1, one
        group and no activation, and do not say their padding; those of Keras 3 are in no order of the model,
        which an entry ``order`` says.

    Raises
    ------
    BankError
        It is no Keras file, is damaged, unpacks to too much, or the package h5py is missing.
    """
    container = Container(path, name)
    if is_model(container.config):
        nodes, results = nodes_of(container)
    else:
        nodes, results = bare_nodes_of(container), []
    entries = entries_of(nodes, results)
    if not entries:
        raise BankError(
            f"{name}: has no layers with weights: save the whole model, as model.save('MODEL.keras')"
        )
    return entries
