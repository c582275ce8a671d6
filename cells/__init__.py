"""Keras 3 cells, each with its equation: drop-in for `keras.layers`' own where Keras has one, for any backend.

Imports keras and nothing of ours. `hard_sigmoid_keras2` is Keras 2's hard sigmoid, registered for saving and loading;
`sigmoid_in_1` and `sigmoid_in_2` are the squashing functions of the LSTM of 1997.
"""

from cells.activations import hard_sigmoid_keras2, sigmoid_in_1, sigmoid_in_2
from cells.cifg import CIFGCell
from cells.gru import GRUCell
from cells.jordan import JordanCell
from cells.lstm import LSTMCell
from cells.lstm_1997 import LSTM1997Cell
from cells.peephole_lstm import PeepholeLSTMCell
from cells.simple_rnn import SimpleRNNCell

__all__ = [
    "CIFGCell",
    "GRUCell",
    "JordanCell",
    "LSTM1997Cell",
    "LSTMCell",
    "PeepholeLSTMCell",
    "SimpleRNNCell",
    "hard_sigmoid_keras2",
    "sigmoid_in_1",
    "sigmoid_in_2",
]
