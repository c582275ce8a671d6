"""The simple recurrent network (Elman, Cognitive Science 14:179–211, 1990)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import keras
from keras import ops, tree

from cells.gated import GatedCell


@keras.saving.register_keras_serializable(package="gateproof")
class SimpleRNNCell(GatedCell):
    """One step of the simple recurrent network; drop-in for `keras.layers.SimpleRNNCell`.

    ::

        h = activation(x W + h U + b)

    Arguments, defaults and weights are those of Keras 3.15: `kernel (X, H)`, `recurrent_kernel (H, H)`, `bias (H,)`,
    and one more: `use_recurrent_bias`, a second bias beside h U, as PyTorch and ONNX store it: `bias (2, H)`.

    Call arguments: `inputs (B, X)`, `states` `[h (B, H)]`, `training`. Returns `h, [h]`.
    """

    gates = "h"
    adds = MappingProxyType({"use_recurrent_bias": False})

    def call(self, inputs: Any, states: Any, training: Any = False) -> tuple[Any, Any]:
        h = states[0] if tree.is_nested(states) else states
        h = self.activation(self.affine(inputs, h, training))
        h = ops.cast(h, self.compute_dtype)  # Keras' tanh makes float32 of float64 on JAX: no state for its loop
        return h, [h] if tree.is_nested(states) else h
