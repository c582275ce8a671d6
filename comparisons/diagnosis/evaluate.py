"""Thousands of hypotheses in one run of the reference's step, and which of them fit what is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.diagnosis import changes
from comparisons.diagnosis.data import Given
from comparisons.diagnosis.many import Many, repeated
from comparisons.diagnosis.space import Space
from reference import Layer
from reference.gates import affine
from reference.steps import module, weights_type

Array = NDArray[Any]
ROOM = 2**21  # numbers that a chunk may take, in what it multiplies and in what it gives


@dataclass(frozen=True)
class Window:
    """What of the data is looked at: the first steps, some rows, and, of one step from zeros, some units."""

    steps: int
    rows: int | None = None  # the first so many
    units: Any = None  # indices (of a projected cell, all), which leaves the recurrence out; or None: all, with it


@dataclass(eq=False)
class Evaluator:
    """Runs hypotheses of a space on what is given. A hypothesis is a row of choices; those of one `run` share their
    choices on axes of the step and of the data."""

    space: Space
    given: Given
    tried: int = 0
    _projected: dict[Any, Array] = field(default_factory=dict)
    _stepped: dict[Any, Layer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        axes = self.space.axes
        self.stored = [k for k, axis in enumerate(axes) if axis.of == "arrays"]
        self.shared = [k for k, axis in enumerate(axes) if axis.of != "arrays"]
        self.steps = [axis.name for axis in axes if axis.of == "step"]
        self.projected = getattr(self.space.layer.weights, "projection", None) is not None

    def fitting(self, rows: Array, window: Window, tolerance: Any) -> Array:
        """Those of `rows (N, axes)` whose outputs lie within the tolerance wherever they are known."""
        kept = [group[self.near(group, window, tolerance)] for group in self.grouped(rows)]
        return np.concatenate(kept) if kept else rows[:0]

    def grouped(self, rows: Array) -> Iterator[Array]:
        """The rows, in parts that share their choices on the axes of step and data."""
        if not len(rows):
            return
        numbers = self.space.numbered(rows, self.shared)
        order = np.argsort(numbers, kind="stable")
        for part in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
            yield rows[part]

    def near(self, rows: Array, window: Window, tolerance: Any) -> Array:
        """Of rows that share step and data, whether each lies within the tolerance `(N,)`."""
        chosen = self.space.chosen(rows[0])
        units = slice(None) if window.units is None or self.projected else window.units
        cut = (slice(window.rows), slice(window.steps), units)
        expected = self.given.expected(chosen)[cut]
        unknown = np.isnan(expected)
        allowed = np.where(unknown, np.inf, self.given.expected(chosen, tolerance)[cut])
        expected = np.where(unknown, 0, expected)
        found = []
        for outputs in self.run(rows, chosen, window):
            with np.errstate(invalid="ignore", over="ignore"):
                found.append((np.abs(outputs - expected) <= allowed).all(axis=(1, 2, 3)))
        return np.concatenate(found)

    def stepped(self, chosen: Mapping[str, Any]) -> Layer:
        """The layer with the step that was chosen."""
        key = tuple(chosen[name] for name in self.steps)
        if key not in self._stepped:
            self._stepped[key] = changes.with_step(self.space.layer, chosen)
        return self._stepped[key]

    def run(self, rows: Array, chosen: Mapping[str, Any], window: Window) -> Iterator[Array]:
        """The outputs `(N, B, T, R)` in processing order, in chunks of N."""
        layer = self.space.layer
        x = self.given.inputs(chosen)[: window.rows]
        B, T, H, G = len(x), min(window.steps, x.shape[1]), layer.units, len(self.space.blocks.gates)
        width = H if window.units is None else len(window.units)
        one = B * T * G * width + (0 if window.units is not None else layer.recurrent_dim * G * H)
        size = max(1, ROOM // one)
        self.tried += len(rows)
        realised = self.stepped(chosen)
        for start in range(0, len(rows), size):
            yield self._chunk(rows[start : start + size], chosen, realised, x[:, :T], window)

    def _chunk(self, rows: Array, chosen: Mapping[str, Any], layer: Layer, x: Array, window: Window) -> Array:
        """The outputs of so many as fit in memory."""
        N, B, T = len(rows), len(x), x.shape[1]
        xw, weights = self._prepared(rows, chosen, x, window)
        zeros = first = layer._state(None, N * B, "float64")
        if window.units is None:
            first = type(zeros)(*(np.tile(a[: window.rows], (N, 1)) for a in self.given.state(layer, chosen)))
        elif not self.projected:
            zeros = first = type(zeros)(*(a[:, window.units] for a in zeros))
        step, shown = layer.step or module(layer.cell).step, "c" if chosen.get("output") == "c" else first._fields[0]
        outputs = np.empty((T, N * B, getattr(first, shown).shape[-1]))
        with np.errstate(all="ignore"):
            for start, end in self.given.pieces(chosen, T, self.given.inputs(chosen).shape[1]):
                state = first if start == 0 else zeros
                for t in range(start, end):
                    state, _ = step(xw[t], state, weights, **layer.options)
                    outputs[t] = getattr(state, shown)
        return outputs.reshape(T, N, B, -1).transpose(1, 2, 0, 3)

    def _prepared(self, rows: Array, chosen: Mapping[str, Any], x: Array, window: Window) -> tuple[Array, Any]:
        """What steps get from the inputs `(T, N·B, G·H)`, and the weights."""
        space, layer = self.space, self.space.layer
        stacks = space.stacks(rows, window.units)
        (N, G), (B, T) = stacks.order.shape, x.shape[:2]
        cut = slice(None) if window.units is None else window.units
        width = layer.units if window.units is None else len(window.units)
        xw = np.empty((N, G, B, T, width))
        for number, kind in enumerate(space.choices[space.column["kernel"]]):
            at = rows[:, space.column["kernel"]] == number
            xw[at] = self._projection(kind, chosen, x)[stacks.order[at]][..., cut]
        xw += stacks.bias[:, :, None, None, :]
        xw = np.ascontiguousarray(xw.transpose(3, 0, 2, 1, 4)).reshape(T, N * B, G * width)
        fused = lambda a: repeated(a.reshape(N, -1), B)
        w: dict[str, Any] = {n: a for n, a in layer.weights._asdict().items() if n == "projection"}
        if stacks.recurrent is not None:
            blocks = stacks.recurrent.transpose(0, 2, 1, 3)
            w["recurrent_kernel"] = Many(blocks.reshape(N, layer.recurrent_dim, -1))
        else:  # nothing comes from a state of zeros
            w["recurrent_kernel"] = np.zeros((layer.recurrent_dim if self.projected else width, G * width))
        w["recurrent_bias"] = None if stacks.second is None else fused(stacks.second)
        if stacks.peephole is not None:
            w["peephole"] = fused(stacks.peephole)
        return xw, weights_type(layer.cell)(kernel=None, **w)

    def _projection(self, kind: str, chosen: Mapping[str, Any], x: Array) -> Array:
        """x times each block of the kernel, `(G, B, T, H)`."""
        key = kind, chosen["laid out"][0], chosen["time"][0], x.shape
        if key not in self._projected:
            each = self.space.blocks.kernels[kind]
            self._projected[key] = np.stack([affine(x, block, None) for block in each])
        return self._projected[key]


class Combinations:
    """Every combination of choices on these axes, fewest departures from the space's own first."""

    def __init__(self, space: Space, columns: Sequence[int]) -> None:
        sizes = [len(space.choices[k]) for k in columns]
        rows = (
            np.stack(np.unravel_index(np.arange(int(np.prod(sizes))), sizes), axis=-1) if columns else np.zeros((1, 0))
        )
        rows = space.written_once(rows, list(columns))
        departures = (rows != [space.own[k] for k in columns]).sum(axis=1) if columns else np.zeros(1, int)
        order = np.argsort(departures, kind="stable")
        self.rows, self.departures = rows[order].astype(np.int16), departures[order]

    def within(self, most: int) -> int:
        """How many there are of at most so many departures."""
        return int(np.searchsorted(self.departures, most, side="right"))


