"""Vectors that a person can check by hand: whole numbers, exact in every precision, equal and not close.

The gates are relu and the candidate is linear and negative, so that every gate has a value of its own.
"""

from itertools import permutations

import keras
import pytest
import tf_keras
from vectors import VECTORS, gives, layer, live_gives

import cells
from cells.fused_layer_norm_lstm import FusedLayerNormLSTMCell
from cells.greff_lstm import GreffLSTMCell
from cells.layer_norm_lstm import LayerNormLSTMCell
from cells.mgu import MGUCell
from cells.mut import MUT1Cell, MUT2Cell, MUT3Cell
from cells.ugrnn import UGRNNCell
from comparisons.proof import mutants

NAMES = {"lstm": "LSTMCell", "gru": "GRUCell", "simple_rnn": "SimpleRNNCell"}
OWN = {  # what no `keras.layers` has
    "fused_layer_norm_lstm": FusedLayerNormLSTMCell,
    "greff_lstm": GreffLSTMCell,
    "layer_norm_lstm": LayerNormLSTMCell,
    "mgu": MGUCell,
    "mut1": MUT1Cell,
    "mut2": MUT2Cell,
    "mut3": MUT3Cell,
    "ugrnn": UGRNNCell,
}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_the_reference_gives_it(vector):
    assert gives(vector, layer(vector))


LIVE = [
    pytest.param(vector, OWN.get(vector["cell"]) or getattr(home, NAMES[vector["cell"]]), id=f"{home.__name__}, {name}")
    for vector in VECTORS
    for name in [vector["name"]]
    for home in (cells, keras.layers, tf_keras.layers)
    if home is cells or (vector["cell"] in NAMES and "forget_bias" not in vector["options"])  # Keras adds none
]


@pytest.mark.parametrize(("vector", "Cell"), LIVE)
def test_live_cells_give_it(vector, Cell):
    assert live_gives(vector, Cell)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_one_order_of_gates_gives_it(vector):
    right = layer(vector)
    stored = lambda order: [letter for letter in order if right.widths[letter]]
    for order in map("".join, permutations(right.gates)):
        other = mutants.Mutant(order, mutants.arrays.permuted(order)).plant(right)
        if other is not None:  # kernels without all of the gates' columns have no other order
            assert gives(vector, other) == (stored(order) == stored(right.gates)), order
