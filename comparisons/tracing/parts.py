"""One layer's run, named: gates and states by their letters, and where in the input each step was read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from comparisons.tracing import memory
from reference.layer import AnyLayer, Bidirectional, Layer, Run, Stack
from reference.steps import module
from reference.wrapped import Wrapped

Array = NDArray[Any]
Traced: TypeAlias = AnyLayer | Wrapped
Tokens: TypeAlias = tuple[tuple[str, ...], ...]  # B rows of T texts
CANDIDATES = "gnh"  # letters of what is proposed, not of what lets through: tanh as a rule, and not 0 to 1


@dataclass(frozen=True, eq=False)
class Part:
    """What one layer did. Time runs in processing order but in `x`, `mask` and `outputs`, which are the layer's own."""

    path: str
    cell: str
    x: Array  # (B, T, X), as the layer takes it
    outputs: Array  # (B, T, R), as the layer gives them
    gates: dict[str, Array]  # {letter: (B, T, H)}: 0 shut, 1 open
    candidates: dict[str, Array]  # {letter: (B, T, H)}
    states: dict[str, Array]  # {field: (B, T, ·)}, held where a step is masked
    initial: dict[str, Array]  # {field: (B, ·)}
    mask: Array | None  # (B, T): where a step counts
    backwards: bool  # whether the last step of the input is the first that is read
    turned: bool  # whether the layer itself turns its x round, and not what it is in
    given_back: bool  # whether its outputs are turned back into the input's order
    stateful: bool
    tokens: Tokens | None = None  # in input order

    @property
    def batch(self) -> int:
        return self.x.shape[0]

    @property
    def steps(self) -> int:
        return self.x.shape[1]

    @property
    def units(self) -> int:
        return max(array.shape[-1] for array in self.values.values())

    @property
    def values(self) -> dict[str, Array]:
        """Every gate, candidate and state field, `(B, T, ·)` in processing order, the gates in the cell's own."""
        found = {**self.gates, **self.candidates, **self.states}
        return {name: found[name] for name in dict.fromkeys([*module(self.cell).gates, *self.states])}

    @property
    def output(self) -> Array:
        """The outputs in processing order, `(B, T, R)`."""
        return self.outputs[:, ::-1] if self.given_back else self.outputs

    @property
    def positions(self) -> Array:
        """Where in the input each step is read, `(T,)`."""
        there = np.arange(self.steps)
        return there[::-1] if self.backwards else there

    @cached_property
    def counted(self) -> Array:
        """Where a step counts, `(B, T)` in processing order."""
        if self.mask is None:
            return np.ones(self.x.shape[:2], bool)
        return self.mask[:, ::-1] if self.turned else self.mask

    @cached_property
    def saturation(self) -> dict[str, memory.Saturation]:
        """By gate: in which fraction of the steps each unit is shut, and open."""
        return {letter: memory.saturation(gate, self.counted) for letter, gate in self.gates.items()}

    @cached_property
    def half_life(self) -> dict[str, Array]:
        """By the gate that keeps the old state, if the cell has one: each unit's half-life in steps, `(H,)`."""
        kept = memory.kept(self.cell, self.gates)
        return {} if kept is None else {kept.gate: memory.half_life(kept.share, self.counted)}

    @cached_property
    def half_left(self) -> dict[str, Array]:
        """By the same gate: after how many steps half of a state is left, measured over all places to begin, `(H,)`."""
        kept = memory.kept(self.cell, self.gates)
        return {} if kept is None else {kept.gate: memory.half_left(kept.share, self.counted)}

    def widest(self, row: int) -> int:
        """The unit whose state moves farthest in a row of the batch: c where there is one."""
        state = self.states.get("c", next(iter(self.states.values())))[row][self.counted[row]]
        return int(np.argmax(np.ptp(state, axis=0))) if len(state) else 0

    def longest_first(self) -> Array:
        """The units by their half-life; in their own order where there is none."""
        for gate, lives in self.half_life.items():
            return np.lexsort((-self.half_left[gate], -np.nan_to_num(lives, nan=-1, posinf=np.inf)))
        return np.arange(self.units)

    def arrays(self) -> dict[str, Array]:
        """What `trace.npz` holds of it."""
        begun = {f"initial_{name}": array for name, array in self.initial.items() if array.any()}
        masked = {} if self.mask is None else {"mask": self.mask}
        return {"x": self.x, **masked, **begun, **self.values, "outputs": self.outputs}


def parts(path: str, layer: Traced, run: Run, tokens: Tokens | None, backwards: bool = False) -> Iterator[Part]:
    """The parts of a layer's run, those of Stack and Bidirectional by their place in it.

    `backwards`: what the layer is in has turned its x round. `tokens` are left out where they do not fit.
    """
    if isinstance(layer, Stack):
        turned = backwards != layer.go_backwards
        for k, (one, own) in enumerate(zip(layer.layers, run.given, strict=True)):
            yield from parts(f"{path}/{k}".lstrip("/"), one, own, tokens, turned)
    elif isinstance(layer, Bidirectional):
        for side, one, own in zip(("forward", "backward"), (layer.forward, layer.backward), run.given, strict=True):
            yield from parts(f"{path}/{side}".lstrip("/"), one, own, tokens, backwards)
    else:
        yield _part(path, layer, run, tokens, backwards)


def _part(path: str, layer: Layer | Wrapped, run: Run, tokens: Tokens | None, backwards: bool) -> Part:
    inner = layer.innermost if isinstance(layer, Wrapped) else layer
    turned = inner.go_backwards != (inner.direction == "reverse")
    x, initial, mask = run.given
    own = lambda array: array[:, ::-1] if turned else array
    states = run.states._asdict()
    gates = {letter: states.get(letter, array) for letter, array in run.gates.items()}
    fits = tokens is not None and [len(row) for row in tokens] == [x.shape[1]] * len(x)
    return Part(
        path,
        layer.cell,
        own(x),
        run.outputs,
        {letter: array for letter, array in gates.items() if letter not in CANDIDATES},
        {letter: array for letter, array in gates.items() if letter in CANDIDATES and letter not in states},
        {name: array for name, array in states.items() if name in CANDIDATES or name not in gates},
        initial._asdict(),
        None if mask is None else own(mask),
        backwards != turned,
        turned,
        inner.direction == "reverse",
        layer.stateful,
        tokens if fits else None,
    )
