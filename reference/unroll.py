"""The time loop of a layer: states, masks, direction, trace."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from reference.steps import Array, Step


class Unrolled(NamedTuple):
    """One sequence run, in processing order."""

    outputs: Array  # (B, T, H)
    state: Any  # the last state, fields (B, H)
    states: Any  # the same fields over time, (B, T, H)
    gates: dict[str, Array]  # activated, (B, T, H); computed at masked steps too


def unroll(
    step: Step,
    xw: Array,
    state: Any,
    weights: Any,
    mask: Array | None,
    gates: dict[str, int],
    options: dict[str, Any],
    *,
    zero_output_for_mask: bool,
) -> Unrolled:
    """Run `step` over `xw (B, T, C)`, from first to last; `gates` has the width of each gate's trace.

    Where `mask (B, T)` is False the state is held, and the output is the previous output (zeros at the first step,
    whatever the initial state) or, with `zero_output_for_mask`, zeros: Keras' RNN on the TensorFlow backend.
    """
    batch, steps, _ = xw.shape
    over_time = lambda width: np.zeros((batch, steps, width), xw.dtype)
    states = [over_time(field.shape[-1]) for field in state]
    outputs = over_time(state[0].shape[-1])
    trace = {letter: over_time(width) for letter, width in gates.items()}
    previous = np.zeros_like(state[0])
    for t in range(steps):
        new, activated = step(xw[:, t], state, weights, **options)
        output = new[0]
        if mask is not None:
            seen = mask[:, t, None]
            new = type(new)(*(np.where(seen, after, before) for after, before in zip(new, state, strict=True)))
            output = np.where(seen, output, 0 if zero_output_for_mask else previous)
        state = new
        previous = outputs[:, t] = output
        for over, field in zip(states, state, strict=True):
            over[:, t] = field
        for letter, value in activated.items():
            trace[letter][:, t] = value
    return Unrolled(outputs, state, type(state)(*states), trace)
