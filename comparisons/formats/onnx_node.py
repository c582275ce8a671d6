"""An ONNX operator: its names and attributes. Source: onnx/onnx.proto."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from comparisons.formats import protobuf
from comparisons.formats.protobuf import Message
from reference.files.guard import Guard

NAMES = 10_000  # of inputs of one node


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

    def option(self, name: str, guard: Guard) -> Any:
        """An attribute as `unpack` takes it, None where there is none."""
        return _value(self.attributes[name], guard) if name in self.attributes else None

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
