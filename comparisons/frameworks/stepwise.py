"""Runs in pieces, the state handed on: a cell one step at a time, a whole sequence in two halves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.proof.measure import Trace
from reference import Layer
from reference.steps import module

Array = NDArray[Any]
State = tuple[Any, ...]
Step = Callable[[Array, State], tuple[State, dict[str, Any]]]


def stepwise(step: Step, x: Array, state: State, mask: Array | None = None) -> Trace:
    """Run `step(x_t (B, X), state) -> (state, gates)` over `x (B, T, X)`; state fields `(B, …)`, h first.

    Where `mask (B, T)` is False the state is held.
    """
    states, gates = [], []
    for t in range(x.shape[1]):
        after, activated = step(x[:, t], state)
        if mask is not None:
            after = tuple(np.where(mask[:, t, None], new, old) for new, old in zip(after, state, strict=True))
        state = after
        states.append(state)
        gates.append(activated)
    over_time = lambda values: np.stack([np.asarray(value) for value in values], axis=1)
    fields = tuple(over_time(field) for field in zip(*states, strict=True))
    shown = {letter: over_time([activated[letter] for activated in gates]) for letter in gates[0]}
    return Trace(fields[0], tuple(field[:, -1] for field in fields), fields, shown or None)


def zeros(layer: Layer, batch: int) -> State:
    """The state to begin with: h `(B, R)`, then the others `(B, H)`."""
    others = len(module(layer.cell).State._fields) - 1
    return tuple(
        np.zeros((batch, width), layer.weights.kernel.dtype) for width in [layer.recurrent_dim] + [layer.units] * others
    )


def whole(
    run: Callable[[Array, State], tuple[Array, State]], x: Array, state: State, stateful: bool
) -> tuple[Array, State]:
    """The outputs `(B, T, R)` and the last state of `run(x, state)`; where stateful, over two halves of `x`."""
    half = x.shape[1] // 2
    outputs = []
    for piece in [x[:, :half], x[:, half:]] if stateful else [x]:
        given, state = run(piece, state)
        outputs.append(np.asarray(given))
    return np.concatenate(outputs, axis=1), tuple(np.asarray(field) for field in state)
