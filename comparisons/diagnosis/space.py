"""The space of hypotheses around one layer: every axis with its choices, and the layer that each combination is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.diagnosis import changes
from comparisons.diagnosis.axes import AXES, BIASES, Axis, Sizes, arranged, stored_gates
from reference import Layer
from reference.gates import split
from reference.steps import weights_type

Array = NDArray[Any]
Row = tuple[int, ...]  # a hypothesis: the number of the choice on each axis


@dataclass(frozen=True)
class Space:
    """`layer` has its weights in float64 and forward order; `own` is what it is, as a row."""

    layer: Layer
    axes: tuple[Axis, ...]
    choices: tuple[tuple[Any, ...], ...]
    own: Row
    # Choices that were left out, since with these weights they give what another gives: {axis: {choice: others}}.
    alike: Mapping[str, Mapping[Any, tuple[Any, ...]]] = field(default_factory=dict)

    @classmethod
    def around(cls, layer: Layer, sizes: Sizes) -> Space:
        """Every axis that a layer has, with the choices that differ with these weights and this data."""
        layer = layer.astype("float64")
        axes, choices, own, alike = [], [], [], {}
        blocks = Blocks(layer)
        for axis in AXES:
            if layer.cell not in axis.cells:
                continue
            mine = axis.own(layer)
            found: dict[Any, list[Any]] = {}
            for choice in dict.fromkeys([mine, *axis.choices(layer, sizes)]):
                found.setdefault(blocks.key(axis.name, choice), []).append(choice)
            axes.append(axis)
            choices.append(tuple(same[0] for same in found.values()))
            own.append(0)
            alike[axis.name] = {same[0]: tuple(same[1:]) for same in found.values() if len(same) > 1}
        return cls(layer, tuple(axes), tuple(choices), tuple(own), alike)

    @cached_property
    def blocks(self) -> Blocks:
        return Blocks(self.layer)

    @cached_property
    def column(self) -> dict[str, int]:
        return {axis.name: k for k, axis in enumerate(self.axes)}

    def chosen(self, row: Sequence[int]) -> dict[str, Any]:
        """The choices of a row, by axis."""
        return {axis.name: choices[k] for axis, choices, k in zip(self.axes, self.choices, row, strict=True)}

    def row(self, chosen: Mapping[str, Any]) -> Row | None:
        """The row of these choices, the layer's own on other axes; None where the space has no such choice."""
        row = list(self.own)
        for name, choice in chosen.items():
            alike = {other: kept for kept, others in self.alike.get(name, {}).items() for other in others}
            choice = alike.get(choice, choice)
            if name not in self.column or choice not in self.choices[self.column[name]]:
                return None
            row[self.column[name]] = self.choices[self.column[name]].index(choice)
        return tuple(row)

    def weight(self, row: Sequence[int], around: Row | None = None) -> float:
        """How much a row departs: the weights of the axes on which it differs."""
        around = around or self.own
        return sum(axis.weight for axis, a, b in zip(self.axes, row, around, strict=True) if a != b)

    def numbered(self, rows: Array, columns: Sequence[int]) -> Array:
        """One number for what each row has on these axes."""
        sizes = [len(self.choices[k]) for k in columns]
        return np.asarray(np.ravel_multi_index(tuple(rows[:, list(columns)].T.astype(np.intp)), sizes))

    def written_once(self, rows: Array, columns: Sequence[int]) -> Array:
        """Without the choices `rows (N, columns)` that say in two ways that c's activation is the candidate's."""
        φ, ψ = (self.column.get(name, -1) for name in ("activation", "squash"))
        if φ not in columns or ψ not in columns:
            return rows
        candidate = np.array(self.choices[φ])[rows[:, columns.index(φ)]]
        return rows[candidate != np.array(self.choices[ψ])[rows[:, columns.index(ψ)]]]

    def realised(self, row: Sequence[int]) -> Layer:
        """The layer that a row is, in forward order: `laid out`, `time`, `initial` and `carried` are of the run."""
        layer = replace(self.layer, go_backwards=False, direction="forward", return_sequences=True)
        return changes.with_step(replace(layer, weights=self.weights(row)), self.chosen(row))

    def weights(self, row: Sequence[int]) -> Any:
        """The arrays that a row gives, in canonical order; what is added at run time is in the bias."""
        stacks, w = self.stacks(np.array([row])), self.layer.weights
        fuse = lambda a: np.concatenate(list(a), axis=-1)
        kernel = self.blocks.kernels[self.chosen(row).get("kernel", "")]
        arrays = {
            "kernel": fuse(kernel[stacks.order[0]]),
            "recurrent_kernel": fuse(stacks.recurrent[0]),
            "bias": fuse(stacks.bias[0]) if w.bias is not None or np.any(stacks.bias) else None,
            "recurrent_bias": fuse(stacks.second[0]) if stacks.second is not None else None,
        }
        if stacks.peephole is not None:
            arrays["peephole"] = fuse(stacks.peephole[0])
        kept = {name: a for name, a in w._asdict().items() if name not in arrays and a is not None}
        return weights_type(self.layer.cell)(**arrays, **kept)

    def stacks(self, rows: Array, units: Any = None) -> Stacks:
        """The arrays of N hypotheses, from their choices `(N, axes)`; of some units, without the recurrent kernel."""
        blocks, tables = self.blocks, self._tables
        of = lambda axis: rows[:, self.column[axis]]
        order = tables["order"][of("order")]
        each = None
        if units is None:
            each = blocks.recurrent[tables["transposed"][of("transposed")] + tables["units"][of("units")], order]
        cut = slice(None) if units is None else units
        bias, second = blocks.bias[:, cut][order], blocks.second[:, cut][order]
        for number, kind in enumerate(self.choices[self.column["biases"]]):
            at = of("biases") == number
            if kind and at.any():
                bias[at], second[at] = BIASES[kind](bias[at], second[at])
        if "added" in tables:
            bias += tables["added"][of("added")][:, :, None]
        peephole = None if blocks.peephole is None else tables["peepholes"][..., cut][of("peepholes")]
        return Stacks(order, bias, second if blocks.seconded else None, each, peephole)

    @cached_property
    def _tables(self) -> dict[str, Array]:
        """What each choice on an axis of arrays is, in numbers."""
        blocks, gates = self.blocks, self.blocks.gates
        made: dict[str, Any] = {
            "order": lambda order: [order.index(gate) for gate in gates],
            "transposed": lambda letters: [int(gate in letters) for gate in gates],
            "units": lambda units: [2 * (units == "reversed")] * len(gates),
            "added": lambda pairs: [dict(pairs).get(gate, 0) * blocks.added for gate in gates],
            "peepholes": blocks.peeping,
        }
        return {
            name: np.array([make(choice) for choice in self.choices[self.column[name]]])
            for name, make in made.items()
            if name in self.column
        }


