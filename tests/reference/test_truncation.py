"""Gradients that do not go all the way: cut in time, along the cell state alone; clipped messages."""

from dataclasses import replace

import numpy as np
import pytest
from differences import drawn, layer, same, zipped

from comparisons.proof import draws
from reference.gates import fuse, split
from reference.steps import CELLS, module, project

TIME = 7
MASK = draws.mask(2, TIME, seed=3)
WITH_C = [cell for cell in CELLS if "c" in module(cell).State._fields]
WITHOUT_C = [cell for cell in CELLS if cell not in WITH_C]


def ran(one, mask=None):
    """A run of seven steps, and drawn gradients of its outputs and last state."""
    x, state = drawn(one, time=TIME)
    run, draw = one.run(x, state, mask), np.random.default_rng(2)
    d_state = type(state)(*(draw.normal(size=a.shape) for a in state))
    return run, draw.normal(size=run.outputs.shape), d_state


def everything(gradients):
    return (gradients.inputs, gradients.weights, gradients.initial_state)


@pytest.mark.parametrize("cell", ["lstm", "gru", "peephole_lstm"])
@pytest.mark.parametrize("truncation", [(1, TIME), (3, TIME), (TIME, TIME), (TIME + 1, TIME + 2), (2, 100)])
def test_windows_that_reach_the_start_give_the_whole_gradient(cell, truncation):
    one = layer(cell)
    run, *d = ran(one, MASK)
    same(everything(one.backprop(run, *d, truncation=truncation)), everything(one.backprop(run, *d)))


@pytest.mark.parametrize("flags", [{}, {"go_backwards": True}, {"direction": "reverse"}])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize(("every", "over"), [(1, 1), (1, 3), (2, 2), (3, 5), (4, 4)])
def test_windows_are_runs_of_their_own(cell, every, over, flags):
    one = layer(cell)
    x, state = drawn(one, time=TIME)
    run, d, d_state = ran(one, MASK)
    starts = lambda t: state if t == 0 else type(state)(*(a[:, t - 1] for a in run.states))
    inputs, weights, initial = np.zeros_like(x), 0, [0 * a for a in state]
    for end in sorted({*range(every, TIME, every), TIME}):
        first, start = (end - 1) // every * every, max(0, end - over)
        part = one.run(x[:, start:end], starts(start), MASK[:, start:end])
        of_losses = np.where(np.arange(start, end)[None, :, None] >= first, d[:, start:end], 0)
        got = one.backprop(part, of_losses, d_state if end == TIME else None)
        inputs[:, start:end] += got.inputs
        weights = [a if weights == 0 else a + b for a, b in zip(got.weights[:3], weights or [0] * 3, strict=True)]
        if start == 0:
            initial = [a + b for a, b in zip(initial, got.initial_state, strict=True)]
    flip = (lambda a: a[:, ::-1]) if flags else lambda a: a
    turned = replace(one, **flags)
    d = flip(d) if flags.get("direction") == "reverse" else d
    got = turned.backprop(turned.run(flip(x), state, flip(MASK)), d, d_state, truncation=(every, over))
    same((flip(got.inputs), tuple(got.weights[:3]), tuple(got.initial_state)), (inputs, tuple(weights), tuple(initial)))


def frozen(one, x, recorded, c, d, d_state):
    """The loss when what gates and candidates get from the past is the record of another run: only c is
    carried, from `c`."""
    home, w = module(one.cell), one.weights
    peephole = getattr(w, "peephole", None)
    w_without = w if peephole is None else w._replace(peephole=None)
    options, state, loss = dict(one.options), recorded[0]._replace(c=c), 0.0
    for t in range(x.shape[1]):
        xw = project(one.cell)(x[:, t], w)
        if peephole is not None:
            old, new = recorded[t].c, recorded[t + 1].c
            if one.cell == "cifg":
                p, p_o = split(peephole, "po")
                xw = xw + fuse([p * old, 0 * old, p_o * new])
            else:
                p_i, p_f, p_o = split(peephole, "ifo")
                xw = xw + fuse([p_i * old, p_f * old, 0 * old, p_o * new])
        state, _ = home.step(xw, recorded[t]._replace(c=state.c), w_without, **options)
        loss += (d[:, t] * state[0]).sum()
    return loss + sum((a * b).sum() for a, b in zip(d_state, state, strict=True))


