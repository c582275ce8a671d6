"""ONNX models: the LSTM, GRU and RNN nodes, and what the other nodes' initializers hold.

Read as bytes, so that a file of any size is counted by its headers. Source: onnx/onnx.proto and onnx/defs/rnn/defs.cc.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from comparisons.formats import numbers, protobuf
from comparisons.formats.protobuf import Message
from reference.files.guard import Guard, shown
from reference.files.guard import opened as opened_file
from reference.files.stored import Array, Stored, StoredLayer, StoredModel

CELLS = {"LSTM": "lstm", "GRU": "gru", "RNN": "simple_rnn"}
# The operators' inputs beside X and sequence_lens, by their place; ONNX before opset 7 has the same.
INPUTS = {1: "W", 2: "R", 3: "B", 5: "initial_h", 6: "initial_c", 7: "P"}
# Fields of TensorProto that hold numbers, by type: raw_data has any type.
RAW, EXTERNAL = 9, 1
TYPED = {"float32": 4, "float64": 10, "float16": 5, numbers.BFLOAT16: 5}
DOMAINS = ("", "ai.onnx")
NAMES = 10_000  # of inputs of one node


def is_one(path: Path) -> bool:
    return path.suffix == ".onnx" and path.is_file()


def cell(layer: StoredLayer) -> str | None:
    """lstm, gru or simple_rnn; None for what is not recurrent."""
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
        found.graph(graph, {}, "")
        for body in bodies:
            found.function(body)
        made_by = f" of {shown(producer)}{f' {shown(version)}' if version else ''}" if producer else ""
        yield StoredModel(guard.file, f"ONNX model{made_by}", "onnx", tuple(found.layers), backend="onnx")


@dataclass
class Found:
    """The layers, in the order of the nodes, those of inner graphs where they are."""

    guard: Guard
    layers: list[StoredLayer] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)  # initializers by place, each counted where it is used first

    def graph(self, graph: Message, outer: Mapping[str, Stored], where: str) -> None:
        """A graph's nodes, which see the constants of the graphs around it."""
        seen = dict(outer)
        for number, tensor in graph.of(5, 15):
            if number == 15:
                self.guard.refuse("sparse", where or "the graph", "must have dense initializers", "sparse_initializer")
            array = self.stored(tensor, where)
            if array is not None:
                seen[tensor.text(8)] = array
        self.nodes([node for _, node in graph.of(1)], seen, where)

    def function(self, body: Message) -> None:
        """A function's nodes: what it is called with is not known here."""
        self.nodes([node for _, node in body.of(7)], {}, body.text(1))

    def nodes(self, nodes: list[Message], seen: dict[str, Stored], where: str) -> None:
        for message in nodes:
            node = Node.of(message)
            if node.kind == "Constant" and node.outputs:
                for _, tensor in node.tensors("value"):
                    if (array := self.stored(tensor, where, node.outputs[0])) is not None:
                        seen[node.outputs[0]] = array
            elif node.kind == "Identity" and node.inputs and node.outputs and node.inputs[0] in seen:
                seen[node.outputs[0]] = seen[node.inputs[0]]
            else:
                self.layer(node, seen, where)
            for attribute in node.attributes.values():
                for _, inner in attribute.of(6, 11):
                    self.graph(inner, seen, f"{where}/{node.called}" if where else node.called)

    def layer(self, node: Node, seen: Mapping[str, Stored], where: str) -> None:
        recurrent = node.kind in CELLS and node.domain in DOMAINS
        arrays: dict[str, Stored] = {}
        for place, name in enumerate(node.inputs):
            array = seen.get(name)
            if array is None or (not recurrent and (array.where in self.taken or array.dtype.kind != "f")):
                continue
            if recurrent and place not in INPUTS:
                continue
            arrays[INPUTS[place] if recurrent else name] = array
            self.taken.add(array.where)
        if not arrays and not recurrent:
            return
        path = f"{where}/{node.called}" if where else node.called
        if path in self.paths:
            path = f"{path} ({node.outputs[0]})" if node.outputs else path
        if path in self.paths:
            self.guard.refuse("duplicate", path, "must be a node with a name or an output of its own", "another such")
        self.paths.add(path)
        config = node.options(self.guard) if recurrent else {}
        self.layers.append(StoredLayer(path, node.kind, config, arrays, node.domain, where=path))

    def stored(self, tensor: Message, where: str, called: str = "") -> Stored | None:
        """A TensorProto by its header; None for one that holds no numbers."""
        dims, kind, data = [], 0, None
        name, external = called, False
        raw: dict[int, list[Message]] = {}
        for number, value in tensor.fields():
            if number == 1:
                dims += value.varints() if isinstance(value, Message) else [value]
            elif number == 2 and isinstance(value, int):
                kind = value
            elif number == 8 and isinstance(value, Message):
                name = called or value.decoded(100_000)
            elif number == 13 or (number == 14 and value == EXTERNAL):
                external = True
            elif number in (4, 5, 10, RAW) and isinstance(value, Message):
                raw.setdefault(number, []).append(value)
        place = f"{where}/{name}" if where else name
        if external:
            must = "must be in the file itself (save it without external data)"
            self.guard.refuse("external-storage", place, must, "a tensor in another file")
        if kind not in numbers.ONNX:
            return None
        stored, shape = numbers.ONNX[kind], tuple(dims)
        if any(dim > 2**62 for dim in shape) or len(shape) > 32:
            self.guard.refuse("corrupt", place, "must have dimensions that fit a file", shape[:5])
        self.guard.declare(place, shape, numbers.width(stored))
        number = RAW if RAW in raw else TYPED.get(stored)
        if number is None:  # whole numbers, which are no weights
            return None
        data = raw.get(number, [])
        count = math.prod(shape)
        there = sum(map(len, data))
        if number in (RAW, 4, 10) and there != count * numbers.width(stored):
            must = f"must have the {count * numbers.width(stored)} bytes of its shape {shape}"
            self.guard.refuse("corrupt", place, must, there)

        def read() -> Array:
            content = b"".join(part.content(part.guard.limits.bytes) for part in data)
            if number == 5:  # of 16 bits each, written as whole numbers
                words = protobuf.message(content, place, self.guard).varints()
                if len(words) != count or any(word >= 2**16 for word in words):
                    self.guard.refuse("corrupt", place, f"must have {count} numbers of 16 bits", len(words))
                content = b"".join(word.to_bytes(2, "little") for word in words)
            return numbers.decoded(content, stored, shape)

        return Stored(place, shape, numbers.dtype(stored), numbers.checked(read, place, self.guard))