@dataclass(frozen=True)
class Stacks:
    """What N hypotheses have: the stored place of each gate, and blocks by gate in canonical order."""

    order: Array  # (N, G)
    bias: Array  # (N, G, H)
    second: Array | None  # (N, G, H)
    recurrent: Any  # (N, G, R, H), or None where they were not asked for
    peephole: Array | None  # (N, 3, H)


class Blocks:
    """A layer's arrays cut into one block a gate, and what the choices on axes of arrays make of them."""

    def __init__(self, layer: Layer) -> None:
        self.layer, w = layer, layer.weights
        self.gates = stored_gates(layer)
        cut = lambda a: np.stack(split(a, self.gates))
        self.kernels = {kind: arranged(cut(w.kernel), kind == "cudnn") for kind in ("", "cudnn")}
        U = cut(w.recurrent_kernel)
        turned = U.swapaxes(1, 2) if U.shape[1] == U.shape[2] else U
        self.recurrent = np.stack([U, turned, U[:, ::-1], turned[:, ::-1]])  # (4, G, R, H)
        none = np.zeros((len(self.gates), layer.units))
        self.bias = none if w.bias is None else cut(w.bias)
        self.second = none if w.recurrent_bias is None else cut(w.recurrent_bias)
        self.seconded = w.recurrent_bias is not None or layer.cell == "gru"
        peephole = getattr(w, "peephole", None)
        self.peephole = None if peephole is None else np.stack(split(peephole, "ifo"))
        self.added = layer.options.get("forget_bias") or 1.0

    def peeping(self, order: str) -> Any:
        """The peepholes `(3, H)` of i f o as a choice has them."""
        if self.peephole is None:
            return ()
        if order == "dropped":
            return np.zeros_like(self.peephole)
        if order == "reversed":  # the units of the whole vector, as one that stores it so would
            return self.peephole[::-1, ::-1]
        return self.peephole[[order.index(gate) for gate in "ifo"]]

    def key(self, axis: str, choice: Any) -> Any:
        """What a choice makes of these arrays: choices of one key are one."""
        bits = lambda *arrays: tuple(np.ascontiguousarray(a + 0.0).tobytes() for a in arrays)
        if axis == "order":
            at = [choice.index(gate) for gate in self.gates]
            return bits(self.kernels[""][at], self.recurrent[0][at], self.bias[at], self.second[at])
        if axis == "kernel":
            return bits(self.kernels[choice])
        if axis == "biases":
            rolled = lambda a: [np.roll(a, k, axis=0) for k in range(len(a))]  # whichever gate comes last
            pairs = zip(rolled(self.bias), rolled(self.second), strict=True)
            return tuple(bits(*BIASES[choice](b, d)) for b, d in pairs)
        if axis == "transposed":
            at = [gate in choice for gate in self.gates]
            return bits(self.recurrent[np.array(at, int), np.arange(len(at))]) if self._each_alike() else choice
        if axis == "units":
            return bits(self.recurrent[2 * (choice == "reversed")])
        if axis == "peepholes" and self.peephole is not None:
            return bits(self.peeping(choice))
        return choice

    def _each_alike(self) -> bool:
        """Whether every block of the recurrent kernel is its own transpose: then the order cannot matter to that."""
        return bool((self.recurrent[0] == self.recurrent[1]).all())