class Enumeration:
    """Every combination of choices on the axes of these columns of at most `most` departures, the others as the space
    has its own; group by group, those of a group alike on axes of step and data."""

    def __init__(self, space: Space, columns: Sequence[int], budget: float) -> None:
        arrays = [k for k in columns if space.axes[k].of == "arrays"]
        shared = [k for k in columns if space.axes[k].of != "arrays"]
        self.space, self.columns = space, (arrays, shared)
        self.stored, self.steps = Combinations(space, arrays), Combinations(space, shared)
        counts = [self.stored.within(k) for k in range(len(columns) + 1)]
        total = lambda most: sum(counts[most - d] for d in self.steps.departures if d <= most)
        self.most = next((m for m in range(len(columns), 1, -1) if total(m) <= budget), 1)
        self.whole = self.most == len(columns)
        self.size = int(total(self.most))
        self.groups = self.steps.within(self.most)

    def __iter__(self) -> Iterator[Array]:
        for group, departures in zip(self.steps.rows[: self.groups], self.steps.departures, strict=False):
            stored = self.stored.rows[: self.stored.within(self.most - departures)]
            rows = np.tile(np.array(self.space.own, np.int16), (len(stored), 1))
            rows[:, self.columns[0]] = stored
            rows[:, self.columns[1]] = group
            yield rows
