"""From the parts of a trained network to layers: what follows a convolution directly becomes a part of it.

A network need not be a chain. Its convolutions can be selected all the same, and each place where the
chain breaks is an entry of its own that cannot be run: a part that no layer stands for (an addition of two
branches, pooling), or, where two layers are neighbours in the file but the second does not take what the
first makes, an entry called ``before NAME``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from sepfilter.banks.activation import NONE
from sepfilter.banks.files.entry import Entry
from sepfilter.banks.files.error_text import printable
from sepfilter.banks.files.onnx_keras_graph import (
    Activates,
    Affine,
    Foreign,
    Node,
    Pads,
    Part,
    Passes,
    Weighted,
)
from sepfilter.banks.files.onnx_keras_layer import describe, make_layer
from sepfilter.banks.padding import Padding


def entries_of(nodes: Sequence[Node], results: Collection[str]) -> tuple[Entry, ...]:
    """Entries for the parts of a network.

    Parameters
    ----------
    nodes : sequence of Node
        In the order in which they run.
    results : collection of str
        What the network as a whole makes: a part whose result this is keeps it as it is.

    Returns
    -------
    tuple of Entry
        One for each convolution, with the normalization and the activation that follow it, and for whatever
        else there is but for parts that change nothing. A normalization or activation elsewhere is a
        depthwise layer of 1 x 1 taps.
    """
    return _Walk(_padded(nodes, results), results).entries()


class _Walk:
    """A walk along the nodes, each of which is used once."""

    def __init__(self, nodes: Sequence[Node], results: Collection[str]) -> None:
        self._nodes = nodes
        self._results = frozenset(results)
        self._users = _users(nodes)
        self._used: set[int] = set()
        self._same: dict[str, str] = {}
        self._names: Counter[str] = Counter()

    def entries(self) -> tuple[Entry, ...]:
        """All entries in order."""
        entries: list[Entry] = []
        last: str | None = None
        for place, node in enumerate(self._nodes):
            if place in self._used:
                continue
            if isinstance(node.part, Passes):
                self._same[node.makes] = self._source(node)
            elif isinstance(node.part, (Foreign, Pads)):
                entries.append(Entry(self._unique(node.name), _why_not(node.part), None))
                last = None
            else:
                if last is not None and self._source(node) != last:
                    entries.append(self._break(node))
                entry, last = self._layer(place, node)
                entries.append(entry)
        return tuple(entries)

    def _layer(self, place: int, node: Node) -> tuple[Entry, str]:
        """A layer with what follows it, and the name of what it makes."""
        part, name = node.part, self._unique(node.name)
        activation = part.activation if isinstance(part, (Weighted, Activates)) else NONE
        affines = [part] if isinstance(part, Affine) else []
        convolution = part if isinstance(part, Weighted) else None
        makes = node.makes
        while (follower := self._follower(place, makes)) is not None:
            place, after = follower
            if isinstance(after.part, Activates) and activation == NONE:
                activation = after.part.activation
                if not _suits(len(activation.alphas), convolution, affines):
                    activation = NONE
                    break
            elif isinstance(after.part, Affine) and activation == NONE:
                if not _suits(after.part.size, convolution, affines):
                    break
                affines.append(after.part)
            elif not isinstance(after.part, Passes):
                break
            self._used.add(place)
            makes = self._same[after.makes] = after.makes
        what = describe(convolution, affines, activation)
        return Entry(name, what, lambda: (make_layer(name, convolution, affines, activation),)), makes

    def _follower(self, place: int, makes: str) -> tuple[int, Node] | None:
        """The only node that takes something, where there is only one, later, and it takes nothing else."""
        users = self._users.get(makes, ())
        if makes in self._results or len(users) != 1 or users[0] <= place or users[0] in self._used:
            return None
        node = self._nodes[users[0]]
        return (users[0], node) if len(node.takes) == 1 else None

    def _source(self, node: Node) -> str:
        """What a node takes, before anything that changes nothing."""
        taken = node.takes[0] if node.takes else ""
        return self._same.get(taken, taken)

    def _break(self, node: Node) -> Entry:
        """An entry for a place where two neighbours are not connected."""
        name = printable(node.name)
        what = (
            f"a break in the chain: {name} takes {printable(self._source(node))!r}, not what the "
            "layer before it makes: select the layers to run"
        )
        return Entry(self._unique(f"before {name}"), what, None)

    def _unique(self, name: str) -> str:
        """A printable name that no entry has yet."""
        wanted = printable(name)
        self._names[wanted] += 1
        while self._names[wanted] > 1:
            wanted = f"{printable(name)}:{self._names[wanted]}"
            self._names[wanted] += 1
        return wanted


def _padded(nodes: Sequence[Node], results: Collection[str]) -> list[Node]:
    """The nodes, with zeros that are put around the input of one convolution made a part of it."""
    made, users = list(nodes), _users(nodes)
    for place, node in enumerate(nodes):
        after = users.get(node.makes, ())
        if not isinstance(node.part, Pads) or len(after) != 1 or node.makes in results or after[0] <= place:
            continue
        user = made[after[0]]
        padding = user.part.padding if isinstance(user.part, Weighted) else None
        if isinstance(user.part, Weighted) and padding is not None and padding.mode in ("valid", "explicit"):
            top, left, bottom, right = (
                one + other for one, other in zip(padding.amounts, node.part.amounts, strict=True)
            )
            part = replace(user.part, padding=Padding("explicit", (top, left, bottom, right)))
            made[after[0]] = replace(user, part=part, takes=node.takes)
            made[place] = replace(node, part=Passes())
    return made


def _users(nodes: Sequence[Node]) -> dict[str, list[int]]:
    """The places of the nodes that take each result, once for each time that it is taken."""
    users: dict[str, list[int]] = {}
    for place, node in enumerate(nodes):
        for one in node.takes:
            users.setdefault(one, []).append(place)
    return users


def _suits(size: int, convolution: Weighted | None, affines: Sequence[Affine]) -> bool:
    """True where so many numbers are one for all channels, or one for each."""
    channels = convolution.shape[0] if convolution else max((one.size for one in affines), default=1)
    return size in (0, 1, channels)


def _why_not(part: Part) -> str:
    """Why a part cannot be run."""
    if isinstance(part, Foreign):
        return part.reason
    return "cannot be run: padding that no single convolution follows directly"
