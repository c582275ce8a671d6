"""The cells inside Keras' RNN and its wrappers: every state and output as from Keras' own cells, and as from NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras.layers import RNN, Bidirectional, StackedRNNCells, TimeDistributed

import reference

EVERYTHING = {"return_sequences": True, "return_state": True}
JAX = keras.backend.backend() == "jax"  # compiles every loop anew, so that there all but the plain ones are unrolled

# All steps seen; the first two masked; two masked inside and one at the end; nothing seen.
MASK = np.array([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1], [1, 0, 0, 1, 0], [0, 0, 0, 0, 0]], bool)

# A layer from `cell(units)`, and the initial state that it takes, from the list `s` that one cell takes.
LAYERS = {
    "last": (lambda cell: RNN(cell(4), return_state=True), lambda s: s),
    "sequence": (lambda cell: RNN(cell(4), **EVERYTHING), lambda s: s),
    "zero_output_for_mask": (lambda cell: RNN(cell(4), zero_output_for_mask=True, **EVERYTHING), lambda s: s),
    "go_backwards": (lambda cell: RNN(cell(4), go_backwards=True, **EVERYTHING), lambda s: s),
    "unroll": (lambda cell: RNN(cell(4), unroll=True, **EVERYTHING), lambda s: s),
    "list": (lambda cell: RNN([cell(4), cell(4)], **EVERYTHING), lambda s: [s, s[::-1]]),
    "StackedRNNCells": (lambda cell: RNN(StackedRNNCells([cell(3), cell(4)]), return_state=True), lambda _: None),
    "Bidirectional": (lambda cell: Bidirectional(RNN(cell(4), **EVERYTHING)), lambda s: [*s, *s[::-1]]),
    "Bidirectional last": (
        lambda cell: Bidirectional(RNN(cell(4), unroll=JAX, return_state=True)),
        lambda s: [*s, *s[::-1]],
    ),
}
for mode in ("sum", "mul", "ave", None):
    LAYERS[f"Bidirectional {mode}"] = (
        lambda cell, mode=mode: Bidirectional(RNN(cell(4), unroll=JAX, **EVERYTHING), merge_mode=mode),
        lambda s: [*s, *s[::-1]],
    )


@pytest.fixture
def pair(case, same_weights):
    """`pair(make)`: the layer that `make` builds on our cell and on Keras' own, with the same weights."""

    def build(make, shape=(None, 5, 3)):
        layers = make(case.ours), make(case.stock)
        for layer in layers:
            layer.build(shape)
        same_weights(*layers)
        return layers

    return build


@pytest.mark.any_backend
@pytest.mark.parametrize("name", LAYERS)
def test_masked_layers_equal_keras(name, case, pair, inputs, states, assert_close):
    make, initial = LAYERS[name]
    state = initial(states(case.ours()))
    ours, stock = (layer(inputs(), mask=MASK, initial_state=state) for layer in pair(make))
    assert_close(ours, stock)


@pytest.mark.any_backend
def test_time_distributed_equals_keras(pair, inputs, assert_close):
    ours, stock = pair(lambda cell: TimeDistributed(RNN(cell(4), return_sequences=True)), (4, 2, 5, 3))
    assert_close(ours(inputs(4, 2, 5, 3)), stock(inputs(4, 2, 5, 3)))


@pytest.mark.any_backend
def test_unrolled_equals_the_loop(own, same_weights, inputs, assert_close):
    loop, unrolled = (RNN(own.ours(), unroll=unroll, **EVERYTHING) for unroll in (False, True))
    for layer in (loop, unrolled):
        layer.build((None, 5, 3))
    same_weights(loop, unrolled)
    assert_close(unrolled(inputs(), mask=MASK), loop(inputs(), mask=MASK))


