"""The equations of `equations`, computed: step by step, from the arrays of a layer."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Callable, Mapping
from functools import cache
from textwrap import dedent
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.cell_pages.equations import EQUATIONS
from reference import Layer
from reference.conventions.counted import held
from reference.conventions.storage import parse
from reference.gates import split

Array = NDArray[Any]
Moment = tuple[str, int]  # a letter and a time, from now: ("h", -1)

FIELDS = {
    "W": ("kernel",),
    "U": ("recurrent_kernel",),
    "b": ("bias",),
    "d": ("recurrent_bias",),
    "p": ("peephole",),
    "V": ("projection", "output_kernel"),
    "v": ("output_bias",),
    "R": ("gate_recurrent_kernel",),
    "γ": ("gamma",),
    "β": ("beta",),
}
NORMS = {"x": "kernel", "h": "recurrent", "c": "state"}  # whose gains and shifts are arrays of their own
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "tanh": np.tanh,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "mean": lambda a: a.mean(axis=-1, keepdims=True),
    "var": lambda a: a.var(axis=-1, keepdims=True),
    "clip": lambda a, limit: np.clip(a, -limit, limit),
}
TIMES = {"t": 0, "t - 1": -1}
OPERATORS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.MatMult: lambda a, b: a @ b,
}


@cache
def parsed(lines: str) -> tuple[tuple[ast.expr, ast.expr], ...]:
    """Each line as its left and its right side.

    >>> [(ast.unparse(left), ast.unparse(right)) for left, right in parsed("c[t] = f[t] * c[t-1]")]
    [('c[t]', 'f[t] * c[t - 1]')]
    """
    found = []
    for line in dedent(lines).strip().splitlines():
        left, right = line.split(" = ")
        found.append((ast.parse(left.strip(), mode="eval").body, ast.parse(right.strip(), mode="eval").body))
    return tuple(found)


def lines_of(cell: str, form: int = 0, instead: str = "") -> list[tuple[ast.expr, ast.expr]]:
    """The whole equation of a form, in an order in which it can be computed: its own lines in place of the first
    form's, and others `instead` of both."""
    every: dict[str, tuple[ast.expr, ast.expr]] = {}
    for text in (EQUATIONS[cell][0].lines, EQUATIONS[cell][form].lines, instead):
        every |= {ast.unparse(left): (left, right) for left, right in parsed(text)}
    rows: list[tuple[ast.expr, ast.expr]] = []
    waiting = list(every.values())
    while waiting:
        unknown = {_given(left) for left, _ in waiting}
        ready = [line for line in waiting if not unknown & (reads(line[1]) | _named(line[1]))]
        if not ready:
            raise ValueError(
                f"an equation must be made of what is known, got {[ast.unparse(each) for each, _ in waiting]}"
            )
        rows += ready
        waiting = [line for line in waiting if line not in ready]
    return rows


def name(left: ast.expr) -> str:
    """The letter that a line is about: of a gate, an array or a function."""
    node = left.value if isinstance(left, ast.Subscript) else left.func if isinstance(left, ast.Call) else left
    assert isinstance(node, ast.Name)
    return node.id


def time(node: ast.Subscript) -> int:
    """0 of `[t]`, -1 of `[t-1]`."""
    return TIMES[ast.unparse(node.slice)]


def reads(right: ast.expr) -> set[Moment]:
    """What a line looks at.

    >>> sorted(reads(parsed("c[t] = f[t] * c[t-1]")[0][1]))
    [('c', -1), ('f', 0)]
    """
    return {(name(node), time(node)) for node in ast.walk(right) if isinstance(node, ast.Subscript)}


def _given(left: ast.expr) -> Moment | str:
    """What a line gives: a vector of now, or an array or a function."""
    return (name(left), 0) if isinstance(left, ast.Subscript) else name(left)


def _named(right: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(right) if isinstance(node, ast.Name)}


