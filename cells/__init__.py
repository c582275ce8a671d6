"""Keras 3 cells, each with its equation: drop-in for `keras.layers`' own, for any backend.

Imports keras and nothing of ours. `hard_sigmoid_keras2` is Keras 2's hard sigmoid, registered for saving and loading.
"""

from cells.activations import hard_sigmoid_keras2
from cells.gru import GRUCell
from cells.lstm import LSTMCell
from cells.simple_rnn import SimpleRNNCell

__all__ = ["GRUCell", "LSTMCell", "SimpleRNNCell", "hard_sigmoid_keras2"]
