"""The time loop of a layer, forwards and backwards: states, masks, trace, messages."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from reference.gates import fuse, split
from reference.steps import Array, Backstep, Messages, Moment, Step


class Unrolled(NamedTuple):
    """One sequence run, in processing order, time first: what a step reads and writes lies in one piece."""

    outputs: Array  # (T, B, H)
    state: Any  # the last state, fields (B, H)
    states: Any  # the same fields over time, (T, B, H)
    gates: dict[str, Array]  # activated, (T, B, H); computed at masked steps too


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
    """Run `step` over `xw (T, B, C)`, from first to last; `gates` has the width of each gate's trace.

    `xw` is used up. Where `mask (T, B)` is False the state is held, and the output is the previous output (zeros at the
    first step, whatever the initial state) or, with `zero_output_for_mask`, zeros, as in Keras' RNN on TensorFlow.
    """
    over_time = lambda width: np.empty((*xw.shape[:2], width), xw.dtype)
    states = [over_time(field.shape[-1]) for field in state]
    outputs = states[0] if mask is None else over_time(state[0].shape[-1])
    # Memory that is new costs as much as the steps: the gates get the place of what they were made from.
    room = xw if xw.shape[-1] == sum(gates.values()) else over_time(sum(gates.values()))
    trace = dict(zip(gates, split(room, gates, gates), strict=True))
    previous = np.zeros_like(state[0])
    for t, of_inputs in enumerate(xw):
        new, activated = step(of_inputs, state, weights, **options)
        output = new[0]
        if mask is not None:
            seen = mask[t, :, None]
            new = type(new)(*(np.where(seen, after, before) for after, before in zip(new, state, strict=True)))
            output = np.where(seen, output, 0 if zero_output_for_mask else previous)
        state = new
        previous = outputs[t] = output
        for over, field in zip(states, state, strict=True):
            over[t] = field
        for letter, value in activated.items():
            trace[letter][t] = value
    return Unrolled(outputs, state, type(state)(*states), trace)


class Returned(NamedTuple):
    """One sequence gone back through, in processing order."""

    state: Any  # the gradient with respect to the state before the first step, fields (B, H)
    weights: dict[str, Array]  # with respect to the weights that the steps used


def unroll_back(
    backstep: Backstep,
    d_outputs: Array,
    d_state: Any,
    d_xw: Array,
    run: Moment,
    weights: Any,
    via: Any,
    mask: Array | None,
    options: dict[str, Any],
    *,
    zero_output_for_mask: bool,
) -> Returned:
    """Run `backstep` over `run`, time first, from last to first: backpropagation through time.

    `d_outputs (T, B, H)` and `d_state` are the gradients with respect to the outputs and the last state; the one with
    respect to what the steps got from the inputs is added to `d_xw (T, B, C)`. A masked step hands the gradient of its
    state to the step before, and that of its output to the output before.
    """
    gathered: list[Messages] = []
    held: Any = 0  # the gradient with respect to the output, of masked steps after this one
    for t in reversed(range(len(run.xw))):
        seen = None if mask is None else mask[t, :, None]
        d_output, d_new = d_outputs[t], d_state
        if seen is not None:
            d_output = d_output + held
            held = np.where(seen | zero_output_for_mask, 0, d_output)
            d_output, *d_new = (np.where(seen, d, 0) for d in (d_output, *d_state))
        moment = Moment(
            run.xw[t],
            type(run.before)(*(field[t] for field in run.before)),
            type(run.after)(*(field[t] for field in run.after)),
            {letter: gate[t] for letter, gate in run.gates.items()},
        )
        d_before, messages = backstep(type(d_state)(d_new[0] + d_output, *d_new[1:]), moment, weights, via, **options)
        d_xw[t] += messages.pop("xw")
        gathered.append(messages)
        if seen is not None:
            d_before = type(d_state)(*(np.where(seen, new, d) for new, d in zip(d_before, d_state, strict=True)))
        d_state = d_before
    return Returned(d_state, summed(gathered, weights))


def summed(gathered: list[Messages], weights: Any) -> dict[str, Array]:
    """The weights' gradients from the messages of every step: one matmul a block of columns."""
    sums = {}
    for name in gathered[0] if gathered else ():
        if getattr(weights, name) is None:
            continue
        if getattr(weights, name).ndim == 1:
            sums[name] = np.sum([messages[name].sum(axis=0) for messages in gathered], axis=0)
            continue
        blocks = zip(*(messages[name] for messages in gathered), strict=True)
        sums[name] = fuse([_outer(pairs) for pairs in blocks])
    return sums


def _outer(pairs: Any) -> Array:
    """Σ operandᵀ · message over every step's pair of them, `(B, N)` and `(B, M)` -> `(N, M)`."""
    operands, messages = (np.concatenate(side) for side in zip(*pairs, strict=True))
    return operands.T @ messages
