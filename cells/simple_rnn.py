"""The simple recurrent network (Elman, Cognitive Science 14:179–211, 1990)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops, tree

from cells.gated import GatedCell


@keras.saving.register_keras_serializable(package="gateproof")
class SimpleRNNCell(GatedCell):
    """One step of the simple recurrent network; drop-in for `keras.layers.SimpleRNNCell`.

    ::

        h = activation(x W + h U + b)

    Arguments, defaults and weights are those of Keras 3.15: `kernel (X, H)`, `recurrent_kernel (H, H)`, `bias (H,)`.

    Call arguments: `inputs (B, X)`, `states` `[h (B, H)]`, `training`. Returns `h, [h]`.
    """

    gates = "h"

    def call(self, inputs: Any, states: Any, training: Any = False) -> tuple[Any, Any]:
        h = states[0] if tree.is_nested(states) else states
        h = self.activation(self.project(inputs, training, self.bias) + self.recur(h, training))
        h = ops.cast(h, self.compute_dtype)  # Keras' tanh makes float32 of float64 on JAX: no state for its loop
        return h, [h] if tree.is_nested(states) else h
