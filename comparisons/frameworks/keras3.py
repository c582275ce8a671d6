"""Keras 3's own layers, and the training of the weights that every framework then gets."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from comparisons.frameworks import absent, keras_family, versions
from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace
from reference import Layer, read
from reference.layer import AnyLayer

ACTIVATIONS = {"hard_sigmoid_keras3": "hard_sigmoid"}
LAYERS = {"simple_rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}


def title() -> str:
    if missing():
        return "Keras 3"
    import keras

    return f"Keras 3 ({versions('keras')['keras']} on {keras.backend.backend()})"


def missing() -> str | None:
    return absent("keras")


def unable(case: Case, layer: AnyLayer) -> str | None:
    return imprecise(case) or keras_family.unable(layer, "keras")


def imprecise(case: Case) -> str | None:
    """Why this backend cannot compute in the case's precision."""
    if case.dtype != "float64" or os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
        return None
    import keras

    if keras.backend.result_type("float64") != "float64":
        return f"Keras on {keras.backend.backend()} computes parts of float64 in float32"
    return None


def run(case: Case, layer: AnyLayer, x: Any, mask: Any) -> Trace:
    """`keras.layers.LSTM` and its like; forget_bias, which Keras has not, folded into the stored bias."""
    import keras

    stock = keras_family.stock(keras.layers, keras.ops.concatenate, "keras", case.dtype)
    return keras_family.run(stock, case, layer, x, mask)


def train(case: Case, sequences: Any, seed: int, epochs: int = 4) -> Layer:
    """Weights as in use: stock Keras learns for a moment to predict the next step of `sequences (B, T + 1, X)`."""
    import keras

    import cells

    keras.utils.set_random_seed(seed)
    options = dict(case.options)
    options.pop("forget_bias", None)
    own = {**ACTIVATIONS, "hard_sigmoid_keras2": cells.hard_sigmoid_keras2}
    options = {name: own.get(value, value) if isinstance(value, str) else value for name, value in options.items()}
    if case.cell == "lstm":
        options["unit_forget_bias"] = case.unit_forget_bias
    layer = getattr(keras.layers, LAYERS[case.cell])(
        case.units, use_bias=case.use_bias, return_sequences=True, **options
    )
    features = sequences.shape[-1]
    model = keras.Sequential([keras.Input((None, features)), layer, keras.layers.Dense(features)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    sequences = np.asarray(sequences, "float32")
    model.fit(sequences[:, :-1], sequences[:, 1:], batch_size=8, epochs=epochs, verbose=0)  # pyright: ignore[reportArgumentType]
    trained = read(layer)
    assert isinstance(trained, Layer)
    return trained
