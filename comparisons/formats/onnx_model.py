"""ONNX models: the LSTM, GRU and RNN nodes, and what the other nodes' initializers hold.

Read as bytes, so that a file of any size is counted by its headers. Source: onnx/onnx.proto and onnx/defs/rnn/defs.cc.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from comparisons.formats import numbers
from comparisons.formats.onnx_folding import OPERATORS, UNFIT, Folded, Folding, sources_of
from comparisons.formats.onnx_node import Node
from comparisons.formats.onnx_tensors import stored
from comparisons.formats.protobuf import Message
from reference.files.guard import FileRefused, Guard, shown
from reference.files.guard import opened as opened_file
from reference.files.stored import Stored, StoredLayer, StoredModel

CELLS = {"LSTM": "lstm", "GRU": "gru", "RNN": "simple_rnn"}
# The operators' inputs beside X and sequence_lens, by their place; ONNX before opset 7 has the same.
INPUTS = {1: "W", 2: "R", 3: "B", 5: "initial_h", 6: "initial_c", 7: "P"}
WEIGHTS = (1, 2, 3, 7)
FOREIGN = re.compile("LSTM|GRU|RNN")  # in the names of others' operators: com.microsoft's DynamicQuantizeLSTM
LOOPS = ("Loop", "Scan")  # may be recurrent layers, written out; told of, not read
DOMAINS = ("", "ai.onnx")
# The names that a graph's nodes see: an array of the file or made of such; or what else it is.
Seen: TypeAlias = "ChainMap[str, Stored | str]"


def is_one(path: Path) -> bool:
    return path.suffix == ".onnx" and path.is_file()


@dataclass(frozen=True)
class Unread(StoredLayer):
    """A recurrent node that is not read, and why."""

    refusal: FileRefused | None = None


def cell(layer: StoredLayer) -> str | None:
    """lstm, gru or simple_rnn; None for what is not recurrent. Raises FileRefused for what is, but cannot be read."""
    if isinstance(layer, Unread) and layer.refusal:
        raise layer.refusal
    return CELLS.get(layer.kind) if layer.package in DOMAINS else None


@contextmanager
def opened(path: Path, config: Any, guard: Guard) -> Iterator[StoredModel]:
    """The model's nodes."""
    if config is not None:
        guard.refuse("config", "", "must be read without config: its nodes have their attributes", "one")
    with opened_file(path, guard) as stream:
        model = Message(stream, 0, guard.size, guard)
        producer, version, bodies = "", "", []
        graph = None
        for number, value in model.fields():
            if isinstance(value, Message):
                if number == 2:
                    producer = value.decoded(1000)
                elif number == 3:
                    version = value.decoded(1000)
                elif number == 7:
                    graph = value
                elif number == 25:
                    bodies.append(value)
        if graph is None:
            guard.refuse("not-onnx", "", "must hold a graph, as an ONNX model does", "none")
        found = Found(guard)
        found.graph(graph, ChainMap(), Scope())
        for body in bodies:
            found.function(body)
        made_by = f" of {shown(producer)}{f' {shown(version)}' if version else ''}" if producer else ""
        yield StoredModel(guard.file, f"ONNX model{made_by}", "onnx", tuple(found.layers), backend="onnx")


class Scope(NamedTuple):
    """Where a graph is: the path of its nodes for people, and one that names the branches, too."""

    path: str = ""
    full: str = ""
    first: str = ""  # what the name of the node around it begins with, and the path before that
    before: str = ""

    def of(self, called: str) -> str:
        """A node's path. One that begins as the name of the node around it is a path from the same place already."""
        within = self.before if self.first and called.startswith(self.first) else self.path
        return _joined(within, called)

    def inner(self, called: str, attribute: str) -> Scope:
        """Of a graph that a node has as an attribute."""
        first = called.split("/")[0] + "/" if "/" in called else ""
        before = self.before if first and first == self.first else self.path
        full = _joined(self.full, f"{called}.{attribute}" if attribute else called)
        return Scope(self.of(called), full, first, before)


