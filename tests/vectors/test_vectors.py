"""Vectors that a person can check by hand: whole numbers, exact in every precision, equal and not close.

The gates are relu and the candidate is linear and negative, so that every gate has a value of its own.
"""

from itertools import permutations

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from vectors import VECTORS, gives, inputs, layer

import cells
from comparisons.proof import mutants

NAMES = {"lstm": "LSTMCell", "gru": "GRUCell", "simple_rnn": "SimpleRNNCell"}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_the_reference_gives_it(vector):
    assert gives(vector, layer(vector))


LIVE = [
    pytest.param(vector, layers, id=f"{layers.__name__}, {vector['name']}")
    for vector in VECTORS
    for layers in (cells, keras.layers, tf_keras.layers)
    if layers is cells or "forget_bias" not in vector["options"]  # Keras adds none at run time
]


@pytest.mark.parametrize(("vector", "layers"), LIVE)
def test_live_cells_give_it(vector, layers):
    w = layer(vector, "float32").weights
    cell = getattr(layers, NAMES[vector["cell"]])(len(vector["recurrent_kernel"]), **vector["options"])
    family = tf_keras if layers is tf_keras.layers else keras
    rnn = family.layers.RNN(
        cell, return_sequences=True, return_state=True, go_backwards=vector.get("go_backwards", False)
    )
    x, initial, mask = inputs(vector, "float32")
    rnn.build(x.shape)
    bias = w.bias if w.recurrent_bias is None else np.stack([w.bias, w.recurrent_bias])
    rnn.set_weights([w.kernel, w.recurrent_kernel, bias])
    given = {} if mask is None else {"mask": tf.constant(mask)}
    outputs, *state = rnn(x, initial_state=[tf.constant(s) for s in initial], **given)
    for got, want in zip(state, vector["state"], strict=True):
        np.testing.assert_array_equal(np.array(got), np.array(want, "float32"))
    if "outputs" in vector:
        np.testing.assert_array_equal(np.array(outputs), np.array(vector["outputs"], "float32"))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_one_order_of_gates_gives_it(vector):
    gates = layer(vector).gates
    right = [gives(vector, layer(vector))]
    wrong = [mutants.Mutant(str(o), mutants.permuted("".join(o))).plant(layer(vector)) for o in permutations(gates)]
    assert right + [gives(vector, other) for other in wrong[1:]] == [True] + [False] * (len(wrong) - 1)
