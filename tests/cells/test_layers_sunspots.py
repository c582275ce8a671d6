"""The model of the proof run, trained on the sunspot numbers with Keras' layers and with ours: the same losses."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import cells
from cells import derivatives
from comparisons.proof import draws

EPOCHS = 20


def losses(home, name, epochs=EPOCHS):
    """`(epochs,)`, from the same seed; as `comparisons.frameworks.keras3.train` trains, but from start to end."""
    windows = draws.windows(draws.sunspots()).astype("float32")
    keras.utils.set_random_seed(20)
    layer = getattr(home, name)(16, return_sequences=True)
    model = keras.Sequential([keras.Input((None, 1)), layer, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return np.array(model.fit(windows[:, :-1], windows[:, 1:], batch_size=8, epochs=epochs, verbose=0).history["loss"])


deep = pytest.mark.deep


@pytest.mark.parametrize("name", ["LSTM", pytest.param("GRU", marks=deep), pytest.param("SimpleRNN", marks=deep)])
def test_twenty_epochs_have_the_same_losses(name):
    ours, stock = losses(cells, name), losses(keras.layers, name)
    assert stock[-1] < 0.5 * stock[0]  # it learns
    np.testing.assert_allclose(ours, stock, rtol=1e-4)


def test_a_lost_factor_of_a_slope_is_seen(monkeypatch):
    stock = losses(keras.layers, "LSTM", 2)
    monkeypatch.setitem(derivatives.SLOPES, keras.activations.sigmoid, lambda y: y)
    derivatives.lstm_steps.cache_clear()
    try:
        assert np.abs(losses(cells, "LSTM", 2) / stock - 1).max() > 1e-2
    finally:
        derivatives.lstm_steps.cache_clear()
