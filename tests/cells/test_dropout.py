"""Dropout acts in training alone, and with the same seed draws the masks that Keras' own cells draw."""

from __future__ import annotations

import keras
import pytest
from keras.layers import RNN

pytestmark = pytest.mark.any_backend

RATES = {
    "inputs": {"dropout": 0.4},
    "state": {"recurrent_dropout": 0.4},
    "both": {"dropout": 0.4, "recurrent_dropout": 0.3},
    "all inputs": {"dropout": 1.0},
    "all state": {"recurrent_dropout": 1.0},
}


@pytest.fixture(params=[1, 2], ids=["implementation 1", "implementation 2"])
def implementation(request, case):
    """Arguments; Keras' SimpleRNNCell takes no implementation."""
    return {"implementation": request.param} if case.gates > 1 else {}


def rnn(cell, **options):
    """Unrolled: JAX would compile a loop anew for every call."""
    return RNN(cell, unroll=True, **options)


def built(layers, same_weights=lambda *_: None):
    for layer in layers:
        layer.build((None, 5, 3))
    same_weights(*layers)
    return layers


@pytest.mark.parametrize("rates", RATES)
def test_the_same_seed_gives_keras_outputs(rates, case, implementation, inputs, same_weights, assert_close):
    options = RATES[rates] | implementation | {"seed": 7}
    layers = [rnn(make(**options), return_sequences=True, return_state=True) for make in (case.ours, case.stock)]
    ours, stock = built(layers, same_weights)
    for training in True, False, True:  # the second mask is another one, and inference draws too
        assert_close(ours(inputs(), training=training), stock(inputs(), training=training))


def test_stacked_cells_draw_as_keras_cells(case, inputs, same_weights, assert_close):
    ours, stock = built(
        [rnn([make(seed=7, **RATES["both"]), make(seed=8, **RATES["both"])]) for make in (case.ours, case.stock)],
        same_weights,
    )
    assert_close(ours(inputs(), training=True), stock(inputs(), training=True))


def test_a_bare_cell_draws_as_keras_cell(case, implementation, inputs, states, same_weights, assert_close):
    options = RATES["both"] | implementation | {"seed": 7}
    ours, stock = built([make(**options) for make in (case.ours, case.stock)], same_weights)
    for _ in range(2):  # the masks are kept until they are reset
        given = inputs(4, 3), states(ours)
        assert_close(ours(*given, training=True), stock(*given, training=True))
    for cell in ours, stock:
        cell.reset_dropout_mask()
        cell.reset_recurrent_dropout_mask()
    assert_close(ours(*given, training=True), stock(*given, training=True))


@pytest.mark.parametrize("rates", ["inputs", "state"])
def test_dropout_acts_in_training_alone(rates, own, inputs, same_weights, assert_equal, arrays):
    dropped, plain = built([rnn(own.ours(seed=7, **RATES[rates])), rnn(own.ours())], same_weights)
    assert_equal(dropped(inputs()), plain(inputs()))
    first, second = (arrays(dropped(inputs(), training=True))[0] for _ in range(2))
    untouched = arrays(plain(inputs(), training=True))[0]
    assert (abs(first - untouched) > 1e-3).any()
    assert (abs(first - second) > 1e-3).any()


def test_one_mask_serves_all_steps(own, inputs, same_weights, assert_close):
    """What a unit's mask drops at one step it drops at every step: halves of a run with one mask are the run."""
    cell = own.ours(seed=7, **RATES["both"])
    (cell,) = built([cell], same_weights)
    x = inputs()
    state = cell.get_initial_state(4)
    for t in range(5):
        output, state = cell(x[:, t], state, training=True)
    (layer,) = built([rnn(own.ours(seed=7, **RATES["both"]))], lambda layer: layer.set_weights(cell.get_weights()))
    assert_close(layer(x, training=True), output)


def test_the_seed_is_in_the_config(own, inputs, same_weights, assert_equal):
    layer = rnn(own.ours(seed=7, **RATES["both"]))
    restored = RNN.from_config(layer.get_config())
    assert restored.cell.get_config()["seed"] == 7
    built([layer, restored], same_weights)
    assert_equal(restored(inputs(), training=True), layer(inputs(), training=True))


def test_seeds_differ_unless_given(own, inputs, same_weights, arrays):
    layers = built([rnn(own.ours(**RATES["both"])) for _ in range(2)], same_weights)
    first, second = (arrays(layer(inputs(), training=True))[0] for layer in layers)
    assert (first != second).any()


def test_a_seed_for_all_of_keras_gives_keras_weights_and_masks(case, inputs, assert_equal, assert_close):
    """What is not seeded takes its seeds in the order in which Keras' own cells take theirs."""
    weights, outputs = [], []
    for make in case.ours, case.stock:
        keras.utils.set_random_seed(3)
        (layer,) = built([rnn(make(**RATES["both"], bias_initializer="random_normal"))])
        weights.append(layer.get_weights())
        outputs.append(layer(inputs(), training=True))
    assert_equal(*weights)
    assert_close(*outputs)
