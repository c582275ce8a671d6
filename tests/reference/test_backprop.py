"""Backpropagation through layers: masks, directions, what is returned; stacks and pairs of layers."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from differences import close, drawn, farthest, layer

from comparisons.proof import draws
from reference import Bidirectional, Stack
from reference.steps import CELLS

MASK = draws.mask(2, 4, seed=3)


def test_the_mask_holds_and_sees_at_both_ends_and_within():
    assert MASK.sum() < 6
    assert not MASK[0, 0]
    assert not MASK[1, -1]
    assert MASK[:, 2].any()


@pytest.mark.parametrize("cell", CELLS)
def test_masked_and_backwards(cell):
    one = replace(layer(cell), go_backwards=True)
    close(farthest(one, *drawn(one), MASK))


FLAGS = {
    "go_backwards": (False, True),
    "direction": ("forward", "reverse"),
    "return_sequences": (False, True),
    "zero_output_for_mask": (False, True),
}


@pytest.mark.parametrize("flags", list(product(*FLAGS.values())), ids=str)
@pytest.mark.parametrize("cell", ["simple_rnn", "peephole_lstm"])
def test_masks_and_directions(cell, flags):
    one = replace(layer(cell), **dict(zip(FLAGS, flags, strict=True)))
    close(farthest(one, *drawn(one), MASK))


def two(cell="lstm", **flags):
    """Two layers of which the second takes the first's outputs; weights differ."""
    first = layer(cell)
    kernel = np.random.default_rng(9).normal(size=(first.recurrent_dim, first.weights.kernel.shape[1]))
    second = first.edited(lambda name, a: kernel if name == "kernel" else a[..., ::-1].copy())
    return first, replace(second, **flags)


@pytest.mark.parametrize(("go_backwards", "return_sequences"), list(product((False, True), repeat=2)))
@pytest.mark.parametrize("cell", ["gru", "peephole_lstm"])
def test_stack(cell, go_backwards, return_sequences):
    stack = Stack(two(cell), go_backwards, return_sequences)
    x, state = drawn(stack.layers[0])
    close(farthest(stack, x, (state, type(state)(*(a[::-1].copy() for a in state))), MASK))


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("merge_mode", ["concat", "sum", "ave", "mul", None])
def test_bidirectional(merge_mode, return_sequences):
    one = replace(layer("gru"), return_sequences=return_sequences)
    other = replace(one.edited(lambda _, a: -a[::-1].copy()), go_backwards=True)
    x, state = drawn(one)
    states = (state, type(state)(*(a[::-1].copy() for a in state)))
    close(farthest(Bidirectional(one, other, merge_mode), x, states, MASK))
    close(farthest(Bidirectional(other, one, merge_mode), x, states, MASK))


@pytest.mark.parametrize("return_sequences", [False, True])
def test_a_stack_of_pairs_and_a_pair_of_stacks(return_sequences):
    one, _ = two("lstm")
    x, state = drawn(one)
    flags = {"return_sequences": return_sequences}
    pair = lambda a: Bidirectional(a, replace(a.edited(lambda _, w: w * 0.8), go_backwards=True), "sum")
    first, second = two("lstm")
    other = lambda scale: type(state)(*(a * scale for a in state))
    states = ((state, other(0.9)), (other(-1), other(-0.9)))
    close(farthest(Stack((pair(first), pair(second)), **flags), x, states, MASK))
    stacks = Bidirectional(Stack(two("lstm"), **flags), Stack(two("lstm"), go_backwards=True, **flags))
    close(farthest(stacks, x, states, MASK))


def test_without_a_state_or_its_gradient():
    one = layer("lstm")
    x, state = drawn(one)
    run, zeros = one.run(x), type(state)(*map(np.zeros_like, state))
    d = np.random.default_rng(1).normal(size=run.outputs.shape)
    short, long = one.backprop(run, d), one.backprop(one.run(x, zeros), d, zeros)
    assert np.array_equal(short.inputs, long.inputs)
    assert all(map(np.array_equal, short.initial_state, long.initial_state))
    pair = Bidirectional(one, replace(one, go_backwards=True))
    both = pair.backprop(pair.run(x), np.concatenate([d, d], axis=-1))
    assert np.array_equal(both.weights.forward.kernel, short.weights.kernel)
    assert not np.array_equal(both.weights.backward.kernel, short.weights.kernel)