@dataclass
class Found:
    """The layers, in the order of the nodes, those of inner graphs where they are."""

    guard: Guard
    layers: list[StoredLayer] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)  # initializers by place, each counted where it is used first

    def __post_init__(self) -> None:
        self.fold = Folding(self.guard)

    def graph(self, graph: Message, outer: Seen, scope: Scope) -> None:
        """A graph's nodes, which see the constants of the graphs around it."""
        inputs: dict[str, Stored | str] = {}
        own: dict[str, Stored | str] = {}
        for number, part in graph.of(5, 11, 15):
            if number == 15:
                where = scope.full or "the graph"
                self.guard.refuse("sparse", where, "must have dense initializers", "sparse_initializer")
            elif number == 11:
                inputs[part.text(1)] = "an input of its graph"
            elif array := stored(part, scope.full, self.guard):
                own[part.text(8)] = array
        self.nodes([node for _, node in graph.of(1)], outer.new_child({**inputs, **own}), scope)

    def function(self, body: Message) -> None:
        """A function's nodes: what it is called with is not known here."""
        inputs: dict[str, Stored | str] = {name.decoded(): "an input of its function" for _, name in body.of(4)}
        name = body.text(1)
        self.nodes([node for _, node in body.of(7)], ChainMap(inputs), Scope(name, name))

    def nodes(self, nodes: list[Message], seen: Seen, scope: Scope) -> None:
        for message in nodes:
            node = Node.of(message)
            made = self.constants(node, seen, scope)
            if not any(isinstance(array, Stored) for array in made.values()):
                self.layer(node, seen, scope)
            other = f"the output of {shown(node.kind)}"
            if node.kind == "Identity" and node.inputs:
                other = seen.get(node.inputs[0], other)
            for name in node.outputs:
                seen[name] = made.get(name, other)
            for name, attribute in node.attributes.items():
                for _, inner in attribute.of(6, 11):
                    self.graph(inner, seen, scope.inner(node.called, name))

    def constants(self, node: Node, seen: Seen, scope: Scope) -> Mapping[str, Stored | str]:
        """The outputs of a node that makes them of the file's arrays alone; of another none, or what hindered it."""
        if node.domain not in DOMAINS or not node.outputs:
            return {}
        if node.kind == "Constant":
            return {node.outputs[0]: array} if (array := self.constant(node, scope)) else {}
        if node.kind not in OPERATORS or not node.inputs:
            return {}
        known = [seen.get(name) if name else None for name in node.inputs]
        if any(name and not isinstance(array, Stored) for name, array in zip(node.inputs, known, strict=True)):
            return {}
        arrays = [array if isinstance(array, Stored) else None for array in known]
        try:
            made = self.fold(node.kind, arrays, lambda name: node.option(name, self.guard), node.outputs, scope.full)
        except FileRefused:
            raise
        except UNFIT as error:
            return {node.outputs[0]: f"the output of {node.kind} ({shown(error)})"}
        return dict(zip(node.outputs, made, strict=False))

    def constant(self, node: Node, scope: Scope) -> Stored | None:
        """What a Constant holds, if it is numbers."""
        name = node.outputs[0]
        if "value" in node.attributes:
            tensors = [stored(tensor, scope.full, self.guard, name) for _, tensor in node.attributes["value"].of(5)]
            return tensors[-1] if tensors else None
        for kind in ("value_float", "value_floats", "value_int", "value_ints"):
            if kind in node.attributes:
                told = np.array(node.option(kind, self.guard), np.float32 if "float" in kind else np.int64)
                where = _joined(scope.full, name)
                self.guard.declare(where, told.shape, told.itemsize)
                return Stored(where, told.shape, told.dtype, numbers.checked(told.copy, where, self.guard))
        return None

    def layer(self, node: Node, seen: Seen, scope: Scope) -> None:
        recurrent = node.kind in CELLS and node.domain in DOMAINS
        arrays = (self.weights if recurrent else self.others)(node, seen)
        refusal = self.refusal(node, seen)
        if not (arrays or recurrent or refusal or node.kind in LOOPS):
            return
        full = _joined(scope.full, node.called)
        also = [f"{full} ({node.outputs[0]})"] if node.outputs else []
        path = next((path for path in (scope.of(node.called), full, *also) if path not in self.paths), "")
        if not path:
            self.guard.refuse("duplicate", full, "must be a node with a name or an output of its own", "another such")
        self.paths.add(path)
        config = node.options(self.guard) if recurrent else {}
        layer = StoredLayer(path, node.kind, config, arrays, node.domain, where=path)
        if refusal:
            code, must, got = refusal
            said = FileRefused(code, f"{shown(path)} of {self.guard.file} must {must}, got {shown(got)}")
            layer = Unread(path, node.kind, config, arrays, node.domain, where=path, refusal=said)
        self.layers.append(layer)

    def weights(self, node: Node, seen: Seen) -> dict[str, Stored]:
        """A recurrent node's arrays. One that is used again, or made, is in memory once more when it is read."""
        arrays: dict[str, Stored] = {}
        for place, name in enumerate(node.inputs):
            if place in INPUTS and isinstance(array := seen.get(name), Stored):
                if isinstance(array, Folded) or array.where in self.taken:
                    self.guard.declare(array.where, array.shape, array.dtype.itemsize)
                arrays[INPUTS[place]] = array
                self.taken.update(source.where for source in sources_of(array))
        return arrays

    def others(self, node: Node, seen: Seen) -> dict[str, Stored]:
        """Of another node, the file's arrays behind its inputs that no node before it has."""
        arrays: dict[str, Stored] = {}
        for name in node.inputs:
            if isinstance(array := seen.get(name), Stored):
                for source in sources_of(array):
                    if source.dtype.kind == "f" and source.where not in self.taken:
                        arrays[name if source is array else source.where] = source
                        self.taken.add(source.where)
        return arrays

    def refusal(self, node: Node, seen: Seen) -> tuple[str, str, str] | None:
        """Why a recurrent node is not read: the code, what must be, what is."""
        if node.domain not in DOMAINS:
            must = "be ONNX' own LSTM, GRU or RNN (quantized models are not read; in only=[…], name the others)"
            return ("unsupported-class", must, f"{node.domain}.{node.kind}") if FOREIGN.search(node.kind) else None
        for place in WEIGHTS if node.kind in CELLS else ():
            name = node.inputs[place] if place < len(node.inputs) else ""
            if name and not isinstance(got := seen.get(name, f"{name}, which no node before it makes"), Stored):
                must = f"have a {INPUTS[place]} that is an initializer, or cut and joined from some"
                way = "" if got.startswith("an input") else ": export it with constant folding, and not quantized"
                return "missing-weight", must, f"{got}{way}"
        return None


def _joined(where: str, name: str) -> str:
    return f"{where}/{name}" if where else name
