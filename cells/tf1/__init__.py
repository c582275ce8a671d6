"""The cells of TensorFlow 1's `tf.nn.rnn_cell`: its arguments, its storage, its state order c, h.

Read and run in tf_keras/src/layers/rnn/legacy_cells.py, tf-keras 2.21, where tf.compat.v1.nn.rnn_cell lives on. The
wrappers, which take any cell, are in `cells` itself.

A cell takes `inputs (B, X)` and a state, and returns `output, new state`. By hand the state is what `zero_state` gives:
one `(B, H)`, or an LSTM's `LSTMStateTuple(c, h)`. In `keras.layers.RNN` it is a list, in the same order: `[c, h]`,
where Keras' own LSTM has `[h, c]`, so that `initial_state` and `return_state` have c first. On JAX, Keras' loop repeats
the *first* state as the output of a masked step: an LSTM under a mask needs RNN's `unroll=True` or
`zero_output_for_mask=True` there.
"""

from cells.tf1.basic_rnn import BasicRNNCell
from cells.tf1.gru import GRUCell
from cells.tf1.lstm import BasicLSTMCell, LSTMCell
from cells.tf1.rnn_cell import LSTMStateTuple, RNNCell

__all__ = ["BasicLSTMCell", "BasicRNNCell", "GRUCell", "LSTMCell", "LSTMStateTuple", "RNNCell"]