@pytest.mark.parametrize("cell", WITH_C)
def test_of_1997_is_the_gradient_of_a_run_with_the_recurrent_inputs_held(cell):
    one = layer(cell, variant="NP") if cell == "greff_lstm" else layer(cell)
    x, state = drawn(one, time=TIME)
    run, d, d_state = ran(one)
    recorded = [state] + [type(state)(*(a[:, t] for a in run.states)) for t in range(TIME)]
    recorded = [type(state)(*(a.copy() for a in fields)) for fields in recorded]
    got = one.backprop(run, d, d_state, truncation="1997")
    c = state.c.copy()
    loss = lambda: frozen(one, x, recorded, c, d, d_state)
    for name, array, gradient in zipped((x, one.weights, c), (got.inputs, got.weights, got.initial_state.c)):
        for k in np.random.default_rng(0).permutation(list(np.ndindex(array.shape)))[:12]:
            k, e = tuple(k), 1e-6
            array[k] += e
            above = loss()
            array[k] -= 2 * e
            difference = (above - loss()) / (2 * e)
            array[k] += e
            assert abs(gradient[k] - difference) <= 1e-7 * (1 + np.abs(gradient).max()), (name, k)
    assert not got.initial_state.h.any()
    whole = one.backprop(run, d, d_state)
    assert np.abs(whole.weights.kernel - got.weights.kernel).max() > 1e-3


def test_of_1997_without_a_forget_gate_c_carries_the_gradient_as_it_is():
    one = layer("lstm_1997")
    run, _, d_state = ran(one)
    got = one.backprop(run, 0 * run.outputs, d_state._replace(h=0 * d_state.h), truncation="1997")
    assert np.array_equal(got.initial_state.c, d_state.c)


@pytest.mark.parametrize("cell", WITHOUT_C)
def test_of_1997_needs_a_cell_state(cell):
    one = layer(cell)
    run, d, d_state = ran(one)
    with pytest.raises(ValueError, match=rf"goes along a cell state c, which a {cell} has not"):
        one.backprop(run, d, d_state, truncation="1997")


@pytest.mark.parametrize("wrong", [(3, 2), (0, 1), 5, "1998", (1, 2, 3)])
def test_other_truncations_are_refused(wrong):
    one = layer("lstm")
    run, d, _ = ran(one)
    with pytest.raises(ValueError, match=r"truncation must be None, '1997' or \(k1, k2\) with 1 <= k1 <= k2, got"):
        one.backprop(run, d, truncation=wrong)


@pytest.mark.parametrize("cell", CELLS)
def test_messages_are_clipped_at_every_step(cell):
    one = layer(cell)
    run, d, d_state = ran(one)
    whole = everything(one.backprop(run, d, d_state))
    same(everything(one.backprop(run, d, d_state, message_clip=1e6)), whole, within=0)
    x, state = drawn(one, batch=1, time=1)
    run = one.run(x, state)
    d = np.random.default_rng(2).normal(size=run.outputs.shape)
    free, held = (one.backprop(run, d, message_clip=limit) for limit in (None, 0.01))
    bias = "recurrent_bias"
    free, held = (np.abs(getattr(g.weights, bias)) for g in (free, held))
    assert free.max() > 0.01
    assert held.max() <= 0.01


def test_a_clip_of_the_messages_is_passed_through_stacks():
    from reference import Bidirectional, Stack

    one = layer("lstm")
    x, _ = drawn(one)
    pair = Bidirectional(one, replace(one, go_backwards=True), "sum")
    stack = Stack((pair,))
    run = stack.run(x)
    d = np.random.default_rng(2).normal(size=run.outputs.shape)
    for options in ({"message_clip": 0.01}, {"truncation": "1997"}, {"truncation": (1, 2)}):
        got = stack.backprop(run, d, **options).weights[0].forward
        same(got, one.backprop(one.run(x), d, **options).weights)
        assert np.abs(got.kernel - one.backprop(one.run(x), d).weights.kernel).max() > 1e-3
