"""Wrapped: what is dropped, when, and what is added to what."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from differences import close, drawn, farthest, same
from differences import layer as by_cell

from reference import Dropout, Layer, Stack, Weights, Wrapped, read
from reference.steps import module

B, T, X = 2, 4, 3


def draw(cell, seed=0, inputs=X, units=X):
    """A layer with asymmetric weights, as wide as its inputs."""
    rng, columns = np.random.default_rng(seed), units * len(module(cell).gates)
    shapes = (inputs, columns), (units, columns), (columns,)
    return Layer(
        cell,
        Weights(*(rng.normal(size=shape) / 2 for shape in shapes)),
        {"reset_after": False} if cell == "gru" else {},
    )


def masks(seed=0, rows=B, steps=T, width=X, keep_prob=0.5):
    return Dropout(np.random.default_rng([7, seed]).random((rows, steps, width)) < keep_prob, keep_prob)


def inputs():
    return np.random.default_rng(9).normal(size=(B, T, X))


def adding(**wrappers):
    """One linear unit that adds its input to its state, with masks `(1, T, 1)` and a probability of one half."""
    layer = Layer("simple_rnn", Weights(np.ones((1, 1)), np.ones((1, 1))), {"activation": "linear"})
    given: dict[str, Any] = {
        k: Dropout(np.reshape(v, (1, -1, 1)), 0.5) if isinstance(v, list) else v for k, v in wrappers.items()
    }
    return Wrapped(layer, **given)


# Inputs 1, 2, 3; outputs and states that a person can add up.
WORKED = {
    "nothing": ({}, [1, 3, 6], [1, 3, 6]),
    "input": ({"input": [1, 0, 1]}, [2, 2, 8], [2, 2, 8]),
    "output": ({"output": [0, 1, 1]}, [0, 6, 12], [1, 3, 6]),
    "state": ({"state": [1, 0, 1]}, [1, 4, 3], [2, 0, 6]),
    "state and output": ({"state": [0, 1, 1], "output": [1, 0, 1]}, [2, 0, 14], [0, 4, 14]),
    "residual": ({"residual": True}, [2, 5, 9], [1, 3, 6]),
    "input, residual": ({"input": [0, 1, 1], "residual": True}, [1, 6, 13], [0, 4, 10]),
    "output, residual": ({"output": [0, 1, 1], "residual": True}, [1, 8, 15], [1, 3, 6]),
}


@pytest.mark.parametrize("name", WORKED)
def test_hand_worked(name):
    wrappers, outputs, states = WORKED[name]
    run = adding(**wrappers).run(np.reshape([1, 2, 3], (1, 3, 1)))
    assert run.outputs.ravel().tolist() == outputs
    assert run.states.h.ravel().tolist() == states
    assert run.state.h.ravel().tolist() == states[-1:]


def test_dropout_around_a_residual_sum_drops_the_sum():
    run = Wrapped(adding(residual=True), output=Dropout(np.reshape([1, 0, 1], (1, 3, 1)), 0.5)).run(
        np.reshape([1, 2, 3], (1, 3, 1))
    )
    assert run.outputs.ravel().tolist() == [4, 0, 18]


@pytest.mark.parametrize("cell", ["simple_rnn", "lstm", "gru"])
def test_a_run_is_its_steps(cell):
    """Again, a step at a time: c is never dropped."""
    layer, x = draw(cell), inputs()
    drop: dict[str, Any] = {
        name: masks(k, keep_prob=0.4 + k / 5) for k, name in enumerate(("input", "state", "output"))
    }
    start = [np.random.default_rng(k).normal(size=(B, X)) for k in range(1 + (cell == "lstm"))]
    run = Wrapped(layer, **drop, residual=True).run(x, start)
    dropped = lambda name, a, t: a * drop[name].kept[:, t] / np.float64(np.float32(drop[name].keep_prob))
    state = start
    for t in range(T):
        one = layer.run(dropped("input", x[:, t], t)[:, None], state)
        state = [dropped("state", one.state.h, t), *one.state[1:]]
        assert run.outputs[:, t] == pytest.approx(dropped("output", one.state.h, t) + x[:, t], abs=1e-15)
        for got, want in zip(run.states, state, strict=True):
            assert got[:, t] == pytest.approx(want, abs=1e-15)
        for letter, gate in one.gates.items():
            assert run.gates[letter][:, t] == pytest.approx(gate[:, 0], abs=1e-15)
    assert [a.tolist() for a in run.state] == [a[:, -1].tolist() for a in run.states]


def test_one_row_is_for_the_batch_and_one_step_for_the_sequence():
    one = masks(rows=1, steps=1)
    every = Dropout(np.broadcast_to(one.kept, (B, T, X)), one.keep_prob)
    layer, x = draw("lstm"), inputs()
    runs = [Wrapped(layer, d, d, d).run(x) for d in (one, every)]
    assert (runs[0].outputs == runs[1].outputs).all()


def test_all_steps_in_one():
    """Every step from its own state, as the bound of a step is computed."""
    inside = Wrapped(draw("lstm"), state=masks(2, rows=1), residual=True)
    wrapped, x = Wrapped(inside, masks(1), output=masks(3, steps=1)), inputs()
    run = wrapped.run(x)
    before = [np.concatenate([np.zeros((B, 1, X)), field[:, :-1]], axis=1).reshape(-1, X) for field in run.states]
    output, state, _ = wrapped.in_one_step(B, T).step(x.reshape(-1, X), module("lstm").State(*before), 0)
    assert output.reshape(B, T, X) == pytest.approx(run.outputs, abs=1e-15)
    for got, want in zip(state, run.states, strict=True):
        assert got.reshape(B, T, X) == pytest.approx(want, abs=1e-15)


def test_stack_runs_wrapped_layers():
    below: Any = Wrapped(draw("lstm"), output=masks(1))
    above: Any = Wrapped(draw("gru", 1), residual=True)
    run = Stack((below, above)).run(inputs())
    first = below.run(inputs())
    assert (run.outputs == above.run(first.outputs).outputs).all()
    assert (run.state[0].c == first.state.c).all()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble"])
def test_a_run_keeps_its_precision(dtype):
    run = Wrapped(draw("lstm"), masks(1), masks(2), masks(3), True).astype(dtype).run(inputs().astype(dtype))
    assert {run.outputs.dtype, *(field.dtype for field in run.states)} == {np.dtype(dtype)}


def test_probabilities_are_rounded_as_tensorflow_1_rounds_them():
    assert Dropout(np.ones((1, 1, 1)), 0.8).keep_prob == float(np.float32(0.8)) != 0.8


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dropout(np.full((1, 1, 2), 0.5), 0.5), "kept must be 0 and 1"),
        (lambda: Dropout(np.ones((1, 2)), 0.5), r"shape \(batch, time, width\), got \(1, 2\)"),
        (lambda: Dropout(np.ones((1, 1, 2)), 0.0), "above 0 and at most 1, got 0.0"),
        (lambda: Wrapped(draw("lstm"), state=masks(width=4)), "kept of the state must have width 3, got 4"),
        (lambda: Wrapped(draw("lstm", units=4), residual=True), "as wide as outputs to be added, got 3 and 4"),
        (lambda: Wrapped(replace(draw("lstm"), go_backwards=True)), "run forwards"),
        (lambda: Wrapped(draw("lstm"), masks(rows=3)).run(inputs()), "for 2 rows and 4 steps, or 1, got"),
        (lambda: Wrapped(Wrapped(draw("lstm"), masks(steps=3)), residual=True).run(inputs()), "or 1, got"),
        (lambda: Wrapped(draw("lstm")).run(inputs()[..., :2]), r"must have shape \(batch, time, 3\)"),
        (lambda: Wrapped(draw("lstm")).run(inputs(), mask=np.ones((B, T))), "mask must be None"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


ALL = {"state": masks(2, keep_prob=0.8), "output": masks(3, keep_prob=0.7), "residual": True}
AROUND = {
    "nothing": lambda layer: Wrapped(layer),
    "input": lambda layer: Wrapped(layer, masks(1)),
    "state": lambda layer: Wrapped(layer, state=masks(2)),
    "state, c too": lambda layer: Wrapped(layer, state=masks(2), left=()),
    "output": lambda layer: Wrapped(layer, output=masks(3, keep_prob=0.7)),
    "residual": lambda layer: Wrapped(layer, residual=True),
    "all": lambda layer: Wrapped(layer, masks(1), **ALL),
    "a wrapper inside": lambda layer: Wrapped(Wrapped(layer, masks(1, steps=1), **ALL), masks(4), residual=True),
}


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("cell", ["simple_rnn", "peephole_lstm", "greff_lstm", "gru", "mut2"])
def test_gradients_are_central_differences(cell, around):
    layer = by_cell(cell, without=("projection", "output_kernel", "output_bias"))
    layer = layer if layer.input_dim == X else replace(layer, weights=layer.weights._replace(kernel=wider(layer)))
    layer = layer.edited(lambda _, a: a / 2)  # so that what is left of the first state's gradient is no rounding
    close(farthest(AROUND[around](layer), *drawn(layer)))


def wider(layer):
    return np.random.default_rng(8).normal(size=(X, layer.weights.kernel.shape[1]))


def test_gradients_of_a_stack_of_wrapped_layers():
    below: Any = AROUND["all"](draw("lstm"))
    above: Any = AROUND["residual"](draw("gru", 1))
    (x, first), (_, second) = drawn(below.innermost), drawn(above.innermost)
    close(farthest(Stack((below, above), return_sequences=False), x, (first, second)))


def test_gradients_without_wrappers_are_the_layer_s():
    layer = draw("peephole_lstm")
    run, wrapped = layer.run(inputs()), Wrapped(layer).run(inputs())
    for clip in (None, 0.01):
        got = Wrapped(layer).backprop(wrapped, run.outputs, message_clip=clip)
        want = layer.backprop(run, run.outputs, message_clip=clip)
        same((got.inputs, got.weights, got.initial_state), (want.inputs, want.weights, want.initial_state))


def test_gradients_that_are_refused():
    wrapped = Wrapped(draw("lstm"))
    run = wrapped.run(inputs())
    with pytest.raises(ValueError, match="truncation of a wrapped layer must be None, got '1997'"):
        wrapped.backprop(run, run.outputs, truncation="1997")
    with pytest.raises(ValueError, match="d_outputs must have the shape"):
        wrapped.backprop(run, run.outputs[:, 0])
    with pytest.raises(ValueError, match="the step must be the lstm's own"):
        Wrapped(replace(draw("lstm"), step=lambda *a, **k: None)).backprop(run, run.outputs)


@pytest.mark.parametrize("cell", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("wrapper", ["ResidualWrapper", "DeviceWrapper", "both"])
def test_gradients_are_tensorflow_s(cell, wrapper):
    tf = pytest.importorskip("tensorflow")
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the gradients here are TensorFlow's")
    from cells.wrappers import DeviceWrapper, ResidualWrapper

    inner = getattr(keras.layers, f"{cell}Cell")(X, dtype="float64")
    on_cpu = inner if wrapper == "ResidualWrapper" else DeviceWrapper(inner, "cpu:0", dtype="float64")
    whole = on_cpu if wrapper == "DeviceWrapper" else ResidualWrapper(on_cpu, dtype="float64")
    rnn = keras.layers.RNN(whole, return_sequences=True, dtype="float64")
    rnn.build((B, T, X))
    rng = np.random.default_rng(3)
    for variable in rnn.trainable_variables:
        variable.assign(rng.normal(size=variable.shape) / 2)
    x, d = tf.constant(inputs()), rng.normal(size=(B, T, X))
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = rnn(x)
        loss = tf.reduce_sum(outputs * d)
    d_x, d_kernel, d_recurrent, d_bias = tape.gradient(loss, [x, *(v.value for v in inner.trainable_variables)])
    layer: Any = read(inner)
    ours = Wrapped(layer, residual=wrapper != "DeviceWrapper")
    run = ours.run(inputs())
    assert run.outputs == pytest.approx(outputs.numpy(), abs=1e-14)
    got = ours.backprop(run, d)
    order = {"LSTM": [0, 1, 2, 3], "GRU": [0, 1, 2], "SimpleRNN": [0]}[cell]
    arranged = lambda a: np.concatenate([np.split(a, len(order), axis=-1)[k] for k in order], axis=-1)
    biases = [b for b in (got.weights.bias, got.weights.recurrent_bias) if b is not None]
    bias = np.stack(biases) if len(biases) > 1 else biases[0]
    for ours_, theirs in zip(
        (got.inputs, got.weights.kernel, got.weights.recurrent_kernel, bias),
        (d_x, *map(arranged, (d_kernel.numpy(), d_recurrent.numpy(), d_bias.numpy()))),
        strict=True,
    ):
        assert np.abs(ours_ - np.asarray(theirs)).max() <= 2e-13 * (1 + np.abs(ours_).max())
