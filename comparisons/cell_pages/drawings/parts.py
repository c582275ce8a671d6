"""What drawings are made of, and the heights that all have in common.

A drawing is a circuit. Wires join nodes; a gate adds up what arrives (x times W, a state times U, c times a peephole,
anything else as it is) and squashes it; ops multiply, add, or take from 1; a box applies what it `means`. `circuit`
runs it, so that a picture is held to the same numbers as the equation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Point = tuple[float, float]


class Node(NamedTuple):
    """Something at a place. kind: "in" and "out" (a letter and a time), "gate", "op" (× + 1−) or "box"."""

    kind: str
    x: float
    y: float
    label: str = ""  # of an op its sign, of a box what is written on it; of a gate, its letter is the name
    means: str = ""  # of a gate or a box, what it does to a, the sum of what arrives
    sees: str = ""  # of a gate: the letters of the buses that it taps, from left to right; " " is room for a wire
    normed: bool = False  # of a gate: with the norm of its own


class Wire(NamedTuple):
    """From a node to a node, by way of points; `start` is a point of a line that is there already."""

    source: str
    target: str
    via: tuple[Point, ...] = ()
    start: Point | None = None
    of: str = ""  # x, h, y or c: whose line it is; "": a gate's
    dashed: bool = False


class Bus(NamedTuple):
    """A horizontal line that gates tap; it begins at its source, or on the line of its source at `start`."""

    source: str
    y: float
    start: Point | None = None
    dashed: bool = False


class Note(NamedTuple):
    x: float
    y: float
    text: str
    loud: bool = False


class Drawing(NamedTuple):
    """`form` is that of `equations`; `buses` by letter."""

    cell: str
    title: str
    nodes: Mapping[str, Node]
    wires: tuple[Wire, ...]
    buses: Mapping[str, Bus]
    notes: tuple[Note, ...] = ()
    form: int = 0
    size: tuple[int, int] = (1200, 620)


LINE, OPS, GATES, C, H, X = 130, 235, 372, 462, 510, 564  # heights
LEFT, RIGHT = 92, 1108


def gate(letter: str, x: float, sees: str = "hx", means: str = "", normed: bool = False) -> Node:
    function = "φ" if letter in "gn" else "σ"
    return Node("gate", x, GATES, means=means or f"{function}(a + b_{letter})", sees=sees, normed=normed)


def at_left(letter: str, y: float) -> dict[str, Node]:
    return {f"{letter}[t-1]" if letter != "x" else "x[t]": Node("in", LEFT, y)}


BOTTOM: Mapping[str, Bus] = {"h": Bus("h[t-1]", H), "x": Bus("x[t]", X)}
