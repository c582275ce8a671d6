"""TensorFlow 1's `BasicRNNCell`."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops, tree

from cells.tf1.rnn_cell import UnitsCell


@keras.saving.register_keras_serializable(package="gateproof", name="TF1BasicRNNCell")
class BasicRNNCell(UnitsCell):
    """One step of TF1's simple recurrent network.

    ::

        h = φ([x; h] W + b)

    φ is `activation`, tanh where it is None. Weights: `kernel (X+H, H)`, its rows x, then h, and `bias (H,)`.

    Raises ValueError when `num_units` is not a positive integer, or `activation` is hard_sigmoid.
    """

    def __init__(self, num_units: int, activation: Any = None, **kwargs: Any) -> None:
        super().__init__(num_units, activation, **kwargs)

    def build(self, input_shape: Any) -> None:
        H = self.num_units
        self.kernel = self.add_weight(shape=(input_shape[-1] + H, H), name="kernel")
        self.bias = self.add_weight(shape=(H,), name="bias", initializer="zeros")

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        φ = self.activation
        h = state[0] if tree.is_nested(state) else state
        h = φ(self.affine(inputs, h, self.kernel, self.bias))
        h = ops.cast(h, self.compute_dtype)  # Keras' tanh makes float32 of float64 on JAX: no state for its loop
        return h, [h] if tree.is_nested(state) else h