@dataclass(frozen=True)
class Node:
    """An operator: its names and attributes."""

    kind: str
    domain: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Message]

    @property
    def called(self) -> str:
        return self.name or next((name for name in self.outputs if name), self.kind)

    @staticmethod
    def of(message: Message) -> Node:
        inputs, outputs, texts = [], [], {3: "", 4: "", 7: ""}
        attributes: dict[str, Message] = {}
        for number, value in message.of(1, 2, 3, 4, 5, 7):
            if number == 5:
                name = value.text(1)
                if name in attributes:
                    message.guard.refuse("duplicate", name, "must be given to a node once", "it twice")
                attributes[name] = value
                continue
            said = value.decoded()
            if number in texts:
                texts[number] = said
            else:
                (inputs if number == 1 else outputs).append(said)
            if len(inputs) > NAMES:
                message.guard.refuse("too-large", texts[3], f"must have at most {NAMES} inputs", "more")
        return Node(texts[4], texts[7], texts[3], inputs, outputs, attributes)

    def tensors(self, name: str) -> Iterator[tuple[int, Message]]:
        """The tensor of an attribute."""
        return self.attributes[name].of(5) if name in self.attributes else iter(())

    def options(self, guard: Guard) -> dict[str, Any]:
        """The attributes as `unpack` takes them."""
        return {name: _value(attribute, guard) for name, attribute in self.attributes.items()}


def _value(attribute: Message, guard: Guard) -> Any:
    """A number, a text, or a list of either, by the type that it says it has."""
    kind = attribute.number(20)
    found: list[Any] = []
    for number, value in attribute.fields():
        if (number, kind) in ((3, 2), (8, 7)):
            found += map(protobuf.signed, value.varints() if isinstance(value, Message) else [value])
        elif isinstance(value, Message) and (number, kind) in ((2, 1), (7, 6)):
            found += protobuf.floats(value)
        elif isinstance(value, Message) and (number, kind) in ((4, 3), (9, 8)):
            found.append(value.decoded())
    if kind in (1, 2, 3) and found:
        return found[-1]
    if kind not in (6, 7, 8):
        guard.refuse("unsupported-option", attribute.text(1), "must be a number, a text or a list of them", kind)
    return found