@pytest.mark.parametrize("cell", CELLS)
def test_precision_is_that_of_the_run(cell):
    one = layer(cell)
    x, state = drawn(one)
    exact = one.run(x, state)
    d = np.random.default_rng(1).normal(size=exact.outputs.shape)
    want = one.backprop(exact, d)
    single = one.astype("float32")
    got = single.backprop(single.run(x.astype("float32"), state), d)
    for a, b in zip(
        [got.inputs, *got.weights, *got.initial_state], [want.inputs, *want.weights, *want.initial_state], strict=True
    ):
        if a is not None:
            assert a.dtype == "float32"
            assert np.abs(a - b).max(initial=0) <= 2e-5 * (1 + np.abs(b).max(initial=0))


@pytest.mark.parametrize("cell", CELLS)
def test_what_is_masked_may_be_anything(cell):
    one = layer(cell)
    x, state = drawn(one)
    wild = np.where(MASK[..., None], x, np.nan)
    with np.errstate(invalid="ignore"):
        run = one.run(wild, state, MASK)
    d = np.random.default_rng(1).normal(size=run.outputs.shape)
    got, want = one.backprop(run, d), one.backprop(one.run(x, state, MASK), d)
    assert np.array_equal(got.inputs, want.inputs)
    assert not got.inputs[~MASK].any()
    assert all(np.array_equal(a, b) for a, b in zip(got.weights, want.weights, strict=True) if a is not None)


def test_no_steps():
    one = layer("lstm")
    x, state = drawn(one, time=0)
    run = one.run(x, state)
    gradients = one.backprop(run, run.outputs, state)
    assert gradients.inputs.shape == x.shape
    assert not any(a.any() for a in gradients.weights if a is not None)
    assert all(map(np.array_equal, gradients.initial_state, state))


def test_refusals():
    one = layer("lstm")
    x, state = drawn(one)
    run = one.run(x, state)
    with pytest.raises(
        ValueError, match=r"d_outputs must have the shape \(2, 4, 3\) of the run's result, got \(2, 3\)"
    ):
        one.backprop(run, run.outputs[:, -1])
    with pytest.raises(ValueError, match=r"d_state must have shapes \[\(2, 3\), \(2, 3\)\], got \[\(2, 3\)\]"):
        one.backprop(run, run.outputs, state[:1])
    with pytest.raises(ValueError, match=r"run must come from the layer's own run"):
        one.backprop(replace(run, given=None), run.outputs)
    with pytest.raises(ValueError, match=r"the step must be the lstm's own"):
        replace(one, step=lambda *a, **k: None).backprop(run, run.outputs)
    stack = Stack(two("lstm"))
    run = stack.run(x)
    with pytest.raises(ValueError, match=r"d_state must have one entry a layer \(2\), got 1"):
        stack.backprop(run, run.outputs, [state])
    pair = Bidirectional(one, replace(one, go_backwards=True))
    run = pair.run(x)
    with pytest.raises(ValueError, match=r"d_outputs must have the shapes \[\(2, 4, 6\)\]"):
        pair.backprop(run, run.outputs[..., :3])
    with pytest.raises(ValueError, match=r"d_state must be \(forward, backward\), got 4 entries"):
        pair.backprop(run, run.outputs, [*state, *state])
    run = one.run(x)
    with pytest.raises(TypeError, match=r"backprop takes truncation and message_clip, got 'truncated'"):
        one.backprop(run, run.outputs, truncated=(1, 2))
    with pytest.raises(ValueError, match=r"message_clip must be above 0, got 0"):
        one.backprop(run, run.outputs, message_clip=0)
