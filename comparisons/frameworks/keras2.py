"""Keras 2's own layers (tf-keras), for weights of ours alone: never for a user's file."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np

from comparisons.frameworks import keras_family
from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace
from reference import Layer

ACTIVATIONS = {"hard_sigmoid_keras2": "hard_sigmoid"}
ABSENT = {
    "hard_sigmoid_keras3": "Keras 2's hard_sigmoid is another function",
    "hard_tanh": "Keras 2 has no hard_tanh",
}


def title() -> str:
    if missing():
        return "Keras 2 (tf-keras)"
    import tf_keras

    return f"Keras 2 (tf-keras {tf_keras.__version__})"


def missing() -> str | None:
    return None if find_spec("tf_keras") else "not installed: pip install tf-keras"


def unable(case: Case) -> str | None:
    return next((reason for name, reason in ABSENT.items() if name in case.options.values()), None)


def run(case: Case, layer: Layer, x: Any, mask: Any) -> Trace:
    """`tf_keras.layers.LSTM` and its like; forget_bias, which Keras has not, folded into the stored bias."""
    import tensorflow as tf
    import tf_keras

    given = keras_family.arguments(case, layer, ACTIVATIONS, forget_bias=False)
    name = keras_family.LAYERS[case.cell]
    cell = getattr(tf_keras.layers, f"{name}Cell")(**given)
    return keras_family.run(
        getattr(tf_keras.layers, name)(**given | keras_family.flags(case)),
        tf_keras.layers.RNN(keras_family.shown(tf_keras.layers, tf.concat, cell), **keras_family.flags(case)),
        keras_family.arrays(layer, fold=True),
        case,
        x,
        mask if mask is None else tf.constant(mask),
        np.asarray,
    )
