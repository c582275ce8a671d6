"""Keras 3 cells, each with its equation: drop-in for `keras.layers`' own where Keras has one, for any backend.

`LSTM`, `GRU` and `SimpleRNN` are Keras' layers with exact gradients derived by hand, which train faster.
Imports keras and nothing of ours. `hard_sigmoid_keras2` is Keras 2's hard sigmoid, registered for saving and loading;
`sigmoid_in_1` and `sigmoid_in_2` are the squashing functions of the LSTM of 1997; `Parametric` holds those that ONNX
gives numbers of their own. `cells.tf1` has TensorFlow 1's cells under its names, `cells.pytorch` PyTorch's layers.
"""

from cells.activations import Parametric, hard_sigmoid_keras2, sigmoid_in_1, sigmoid_in_2
from cells.cifg import CIFGCell
from cells.dropout_wrapper import DropoutMasks, DropoutWrapper
from cells.fused_layer_norm_lstm import FusedLayerNormLSTMCell
from cells.greff_lstm import GreffLSTMCell
from cells.gru import GRUCell
from cells.jordan import JordanCell
from cells.layer_norm_lstm import LayerNormLSTMCell
from cells.lstm import LSTMCell
from cells.lstm_1997 import LSTM1997Cell
from cells.mgu import MGUCell
from cells.mut import MUT1Cell, MUT2Cell, MUT3Cell
from cells.peephole_lstm import PeepholeLSTMCell
from cells.sequence import GRU, LSTM, SimpleRNN
from cells.simple_rnn import SimpleRNNCell
from cells.ugrnn import UGRNNCell
from cells.wrappers import DeviceWrapper, MultiRNNCell, ResidualWrapper

__all__ = [
    "GRU",
    "LSTM",
    "CIFGCell",
    "DeviceWrapper",
    "DropoutMasks",
    "DropoutWrapper",
    "FusedLayerNormLSTMCell",
    "GRUCell",
    "GreffLSTMCell",
    "JordanCell",
    "LSTM1997Cell",
    "LSTMCell",
    "LayerNormLSTMCell",
    "MGUCell",
    "MUT1Cell",
    "MUT2Cell",
    "MUT3Cell",
    "MultiRNNCell",
    "Parametric",
    "PeepholeLSTMCell",
    "ResidualWrapper",
    "SimpleRNN",
    "SimpleRNNCell",
    "UGRNNCell",
    "hard_sigmoid_keras2",
    "sigmoid_in_1",
    "sigmoid_in_2",
]
