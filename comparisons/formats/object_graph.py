"""What objects a checkpoint has, and what they call one another: the tree in which Keras 2's layers are found.

Source: tensorflow/core/protobuf/trackable_object_graph.proto; tf_keras/src/engine/functional.py for layer-0 and
layer_with_weights-0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from comparisons.formats import protobuf
from reference.files.guard import Guard
from reference.files.stored import Stored, StoredLayer

# What objects hold beside their layers and variables: lists of the same again, the optimizer, and what SavedModel adds.
BESIDE = {
    *("variables", "trainable_variables", "non_trainable_variables", "layers", "layer_metrics", "metrics", "losses"),
    *("regularization_losses", "layer_regularization_losses", "keras_api", "signatures", "optimizer", "loss"),
    *("save_counter", "_random_generator", "_trainable_variables", "_non_trainable_variables"),
}


@dataclass(frozen=True)
class Node:
    """An object: others by what it calls them, and the checkpoint's name of its numbers."""

    children: Mapping[str, int]
    key: str = ""


def nodes(content: bytes, where: str, guard: Guard) -> list[Node]:
    """Every object, the whole one first."""
    found: list[Node] = []
    for _, each in protobuf.message(content, where, guard).of(1):
        children: dict[str, int] = {}
        key = ""
        for number, value in each.of(1, 2):
            if number == 1:
                name, child = "", 0
                for what, part in value.fields():
                    if what == 1 and isinstance(part, int):
                        child = part
                    elif what == 2 and not isinstance(part, int):
                        name = part.decoded()
                children[name] = child
            else:
                key = value.text(3)
        found.append(Node(children, key))
    for node in found:
        if wrong := next((child for child in node.children.values() if child >= len(found)), None):
            guard.refuse("corrupt", where, f"must name one of its {len(found)} objects", wrong)
    if not found:
        guard.refuse("empty", where, "must have objects", "none")
    return found


@dataclass(frozen=True)
class Tree:
    """The objects with their arrays."""

    nodes: Sequence[Node]
    arrays: Mapping[str, Stored]

    def children(self, node: int) -> Iterator[tuple[str, int]]:
        """What an object has, layers in their order, each under the name that its weights have in the checkpoint."""
        named = {name: child for name, child in self.nodes[node].children.items() if name not in BESIDE}
        place = {child: int(name[6:]) for name, child in named.items() if re.fullmatch(r"layer-\d{1,9}", name)}
        order = lambda item: (place.get(item[1], -1 if not place else 10**9), not item[0].startswith("layer_with"))
        return iter(sorted(named.items(), key=order))

    def variable(self, node: int) -> Stored | None:
        return self.arrays.get(self.nodes[node].key)

    def own(self, node: int) -> dict[str, Stored]:
        """The variables that an object itself has."""
        found = {name: self.variable(child) for name, child in self.children(node)}
        return {name: array for name, array in found.items() if array is not None}

    def below(self, node: int) -> dict[str, Stored]:
        """Every variable of an object and its own objects, once, by the shortest name: forward_layer/kernel."""
        found: dict[str, Stored] = {}
        waiting, seen = [("", node)], {node}
        for prefix, here in waiting:  # which grows
            for name, child in self.children(here):
                if child in seen:
                    continue
                seen.add(child)
                array = self.variable(child)
                if array is not None:
                    found[prefix + name] = array
                else:
                    waiting.append((prefix if name == "cell" else f"{prefix}{name}/", child))
        return found

    def layers(self, guard: Guard) -> Iterator[StoredLayer]:
        """What has variables, by its name in the checkpoint: nothing here says which class it is of."""
        seen = {0}
        waiting: list[tuple[str, int]] = [("", 0)]
        while waiting:
            path, node = waiting.pop()
            children = dict(self.children(node))
            whole = "cell" in children or {"forward_layer", "backward_layer"} <= children.keys()
            arrays = self.below(node) if whole else self.own(node)
            if arrays:
                yield StoredLayer(path or "layer", "", {}, arrays, where=path)
            if whole:
                continue
            within = [(f"{path}/{name}" if path else name, child) for name, child in children.items()]
            fresh: list[tuple[str, int]] = []
            for name, child in within:
                if child not in seen and self.variable(child) is None:
                    seen.add(child)
                    fresh.append((name, child))
                    if name.count("/") > guard.limits.depth:
                        guard.refuse("too-deep", name, f"must be at most {guard.limits.depth} deep", "more")
            waiting += reversed(fresh)
