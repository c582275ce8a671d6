"""What becomes of each layer of an old model, as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from comparisons.porting import folded, recurrent
from comparisons.porting.parts import WAYS_OUT, Part, Penalty, Refused, safe
from comparisons.porting.wording import reworded
from reference.files import era_values as values
from reference.files import eras
from reference.files.guard import shown
from reference.files.outline import plain
from reference.files.stock_weights import stock_weights
from reference.files.stored import Graph, Node, StoredLayer, StoredModel
from reference.layer import AnyLayer, Bidirectional, Layer, Stack

FOR_TRAINING = "it is ported for training, which a fold would change"
PENALISED = "its regularisers or constraints see the weights, which a fold would scale"


@dataclass(frozen=True)
class Planner:
    """One file's plan: `recurrent` has the oracle's layers by path, `custom` the names of the user's classes."""

    model: StoredModel
    recurrent: Mapping[str, AnyLayer]
    training: bool = False
    custom: frozenset[str] = frozenset()

    def parts(self, graph: Graph) -> dict[str, Part]:
        """A part for each layer of a graph and of those in it, by path. Raises Refused for one that has none."""
        found: dict[str, Part] = {}
        for node in graph.nodes.values():
            for part in self._node(node):
                found[part.path] = part
        return found

    def _node(self, node: Node) -> Iterator[Part]:
        if isinstance(node.layer, Graph):
            yield from self.parts(node.layer).values()
            return
        if node.inner is None:
            yield self.part(node.layer)
            return
        if node.layer.kind != "TimeDistributed":
            raise Refused(f"{node.layer.path} must be a layer that Keras 3 has in stock, got a {node.layer.kind}")
        kind, config = "TimeDistributed", node.layer.config
        config = {name: config[name] for name in ("trainable",) if config.get(name) is not None}
        config["name"] = _name(node.layer)
        if isinstance(node.inner, Graph):
            yield from self.parts(node.inner).values()
            yield Part(kind, config, path=node.layer.path)
        else:
            yield Part(kind, config, inside=(self.part(node.inner),), path=node.layer.path)

    def part(self, layer: StoredLayer) -> Part:
        """What becomes of one layer, a wrapper of cells or of two directions with what is in it."""
        try:
            return self._part(layer)
        except eras.Unsupported as error:
            said = str(error).split(": leave it out")[0]  # which is said of a layer that is read alone
            raise Refused(f"{shown(layer.path)}: {shown(said)}; {WAYS_OUT}") from None

    def _part(self, layer: StoredLayer) -> Part:
        kind = plain(layer.kind)
        if kind in self.custom:
            arrays = {name: stored.read() for name, stored in layer.arrays.items()}
            done = ("it is the class that you named, with the arrays in the file's order",)
            return Part(kind, layer.config, arrays, changes=done, path=layer.path)
        old = self.recurrent.get(layer.path)
        if old is not None:
            told = {**layer.config, "name": _name(layer)}
            return replace(self._recurrent(old, kind, told), path=layer.path)
        kind, config = self._modern(layer)
        lost = tuple(eras.changes(layer.kind, layer.config, self.model.era, self.model.version))
        given = penalties(config)
        config = {name: value for name, value in config.items() if not name.endswith(_OF_WEIGHTS)} | given
        try:
            arrays = stock_weights(kind, config, layer.arrays, self.model.era, self.model.backend)
        except ValueError as error:
            raise Refused(f"{layer.path}: {error}") from None
        part = folded.part(kind, config, arrays, kept=self._kept(given))
        words = reworded(plain(layer.kind), layer.config, kind, config)
        return replace(part, changes=(*words, *part.changes, *lost), path=layer.path)

    def _kept(self, given: Mapping[str, Any]) -> str:
        return FOR_TRAINING if self.training else PENALISED if given.keys() - {"activity_regularizer"} else ""

    def _modern(self, layer: StoredLayer) -> tuple[str, dict[str, Any]]:
        kind, found = eras.modern(layer.kind, layer.config, self.model.era, self.model.version)
        return kind, {**found, "name": _name(layer)}

    def _recurrent(self, old: AnyLayer, kind: str, config: Mapping[str, Any]) -> Part:
        told = {name: config[name] for name in ("name", "trainable") if config.get(name) is not None}
        dtype = values.dtype(kind, config.get("dtype"))
        told |= {} if dtype is None else {"dtype": dtype}
        if isinstance(old, Bidirectional):
            ahead = config["layer"]
            back = config.get("backward_layer") or ahead
            sides = tuple(
                self._side(side, entry, prefix)
                for side, entry, prefix in ((old.forward, ahead, "forward"), (old.backward, back, "backward"))
            )
            part = _outer(Part("Bidirectional", {**told, "merge_mode": old.merge_mode}, inside=sides))
            return self._apart(old, part)
        if kind != "RNN":
            assert isinstance(old, Layer)
            return self._leaf(old, kind, {**config, **told})
        flags = {name: config[name] for name in recurrent.FLAGS if config.get(name) is not None}
        flags |= {"go_backwards": old.go_backwards}
        cell = config["cell"]
        if isinstance(old, Stack):
            inner = cell["config"]["cells"]
            cells = tuple(self._cell(one, entry) for one, entry in zip(old.layers, inner, strict=True))  # type: ignore[arg-type]
        else:
            assert isinstance(old, Layer)
            cells = (self._cell(old, cell),)
        return _outer(Part("RNN", {**told, **flags}, inside=cells))

    def _apart(self, old: Bidirectional, part: Part) -> Part:
        """Two layers and a Concatenate, where Keras 3's Bidirectional is another function than the old one."""
        why = ""
        if recurrent.width(old.forward) != recurrent.width(old.backward):
            why = "its two sides are of different widths, which Keras 3's Bidirectional does not build"
        elif self.masked and old.return_sequences and not recurrent.zeroed(old):
            why = "masked steps repeat the output before them, which Keras 3's Bidirectional sets to zero"
        if not why:
            return part
        if old.merge_mode != "concat":
            raise Refused(f"{part.config['name']} must have merge_mode='concat', got {old.merge_mode!r}: {why}")
        done = f"two layers and a Concatenate stand for it: {why}"
        return replace(part, kind="TwoDirections", changes=(*part.changes, done))

    @property
    def masked(self) -> bool:
        """Whether a layer of the model masks steps."""
        return any(layer.kind == "Masking" or layer.config.get("mask_zero") for layer in self.model.layers)

    def _side(self, old: AnyLayer, entry: Mapping[str, Any], prefix: str) -> Part:
        kind = plain(entry["class_name"])
        name = str(entry["config"].get("name") or kind.lower()).removeprefix(f"{prefix}_")
        told = {**entry["config"], "name": f"{prefix}_{name}", "go_backwards": old.go_backwards}  # type: ignore[union-attr]
        return self._recurrent(old, kind, told)

    def _cell(self, old: Layer, entry: Mapping[str, Any]) -> Part:
        config = {name: value for name, value in entry["config"].items() if name != "dtype"}
        return recurrent.as_cell(self._leaf(old, plain(entry["class_name"]).removesuffix("Cell"), config))

    def _leaf(self, old: Layer, kind: str, given: Mapping[str, Any]) -> Part:
        config, lost = recurrent.modern(given)
        held = penalties(config)
        part = recurrent.told(recurrent.leaf(old, kept=self._kept(held)), config, held)
        new = {**part.config, **{name: value for inner in part.inside for name, value in inner.config.items()}}
        words = reworded(kind, given, kind if part.kind == "RNN" else part.kind, new)
        return replace(part, changes=(*words, *part.changes, *lost))


# How weights begin, which those of the file replace, and what holds them in training.
_OF_WEIGHTS = ("_initializer", "_regularizer", "_constraint")


def penalties(config: Mapping[str, Any]) -> dict[str, Penalty]:
    """The regularisers and constraints of a layer, by the names of their arguments."""
    homes = {"_regularizer": "regularizers", "_constraint": "constraints"}
    return {
        name: Penalty(home, value["class_name"], value["config"])
        for ending, home in homes.items()
        for name, value in config.items()
        if name.endswith(ending) and value and (home == "constraints" or any(value["config"].values()))
    }


def _name(layer: StoredLayer) -> str:
    said = layer.config.get("name")
    return safe(said if isinstance(said, str) and said else layer.path.rsplit("/", 1)[-1])


def _outer(part: Part) -> Part:
    """What was done inside is said of the whole."""
    inside = [each for inner in part.inside for each in inner.everything()]
    return replace(
        part,
        changes=tuple(dict.fromkeys(change for each in inside for change in each.changes)),
        roundings=max(each.roundings for each in inside),
        folded=any(each.folded for each in inside),
        own=next((each.own for each in inside if each.own), ""),
    )
