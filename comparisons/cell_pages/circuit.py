"""A drawing, run as the circuit that it is: what its wires and nodes make of inputs and states."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.cell_pages.drawings.parts import Drawing, Wire
from comparisons.cell_pages.equations import EQUATIONS
from comparisons.cell_pages.evaluating import Arrays, define, parsed, value

Array = NDArray[Any]
OPS = {"×": np.multiply, "+": np.add}
ARRAYS = {"x": "W", "h": "U", "y": "U"}  # what a gate multiplies a bus with


def wires(drawing: Drawing) -> tuple[Wire, ...]:
    """All of them, with those by which gates tap the buses."""
    taps = [
        Wire(bus.source, name, of=letter, dashed=bus.dashed)
        for name, node in drawing.nodes.items()
        for letter in node.sees.strip()
        for bus in [drawing.buses[letter]]
    ]
    return (*drawing.wires, *taps)


def states(drawing: Drawing, arrays: Arrays, x: Array, state: Mapping[str, Array]) -> dict[str, Array]:
    """Every field of the state that comes out, after every step, `(B, T, H)`."""
    for left, right in parsed(EQUATIONS[drawing.cell][0].lines):  # the functions that its boxes use
        if isinstance(left, ast.Call):
            define(arrays, left, right)
    before, seen = dict(state), []
    for t in range(x.shape[1]):
        circuit = _Circuit(drawing, arrays, {"x[t]": x[:, t], **{f"{field}[t-1]": s for field, s in before.items()}})
        before = {field: circuit.at(f"{field}[t]") for field in before if f"{field}[t]" in drawing.nodes}
        seen.append(before)
    return {field: np.stack([each[field] for each in seen], axis=1) for field in before}


class _Circuit:
    """One step."""

    def __init__(self, drawing: Drawing, arrays: Arrays, known: dict[str, Array]) -> None:
        self.nodes, self.arrays, self.known = drawing.nodes, arrays, known
        self.wires = wires(drawing)
        gates = [name for name, node in self.nodes.items() if node.kind == "gate"]
        self.suffix = {name: f"_{name}" if len(gates) > 1 else "" for name in gates}

    def at(self, name: str) -> Array:
        """What comes out of a node."""
        if name not in self.known:
            self.known[name] = self._made(name)
        return self.known[name]

    def _made(self, name: str) -> Array:
        node = self.nodes[name]
        given = [self._carried(wire, name) for wire in self.wires if wire.target == name]
        if node.kind == "op" and node.label in OPS:
            first, second = given
            return OPS[node.label](first, second)
        total = sum(given[1:], start=given[0])
        if node.label == "1−":
            return 1 - total
        if not node.means:
            return total
        return value(ast.parse(node.means, mode="eval").body, ChainMap({"a": total}, self.arrays), {})

    def _carried(self, wire: Wire, target: str) -> Array:
        """What a wire brings: to a gate, times the array that it is multiplied with there."""
        brought = self.at(wire.source)
        if target not in self.suffix:
            return brought
        if wire.of == "c":
            return self.arrays[f"p{self.suffix[target]}"] * brought
        if self.nodes[wire.source].kind == "in":
            return brought @ self.arrays[f"{ARRAYS[wire.of]}{self.suffix[target]}"]
        layer = self.arrays.layer
        every = sum(layer.widths.values())
        return self.arrays.cut(brought, layer.gates)[target] if brought.shape[-1] == every > layer.units else brought
