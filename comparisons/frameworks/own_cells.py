"""This project's cells, in `keras.layers.RNN`."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

import cells
from comparisons.frameworks import keras3, keras_family
from comparisons.proof.cases import Case
from comparisons.proof.measure import Trace
from reference import Layer

ACTIVATIONS = {"hard_sigmoid_keras3": "hard_sigmoid"}


def title() -> str:
    return "this project's, in keras.layers.RNN"


def missing() -> str | None:
    return None


def unable(case: Case) -> str | None:
    return keras3.unable(case) if case.dtype == "float64" else None


def run(case: Case, layer: Layer, x: Any, mask: Any) -> Trace:
    """`RNN(LSTMCell)` and its like."""
    given = keras_family.arguments(case, layer, ACTIVATIONS, forget_bias=True)
    cell = getattr(cells, f"{keras_family.LAYERS[case.cell]}Cell")
    return keras_family.run(
        keras.layers.RNN(cell(**given), **keras_family.flags(case)),
        keras.layers.RNN(keras_family.shown(keras.layers, ops.concatenate, cell(**given)), **keras_family.flags(case)),
        keras_family.arrays(layer, fold=False),
        case,
        x,
        mask,
        ops.convert_to_numpy,
    )