@pytest.mark.any_backend
@pytest.mark.parametrize(("implementation", "call"), [(1, "masked"), (2, "initial state")])
def test_layers_equal_the_reference(own, implementation, call, same_weights, inputs, states, arrays):
    """Every state at every time, against float64 NumPy; the 8 is empirical, LAPACK's way."""
    layer = RNN(own.ours(implementation=implementation), **EVERYTHING)
    layer.build((None, 5, 3))
    same_weights(layer)
    initial = states(layer.cell) if call == "initial state" else None
    mask = MASK if call == "masked" else None

    oracle = reference.read(layer)
    truth = oracle.astype("float64").run(inputs(), initial, mask)
    rounded = oracle.run(inputs(), initial, mask)
    results = arrays(layer(inputs(), initial_state=initial, mask=mask))
    for ours, numpy, exact in zip(results, *((run.outputs, *run.state) for run in (rounded, truth)), strict=True):
        lost = max(np.abs(numpy - exact).max(), 2.0**-24)
        assert lost <= 2 * 2.0**-24, "the draw is no longer contractive, so that the 16 u of assert_close mean nothing"
        assert np.abs(ours - exact).max() <= 8 * lost


@pytest.mark.any_backend
def test_initial_states_matter_and_are_taken_in_order(own, same_weights, inputs, states, arrays):
    """A step masked everywhere returns the states that it was given."""
    layer = RNN(own.ours(), return_state=True)
    layer.build((None, 5, 3))
    same_weights(layer)
    _, *held = arrays(layer(inputs(), mask=np.zeros((4, 5), bool), initial_state=states(layer.cell)))
    np.testing.assert_array_equal(held, states(layer.cell))


@pytest.mark.any_backend
def test_stateful_halves_equal_one_run(own, same_weights, inputs, assert_equal, assert_close):
    stateful = RNN(own.ours(), stateful=True, **EVERYTHING)
    once = RNN(own.ours(), **EVERYTHING)
    stateful.build((4, 2, 3))
    once.build((4, 4, 3))
    same_weights(once, stateful)
    x = inputs(4, 4, 3)
    first, *_ = stateful(x[:, :2])
    second, *state = stateful(x[:, 2:])
    assert_close([keras.ops.concatenate([first, second], axis=1), *state], once(x))
    stateful.reset_state()
    assert_equal(stateful(x[:, :2])[0], first)


@pytest.mark.any_backend
def test_stateful_predict_equals_keras(case, same_weights, inputs, assert_close):
    models = [
        keras.Sequential([keras.Input(batch_shape=(4, 5, 3)), RNN(make(), stateful=True)])
        for make in (case.ours, case.stock)
    ]
    same_weights(*models)
    x = inputs(8, 5, 3)  # two batches, the second from the first one's state
    ours, stock = (model.predict(x, batch_size=4, verbose=0) for model in models)
    assert_close(ours, stock)


@pytest.mark.any_backend
def test_batch_and_time_may_change(case, same_weights, inputs, assert_close):
    models = []
    for make in (case.ours, case.stock):
        x = keras.Input((None, 3))
        models.append(keras.Model(x, RNN(make(), **EVERYTHING)(keras.layers.Masking()(x))))
    same_weights(*models)
    ours, stock = models
    for shape in (4, 5, 3), (2, 3, 3):
        x = inputs(*shape)
        x[0, 1] = 0  # masked
        assert_close(ours.predict(x, verbose=0), stock.predict(x, verbose=0))


@pytest.mark.any_backend
def test_a_batch_of_nothing(own, inputs, arrays):
    """By shape alone: Keras' own LSTMCell refuses it on TensorFlow."""
    outputs, *state = arrays(RNN(own.ours(), **EVERYTHING)(inputs(0, 5, 3)))
    assert outputs.shape == (0, 5, 4)
    assert {a.shape for a in state} == {(0, 4)}


@pytest.mark.any_backend
def test_a_cell_takes_its_state_bare_or_in_a_list(pair, inputs, states, assert_close):
    """Cells of one state return it as they were given it."""
    ours, stock = pair(lambda cell: cell(4), (None, 3))
    several = states(ours)
    for given in [several, *several[: len(several) == 1]]:
        results = ours(inputs(4, 3), given), stock(inputs(4, 3), given)
        assert_close(*results)
        keras.tree.assert_same_structure(*results)
