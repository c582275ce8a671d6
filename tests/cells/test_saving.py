"""Every way to write a cell and read it back gives the same bits and the same config."""

from __future__ import annotations

import copy
import pickle

import keras
import pytest

pytestmark = pytest.mark.any_backend

# Everything that a config must carry; rates change nothing in inference.
OPTIONS = {
    "kernel_regularizer": "l2",
    "recurrent_constraint": "max_norm",
    "bias_initializer": "ones",
    "dropout": 0.25,
    "recurrent_dropout": 0.5,
    "seed": 7,
}


@pytest.fixture
def model(own, same_weights):
    """A cell in a functional model, with all of its states; unrolled, since JAX would compile a loop for every call."""
    inputs = keras.Input((5, 3))
    layer = keras.layers.RNN(own.ours(**OPTIONS), return_sequences=True, return_state=True, unroll=True, name="rnn")
    model = keras.Model(inputs, layer(inputs))
    same_weights(model)
    return model


def with_weights(model, restored):
    assert any((a != b).any() for a, b in zip(model.get_weights(), restored.get_weights(), strict=True))
    restored.set_weights(model.get_weights())
    return restored


def saved(model, path):
    model.save(path)
    return keras.saving.load_model(path, compile=False)


def weights_file(model, path):
    model.save_weights(path)
    restored = keras.Model.from_config(model.get_config())
    restored.load_weights(path)
    return restored


TRIPS = {
    "keras": lambda model, folder: saved(model, folder / "model.keras"),
    "h5": lambda model, folder: saved(model, folder / "model.h5"),
    "weights.h5": lambda model, folder: weights_file(model, folder / "model.weights.h5"),
    "from_config": lambda model, _: with_weights(model, keras.Model.from_config(model.get_config())),
    "json": lambda model, _: with_weights(model, keras.models.model_from_json(model.to_json())),
    "clone_model": lambda model, _: with_weights(model, keras.models.clone_model(model)),
    "deepcopy": lambda model, _: copy.deepcopy(model),
    "pickle": lambda model, _: pickle.loads(pickle.dumps(model)),
}


@pytest.mark.parametrize("trip", TRIPS)
def test_a_model_comes_back_bit_for_bit(model, trip, tmp_path, inputs, assert_equal):
    restored = TRIPS[trip](model, tmp_path)
    ours, back = model.get_layer("rnn").cell, restored.get_layer("rnn").cell
    assert back is not ours
    assert type(back) is type(ours)
    assert back.get_config() == ours.get_config()
    assert_equal(restored.weights, model.weights)
    assert_equal(restored(inputs()), model(inputs()))


@pytest.mark.parametrize("trip", ["deepcopy", "pickle"])
def test_a_bare_cell_comes_back_bit_for_bit(own, trip, same_weights, inputs, states, assert_equal):
    cell = own.ours(**OPTIONS)
    cell.build((None, 3))
    same_weights(cell)
    restored = TRIPS[trip](cell, None)
    assert restored.get_config() == cell.get_config()
    assert_equal(restored(inputs(4, 3), states(cell)), cell(inputs(4, 3), states(cell)))


def test_wrapped_cells_come_back_bit_for_bit(own, tmp_path, same_weights, inputs, assert_equal):
    model = keras.Sequential(
        [
            keras.Input((5, 3)),
            keras.layers.Bidirectional(
                keras.layers.RNN(own.ours(), return_sequences=True, unroll=True), merge_mode="sum"
            ),
            keras.layers.RNN([own.ours(4), own.ours(3)], unroll=True),
        ]
    )
    same_weights(model)
    restored = saved(model, tmp_path / "model.keras")
    assert_equal(restored.weights, model.weights)
    assert_equal(restored(inputs()), model(inputs()))
