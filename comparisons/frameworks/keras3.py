"""Keras 3's own layers, and the training of the weights that every framework then gets."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

import cells
from comparisons.frameworks import keras_family
from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace
from reference import Layer, read

ACTIVATIONS = {"hard_sigmoid_keras3": "hard_sigmoid"}


def title() -> str:
    return f"Keras 3 ({keras.__version__} on {keras.backend.backend()})"


def missing() -> str | None:
    return None


def unable(case: Case) -> str | None:
    if case.dtype == "float64" and keras.backend.result_type("float64") != "float64":
        return f"Keras on {keras.backend.backend()} computes parts of float64 in float32"
    if "hard_sigmoid_keras2" in case.options.values():
        return "Keras 3's hard_sigmoid is another function"
    return None


def run(case: Case, layer: Layer, x: Any, mask: Any) -> Trace:
    """`keras.layers.LSTM` and its like; forget_bias, which Keras has not, folded into the stored bias."""
    given = keras_family.arguments(case, layer, ACTIVATIONS, forget_bias=False)
    name = keras_family.LAYERS[case.cell]
    cell = getattr(keras.layers, f"{name}Cell")(**given)
    return keras_family.run(
        getattr(keras.layers, name)(**given | keras_family.flags(case)),
        keras.layers.RNN(keras_family.shown(keras.layers, ops.concatenate, cell), **keras_family.flags(case)),
        keras_family.arrays(layer, fold=True),
        case,
        x,
        mask,
        ops.convert_to_numpy,
    )


def train(case: Case, sequences: Any, seed: int, epochs: int = 4) -> Layer:
    """Weights as in use: stock Keras learns for a moment to predict the next step of `sequences (B, T + 1, X)`."""
    keras.utils.set_random_seed(seed)
    options = dict(case.options)
    options.pop("forget_bias", None)
    own = {**ACTIVATIONS, "hard_sigmoid_keras2": cells.hard_sigmoid_keras2}
    options = {name: own.get(value, value) if isinstance(value, str) else value for name, value in options.items()}
    if case.cell == "lstm":
        options["unit_forget_bias"] = case.unit_forget_bias
    layer = getattr(keras.layers, keras_family.LAYERS[case.cell])(
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