class Arrays(dict[str, Any]):
    """What the names of an equation stand for in a layer: `W_i`, `forget_bias`, σ. Gates are cut as Keras has them."""

    def __init__(self, layer: Layer) -> None:
        given = layer.options
        φ = given["activation"]
        super().__init__(given, φ=φ, ψ=given.get("output_activation") or φ, σ=given.get("recurrent_activation"))
        self["ε"] = given.get("norm_epsilon")
        self["cut"] = lambda a: self.cut(a, layer.gates)
        self.layer = layer
        reset = {True: " reset after", False: " reset before", None: ""}[given.get("reset_after")]
        stored = held("keras")[layer.cell + reset]
        self.gates = {
            kind: spec.gates for text in stored.arrays.values() for spec in [parse(text)] for kind in spec.kinds
        }

    def __missing__(self, key: str) -> Array:
        kind, _, gate = key.partition("_")
        if gate in NORMS and kind in "γβ":
            return getattr(self.layer.weights, f"{NORMS[gate]}_{FIELDS[kind][0]}")
        arrays = [getattr(self.layer.weights, field, None) for field in FIELDS[kind]]
        array = next(a for a in arrays if a is not None)
        gates = {"R": "ifo"}.get(kind) or self.gates.get(kind) or self.layer.gates
        return array if not gate else self.cut(array, gates)[gate]

    def cut(self, array: Array, gates: str) -> dict[str, Array]:
        """Columns side by side, by gate."""
        widths = self.layer.widths
        if array.shape[-1] < sum(widths[gate] for gate in gates):  # peepholes that are not there
            gates = gates.replace("f" if widths["f"] == 0 else "i", "")
        return dict(zip(gates, split(array, gates, widths), strict=True))


def value(node: ast.expr, arrays: Mapping[str, Any], now: Mapping[Moment, Any]) -> Any:
    """An expression, computed: `now` has the vectors by letter and time, `arrays` everything else."""
    again = lambda part: value(part, arrays, now)
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return arrays[node.id]
        case ast.Subscript():
            return now[name(node), time(node)]
        case ast.Attribute():
            return arrays["cut"](again(node.value))[node.attr]
        case ast.BinOp():
            return OPERATORS[type(node.op)](again(node.left), again(node.right))
        case ast.UnaryOp():
            return -again(node.operand)
        case ast.List():
            return np.concatenate([again(part) for part in node.elts], axis=-1)
        case ast.Call():
            function = name(node)
            return (FUNCTIONS.get(function) or arrays[function])(*map(again, node.args))
    raise ValueError(f"an equation must be made of letters, products and functions, got {ast.unparse(node)!r}")


def define(arrays: Any, left: ast.Call, right: ast.expr) -> None:
    """A line `norm(a, γ, β) = …`: a function among the arrays."""
    named = [name(argument) for argument in left.args]
    arrays[name(left)] = lambda *given: value(right, ChainMap(dict(zip(named, given, strict=True)), arrays), {})


def step(lines: list[tuple[ast.expr, ast.expr]], arrays: Any, now: dict[Moment, Any]) -> dict[Moment, Any]:
    """One step: what is known `now`, and every letter that the lines give."""
    known = dict(now)
    for left, right in lines:
        match left:
            case ast.Call():
                define(arrays, left, right)
            case ast.Subscript():
                known[name(left), 0] = value(right, arrays, known)
            case _:
                arrays[name(left)] = value(right, arrays, known)
    return known


def states(lines: list[tuple[ast.expr, ast.expr]], arrays: Any, x: Array, state: Mapping[str, Array]) -> Any:
    """Every field of the state after every step, `(B, T, H)`, from `x (B, T, X)` and the first state."""
    before, seen = dict(state), []
    for t in range(x.shape[1]):
        known = step(lines, arrays, {("x", 0): x[:, t], **{(field, -1): s for field, s in before.items()}})
        before = {field: known[field, 0] + np.zeros_like(before[field]) for field in before}
        seen.append(before)
    return {field: np.stack([each[field] for each in seen], axis=1) for field in state}
