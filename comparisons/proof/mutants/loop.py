"""Mistakes in the loop over time: masks, directions, states that are dropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reference import Layer, Run

Array = NDArray[Any]


class ZeroedByMask(Layer):
    """A masked step zeroes the state instead of holding it."""

    def run(self, x: Any, initial_state: Any = None, mask: Any = None) -> Run:
        forwards = replace(remade(Layer, self), go_backwards=False)
        x, mask = (x[:, ::-1], mask[:, ::-1]) if self.go_backwards else (x, mask)
        runs, state = [], initial_state
        for t in range(x.shape[1]):
            runs.append(forwards.run(x[:, t : t + 1], state))
            seen = mask[:, t, None]
            state = type(runs[-1].state)(*(np.where(seen, s, 0) for s in runs[-1].state))
            runs[-1] = replace(
                runs[-1], outputs=np.where(seen, runs[-1].outputs[:, 0], 0)[:, None], states=[s[:, None] for s in state]
            )
        joined = lambda parts: np.concatenate(list(parts), axis=1)
        outputs = joined(run.outputs for run in runs)
        states = type(state)(*(joined(run.states[k] for run in runs) for k in range(len(state))))
        return Run(outputs, outputs, state, states, {g: joined(run.gates[g] for run in runs) for g in self.gates})


class OutputsFlipped(Layer):
    """A backward run gives its outputs in input order, as though it were reversed back."""

    def run(self, x: Any, initial_state: Any = None, mask: Any = None) -> Run:
        run = super().run(x, initial_state, mask)
        flip = lambda a: a[:, ::-1]
        gates = {letter: flip(a) for letter, a in run.gates.items()}
        return Run(flip(run.outputs), flip(run.result), run.state, type(run.states)(*map(flip, run.states)), gates)


class StateDropped(Layer):
    """The state is not carried from the first half of the sequence to the second: a stateful layer that forgets."""

    def run(self, x: Any, initial_state: Any = None, mask: Any = None) -> Run:
        once, half = super().run, x.shape[1] // 2
        halves = ((slice(None, half), initial_state), (slice(half, None), None))
        runs = [once(x[:, cut], state, None if mask is None else mask[:, cut]) for cut, state in halves]
        joined = lambda parts: np.concatenate(list(parts), axis=1)
        outputs = joined(run.outputs for run in runs)
        states = type(runs[1].states)(*map(joined, zip(*(run.states for run in runs), strict=True)))
        return Run(
            outputs, outputs, runs[1].state, states, {g: joined(run.gates[g] for run in runs) for g in self.gates}
        )


def remade(kind: type[Layer], layer: Layer) -> Layer:
    return kind(**{name: getattr(layer, name) for name in layer.__dataclass_fields__})


def directed(plant: Callable[[Layer], Layer]) -> Callable[[Layer], Layer | None]:
    return lambda layer: plant(layer) if layer.go_backwards else None
